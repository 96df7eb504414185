"""What the small worlds of the cases share: people, their own rows, and that somebody is erased."""

from __future__ import annotations

from tests.foundation.records.erasing.company import Company

PERSON = "    person: {customer: {table: users, key: id, identifiers: {email: email}}}\n    tables:\n"
USERS = "create table users (id int primary key, email varchar(80));\n"
PEOPLE = "insert into users (id, email) values (1, 'ann@example.org'), (2, 'bob@example.org');\n"
OWN = "      users: {whose: {person: customer}, columns: {email: contact.email}}\n"


def erased(company: Company, who: str = "1") -> None:
    """They are erased: nothing of theirs left, nothing dangling."""
    people = company.find(who)
    company.erase(people)
    assert company.recount(people) == {}
    assert company.dangling() == {}
