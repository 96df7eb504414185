"""An erasure through three stores at once, from the intent to the proof: what goes, what stays, what stops it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from tests.foundation.jobs.working import everything, until
from tests.rights.sampleshop import (
    STORES,
    World,
    differences,
    email,
    expected_without,
    found_world,
    rows,
    run,
    sqlite_urls,
    stand_in_of,
)
from tests.servers import fresh_database
from troth.errors import GuardClosed, LimitPassed, MapUnapproved, PersonUnknown, PlanChanged, WritingPaused
from troth.foundation import jobs, mail, people
from troth.foundation.guards import pausing
from troth.foundation.jobs import Worker, registry
from troth.foundation.ledger import leaves, personkeys, verification
from troth.foundation.ledger.sequencer import sequence_once
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.ledger.words import KeyUse
from troth.foundation.mail import Letter
from troth.foundation.tables import identifiers, outbox
from troth.policy.vocabulary import Right
from troth.rights import erasure, erasure_receipts, farewell
from troth.rights import requests as deeds
from troth.rights.requests import Intake, Request
from troth.rights.tables import erasures, requests, tombstones
from troth.rights.words import Channel, ErasureState, State
from troth.use import entrance, standing
from troth.use.tables import centre_sessions

NOTHING = {store: {} for store in STORES}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with found_world(tmp_path, sqlite_urls(tmp_path)) as world:
        yield world


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def each_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The three stores on one kind of engine, each kind in turn."""
    with ExitStack() as stack:
        urls = sqlite_urls(tmp_path)
        if request.param != "sqlite":
            server = request.getfixturevalue(f"{request.param}_url")
            urls = {store: stack.enter_context(fresh_database(server)) for store in STORES}
        yield stack.enter_context(found_world(tmp_path, urls))


def state_of(world: World, request: Request) -> ErasureState | None:
    with world.store.reading() as tx:
        found = erasure.find(tx, request.id)
    return None if found is None else found.state


def done(world: World, request: Request) -> erasure.Erasure:
    erasure.execute(world.desk, request.id)
    return erasure.prove(world.desk, request.id)


# --- what goes and what stays ---------------------------------------------------------------------------------------


def test_one_person_goes_from_every_store_and_everybody_else_stays_as_they_were(each_world: World) -> None:
    before = each_world.snapshot()

    proven = done(each_world, each_world.request(2))

    after = each_world.snapshot()
    assert (proven.state, proven.residue) == (ErasureState.PROVEN, [])
    assert differences(expected_without(before, [2], stand_in_of(after)), after) == NOTHING
    texts = json.dumps([[sorted(map(str, found)) for found in tables_.values()] for tables_ in after.values()])
    assert email(2) not in texts
    assert str(rows(2)["shop"]["payment_card"][0]["ccn"]) not in texts, "the number of the card is gone"
    assert rows(2)["shop"]["payment_card"][0]["code"] not in [row[3] for row in after["shop"]["payment_card"]]


def test_a_home_to_which_a_neighbour_ships_stays_until_the_neighbour_goes_too(world: World) -> None:
    done(world, world.request(2))
    assert any(row[0] == 2 for row in world.snapshot()["shop"]["address"]), "customer 1 ships an order there"

    done(world, world.request(1))
    assert not any(row[0] in {1, 2} for row in world.snapshot()["shop"]["address"])


def test_somebody_who_works_there_goes_too_and_the_requests_they_served_stay(world: World) -> None:
    staff_member = people.identifier("email", "staff@shop.example.com", verified=True)
    with world.store.writing() as tx:
        filed = deeds.file_in(tx, world.desk, Intake(Right.ERASURE, Channel.CONSOLE, (staff_member,))).request
        request = deeds.move(tx, world.desk.office, filed, State.WORKING)

    assert done(world, request).state is ErasureState.PROVEN
    after = world.snapshot()["shop"]
    assert not after["employee"]
    assert {row[4] for row in after["service_request"]} == {None}
    assert {row[1] for row in after["report"]} == {None}


