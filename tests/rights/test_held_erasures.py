"""Somebody asks to be erased, and a hold keeps what is theirs: the rest goes, and that when the hold is lifted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import ADA, BOB, Office, approve_map, found_office
from troth.errors import HeldBack
from troth.foundation import people, staff
from troth.foundation.guards import approvals
from troth.foundation.people import Identifier
from troth.foundation.records.subjects import find_subjects
from troth.foundation.roles import Role
from troth.policy.vocabulary import Right
from troth.protection import holds
from troth.protection.holds import Order
from troth.protection.words import HoldScope
from troth.rights import erasure, erasure_receipts, fulfilment, register, requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake, Request
from troth.rights.words import Channel, ErasureState, Proof, State
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


def erasure_of(office: Office, request: int) -> tuple[erasure.Erasure, dict[str, Any]]:
    with office.desk.office.store.reading() as tx:
        found = erasure.find(tx, request)
        assert found is not None
        return found, erasure_receipts.as_json(tx, found)


def words(office: Office, request: int) -> list[str]:
    with office.desk.office.store.reading() as tx:
        return [step.word for step in register.history(tx, office.desk.office, requests.load(tx, request))]


@pytest.mark.parametrize(
    ("scope", "place"),
    [
        (HoldScope.PERSON, None),
        (HoldScope.TABLE, "shop.orders"),
        (HoldScope.CATEGORY, "transaction.purchase"),
    ],
)
def test_an_erasure_of_which_all_is_held_waits_for_the_hold_and_goes_on_when_it_is_lifted(
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


def test_what_no_hold_keeps_goes_at_once_and_the_rest_when_the_hold_is_lifted(office: Office) -> None:
    number = hold(office, HoldScope.RECORD, "shop.orders=2")
    plan = erasure.plan_for(office.desk, find_subjects(office.desk.records, office.desk.datamap, [ADA]))
    assert plan.rows == 1
    assert f"Kept for now: 1 row of orders in shop, for legal hold {number}" in plan.words()
    request = asked(office)

    assert fulfilment.go_on(office.desk, request) is State.WORKING
    assert fulfilment.go_on(office.desk, request) is State.WORKING  # told once

    assert office.sql("select id from orders order by id") == [(2,), (3,)]
    assert office.sql("select email from users where id = 7") == [("ada@customer.example.org",)]  # the order is hers
    found, told = erasure_of(office, request)
    assert found.state is ErasureState.PENDING
    assert told["erased"] == {"shop": {"orders": 1}}
    assert told["kept"] == [
        {
            "where": f"{table} in shop",
            "n": 1,
            "ground": f"legal hold {number}",
            "until": "2027-06-01",
            "owner": "holder",
        }
        for table in ("orders", "users")
    ]
    steps = words(office, request)
    assert steps.count("held") == 1
    assert restrictions.show(office.desk.office, "email=ada@customer.example.org").restricted

    holds.lift(office.desk, number, "holder")

    assert fulfilment.go_on(office.desk, request) is State.DONE
    assert office.sql("select id from users order by id") == [(8,), (9,)]
    assert office.sql("select id from orders") == [(3,)]
    found, told = erasure_of(office, request)
    assert found.state is ErasureState.PROVEN
    assert told["erased"] == {"shop": {"orders": 2, "users": 1}}
    assert told["kept"] == []
    kinds = [leaf.kind for leaf in office.company.leaves() if leaf.kind.startswith("erasure.")]
    assert kinds == ["erasure.intent", "erasure.held", "erasure.erased", "erasure.proven"]


def test_the_person_is_told_once_what_is_kept_and_why(office: Office) -> None:
    hold(office, HoldScope.RECORD, "shop.orders=2")
    filed = office.file(Right.ERASURE, ADA, proof=Proof.OPERATOR)

    for _ in range(3):
        fulfilment.go_on(office.desk, filed.id)

    letters = [text for _, subject, text in office.letters() if "most of it is done" in subject]
    assert len(letters) == 1
    assert "Orders in shop: 1, for legal hold 1; we look at it again by June 1, 2027" in letters[0]
    assert "holder" not in letters[0]


def test_a_second_hold_on_what_is_left_is_told_too(office: Office) -> None:
    hold(office, HoldScope.RECORD, "shop.orders=2")
    filed = office.file(Right.ERASURE, ADA, proof=Proof.OPERATOR)
    fulfilment.go_on(office.desk, filed.id)

    hold(office, HoldScope.TABLE, "shop.orders")
    fulfilment.go_on(office.desk, filed.id)

    letters = [text for _, subject, text in office.letters() if "most of it is done" in subject]
    assert ["legal hold 2" in text for text in letters] == [False, True]
    kinds = [leaf.kind for leaf in office.company.leaves() if leaf.kind.startswith("erasure.")]
    assert kinds == ["erasure.intent", "erasure.held", "erasure.held"]


def test_what_a_held_row_points_at_by_a_rule_of_the_store_alone_stays_too(office: Office) -> None:
    """No path of the map leads from the parcel to the address; its rule would cut the pointer, and change the parcel."""
    office.sql("create table addresses (id integer primary key, user_id integer references users(id), street text)")
    office.sql(
        "create table parcels (id integer primary key, user_id integer references users(id),"
        " address_id integer references addresses(id) on delete set null)"
    )
    for table, column in (("addresses", "user_id"), ("parcels", "user_id"), ("parcels", "address_id")):
        office.sql(f"create index {table}_{column} on {table} ({column})")
    office.sql("insert into addresses values (1, 7, 'Quay 1'), (2, 7, 'Quay 2')")
    office.sql("insert into parcels values (1, 7, 1), (2, 7, 2)")
    with (office.shop.parent / "datamap.yaml").open("a") as file:
        file.write(
            "      addresses: {whose: user_id, columns: {street: contact.address}}\n"
            "      parcels: {whose: user_id, columns: {id: transaction.purchase}}\n"
        )
    fresh = Desk.of(office.company.office, office.desk.instance)
    with fresh.office.store.writing() as tx:
        approvals.approve(tx, fresh.office.keyring, fresh.datamap, "map-officer", office.now)
    number = holds.place(fresh, Order(HoldScope.RECORD, "holder", "claim", REVIEW, place="shop.parcels=2")).id
    request = requests.file(fresh, Intake(Right.ERASURE, Channel.TERMINAL, (ADA,), proof=Proof.OPERATOR)).request

    assert fulfilment.go_on(fresh, request.id) is State.WORKING

    assert office.sql("select * from parcels") == [(2, 7, 2)]
    assert office.sql("select id from addresses") == [(2,)]
    assert office.sql("select id from orders") == [(3,)]

    holds.lift(fresh, number, "holder")

    assert fulfilment.go_on(fresh, request.id) is State.DONE
    assert office.sql("select count(*) from parcels, addresses") == [(0,)]
    fresh.close()


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
