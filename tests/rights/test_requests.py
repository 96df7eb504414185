from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rights.desks import ADA, BOB, Office, found_office
from troth.errors import KeyReused, MoveRefused, RequestError, RequestUnknown, UnknownName
from troth.foundation.canonical import canonical_json
from troth.policy.vocabulary import Right
from troth.rights import register, requests
from troth.rights.requests import ERASING, MOVES, Intake, Request
from troth.rights.tables import request_moves
from troth.rights.tables import requests as table
from troth.rights.words import Channel, State


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    url = request.getfixturevalue("postgresql_database") if request.param == "postgresql" else None
    with found_office(tmp_path, url=url) as made:
        yield made


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


def test_a_request_has_its_number_its_day_and_its_leaf_at_once(office: Office) -> None:
    request = office.file(Right.ACCESS)

    assert request.number == "2026-000001"
    assert request.due == date(2026, 12, 22)  # received on Sunday, 22 November: one month, a Tuesday
    assert request.article == "GDPR Art. 12(3)"
    assert office.load(request) == request
    assert office.kinds() == ["request.received"]


def test_a_filing_that_fails_leaves_no_row_no_number_and_no_leaf(office: Office) -> None:
    def half() -> None:
        with office.desk.office.store.writing() as tx:
            requests.file_in(tx, office.desk, Intake(Right.ACCESS, Channel.CENTRE, (ADA,)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()

    assert office.company.rows(table) == []
    assert office.kinds() == []
    assert office.file().number == "2026-000001"


def test_the_same_key_is_one_request_however_often_and_at_once(office: Office) -> None:
    intake = Intake(Right.ERASURE, Channel.CENTRE, (ADA,), key="a-key-from-a-page", wish="all of it")
    ready = threading.Barrier(8)

    def submit(_: int) -> requests.Filed:
        ready.wait()
        return requests.file(office.desk, intake)

    with ThreadPoolExecutor(8) as pool:
        filed = list(pool.map(submit, range(8)))

    assert len({each.request.number for each in filed}) == 1
    assert [each.new for each in filed].count(True) == 1
    assert office.kinds() == ["request.received"]


def test_ten_thousand_repeats_have_one_effect_each(small_office: Office) -> None:
    intakes = [Intake(Right.ACCESS, Channel.API, (ADA,), key=f"order-{n}", app="shop") for n in range(100)]
    with small_office.desk.office.store.writing() as tx:
        numbers = [[requests.file_in(tx, small_office.desk, one).request.number for one in intakes] for _ in range(100)]

    assert all(each == numbers[0] for each in numbers)
    assert len(small_office.company.rows(table)) == 100
    assert len(small_office.company.rows(request_moves)) == 100


def test_the_same_key_with_another_body_is_refused(small_office: Office) -> None:
    small_office.file(Right.ACCESS, key="one")
    with pytest.raises(KeyReused):
        small_office.file(Right.ERASURE, key="one")
    with pytest.raises(KeyReused):
        small_office.file(Right.ACCESS, BOB, key="one")
    assert len(small_office.company.rows(table)) == 1


def test_keys_of_two_apps_do_not_meet(small_office: Office) -> None:
    first = small_office.file(Right.ACCESS, key="1", channel=Channel.API, app="shop")
    second = small_office.file(Right.ERASURE, key="1", channel=Channel.API, app="desk")
    assert first.number != second.number


def test_what_a_person_said_of_themselves_is_sealed_and_goes_at_the_end(small_office: Office) -> None:
    request = small_office.file(Right.RECTIFICATION, wish="My name is written with two a, not one.")
    store, office = small_office.desk.office.store, small_office.desk.office
    row = small_office.company.rows(table)[0]
    assert b"ada@" not in canonical_json([bytes(value).hex() for value in row if isinstance(value, bytes)])
    assert b"two a" not in (row.wish or b"")
    with store.reading() as tx:
        assert requests.known_by_of(tx, office, request) == (ADA,)
        assert requests.wish_of(tx, office, request).startswith("My name")

    with store.writing() as tx:
        requests.move(tx, office, request, State.CANCELLED)

    row = small_office.company.rows(table)[0]
    assert (row.known_by, row.wish, row.addresses) == (None, None, None)
    assert row.closed_at == small_office.now


def test_no_entry_of_the_ledger_says_what_a_person_said(small_office: Office) -> None:
    request = small_office.file(Right.RECTIFICATION, wish="needle-in-the-wish")
    with small_office.desk.office.store.writing() as tx:
        requests.move(tx, small_office.desk.office, request, State.REFUSED, note="needle-in-the-note")
    for leaf in small_office.company.leaves():
        assert b"needle" not in leaf.content
        assert b"ada@" not in leaf.content


def test_every_move_writes_one_leaf_and_one_line_of_history(office: Office) -> None:
    request = office.file()
    with office.desk.office.store.writing() as tx:
        request = requests.move(tx, office.desk.office, request, State.IDENTITY, word="link-sent")
        request = requests.move(tx, office.desk.office, request, State.WORKING, word="confirmed")
        requests.move(tx, office.desk.office, request, State.WORKING)
        requests.move(tx, office.desk.office, request, State.DONE, note="by hand")
    with office.desk.office.store.reading() as tx:
        steps = register.history(tx, office.desk.office, request)

    assert [(step.before, step.state, step.word) for step in steps] == [
        (None, State.RECEIVED, "received"),
        (State.RECEIVED, State.IDENTITY, "link-sent"),
        (State.IDENTITY, State.WORKING, "confirmed"),
        (State.WORKING, State.DONE, "done"),
    ]
    assert steps[-1].note == "by hand"
    assert office.kinds() == ["request.received", "request.link-sent", "request.confirmed", "request.done"]
    assert [step.leaf for step in steps] == sorted({step.leaf for step in steps})


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE])
@pytest.mark.parametrize("before", list(State))
def test_a_request_moves_only_as_the_table_says(right: Right, before: State, small_office: Office) -> None:
    store, office = small_office.desk.office.store, small_office.desk.office
    allowed = MOVES[before] & ERASING if (right, before) == (Right.ERASURE, State.WORKING) else MOVES[before]
    for to in set(State) - {before}:
        request = small_office.file(right)
        with store.writing() as tx:
            tx.execute(table.update().where(table.c.id == request.id).values(state=before))
        if to in allowed:
            with store.writing() as tx:
                assert requests.move(tx, office, request, to).state is to
        else:
            with pytest.raises(MoveRefused, match=request.number), store.writing() as tx:
                requests.move(tx, office, request, to)
            assert small_office.load(request).state is before