def test_counts_and_exceptions_are_shown_before_anything_happens(world: World) -> None:
    before = world.snapshot()

    plan = erasure.plan_for(world.desk, erasure.subjects_of(world.desk, world.request(2).id))

    assert world.snapshot() == before
    shown = erasure_receipts.planned_as_json(plan)
    assert {(each["store"], each["table"], each["do"]): each["n"] for each in shown["plan"]}[
        "shop", "orders", "delete"
    ] == 2
    assert shown["kept"] == [{"where": "ticket in help", "n": 1, "ground": "tax-law", "until": "2035-03-01"}]


def test_a_receipt_says_what_went_what_stays_until_when_and_where_it_is_written(world: World) -> None:
    request = world.request(2)
    proven = done(world, request)
    sequence_once(world.store, world.desk.office.keyring, world.company.clock)

    with world.store.reading() as tx:
        receipt = erasure_receipts.as_json(tx, proven)

    assert receipt["state"] == "proven"
    assert receipt["request"] == request.number
    assert receipt["erased"]["shop"] == {
        "address": 1,
        "customer": 1,
        "login": 3,
        "order_item": 2,
        "orders": 2,
        "payment_card": 1,
        "service_request": 2,
        "visit": 1,
    }
    assert receipt["changed"] == {"help": {"message": 2, "ticket": 1}}
    assert receipt["kept"] == [{"where": "ticket in help", "n": 1, "ground": "tax-law", "until": "2035-03-01"}]
    assert receipt["residue"] == []
    assert receipt["proof"]["entry"] == proven.proof
    assert len(bytes.fromhex(receipt["proof"]["root"])) == 32
    assert "example.org" not in json.dumps(receipt)


# --- what is left is found ------------------------------------------------------------------------------------------


def test_what_points_at_a_row_that_is_gone_is_residue_and_the_erasure_is_not_done_until_it_is_mended(
    world: World,
) -> None:
    off = "pragma foreign_keys = off"
    run(world.urls["shop"], off, "insert into order_item values (9990, 9, 1, 2)")  # of long ago, and nobody's now
    request = world.request(2)
    erasure.execute(world.desk, request.id)
    run(world.urls["shop"], off, "insert into order_item values (20, 9, 1, 2)")

    left = erasure.prove(world.desk, request.id)

    assert left.state is ErasureState.ERASED
    assert left.residue == [{"where": "order_item.order_id in shop", "n": 1, "why": "points at nothing"}]
    run(world.urls["shop"], "delete from order_item where order_id = 20")
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN


def test_a_copy_that_no_map_names_is_residue_and_the_erasure_is_not_done_until_it_is_gone(world: World) -> None:
    run(
        world.urls["news"],
        "create table cache (k text, v text)",
        f"insert into cache values ('u2', '{{\"mail\": \"{email(2)}\"}}')",
    )
    request = world.request(2)

    left = done(world, request)
    assert (left.state, left.residue) == (ErasureState.ERASED, [{"where": "cache.v in news", "n": 1}])
    assert erasure.prove(world.desk, request.id).state is ErasureState.ERASED, "to ask again does not make it true"

    run(world.urls["news"], "delete from cache")
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN


def test_a_row_that_names_them_in_another_spelling_is_not_taken_for_somebody_elses(world: World) -> None:
    run(world.urls["shop"], f"insert into visit values ('{email(2).upper()}', '2026-01-01 00:00:00')")
    run(world.urls["news"], f'insert into mail_log values (900, \'{{"to": "{email(2).title()}"}}\')')
    request = world.request(2)

    left = done(world, request)

    now = world.snapshot()
    there = {
        "visit.email in shop": email(2).upper() in {row[0] for row in now["shop"]["visit"]},
        "mail_log.payload in news": 900 in {row[0] for row in now["news"]["mail_log"]},
    }
    assert {each["where"] for each in left.residue} == {place for place, still in there.items() if still}
    assert (left.state is ErasureState.PROVEN) is not any(there.values())


