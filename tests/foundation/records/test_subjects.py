"""Who is meant, in every store and of every kind; an ambiguity stops and asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.awkward.fixtures import Awkward, awkward_on
from troth.errors import PersonAmbiguous, PersonError
from troth.foundation.people import Identifier, identifier
from troth.foundation.records.keys import Subject
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_each, find_subjects
from troth.policy import mapreading


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Awkward]:
    made = awkward_on(request, tmp_path, "sqlite")
    yield made
    made.engine.dispose()


def found(shop: Awkward, *known_by: Identifier) -> list[tuple[str, tuple[object, ...]]]:
    return [(each.kind.id, each.key) for each in subjects(shop, *known_by)]


def subjects(shop: Awkward, *known_by: Identifier) -> tuple[Subject, ...]:
    with shop.records() as records:
        return find_subjects(records, shop.datamap, known_by)


def ran(shop: Awkward, *statements: str) -> None:
    with shop.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def mail_of(shop: Awkward, person: str) -> str:
    return shop.needles_of(person)["user", "E-Mail Adresse"][0]


@pytest.mark.parametrize(
    ("given", "kind", "key"),
    [
        ("1", "awkward.customer", (1,)),
        ("awkward.customer:11", "awkward.customer", (11,)),
        ("S-11", "awkward.staff", ("S-11",)),
        ("awkward.member:1,11", "awkward.member", (1, 11)),
    ],
)
def test_a_key_finds_the_one_person_who_has_it(
    awkward_read: Awkward, given: str, kind: str, key: tuple[object, ...]
) -> None:
    assert found(awkward_read, identifier("id", given)) == [(kind, key)]


@pytest.mark.parametrize("given", ["4711", "no such", "awkward.customer:apple", "awkward.member:1,2", "1 or 1=1"])
def test_a_key_that_nobody_has_finds_nobody(awkward_read: Awkward, given: str) -> None:
    assert found(awkward_read, identifier("id", given)) == []


def test_a_key_of_two_kinds_stops_until_the_kind_is_named(shop: Awkward) -> None:
    ran(shop, "insert into staff (code, mail) values ('1', 'one@shop.example.org')")

    with pytest.raises(PersonAmbiguous) as stopped:
        found(shop, identifier("id", "1"))
    assert "awkward.customer, awkward.staff" in str(stopped.value)
    assert found(shop, identifier("id", "awkward.staff:1")) == [("awkward.staff", ("1",))]


def test_a_key_with_too_few_columns_is_refused_without_repeating_it(shop: Awkward) -> None:
    with pytest.raises(PersonError) as refused:
        found(shop, identifier("id", "awkward.member:4711"))
    assert "4711" not in refused.value.diagnostics()


def test_a_verified_address_finds_whoever_has_it_however_it_is_written(awkward_read: Awkward) -> None:
    mail = mail_of(awkward_read, "customer:2")

    assert found(awkward_read, identifier("email", mail.upper(), verified=True)) == [("awkward.customer", (2,))]


def test_an_address_in_a_table_of_its_own_finds_its_person(awkward_read: Awkward) -> None:
    second = awkward_read.needles_of("member:1,11")["member_mails", "address"][1]

    (subject,) = subjects(awkward_read, identifier("email", second, verified=True))

    assert subject.key == (1, 11)
    assert set(subject.identifiers["email"]) == set(awkward_read.needles_of("member:1,11")["member_mails", "address"])


def test_somebody_without_an_account_is_known_by_their_rows(awkward_read: Awkward) -> None:
    (subject,) = subjects(awkward_read, *awkward_read.known_by("guest:90"))

    assert (subject.kind.id, subject.key) == ("awkward.customer", ())


def test_nobody_is_found_by_an_address_that_stands_nowhere(awkward_read: Awkward) -> None:
    assert found(awkward_read, identifier("email", "nobody@example.org", verified=True)) == []


def test_an_address_of_two_accounts_stops(shop: Awkward) -> None:
    mail = mail_of(shop, "customer:1")
    ran(shop, f'update "user" set "E-Mail Adresse" = \'{mail.upper()}\' where id = 2')

    with pytest.raises(PersonAmbiguous):
        found(shop, identifier("email", mail, verified=True))


def test_an_address_that_another_account_holds_too_leads_to_no_further_rows(shop: Awkward) -> None:
    mail = mail_of(shop, "customer:1")
    ran(shop, f'update "user" set "E-Mail Adresse" = \'{mail.upper()}\' where id = 2')

    (subject,) = subjects(shop, identifier("id", "awkward.customer:1"))

    assert subject.key == (1,)
    assert subject.identifiers["email"] == ()


def test_a_proven_address_that_is_not_on_file_counts_beside_the_one_on_file(shop: Awkward) -> None:
    (subject,) = subjects(
        shop, identifier("id", "awkward.customer:1"), identifier("email", "new@example.org", verified=True)
    )

    assert subject.identifiers["email"] == (mail_of(shop, "customer:1"), "new@example.org")


def test_an_id_and_an_address_of_two_people_stop(shop: Awkward) -> None:
    with pytest.raises(PersonAmbiguous):
        found(
            shop,
            identifier("id", "awkward.customer:1"),
            identifier("email", mail_of(shop, "customer:2"), verified=True),
        )


def test_a_phone_finds_when_one_has_it_and_stops_when_two_do(shop: Awkward) -> None:
    ran(shop, "update \"user\" set phone = '+49 30 1234567' where id in (1)")
    assert found(shop, identifier("phone", "+49301234567")) == [("awkward.customer", (1,))]

    ran(shop, "update \"user\" set phone = '+49 30 123 4567' where id = 2")
    with pytest.raises(PersonAmbiguous):
        found(shop, identifier("phone", "+49301234567"))


def test_beside_something_strong_a_phone_is_not_asked(shop: Awkward) -> None:
    ran(shop, "update \"user\" set phone = '+49 30 1234567' where id in (1, 2)")

    given = (identifier("id", "awkward.customer:1"), identifier("phone", "+49301234567"))
    assert found(shop, *given) == [("awkward.customer", (1,))]


TWO_STORES = b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id, identifiers: {email: mail, phone: phone}}}
    tables: {users: {whose: {person: customer}}, notes: {whose: {match: mail, identifier: email, person: customer}}}
  crm:
    connect: ${CRM}
    person: {contact: {table: contacts, key: code, identifiers: {email: address, phone: phone}}}
    tables: {contacts: {whose: {person: contact}}, calls: {whose: {by: customer, person: shop.customer}}}
"""


