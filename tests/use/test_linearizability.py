"""Many at once: every answer is the last word acknowledged before it, on either store, in any number of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from contextlib import nullcontext
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.servers import postgresql_server
from tests.use import histories
from tests.use.company import Company, found_company
from tests.use.histories import MAIL, PERSON, Operation, is_linearizable
from troth.foundation.store import readers

SOAK = os.environ.get("SOAK") == "true"
CLIENTS = 64
HISTORIES = 200 if SOAK else 2
DECISIONS = 25_000 if SOAK else 1_250
PROCESSES = 4


def test_the_checker_knows_a_history_that_no_order_explains() -> None:
    give = Operation(0.0, 1.0, True, True)
    late = Operation(2.0, 3.0, False, False)
    assert is_linearizable([give, Operation(2.0, 3.0, False, True)], False)
    assert not is_linearizable([give, late], False)
    assert is_linearizable([give, Operation(0.5, 3.0, False, False)], False), "asked before the word was acknowledged"
    assert not is_linearizable([give, Operation(2.0, 3.0, False, True), Operation(4.0, 5.0, False, False)], False)
    assert not is_linearizable([Operation(0.0, 1.0, False, True)], False)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_sixty_four_clients_change_one_mind_at_once_and_one_order_explains_it(engine: str, tmp_path: Path) -> None:
    # Sixty-four threads of each of two instances may hold a connection each, more than the tests' own server has.
    server = postgresql_server("-c", "max_connections=200") if engine == "postgresql" else nullcontext()
    with (
        server as running,
        found_company(tmp_path, url=running.url if running else None) as company,
        company.open_again() as other,
    ):
        company.troth.register_many({"id": str(seed)} for seed in range(HISTORIES))
        troths = [company.troth, other]
        for seed in range(HISTORIES):
            person = f"id={seed}"
            company.troth.withdraw_consent(person, "marketing")
            for troth in troths:
                for _ in range(4):
                    troth.may(person, *MAIL)
            history = histories.make_history(troths, CLIENTS, seed, person)
            assert len(history) == 2 * CLIENTS
            assert any(one.writes for one in history)
            assert is_linearizable(history, False), (seed, history)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_after_an_acknowledged_withdrawal_no_decision_of_four_processes_permits(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_database") if engine == "postgresql" else None
    with found_company(tmp_path, url=url) as company:
        many = multiprocessing.get_context("spawn")
        company.troth.register(id="17")
        company.troth.give_consent(PERSON, "marketing")
        ready, go, answers = many.Semaphore(0), many.Event(), many.Queue()
        arguments = (str(company.folder), company.environ, DECISIONS, None, ready, go, answers)
        processes = [many.Process(target=histories.decide_many_times, args=arguments) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        for _ in processes:
            assert ready.acquire(timeout=60)

        company.troth.withdraw_consent(PERSON, "marketing")
        go.set()

        seen = [answers.get(timeout=120) for _ in processes]
        for process in processes:
            process.join(timeout=60)
            assert process.exitcode == 0
    assert [(decisions, permits) for decisions, permits, _ in seen] == [(DECISIONS, 0)] * PROCESSES


def _hold_a_lease(folder: str, environ: dict[str, str], ready: Any) -> None:
    from troth import application

    with application.open(Path(folder), environ) as troth:
        while not troth.lease.held:
            troth.may(PERSON, *MAIL)
        ready.release()
        sleep(60)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_reader_that_is_killed_or_stopped_delays_a_word_by_a_lease_at_most(
    end: signal.Signals, company_on_postgresql: Company
) -> None:
    company, many = company_on_postgresql, multiprocessing.get_context("spawn")
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    ready = many.Semaphore(0)
    reader = many.Process(target=_hold_a_lease, args=(str(company.folder), company.environ, ready))
    reader.start()
    assert ready.acquire(timeout=60)

    assert reader.pid is not None
    os.kill(reader.pid, end)
    begun = monotonic()
    company.troth.withdraw_consent(PERSON, "marketing")
    first = monotonic() - begun
    begun = monotonic()
    company.troth.give_consent(PERSON, "marketing")
    second = monotonic() - begun
    os.kill(reader.pid, signal.SIGKILL)
    reader.join(timeout=60)

    longest = readers.LEASE_S + readers.MARGIN_S
    if end is signal.SIGSTOP:  # a killed one's connection may be seen to end, and its row still be there
        assert first >= longest
    assert first < longest + 3, "a lease and the margin, and what a busy machine adds"
    assert second < longest, "nobody waits twice for a reader that has gone"


def held(troth: Any) -> Any:
    """Ask until answers come from memory."""
    ends = monotonic() + 30
    while not troth.lease.held and monotonic() < ends:
        troth.may(PERSON, *MAIL)
    assert troth.lease.held
    return troth


def test_a_reader_whose_connection_is_cut_reads_the_store_until_it_has_a_lease_again(
    company_on_postgresql: Company,
) -> None:
    company = company_on_postgresql
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    with company.open_again() as other:
        assert held(other).may(PERSON, *MAIL)
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE position('store_readers' in query) > 0 AND pid <> pg_backend_pid()"
        )
        with company.office.store.statements() as tx:
            tx.exec_driver_sql(cut)
        company.troth.withdraw_consent(PERSON, "marketing")
        assert not other.may(PERSON, *MAIL)
        assert not held(other).may(PERSON, *MAIL)
        company.troth.give_consent(PERSON, "marketing")
        assert other.may(PERSON, *MAIL)


def test_a_reader_whose_row_was_taken_enters_itself_anew_with_an_empty_memory(company_on_postgresql: Company) -> None:
    company = company_on_postgresql
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    with company.open_again() as other:
        assert held(other).may(PERSON, *MAIL)
        with company.office.store.statements() as tx:
            tx.exec_driver_sql("DELETE FROM store_readers")
        sleep(readers.LEASE_S)  # longer than it takes to renew
        company.troth.withdraw_consent(PERSON, "marketing")
        assert not other.may(PERSON, *MAIL)
        assert not held(other).may(PERSON, *MAIL)


def test_where_the_readers_cannot_be_asked_the_lease_is_waited_out(
    company_on_postgresql: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = company_on_postgresql
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    monkeypatch.setattr(type(company.office.store), "statements", _no_connection)
    begun = monotonic()
    company.troth.withdraw_consent(PERSON, "marketing")
    assert monotonic() - begun >= readers.LEASE_S + readers.MARGIN_S


def _no_connection(_: object) -> Any:
    from troth.errors import StoreError

    raise StoreError("all connections to the store are in use")


def test_a_child_process_does_not_decide_from_its_parent_s_memory(company_on_each: Company) -> None:
    company = company_on_each
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    assert held(company.troth).may(PERSON, *MAIL)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            remembers = company.troth.lease.held
            answers = [bool(company.troth.may(PERSON, *MAIL)) for _ in range(6)]
            os.write(write, repr((remembers, answers)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 200) == repr((False, [True] * 6)).encode()
    os.close(read)
    os.close(write)
    company.troth.withdraw_consent(PERSON, "marketing")
    assert not company.troth.may(PERSON, *MAIL)


def test_what_ends_by_itself_ends_in_memory_too(company_on_each: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace
    from datetime import timedelta

    from troth.use import standing

    company = company_on_each
    company.troth.register(id="17")
    company.troth.give_consent(PERSON, "marketing")
    until = company.clock.now() + timedelta(seconds=0.5)
    look_up = standing.look_up

    def lasting(*asked: Any) -> Any:
        number, said = look_up(*asked) or (0, standing.Standing())
        consents = {about: replace(word, until=until) for about, word in said.consents.items()}
        return number, replace(said, consents=consents)

    monkeypatch.setattr(standing, "look_up", lasting)
    while not company.troth.lease.held:
        company.troth.may(PERSON, *MAIL)
    assert company.troth.may(PERSON, *MAIL)
    company.clock.advance(timedelta(seconds=0.6))
    sleep(0.6)
    assert not company.troth.may(PERSON, *MAIL)


def test_more_writers_than_connections_wait_and_none_is_lost(company_on_postgresql: Company) -> None:
    company = company_on_postgresql
    company.troth.register_many({"id": str(n)} for n in range(40))
    failed: list[BaseException] = []

    def say(n: int) -> None:
        try:
            company.troth.give_consent(f"id={n}", "marketing")
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    with company.open_again() as other:
        other.register(id="17")
        held(other)
        threads = [threading.Thread(target=say, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert failed == []
        assert all(other.may(f"id={n}", *MAIL) for n in range(40))
