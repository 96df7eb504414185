"""Runs of programs under their purposes: what is refused, what is on record, and what a check makes of it."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3

import pytest
from sqlalchemy import update

from tests.shopworld import NOW, World, before, founded, world
from tests.use.company import Company
from troth.errors import PersonError, Refused, TrothError, UnknownName
from troth.foundation.ledger.tables import ledger_leaves
from troth.use.checks import grounds, runs
from troth.use.tables import use_runs
from troth.use.words import RunState

__all__ = ["before", "founded", "world"]

SERVICE = ("communication.message", "profile.name")
IMPROVE = ("device.type",)


def kinds(company: Company) -> list[str]:
    return [leaf.kind for leaf in company.rows(ledger_leaves) if leaf.kind.startswith("use.")]


def test_a_run_is_on_record_with_purpose_ground_data_and_counts_and_names_nobody(company: Company) -> None:
    company.troth.register_many([{"id": "17"}, {"id": "18"}])
    company.troth.object_to("id=18", "fraud")
    with company.troth.run("fraud-watch", "fraud", "device.ip") as run:
        assert run.permitted(["id=17", "id=18", "id=99"]) == ["id=17"]
        run.used(3)

    row = company.rows(use_runs)[0]
    assert (row.program, row.purpose, row.state, row.rows, row.people) == ("fraud-watch", "fraud", RunState.DONE, 3, 1)
    assert json.loads(row.grounds) == ["legitimate-interests"]
    assert json.loads(row.categories) == ["device.ip"]
    assert kinds(company) == ["use.begun", "use.done"]
    assert all(leaf.person is None for leaf in company.rows(ledger_leaves) if leaf.kind.startswith("use."))


def test_an_undeclared_purpose_is_refused_with_the_nearest_name_and_the_refusal_is_on_record(company: Company) -> None:
    with pytest.raises(UnknownName) as told, company.troth.run("ratings", "frauds", "device.ip"):
        raise AssertionError("it ran")
    assert "fraud" in told.value.diagnostics()
    row = company.rows(use_runs)[0]
    assert (row.purpose, row.state, json.loads(row.grounds)) == ("frauds", RunState.REFUSED, [])
    assert kinds(company) == ["use.refused"]


def test_a_purpose_or_kind_of_data_that_may_be_a_person_s_name_is_not_kept(company: Company) -> None:
    for purpose, data in (("somebody@example.org", "device.ip"), ("fraud", "somebody@example.org")):
        with pytest.raises(TrothError) as told, company.troth.run("ratings", purpose, data):
            raise AssertionError("it ran")
        assert "@" not in str(told.value)
    kept = [(row.purpose, row.categories) for row in company.rows(use_runs)]
    assert kept == [("unnamable", '["device.ip"]'), ("fraud", '["unnamable"]')]
    assert all(b"@" not in bytes(leaf.content) for leaf in company.rows(ledger_leaves))


@pytest.mark.parametrize("data", ["contact.email", ("device.ip", "contact.email"), ()])
def test_more_data_than_the_purpose_declares_is_refused_as_a_whole(company: Company, data: str) -> None:
    with pytest.raises(Refused) as told, company.troth.run("fraud-watch", "fraud", data):
        raise AssertionError("it ran")
    assert "device.ip" in told.value.diagnostics()
    assert [row.state for row in company.rows(use_runs)] == [RunState.REFUSED]


def test_a_use_without_a_ground_is_no_ground_for_a_run(company: Company) -> None:
    with pytest.raises(Refused, match="basis missing"), company.troth.run("things", "things", "contact.email"):
        raise AssertionError("it ran")


def test_a_run_that_breaks_off_is_on_record_as_failed(company: Company) -> None:
    with pytest.raises(ZeroDivisionError), company.troth.run("fraud-watch", "fraud", "device.ip"):
        raise ZeroDivisionError
    assert [row.state for row in company.rows(use_runs)] == [RunState.FAILED]
    assert kinds(company) == ["use.begun", "use.failed"]


@pytest.mark.parametrize("name", ["", "Fraud Watch", "somebody@example.org", "x" * 81])
def test_a_program_has_a_name_of_one_word(company: Company, name: str) -> None:
    with pytest.raises(TrothError) as told, company.troth.run(name, "fraud", "device.ip"):
        raise AssertionError("it ran")
    assert "@" not in str(told.value)
    assert company.rows(use_runs) == []


def test_who_is_named_wrongly_is_an_error_in_a_run_too(company: Company) -> None:
    with pytest.raises(PersonError), company.troth.run("fraud-watch", "fraud", "device.ip") as run:
        run.permitted(["nobody"])


# --- what checks make of it ---------------------------------------------------------------------------------------------


def did(world: World, program: str, purpose: str, data: tuple[str, ...]) -> None:
    with world.troth() as troth, troth.run(program, purpose, data):
        pass


def tried(world: World, program: str, purpose: str, data: tuple[str, ...]) -> None:
    with world.troth() as troth, pytest.raises((UnknownName, Refused)), troth.run(program, purpose, data):
        raise AssertionError("it ran")


def serve(world: World) -> None:
    did(world, "answers", "service.provide", SERVICE)
    did(world, "devices", "service.improve", IMPROVE)


def test_without_runs_nothing_is_proven_about_purposes(world: World) -> None:
    for number, check in (("2", runs.undeclared_purpose), ("2.1a", runs.outside_purpose)):
        verdict, told = world.own(number, check)
        assert verdict == "unproven"
        assert "troth.run" in told


def test_a_refusal_that_was_struck_from_the_record_is_found_in_the_ledger(world: World) -> None:
    serve(world)
    tried(world, "ratings", "profiling", ("contact.email",))
    with sqlite3.connect(world.folder / "troth.sqlite3") as store:
        store.execute("delete from use_runs where state = 'refused'")
    store.close()

    verdict, told = world.own("2", runs.undeclared_purpose)

    assert verdict == "broken"
    assert "1 run in the ledger that the record lacks" in told


def test_runs_within_their_purposes_are_kept_and_each_purpose_needs_one(world: World) -> None:
    did(world, "answers", "service.provide", SERVICE)
    verdict, told = world.own("2.1a", runs.outside_purpose)
    assert verdict == "unproven"
    assert "no program has run for service.improve" in told

    did(world, "devices", "service.improve", IMPROVE)
    assert world.own("2.1a", runs.outside_purpose)[0] == "kept"
    assert world.own("2", runs.undeclared_purpose)[0] == "kept"
    assert world.own("2.1e", runs.outside_purpose)[0] == "unproven"

    world.now = NOW + dt.timedelta(days=32)
    assert world.own("2.1a", runs.outside_purpose)[0] == "unproven"


def test_a_run_that_failed_or_never_ended_proves_nothing(world: World) -> None:
    serve(world)
    with pytest.raises(ZeroDivisionError), world.troth() as troth, troth.run("answers", "service.provide", SERVICE):
        raise ZeroDivisionError
    assert world.own("2.1a", runs.outside_purpose)[0] == "kept", "the one before was whole"
    with world.troth() as troth, troth.office.store.writing() as tx:
        tx.execute(update(use_runs).values(state=RunState.BEGUN))
    assert world.own("2.1a", runs.outside_purpose)[0] == "kept", "they may be running"
    world.now = NOW + dt.timedelta(days=2)
    assert world.own("2.1a", runs.outside_purpose)[0] == "unproven"


def test_a_refused_program_is_broken_at_its_own_sentence_until_it_runs_as_declared(world: World) -> None:
    serve(world)
    tried(world, "ratings", "profiling", IMPROVE)
    verdict, told = world.own("2", runs.undeclared_purpose)
    assert verdict == "broken"
    assert "program ratings: named the purpose profiling" in told
    assert world.own("2.1a", runs.outside_purpose)[0] == "kept"

    did(world, "ratings", "service.improve", IMPROVE)
    assert world.own("2", runs.undeclared_purpose)[0] == "kept"

    tried(world, "devices", "service.improve", ("contact.email",))
    verdict, told = world.own("2.1a", runs.outside_purpose)
    assert verdict == "broken"
    assert "asked for contact.email for service.improve" in told
    assert world.own("2", runs.undeclared_purpose)[0] == "kept"


def test_what_an_earlier_policy_declared_is_no_fault_of_a_run_under_it(world: World) -> None:
    did(world, "answers", "service.provide", SERVICE)
    did(world, "devices", "service.improve", ("device.type", "device.os"))
    world.rewrite("policy.yaml", "data: [device.type, device.os,", "data: [device.type,")
    verdict, told = world.own("2.1a", runs.outside_purpose)
    assert verdict == "unproven"
    assert "no program has run for service.improve" in told

    did(world, "devices", "service.improve", IMPROVE)
    assert world.own("2.1a", runs.outside_purpose)[0] == "kept"


def test_a_run_on_a_ground_that_is_not_listed_is_told_at_the_list_of_grounds(world: World) -> None:
    serve(world)
    assert world.own("2.2", grounds.ground_unsettled)[0] == "kept"
    with world.troth() as troth, troth.office.store.writing() as tx:
        tx.execute(update(use_runs).where(use_runs.c.program == "devices").values(grounds='["public-task"]'))
    verdict, told = world.own("2.2", grounds.ground_unsettled)
    assert verdict == "broken"
    assert "program devices: ran for service.improve on the ground public-task" in told