@pytest.fixture
def two(tmp_path: Path) -> Callable[..., list[tuple[str, tuple[object, ...]]]]:
    def ask(users: list[str], contacts: list[str], *known_by: Identifier) -> list[tuple[str, tuple[object, ...]]]:
        environ = {"SHOP": f"sqlite:///{tmp_path / 'shop.db'}", "CRM": f"sqlite:///{tmp_path / 'crm.db'}"}
        made = {
            "SHOP": [
                "create table users (id integer primary key, mail text, phone text)",
                "create table notes (mail text)",
            ],
            "CRM": [
                "create table contacts (code text primary key, address text, phone text)",
                "create table calls (customer int)",
            ],
        }
        for name, rows in (("SHOP", users), ("CRM", contacts)):
            engine = sqlalchemy.create_engine(environ[name])
            with engine.begin() as connection:
                for statement in made[name] + rows:
                    connection.exec_driver_sql(statement)
            engine.dispose()
        datamap = mapreading.parse(TWO_STORES)
        with Records.open(datamap, environ) as records:
            return [(each.kind.id, each.key) for each in find_subjects(records, datamap, known_by)]

    return ask


ADA = "insert into users values (7, 'ada@example.org', '+491')"


def test_a_strong_identifier_leads_from_store_to_store(two: Callable[..., object]) -> None:
    contact = "insert into contacts values ('C-9', 'Ada@Example.org', '+492')"

    assert two([ADA], [contact], identifier("id", "shop.customer:7")) == [
        ("shop.customer", (7,)),
        ("crm.contact", ("C-9",)),
    ]


def test_a_weak_identifier_leads_nowhere(two: Callable[..., object]) -> None:
    contact = "insert into contacts values ('C-9', 'bob@example.org', '+491')"

    assert two([ADA], [contact], identifier("id", "shop.customer:7")) == [("shop.customer", (7,))]


def test_two_rows_in_another_store_stop(two: Callable[..., object]) -> None:
    contacts = [f"insert into contacts values ('C-{at}', 'ada@example.org', null)" for at in (1, 2)]

    with pytest.raises(PersonAmbiguous) as stopped:
        two([ADA], contacts, identifier("id", "shop.customer:7"))
    assert "ada" not in stopped.value.diagnostics()
    assert "crm.contact" in str(stopped.value)


def test_who_is_looked_for_together_is_found_as_alone_and_nothing_is_asked_twice(shop: Awkward) -> None:
    texts = ["awkward.customer:1", "awkward.customer:11", "awkward.member:1,11", "awkward.customer:1"]
    named = [[identifier("id", text)] for text in texts]
    alone = [subjects(shop, *known_by) for known_by in named]
    asked: list[str] = []

    with shop.records() as records:
        list(find_each(records, shop.datamap, named))  # the catalogue is read
        read = records.read

        def noted(store: str, statement: Any, bound: Any = None) -> Any:
            asked.append(f"{statement} {bound}")
            return read(store, statement, bound)

        records.read = noted  # type: ignore[method-assign]
        together = list(find_each(records, shop.datamap, named))

    assert together == alone
    assert len(asked) == len(set(asked)) > 0
