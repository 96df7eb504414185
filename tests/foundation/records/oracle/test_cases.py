"""What worlds that nobody thought of have shown, each in the smallest world in which it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, Company, Make, new_url

PERSON = "    person: {customer: {table: users, key: id, identifiers: {email: email}}}\n    tables:\n"
USERS = "create table users (id int primary key, email varchar(80));\n"
PEOPLE = "insert into users (id, email) values (1, 'ann@example.org'), (2, 'bob@example.org');\n"
OWN = "      users: {whose: {person: customer}, columns: {email: contact.email}}\n"


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    maker = Make(request.param, new_url(request, tmp_path, request.param))
    yield maker
    maker.close()


def _erased(company: Company, who: str = "1") -> None:
    """They are erased: nothing of theirs left, nothing dangling."""
    people = company.find(who)
    company.erase(people)
    assert company.recount(people) == {}
    assert company.dangling() == {}


def test_rows_are_changed_before_the_store_takes_the_pointer_away_that_leads_to_them(make: Make) -> None:
    company = make(
        USERS
        + "create table visits (id int primary key, user_id int, body varchar(80) not null, foreign key (user_id) "
        "references users (id) on delete set null);\n"
        "create table words (id int primary key, visit_id int, body varchar(80));\n"
        + PEOPLE
        + "insert into visits values (1, 1, 'of ann'), (2, 2, 'of bob');\n"
        "insert into words values (1, 1, 'to ann'), (2, 2, 'to bob');\n",
        PERSON
        + OWN
        + "      visits: {whose: user_id, on_erasure: {change: {body: redact}}}\n"
        + "      words: {whose: visit_id > visits, on_erasure: {change: {body: redact}}}\n",
    )

    _erased(company)

    assert company.rows("visits") == [(1, None, "[redacted]"), (2, 2, "of bob")]
    assert company.rows("words") == [(1, 1, "[redacted]"), (2, 2, "to bob")]
