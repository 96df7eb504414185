"""Sentence 5.3 on a real company: kept, broken in each way it can be, and unproven where nothing shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, policy_of, said
from tests.rights.sampleshop import DATAMAP, World, email, found_world, run, sqlite_urls
from troth.foundation import staff
from troth.foundation.observation import Observation
from troth.foundation.proof import SentenceReport
from troth.foundation.roles import Role
from troth.protection import holds
from troth.protection.holds import Order
from troth.protection.words import HoldScope
from troth.rights import erasure, erasure_receipts
from troth.rights.checks.erasures import CHECKS, FRESH
from troth.rights.tables import erasures, requests
from troth.rights.words import ErasureState, State

POLICY = policy_of(
    """
    rights:
      number: "5"
      title: User Rights
      text: "You have the following rights:"
      erasure: {number: "5.3", title: Deletion, text: You may have your data deleted., right: erasure}
    """
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with found_world(tmp_path, sqlite_urls(tmp_path)) as world:
        yield world


def judged(world: World, *, now: datetime | None = None, without_stores: bool = False) -> SentenceReport:
    seen = Observation(
        POLICY,
        now or world.company.clock.now(),
        world.company.folder,
        datamap=None if without_stores else world.desk.datamap,
        records=None if without_stores else world.desk.records,
        store=world.store,
        keyring=world.desk.office.keyring,
    )
    return judge(CHECKS, seen).of("5.3")


def erase(world: World, n: int = 2) -> None:
    request = world.request(n)
    erasure.execute(world.desk, request.id)
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN


def test_somebody_was_erased_and_is_gone(world: World) -> None:
    erase(world)

    sentence = judged(world)

    assert sentence.verdict is KEPT, said(sentence)
    assert "1 erasure proven within 90 days" in said(sentence)
    assert "nobody who was erased stands in a store again" in said(sentence)


def test_nobody_was_ever_erased(world: World) -> None:
    assert judged(world).verdict is UNPROVEN


def test_an_old_proof_says_nothing_about_today(world: World) -> None:
    erase(world)

    assert judged(world, now=world.company.clock.now() + FRESH + timedelta(days=1)).verdict is UNPROVEN


def test_without_the_stores_nothing_can_be_seen(world: World) -> None:
    erase(world)

    assert judged(world, without_stores=True).verdict is UNPROVEN


def test_a_map_that_nobody_answers_for_leaves_it_open(world: World) -> None:
    erase(world)
    object.__setattr__(world.desk.datamap, "sha256", "0" * 64)

    sentence = judged(world)

    assert sentence.verdict is UNPROVEN
    assert "troth map --approve" in said(sentence)


def a_copy_is_left(world: World) -> str:
    run(world.urls["news"], "create table cache (v text)", f"insert into cache values ('{email(4)}')")
    request = world.request(4)
    erasure.execute(world.desk, request.id)
    assert erasure.prove(world.desk, request.id).state is ErasureState.ERASED
    return "cache.v in news: 1 row with a value of an erased person"


def somebody_is_back(world: World) -> str:
    run(world.urls["shop"], f"insert into customer values (2, '{email(2)}', 'Given2 Family2', '2025-03-01', null)")
    return "customer in shop: 1 person who was erased is back [run `troth restore-guard`]"


def a_row_of_theirs_is_back(world: World) -> str:
    run(world.urls["shop"], "insert into login values (999, 2, '2026-01-01 00:00:00')")
    return "login in shop: 1 person who was erased is back"


def a_request_is_done_without_proof(world: World) -> str:
    request = world.request(4)
    with world.store.writing() as tx:
        tx.execute(requests.update().where(requests.c.id == request.id).values(state=State.DONE))
    return "1 request for erasure said to be done without proof"


def an_erasure_stopped_half_way(world: World) -> str:
    request = world.request(4)
    erasure.execute(world.desk, request.id)
    with world.store.writing() as tx:
        tx.execute(requests.update().where(requests.c.id == request.id).values(state=State.CANCELLED))
    return "the request is cancelled, and the erasure is erased"


def an_erasure_takes_days(world: World) -> str:
    request = world.request(4)
    erasure.execute(world.desk, request.id)
    with world.store.writing() as tx:
        ago = world.company.clock.now() - timedelta(days=3)
        tx.execute(erasures.update().where(erasures.c.request == request.id).values(begun_at=ago))
    return "begun 3 days ago and still erased"


def troths_own_store_is_an_old_copy(world: World) -> str:
    run(world.urls["help"], "insert into troth_step values ('2026-000999', 'erase', '{}', '2026-11-22T06:00:00Z')")
    return "help: 1 erasure carried out there of which troth's own store knows nothing"


def the_map_does_not_fit_the_table(world: World) -> str:
    run(
        world.urls["help"],
        "alter table ticket rename to ticket_old",
        "create table ticket (id integer primary key, member_id integer not null, subject text, opened_at text, invoice_name text)",
    )
    world.desk.records.refresh("help")
    return "help: erasing cannot be carried out"


def one_is_said_to_be_proven(world: World) -> str:
    request = world.request(4)
    erasure.execute(world.desk, request.id)
    with world.store.writing() as tx:
        mine = erasures.update().where(erasures.c.request == request.id)
        tx.execute(mine.values(state=ErasureState.PROVEN, proven_at=world.company.clock.now(), proof=1))
    return f"erasure {request.number}: is not on record as the ledger says"


def one_is_struck(world: World) -> str:
    request = world.request(4)
    erasure.execute(world.desk, request.id)
    assert world.store.path is not None
    run(f"sqlite:///{world.store.path}", f"delete from erasures where request = {request.id}")
    return f"erasure {request.number}: is not on record as the ledger says"


def a_column_of_the_map_is_gone(world: World) -> str:
    run(world.urls["help"], "alter table ticket rename column member_id to who")
    world.desk.records.refresh("help")
    return 'the table ticket has no column "member_id"'


BREAKS: list[Callable[[World], str]] = [
    a_copy_is_left,
    somebody_is_back,
    a_row_of_theirs_is_back,
    a_request_is_done_without_proof,
    an_erasure_stopped_half_way,
    an_erasure_takes_days,
    troths_own_store_is_an_old_copy,
    the_map_does_not_fit_the_table,
    one_is_said_to_be_proven,
    one_is_struck,
    a_column_of_the_map_is_gone,
]


@pytest.mark.parametrize("break_", BREAKS, ids=lambda each: each.__name__)
def test_each_way_to_break_it_turns_the_sentence(world: World, break_: Callable[[World], str]) -> None:
    erase(world)
    expected = break_(world)

    sentence = judged(world)

    assert sentence.verdict is BROKEN, said(sentence)
    assert expected in said(sentence)
    assert "example.org" not in said(sentence), "no value is told"


def test_a_store_that_nobody_searches_leaves_it_open(tmp_path: Path) -> None:
    datamap = DATAMAP + "  desk:\n    opendsr: https://dsr.example.net/v2\n    tables: {}\n"
    with found_world(tmp_path, sqlite_urls(tmp_path), datamap=datamap) as world:
        erase(world)

        sentence = judged(world)

        assert sentence.verdict is UNPROVEN
        assert "desk: nobody searches this store" in said(sentence)
        with world.store.reading() as tx:
            [proven] = erasure.waiting(tx, ErasureState.PROVEN)
            assert erasure_receipts.as_json(tx, proven)["elsewhere"] == ["desk"]


def test_a_key_that_came_back_alone_leaves_it_open(world: World) -> None:
    erase(world)
    run(world.urls["shop"], "insert into customer values (2, 'new@person.example.org', 'Who Knows', null, null)")

    assert judged(world).verdict is UNPROVEN


def test_a_key_that_came_back_with_its_address_is_told_though_nobody_knows_since_when(world: World) -> None:
    erase(world)
    run(world.urls["shop"], f"insert into customer values (2, '{email(2)}', 'Given2 Family2', null, null)")

    sentence = judged(world)

    assert sentence.verdict is BROKEN
    assert "1 person who was erased is back" in said(sentence)


def test_an_erasure_that_is_under_way_breaks_nothing(world: World) -> None:
    erase(world)
    erasure.execute(world.desk, world.request(4).id)

    assert judged(world).verdict is KEPT


def held_in_part(world: World, n: int = 4) -> int:
    """Customer `n` is erased but for one order, which a hold keeps; gives the number of the hold."""
    with sqlite3.connect(world.urls["shop"].removeprefix("sqlite:///")) as shop:
        [number] = shop.execute("select min(id) from orders where customer_id = ?", (n,)).fetchone()
    staff.add(world.store, "olga", Role.DPO, now=world.company.clock.now())
    review = world.company.clock.now().date() + timedelta(days=200)
    order = Order(HoldScope.RECORD, "olga", "a claim", review, place=f"shop.orders={number}")
    hold = holds.place(world.desk, order).id
    assert erasure.execute(world.desk, world.request(n).id).held
    return hold


def test_what_a_hold_keeps_of_an_erasure_breaks_nothing(world: World) -> None:
    erase(world)
    held_in_part(world)

    sentence = judged(world, now=world.company.clock.now() + timedelta(days=30))

    assert sentence.verdict is KEPT, said(sentence)
    assert "1 but for what a legal hold keeps" in said(sentence)


def test_a_hold_that_nobody_looked_at_again_explains_nothing(world: World) -> None:
    erase(world)
    hold = held_in_part(world)
    later = world.company.clock.now() + timedelta(days=201)
    with world.store.writing() as tx:
        tx.execute(erasures.update().where(erasures.c.held.is_(None)).values(proven_at=later))  # proven of late

    sentence = judged(world, now=later)

    assert sentence.verdict is BROKEN
    assert f"kept by hold {hold}, which was to be looked at again by" in said(sentence)


def test_rows_that_still_stand_a_day_after_the_hold_was_lifted_are_told(world: World) -> None:
    erase(world)
    hold = held_in_part(world)
    holds.lift(world.desk, hold, "olga")
    now = world.company.clock.now()

    assert judged(world, now=now + timedelta(hours=23)).verdict is KEPT
    late = judged(world, now=now + timedelta(hours=25))
    assert late.verdict is BROKEN
    assert f"still there, and hold {hold} was lifted on" in said(late)