def test_an_end_is_an_end() -> None:
    for state in State:
        assert state.open is bool(MOVES[state])


@given(moves=st.lists(st.sampled_from(list(State)), max_size=8))
def test_whatever_is_tried_a_state_is_reached_only_by_allowed_moves(moves: list[State]) -> None:
    at = State.RECEIVED
    request = Request(*([None] * len(Request.__dataclass_fields__)))  # type: ignore[arg-type]
    from dataclasses import replace

    for to in moves:
        standing = replace(request, state=at, right=Right.ERASURE, number="2026-000001")
        try:
            requests.require_move(standing, to)
        except MoveRefused:
            continue
        assert to in MOVES[at]
        assert not (at is State.WORKING and to in {State.CANCELLED, State.REFUSED})
        at = to


def test_two_who_move_at_once_do_it_once(office: Office) -> None:
    request = office.file()
    ready = threading.Barrier(6)

    def go(to: State) -> str:
        ready.wait()
        try:
            with office.desk.office.store.writing() as tx:
                return requests.move(tx, office.desk.office, request, to).state
        except MoveRefused:
            return "too late"

    with ThreadPoolExecutor(6) as pool:
        went = list(pool.map(go, [State.DONE, State.CANCELLED, State.REFUSED] * 2))

    # `done` is not reached from `received`; of the other two, the first to come wins, and its twin finds it done.
    assert went.count("too late") == 4
    assert len(office.kinds()) == 2


def test_the_list_is_in_order_of_what_is_due(small_office: Office) -> None:
    late = small_office.file()
    small_office.company.clock.advance(timedelta(days=3))
    later = small_office.file(Right.ERASURE, BOB)
    with small_office.desk.office.store.reading() as tx:
        assert [each.number for each in register.list_(tx)] == [late.number, later.number]
        assert [each.number for each in register.list_(tx, right=Right.ERASURE)] == [later.number]
        assert register.list_(tx, states=[State.DONE]) == ()


def test_a_number_that_nobody_has_is_said_so(small_office: Office) -> None:
    with small_office.desk.office.store.reading() as tx, pytest.raises(RequestUnknown):
        requests.load(tx, "2026-999999")


def test_too_long_a_letter_is_refused(small_office: Office) -> None:
    with pytest.raises(RequestError, match="4000"):
        small_office.file(Right.RECTIFICATION, wish="a" * 4001)


def test_an_objection_to_what_cannot_be_objected_to_is_not_taken_in(small_office: Office) -> None:
    with pytest.raises(UnknownName, match="fraud"):
        small_office.file(Right.OBJECTION, purpose="service.provide")
    assert small_office.file(Right.OBJECTION, purpose="fraud").purpose == "fraud"


def test_what_waits_for_a_machine_is_found_with_its_turn(small_office: Office) -> None:
    store, office = small_office.desk.office.store, small_office.desk.office
    first = small_office.file()
    by_hand = small_office.file(Right.RECTIFICATION, BOB)
    with store.writing() as tx:
        requests.move(tx, office, by_hand, State.WORKING)
    with store.reading() as tx:
        assert [(each.number, turn) for each, turn in register.waiting(tx, small_office.now)] == [(first.number, 1)]
    with store.writing() as tx:
        requests.move(tx, office, first, State.IDENTITY, lapses_at=small_office.now + timedelta(days=1))
        requests.note(tx, office, first, "link-sent")
    with store.reading() as tx:
        assert register.waiting(tx, small_office.now) == ()
        found = register.waiting(tx, small_office.now + timedelta(days=1))
        assert [(each.number, turn) for each, turn in found] == [(first.number, 2)]
