"""Rows of two people: the map's rule is changed for each, and the outcome follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, Company, Make, new_url
from troth.errors import ErasureRefused

SCRIPT = """create table users (id int primary key, email varchar(80) not null unique, name varchar(40) not null, city varchar(20));
create table messages (id int primary key, sender_id int, recipient_id int, body varchar(40));
insert into users values (1, 'ann@example.org', 'Ann', 'x'), (2, 'bob@example.org', 'Bob', 'y');
insert into messages values (1, 1, 2, 'ann to bob'), (2, 2, 1, 'bob to ann'), (3, 1, 1, 'ann to ann'), (4, 2, 2, 'bob to bob'),
  (5, 1, null, 'ann to nobody');
"""
HEAD = """    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email, name: profile.name}}
"""
CHANGES = {
    "null": ("null", None),
    "stand-in": ("stand-in", 3),
}
BODIES = {"redact": "[redacted]", "keep": "{}", "constant": "gone"}


def _map(to: str, body: str, delete: str) -> str:
    text = {"redact": ", body: redact", "keep": "", "constant": ", body: {text: gone}"}[body]
    return (
        HEAD
        + f"""      messages:
        whose:
          sender: {{by: sender_id, on_erasure: {{change: {{sender_id: {to}{text}}}}}}}
          recipient: {{by: recipient_id, on_erasure: {{change: {{recipient_id: {to}}}}}}}
        delete: {delete}
"""
    )


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    maker = Make(request.param, new_url(request, tmp_path, request.param))
    yield maker
    maker.close()


@pytest.mark.parametrize("delete", ["with-last", "with-any", "never"])
@pytest.mark.parametrize("body", list(BODIES))
@pytest.mark.parametrize("to", list(CHANGES))
def test_a_shared_row_ends_as_its_rule_says(
    request: pytest.FixtureRequest, tmp_path: Path, to: str, body: str, delete: str
) -> None:
    maker = Make("sqlite", new_url(request, tmp_path, "sqlite"))
    _check(maker(SCRIPT, _map(to, body, delete)), to, body, delete)
    maker.close()


@pytest.mark.parametrize(("to", "body", "delete"), [("stand-in", "redact", "with-last"), ("null", "constant", "never")])
def test_it_does_on_every_store(make: Make, to: str, body: str, delete: str) -> None:
    _check(make(SCRIPT, _map(to, body, delete)), to, body, delete)


def _check(company: Company, to: str, body: str, delete: str) -> None:
    left = CHANGES[to][1]
    said = BODIES[body]
    ann = company.find("1")

    company.erase(ann)

    expected = {
        1: (1, left, 2, said.format("ann to bob")),
        2: (2, 2, left, "bob to ann"),
        3: (3, left, left, said.format("ann to ann")),
        4: (4, 2, 2, "bob to bob"),
        5: (5, left, None, said.format("ann to nobody")),
    }
    gone = {"with-last": {3, 5}, "with-any": {1, 2, 3, 5}, "never": set()}[delete]
    assert company.rows("messages") == [row for number, row in expected.items() if number not in gone]
    company.erase(company.find("2"), "r2")

    expected |= {
        1: (1, left, left, said.format("ann to bob")),
        2: (2, left, left, said.format("bob to ann")),
        4: (4, left, left, said.format("bob to bob")),
    }
    gone |= {"with-last": {1, 2, 4}, "with-any": {4}, "never": set()}[delete]
    assert company.rows("messages") == [row for number, row in expected.items() if number not in gone]
    people = company.rows("users")
    assert [row[0] for row in people] == ([3] if to == "stand-in" else [])


def test_there_is_one_stand_in_with_only_what_its_table_demands(make: Make) -> None:
    company = make(SCRIPT, _map("stand-in", "redact", "never"))

    company.erase(company.find("1"))
    company.erase(company.find("2"), "r2")

    assert company.rows("users") == [(3, "stand-in-customer@example.invalid", "stand-in customer", None)]
    assert company.ask("select request, step from troth_step order by request") == [
        ("r1", "erase"), ("r2", "erase"), ("stand-in", "shop.customer"),
    ]  # fmt: skip


def test_a_stand_in_is_made_anew_where_somebody_took_it_away(make: Make) -> None:
    company = make(SCRIPT, _map("stand-in", "redact", "never"))
    company.erase(company.find("1"))
    company.run("update messages set sender_id = null, recipient_id = null", "delete from users where id = 3")

    company.erase(company.find("2"), "r2")

    assert [row[0] for row in company.rows("users")] == [3]


def test_a_stand_in_whose_row_the_store_numbers_gets_the_next_number(make: Make) -> None:
    numbered = {
        "sqlite": "integer primary key autoincrement", "postgresql": "serial primary key",
        "mariadb": "int auto_increment primary key",
    }[make.engine]  # fmt: skip
    script = SCRIPT.replace("users (id int primary key", f"users (id {numbered}").replace(
        "insert into users values (1, 'ann@example.org', 'Ann', 'x'), (2, 'bob@example.org', 'Bob', 'y')",
        "insert into users (email, name) values ('ann@example.org', 'Ann'), ('bob@example.org', 'Bob')",
    )
    company = make(script, _map("stand-in", "redact", "with-last"))

    company.erase(company.find("1"))

    assert company.ask("select id, name from users where id > 2") == [(3, "stand-in customer")]
    assert company.ask("select sender_id from messages where id = 1") == [(3,)]


def test_a_role_that_says_delete_under_never_is_a_contradiction(make: Make) -> None:
    tables = _map("null", "keep", "never").replace("{change: {recipient_id: null}}", "delete")
    company = make(SCRIPT, tables)

    with pytest.raises(ErasureRefused, match="the role recipient says delete, and the table says never"):
        company.plan(company.find("1"))


def test_notes_about_a_person_go_with_them_and_lose_their_author_only(make: Make) -> None:
    company = make(
        SCRIPT,
        HEAD
        + """      messages:
        whose:
          about: {by: recipient_id, on_erasure: delete}
          author: {by: sender_id, on_erasure: {change: {sender_id: null}}}
""",
    )

    company.erase(company.find("1"))

    assert company.rows("messages") == [(1, None, 2, "ann to bob"), (4, 2, 2, "bob to bob")]


def test_rows_of_everybody_stay(make: Make) -> None:
    company = make(SCRIPT, HEAD + "      messages: {whose: sender_id, everyone: 'sender_id is null'}\n")
    company.run("insert into messages values (6, null, null, 'news')")

    company.erase(company.find("1"))

    assert [row[0] for row in company.rows("messages")] == [2, 4, 6]
