"""Somebody asks to be erased, and a hold keeps what is theirs: it waits, whole, and goes on when the hold is lifted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights.desks import ADA, BOB, Office, approve_map, found_office
from troth.errors import HeldBack
from troth.foundation import people, staff
from troth.foundation.people import Identifier
from troth.foundation.roles import Role
from troth.policy.vocabulary import Right
from troth.protection import holds
from troth.protection.holds import Order
from troth.protection.words import HoldScope
from troth.rights import erasure, fulfilment, register, requests
from troth.rights.requests import Request
from troth.rights.words import Channel, Proof, State
from troth.use import restrictions

REVIEW = dt.date(2027, 6, 1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, more='[requests]\ncooling_off = "0 days"\n') as made:
        approve_map(made)
        staff.add(made.desk.office.store, "holder", Role.DPO, now=made.now)
        yield made


def hold(office: Office, scope: HoldScope, place: str | None = None, *known_by: Identifier) -> int:
    return holds.place(office.desk, Order(scope, "holder", "claim", REVIEW, place=place, known_by=known_by)).id


def asked(office: Office, who: Identifier = ADA) -> int:
    return office.file(Right.ERASURE, who, channel=Channel.TERMINAL, proof=Proof.OPERATOR).id


def request_of(office: Office, number: int) -> Request:
    with office.desk.office.store.reading() as tx:
        return requests.load(tx, number)


@pytest.mark.parametrize(
    ("scope", "place"),
    [
        (HoldScope.PERSON, None),
        (HoldScope.TABLE, "shop.orders"),
        (HoldScope.CATEGORY, "transaction.purchase"),
        (HoldScope.RECORD, "shop.orders=2"),
    ],
)
def test_an_erasure_waits_for_the_hold_and_goes_on_when_it_is_lifted(
    office: Office, scope: HoldScope, place: str | None
) -> None:
    number = hold(office, scope, place, *((ADA,) if scope is HoldScope.PERSON else ()))
    before = office.sql("select * from users order by id"), office.sql("select * from orders order by id")
    request = asked(office)

    with pytest.raises(HeldBack):
        fulfilment.go_on(office.desk, request)

    assert (office.sql("select * from users order by id"), office.sql("select * from orders order by id")) == before
    with office.desk.office.store.reading() as tx:
        found = erasure.find(tx, request)
        assert found is None
        steps = register.history(tx, office.desk.office, request_of(office, request))
        assert steps[-1].word == "blocked"
        assert "hold" in steps[-1].note
    assert restrictions.show(office.desk.office, "email=ada@customer.example.org").restricted

    holds.lift(office.desk, number, "holder")

    assert fulfilment.go_on(office.desk, request) is State.DONE
    assert office.sql("select id from users order by id") == [(8,), (9,)]
    assert office.sql("select id from orders") == [(3,)]


def test_a_hold_on_somebody_else_stops_nobody(office: Office) -> None:
    hold(office, HoldScope.PERSON, None, BOB)
    hold(office, HoldScope.RECORD, "shop.orders=3")

    assert fulfilment.go_on(office.desk, asked(office)) is State.DONE

    with pytest.raises(HeldBack):
        fulfilment.go_on(office.desk, asked(office, people.identifier("email", BOB.value)))


def test_a_hold_that_is_placed_while_rows_go_undoes_the_transaction(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from troth.foundation.records import carrying

    placed: list[int] = []
    begun = carrying.carry_out

    def guarded_late(*given: object, **more: object) -> object:
        guard = more.pop("guard")

        def asked_after_the_hold() -> None:
            if not placed:
                placed.append(hold(office, HoldScope.TABLE, "shop.users"))
                return
            guard()  # type: ignore[operator]

        return begun(*given, guard=asked_after_the_hold, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(carrying, "carry_out", guarded_late)

    with pytest.raises(HeldBack, match="meanwhile"):
        fulfilment.go_on(office.desk, asked(office))

    assert office.sql("select id from users order by id") == [(7,), (8,), (9,)]
    assert len(office.sql("select id from orders")) == 3