def test_what_they_named_themselves_by_is_looked_for_where_no_row_is_theirs(world: World) -> None:
    run(world.urls["news"], "create table cache (v text)", "insert into cache values ('gone@person.example.org')")
    named = people.identifier("email", "gone@person.example.org", verified=True)
    with world.store.writing() as tx:
        filed = deeds.file_in(tx, world.desk, Intake(Right.ERASURE, Channel.CONSOLE, (named,))).request
        request = deeds.move(tx, world.desk.office, filed, State.WORKING)

    assert done(world, request).residue == [{"where": "cache.v in news", "n": 1}]


def test_rows_that_are_written_meanwhile_go_too(world: World) -> None:
    request = world.request(2)
    erasure.execute(world.desk, request.id)
    run(world.urls["shop"], f"insert into visit values ('{email(2)}', '2026-11-22 07:00:00')")

    proven = erasure.prove(world.desk, request.id)

    assert (proven.state, proven.rounds) == (ErasureState.PROVEN, 1)
    assert proven.counts["shop"]["erased"]["visit"] == 2
    assert email(2) not in {row[0] for row in world.snapshot()["shop"]["visit"]}


def test_above_its_size_the_sweep_is_one_pass_for_all_who_wait(tmp_path: Path) -> None:
    with found_world(tmp_path, sqlite_urls(tmp_path), toml="[erasure]\nsweep_inline = 3\n") as world:
        asked = [world.request(n) for n in (2, 4)]
        assert [done(world, each).state for each in asked] == [ErasureState.ERASED] * 2
        run(world.urls["news"], "create table cache (v text)", f"insert into cache values ('{email(4)}')")
        told: list[tuple[int, int]] = []

        swept = erasure.prove_waiting(world.desk, lambda done, of: told.append((done, of)))

        assert {each.name: each.state for each in swept} == {
            asked[0].number: ErasureState.PROVEN,
            asked[1].number: ErasureState.ERASED,
        }
        assert told[-1][0] == told[-1][1] > 10


# --- what is done twice, and what stops it --------------------------------------------------------------------------


def test_to_do_it_again_is_to_do_nothing(world: World) -> None:
    request = world.request(2)
    first = done(world, request)
    leaves = world.company.count(ledger_leaves)

    assert done(world, request) == first
    assert world.company.count(ledger_leaves) == leaves
    assert world.company.count(erasures) == 1


def test_nothing_is_erased_by_a_map_that_nobody_answers_for(tmp_path: Path) -> None:
    with found_world(tmp_path, sqlite_urls(tmp_path), approved=False) as world:
        before, request = world.snapshot(), world.request(2)

        with pytest.raises(MapUnapproved):
            erasure.execute(world.desk, request.id)
        assert (world.snapshot(), state_of(world, request)) == (before, None)

        world.approve()
        assert done(world, request).state is ErasureState.PROVEN


