"""A company whose customers and staff have keys of their own, which are the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights.desks import ADA, MAP, SHOP, Office, approve_map, found_office
from troth.foundation import people
from troth.foundation.people import Identifier
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, register
from troth.rights.requests import Request
from troth.rights.words import Channel, Proof, State

TWO_KINDS = MAP.replace("whose: user_id", "whose: {by: user_id, person: customer}").replace(
    "    tables:\n", "      clerk: {table: staff, key: id, identifiers: {email: email}}\n    tables:\n"
) + (
    "      staff:\n        whose: {person: clerk}\n        columns: {email: contact.email}\n        on_erasure: delete\n"
)
STAFF = """
create table staff (id integer primary key, email text);
create index ix_staff_email on staff (email);
insert into staff values (7, 'flo@shop.example.org'), (9, 'gus@shop.example.org'), (40, 'hal@shop.example.org');
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Ada is customer 7 and Bob customer 8; a clerk 7 is somebody else; a clerk 40 and no customer 40."""
    with found_office(tmp_path, datamap=TWO_KINDS, tables=SHOP + STAFF) as made:
        approve_map(made)
        yield made


def asked(office: Office, known_by: Identifier, right: Right = Right.ACCESS) -> Request:
    request = office.file(right, known_by, channel=Channel.TERMINAL, proof=Proof.OPERATOR)
    fulfilment.go_on(office.desk, request.id)
    return office.load(request)


def person(office: Office, name: str) -> int | None:
    with office.desk.office.store.reading() as tx:
        return people.find(tx, office.desk.office.keyring, people.identifier("id", name))


def words(office: Office, request: Request) -> list[str]:
    with office.desk.office.store.reading() as tx:
        return [step.word for step in register.history(tx, office.desk.office, request)]


@pytest.mark.parametrize("known_by", [ADA, people.identifier("id", "7"), people.identifier("id", "shop.customer:7")])
def test_who_is_known_by_their_own_key_is_the_person_of_the_row_with_their_address(
    office: Office, known_by: Identifier
) -> None:
    done = asked(office, known_by)
    assert (done.state, done.person) == (State.DONE, person(office, "7"))


@pytest.mark.parametrize("name", ["8", "shop.customer:8"])
def test_a_key_that_only_one_kind_has_is_theirs_without_an_address(office: Office, name: str) -> None:
    office.sql("update users set email = null where id = 8")
    done = asked(office, people.identifier("id", name))
    assert (done.state, done.person) == (State.DONE, person(office, "8"))


def test_another_kind_with_the_same_key_is_somebody_else(office: Office) -> None:
    done = asked(office, people.identifier("id", "shop.clerk:7"))
    assert done.state is State.DONE
    assert done.person not in {None, person(office, "7")}


def test_an_erased_customer_is_not_left_behind_under_their_own_key(office: Office) -> None:
    office.company.troth.give_consent("id=7", "marketing")
    done = asked(office, people.identifier("id", "shop.customer:7"), Right.ERASURE)
    assert done.state is State.DONE
    assert not office.company.troth.may("id=7", "marketing", "contact.email")
    assert person(office, "7") is None
    assert office.sql("select id from staff where id = 7") == [(7,)]


def test_where_nothing_tells_which_of_two_is_known_somebody_has_to_say(office: Office) -> None:
    office.company.troth.register(id="9")
    stopped = asked(office, people.identifier("id", "shop.customer:9"))
    assert stopped.state is State.IDENTITY
    assert words(office, stopped)[-1] == "ambiguous"


def test_whom_troth_does_not_know_is_made_known_under_their_kind(office: Office) -> None:
    done = asked(office, people.identifier("id", "40"))
    assert (done.state, done.person) == (State.DONE, person(office, "shop.clerk:40"))