def test_a_pause_stops_it_between_two_stores_and_it_goes_on_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, office = world.request(2), world.desk.office
    asked = 0
    require = pausing.require_running

    def paused_in_the_second_store(store: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:  # twice for the first store, then the second; at the beginning with the approval, in one look
            with office.store.writing() as tx:
                pausing.pause(tx, office.keyring, office.clock.now())
        require(office.store)

    monkeypatch.setattr(pausing, "require_running", paused_in_the_second_store)
    with pytest.raises(WritingPaused):
        erasure.execute(world.desk, request.id)
    monkeypatch.undo()
    with pytest.raises(WritingPaused):
        erasure.execute(world.desk, request.id)
    half = world.snapshot()
    assert not any(row[0] == 2 for row in half["shop"]["customer"])
    assert any(row[0] == 2 for row in half["help"]["member"])
    assert state_of(world, request) is ErasureState.PENDING

    with office.store.writing() as tx:
        pausing.resume(tx, office.keyring, office.clock.now())
    assert done(world, request).state is ErasureState.PROVEN


def test_a_plan_that_passes_the_limit_of_rows_changes_nothing(tmp_path: Path) -> None:
    with found_world(tmp_path, sqlite_urls(tmp_path), toml="[erasure]\nrow_limit = 5\n") as world:
        before, request = world.snapshot(), world.request(2)

        with pytest.raises(LimitPassed, match="row_limit"):
            erasure.execute(world.desk, request.id)

        assert (world.snapshot(), state_of(world, request)) == (before, None)


def test_another_plan_than_the_one_that_was_approved_is_not_carried_out(world: World) -> None:
    request, before = world.request(2), world.snapshot()
    plan = erasure.plan_for(world.desk, erasure.subjects_of(world.desk, request.id))
    with world.store.writing() as tx:
        tx.execute(requests.update().where(requests.c.id == request.id).values(plan_sha256="0" * 64))

    with pytest.raises(PlanChanged):
        erasure.execute(world.desk, request.id)
    assert world.snapshot() == before

    with world.store.writing() as tx:
        tx.execute(requests.update().where(requests.c.id == request.id).values(plan_sha256=plan.hash))
    assert done(world, request).state is ErasureState.PROVEN


def test_every_refusal_of_a_guard_is_one_family() -> None:
    assert issubclass(MapUnapproved, GuardClosed)
    assert issubclass(WritingPaused, GuardClosed)
    assert issubclass(PlanChanged, GuardClosed)


# --- the person in troth's own store --------------------------------------------------------------------------------


def test_from_the_beginning_until_the_proof_their_data_are_restricted_and_their_sessions_are_over(world: World) -> None:
    office, request = world.desk.office, world.request(2)
    person = world.numbers[2]
    token = entrance.hand_over(office, f"id={2}", office.clock.now())
    session = entrance.enter(office, token, office.clock.now())
    assert world.company.count(centre_sessions) == 1

    erasure.execute(world.desk, request.id)

    with world.store.reading() as tx:
        assert standing.load(tx, person).restricted
    assert entrance.visitor_of(office, session, office.clock.now()) is None
    assert not world.company.troth.may("id=2", "service.provide", "contact.email")
    erasure.prove(world.desk, request.id)
    with world.store.reading() as tx:
        assert not standing.load(tx, person).restricted, "there is nobody left to protect"
        with pytest.raises(PersonUnknown):
            standing.load_person(tx, office.keyring, "id=2")


def test_troths_own_store_forgets_who_they_were_and_keeps_the_proof(world: World) -> None:
    office, person = world.desk.office, world.numbers[2]
    with world.store.reading() as tx:
        key = people.key_of(tx, person)
    with world.store.writing() as tx:
        mail.queue(tx, office.keyring, Letter(email(2), "News", "Hello", "news-1", person=person), office.clock.now())
        mail.queue(
            tx, office.keyring, Letter(email(3), "News", "Hello", "news-2", person=world.numbers[3]), office.clock.now()
        )
    request = world.request(2)

    done(world, request)

    with world.store.reading() as tx:
        assert people.find(tx, office.keyring, people.identifier("key", key.text)) is None
        assert tx.execute(select(identifiers).where(identifiers.c.person == person)).all() == []
        assert [row.reference for row in tx.execute(select(outbox))] == ["news-2"]
        assert tx.execute(select(erasures.c.work)).scalar_one() is None
    with world.store.writing() as tx:
        newcomer = people.register(
            tx, office.keyring, [people.identifier("email", email(2), verified=True)], office.clock.now()
        )
    assert newcomer not in world.numbers.values()


def test_no_needle_of_theirs_stands_in_the_bytes_of_troths_own_store(world: World) -> None:
    request = world.request(2)
    files = [path for path in world.company.folder.iterdir() if path.name.startswith("troth.sqlite3")]
    wanted = [email(2), "Given2 Family2", "nick-of-2-person", str(rows(2)["shop"]["payment_card"][0]["ccn"])]
    erasure.execute(world.desk, request.id)
    for path in files:
        assert not [each for each in wanted if each.encode() in path.read_bytes()], "not even while it is under way"

    erasure.prove(world.desk, request.id)

    for path in files:
        assert not [each for each in wanted if each.encode() in path.read_bytes()], path.name


def test_no_needle_of_theirs_stands_in_a_store_on_postgresql_nor_among_its_jobs(
    tmp_path: Path, postgresql_database: str
) -> None:
    with found_world(tmp_path, sqlite_urls(tmp_path), url=postgresql_database) as world:
        request = world.request(2)
        wanted = [email(2), "Given2 Family2", "nick-of-2-person", str(rows(2)["shop"]["payment_card"][0]["ccn"])]
        jobs.register("erase", lambda _: int(done(world, request).state is ErasureState.PROVEN))
        with Worker(world.store, round_s=0.1):
            jobs.start(world.store, "erase", request.number)
            until(lambda: state_of(world, request) is ErasureState.PROVEN, within_s=120)
        registry._jobs.clear()

        text = everything(postgresql_database) + everything(postgresql_database, "troth_jobs")
        assert request.number in text, "it is what it was searched for"
        forms = [each for needle in wanted for each in (needle, needle.encode().hex())]
        assert not [each for each in forms if each in text]


def test_what_proves_the_companys_duty_is_closed_for_good_when_its_period_is_over(world: World) -> None:
    office = world.desk.office
    request = world.request(2)
    assert request.person is not None
    with world.store.writing() as tx:
        leaves.append(
            tx, office.keyring, "demo.proof", request.person, {}, office.clock.now(),
            sealed={"digest": "00"}, under=KeyUse.ACCOUNTABILITY,
        )  # fmt: skip
    done(world, request)
    called = leaves.pseudonym(office.keyring, request.person)

    def alive() -> bool:
        with world.store.reading() as tx:
            return personkeys.find_key(tx, office.keyring, called, KeyUse.ACCOUNTABILITY) is not None

    world.company.clock.advance(dt.timedelta(days=3 * 365 - 1))
    assert farewell.end_accountability(world.desk) == 0
    assert alive()
    world.company.clock.advance(dt.timedelta(days=3))
    assert farewell.end_accountability(world.desk) == 1
    assert not alive()
    assert farewell.end_accountability(world.desk) == 0
    said = [json.loads(leaf.content)["body"] for leaf in world.company.leaves() if leaf.kind == "key.destroyed"]
    assert said[-1]["use"] == "accountability"
    sequence_once(world.store, office.keyring, world.company.clock)
    assert verification.verify(world.store, keyring=office.keyring).holds


def test_after_an_erasure_the_ledger_verifies_and_no_needle_is_in_it(world: World) -> None:
    office = world.desk.office
    done(world, world.request(2))
    done(world, world.request(3))
    sequence_once(world.store, office.keyring, world.company.clock)

    outcome = verification.verify(world.store, keyring=office.keyring)

    assert outcome.holds, outcome
    contents = b"".join(leaf.content for leaf in world.company.leaves())
    assert email(2).encode() not in contents
    assert b"Family2" not in contents


def test_each_stage_is_said_in_the_ledger_with_hashes_and_counts_only(world: World) -> None:
    request = world.request(2)
    done(world, request)

    said = [json.loads(leaf.content) for leaf in world.company.leaves() if leaf.kind.startswith("erasure.")]
    assert [each["kind"] for each in said] == ["erasure.intent", "erasure.erased", "erasure.proven"]
    assert said[0]["body"]["map"] == world.desk.datamap.sha256
    assert said[1]["body"]["counts"]["shop"]["erased"]["orders"] == 2
    assert said[2]["body"]["residue"] == []
    assert world.company.count(tombstones) == said[2]["body"]["tombstones"] > 5


def test_a_person_whom_only_the_stores_know_is_erased_just_so(world: World) -> None:
    with world.store.writing() as tx:
        tx.execute(delete(identifiers).where(identifiers.c.person == world.numbers[2]))
    request = world.request(2)
    assert request.person is None

    assert done(world, request).state is ErasureState.PROVEN
