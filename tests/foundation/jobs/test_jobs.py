"""A job is begun once, recorded step by step, and holds ids and counts only."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.foundation.jobs.conftest import World
from tests.foundation.jobs.working import (
    QUICK,
    STEPS,
    effects,
    engine_at,
    everything,
    is_done,
    register_company,
    runs,
    start_many,
    until,
    waiting_in,
)
from tests.killing import mortal
from troth.errors import StoreError, TrothError, UnknownName
from troth.foundation import jobs
from troth.foundation.jobs import Beside, JobState, Started, Step, Work, Worker, beats
from troth.foundation.jobs.place import JobFault, read, written
from troth.foundation.store import Store

SOAK = os.environ.get("SOAK") == "true"
NEEDLE = "anna.berg@shop.example.com"


def test_the_steps_run_in_order_once_and_progress_can_be_read(world: World) -> None:
    register_company(world.company)
    with Worker(world.store, **QUICK):
        assert jobs.start(world.store, "fulfil", "2026-000001") is Started.STARTED
        until(lambda: is_done(world.store, "2026-000001"))
    with engine_at(world.company).connect() as tx:
        order = list(tx.exec_driver_sql("select step from ran order by n").scalars())
    assert order == list(STEPS)
    found = jobs.progress(world.store, "fulfil", "2026-000001")
    assert found is not None
    assert (found.done, found.of, found.state, found.fault) == (3, 3, JobState.DONE, None)
    assert datetime.now(UTC) - found.since < timedelta(minutes=1)
    assert jobs.progress(world.store, "fulfil", "2026-000002") is None


def test_a_running_job_shows_how_far_it_is(world: World) -> None:
    release = threading.Event()
    jobs.register("fulfil", Step("plan", lambda _: 1), Step("erase", lambda _: int(release.wait(20))))
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "fulfil", "7")
        until(lambda: (p := jobs.progress(world.store, "fulfil", "7")) is not None and p.done == 1)
        found = jobs.progress(world.store, "fulfil", "7")
        release.set()
        assert found is not None
        assert (found.state, found.done, found.of) == (JobState.RUNNING, 1, 2)
        until(lambda: is_done(world.store, "7"))


def test_each_turn_of_one_id_runs_once(world: World) -> None:
    register_company(world.company, steps=("plan",))
    with Worker(world.store, **QUICK):
        for turn in (0, 0, 1, 1, 2):
            jobs.start(world.store, "fulfil", "7", turn)
        until(lambda: all(is_done(world.store, "7", turn=turn) for turn in range(3)))
    assert runs(world.company) == {("7", "plan"): 3}


def test_five_hundred_submissions_of_fifty_requests_have_one_effect_each(world: World) -> None:
    """The long form submits 10,000: double clicks and retries from 100 threads at once, redeliveries by 3 processes."""
    count, threads = (10_000, 100) if SOAK else (500, 50)
    requests = [f"2026-{n:06d}" for n in range(count // 10)]
    register_company(world.company, steps=("fulfil",))

    def waiting(_: Store) -> list[Work]:
        done = {id_ for id_, _ in effects(world.company)}
        return [Work("fulfil", id_) for id_ in requests if id_ not in done]

    with (
        Worker(world.store, waiting=waiting, **QUICK | {"round_s": 2.0}),
        mortal(start_many) as one,
        mortal(start_many) as two,
        mortal(start_many) as three,
        ThreadPoolExecutor(threads + 3) as pool,
    ):
        order = world.arguments(ids=requests * 2, threads=10)
        others = [pool.submit(each.live, order, timeout_s=900) for each in (one, two, three)]
        said = list(pool.map(lambda id_: jobs.start(world.store, "fulfil", id_), requests * 4))
        for other in others:
            life = other.result()
            assert life.error is None, life.error
            said += [Started(word) for word in life.result]
        until(lambda: len(effects(world.company)) == len(requests), within_s=900 if SOAK else 120, every_s=0.5)
        again = {jobs.start(world.store, "fulfil", id_) for id_ in requests[:20]}
    assert len(said) == count
    # the rounds may have been quicker than the last submission, and a busy machine may have put one off
    assert said.count(Started.STARTED) <= len(requests)
    assert said.count(Started.KNOWN) + said.count(Started.STARTED) >= count * 9 // 10
    assert again == {Started.KNOWN}
    assert runs(world.company) == {(id_, "fulfil"): 1 for id_ in requests}


def test_a_name_that_nobody_registered_is_refused_at_once(world: World) -> None:
    jobs.register("fulfil", lambda _: None)
    with pytest.raises(UnknownName, match='Did you mean "fulfil"'):
        jobs.start(world.store, "fulfill", "7")
    with pytest.raises(UnknownName):
        jobs.progress(world.store, "mail", "7")


@pytest.mark.parametrize("id_", [NEEDLE, "Anna Berg", "", "a" * 65, "7.1", "../7", "7\n"])
def test_what_is_no_id_is_refused_and_not_repeated(world: World, id_: str) -> None:
    jobs.register("fulfil", lambda _: None)
    with pytest.raises(TrothError) as refused:
        jobs.start(world.store, "fulfil", id_)
    assert "Anna" not in str(refused.value)
    assert "anna" not in str(refused.value)


def test_a_job_is_not_begun_before_the_commit(world: World) -> None:
    jobs.register("fulfil", lambda _: None)
    with world.store.writing(), pytest.raises(StoreError, match="a job was begun inside a write transaction"):
        jobs.start(world.store, "fulfil", "7")


def test_two_steps_of_one_name_and_what_is_no_name_are_refused() -> None:
    with pytest.raises(TrothError, match="two steps"):
        jobs.register("fulfil", Step("plan", lambda _: None), Step("plan", lambda _: None))
    for name in ("", "Fulfil", "a.b", "x" * 41):
        with pytest.raises(TrothError, match="not a job"):
            jobs.register(name, lambda _: None)


def test_only_ids_and_counts_in_json_stand_in_the_jobs_database(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def slip(_: str) -> int:
        return {"to": NEEDLE}  # type: ignore[return-value]

    def fail(_: str) -> int:
        raise ValueError(NEEDLE)

    jobs.register("good", lambda _: 3)
    jobs.register("slip", slip)
    jobs.register("fail", fail)
    with caplog.at_level(logging.DEBUG), Worker(world.store, **QUICK):
        for name in ("good", "slip", "fail"):
            jobs.start(world.store, name, "7")
        until(lambda: is_done(world.store, "7", "good"))
        for name in ("slip", "fail"):
            until(lambda: (p := jobs.progress(world.store, name, "7")) and p.state is JobState.FAILED)  # noqa: B023
        faults = {p.name: p.fault for p in jobs.listed(world.store, states=[JobState.FAILED])}
    text = everything(world.jobs, world.schema)
    assert faults == {"slip": "TrothError", "fail": "ValueError"}
    assert "anna.berg" not in text + caplog.text
    schema = f'"{world.schema}".' if world.schema else ""
    with engine_at(world.jobs).connect() as tx:
        rows = tx.exec_driver_sql(f"select inputs, output, error, serialization from {schema}workflow_status").all()
    assert len(rows) == 3
    for row in rows:
        assert row.serialization == "troth_json"
        for value in (row.inputs, row.output, row.error):
            assert value is None or json.loads(value) is not NotImplemented
    for word in text.replace("'", " ").split():
        assert not word.startswith(base64.b64encode(b"\x80\x04").decode()[:3] + "V"), "pickled"


@pytest.mark.parametrize("value", [1.5, b"7", NEEDLE, "two words", {"a": NEEDLE}, [object()], {"who": ("ä",)}])
def test_the_writer_refuses_what_is_neither_id_nor_count(value: object) -> None:
    with pytest.raises(TrothError, match="neither id nor count"):
        written(value)


def test_the_reader_gives_back_what_was_written_and_runs_nothing() -> None:
    for value in (None, 7, True, "2026-000001", [1, "a"], {"args": ["fulfil", "7"], "kwargs": {}}):
        assert read(written(value)) == value
    fault = read(written(KeyError(NEEDLE)))
    assert isinstance(fault, JobFault)
    assert fault.kind == "KeyError"


def test_jobs_have_a_place_of_their_own_apart_from_the_store(world: World) -> None:
    before = set(sa.inspect(engine_at(world.url)).get_table_names())
    register_company(world.company)
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "fulfil", "7")
        until(lambda: is_done(world.store, "7"))
    assert set(sa.inspect(engine_at(world.url)).get_table_names()) == before
    if world.schema is None:
        path = Path(world.jobs.removeprefix("sqlite:///"))
        assert path.stat().st_mode & 0o777 == 0o600
        with engine_at(world.jobs).connect() as tx:
            assert tx.exec_driver_sql("pragma journal_mode").scalar_one() == "wal"


def test_what_was_committed_and_never_started_is_picked_up(world: World) -> None:
    register_company(world.company)
    assert jobs.start(world.store, "fulfil", "1") is Started.LATER  # no worker was ever here
    with engine_at(world.company).begin() as tx:
        tx.exec_driver_sql("insert into todo values ('1'), ('2')")
    with Worker(world.store, waiting=waiting_in(world.company), **QUICK):
        until(lambda: is_done(world.store, "1") and is_done(world.store, "2"))
        with engine_at(world.company).begin() as tx:
            tx.exec_driver_sql("insert into todo values ('3')")
        until(lambda: is_done(world.store, "3"))


def test_what_ended_and_still_waits_runs_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("troth.foundation.jobs.worker._FIRST_WAIT", timedelta(0))
    register_company(world.company, steps=("plan",))
    with engine_at(world.company).begin() as tx:
        tx.exec_driver_sql("insert into todo values ('1')")
    with Worker(world.store, waiting=waiting_in(world.company), **QUICK):
        until(lambda: runs(world.company).get(("1", "plan"), 0) >= 3)


def test_a_failed_job_goes_on_at_the_step_that_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("troth.foundation.jobs.worker._FIRST_WAIT", timedelta(milliseconds=50))
    ran: list[str] = []

    def once(_: str) -> None:
        ran.append("plan")

    def third_time(_: str) -> None:
        ran.append("erase")
        if ran.count("erase") < 3:
            raise StoreError("out of reach")

    jobs.register("fulfil", Step("plan", once), Step("erase", third_time), Step("prove", lambda _: 5))
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "fulfil", "7")
        until(lambda: is_done(world.store, "7"))
        found = jobs.progress(world.store, "fulfil", "7")
    assert ran == ["plan", "erase", "erase", "erase"]
    assert found is not None
    assert (found.tries, found.done) == (2, 3)


def test_tries_stand_further_and_further_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("troth.foundation.jobs.worker._FIRST_WAIT", timedelta(hours=1))
    ran = []

    def fail(_: str) -> None:
        ran.append(1)
        raise ValueError

    jobs.register("fulfil", fail)
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "fulfil", "7")
        until(lambda: (p := jobs.progress(world.store, "fulfil", "7")) and p.state is JobState.FAILED)
        threading.Event().wait(0.5)
    assert len(ran) == 1


def test_the_list_shows_states_and_no_more_than_asked(world: World) -> None:
    release = threading.Event()
    register_company(world.company)
    jobs.register("slow", lambda _: int(release.wait(20)))
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "slow", "1")
        for n in range(5):
            jobs.start(world.store, "fulfil", str(n))
        until(lambda: all(is_done(world.store, str(n)) for n in range(5)))
        listed = jobs.listed(world.store)
        running = jobs.listed(world.store, states=[JobState.RUNNING])
        assert len(jobs.listed(world.store, most=2)) == 2
        release.set()
        until(lambda: is_done(world.store, "1", "slow"))
    assert {p.state for p in listed} == {JobState.DONE, JobState.RUNNING}
    assert [(p.name, p.id, p.done, p.of) for p in running] == [("slow", "1", 0, 1)]


def test_a_worker_that_stops_finishes_what_it_runs_and_leaves_no_row(world: World) -> None:
    begun = threading.Event()

    def slow(id_: str) -> None:
        begun.set()
        threading.Event().wait(0.7)

    jobs.register("slow", slow)
    worker = Worker(world.store, **QUICK)
    worker.start()
    jobs.start(world.store, "slow", "1")
    assert begun.wait(20)
    with world.store.reading() as tx:
        assert [beat.worker for beat in beats.beats(tx)] == [worker.id]
    assert worker.stop() == 0
    assert is_done(world.store, "1", "slow")
    with world.store.reading() as tx:
        assert beats.beats(tx) == ()


def test_a_second_worker_of_one_process_is_refused_and_the_first_goes_on(world: World) -> None:
    register_company(world.company)
    with Worker(world.store, **QUICK):
        with pytest.raises(TrothError, match="runs a worker already"):
            Worker(world.store, **QUICK).start()
        jobs.start(world.store, "fulfil", "1")
        until(lambda: is_done(world.store, "1"))


def test_what_runs_beside_is_begun_again_when_it_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("troth.foundation.jobs.worker._AGAIN_S", 0.05)
    begun: list[int] = []

    def sequence(stop: threading.Event) -> None:
        begun.append(1)
        if len(begun) < 3:
            raise ValueError(NEEDLE)
        stop.wait(20)

    with Worker(world.store, beside=[Beside("sequencer", sequence)], **QUICK):
        until(lambda: len(begun) == 3)


def test_a_job_may_start_another(world: World) -> None:
    register_company(world.company)
    jobs.register("first", lambda id_: int(jobs.start(world.store, "fulfil", id_) is Started.STARTED))
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "first", "7")
        until(lambda: is_done(world.store, "7"))
    assert {p.name for p in jobs.listed(world.store)} == {"first", "fulfil"}


def test_a_worker_of_a_store_that_is_behind_does_not_begin(tmp_path: Path) -> None:

    with Store.open(f"sqlite:///{tmp_path}/troth.db") as store, pytest.raises(StoreError, match="troth upgrade"):
        Worker(store).start()
    with Store.open(f"sqlite:///{tmp_path}/other.db") as store, pytest.raises(StoreError, match="troth upgrade"):
        Worker(store).start()


def test_knowing_the_jobs_loads_no_engine() -> None:
    code = "import sys, troth.foundation.jobs as j; j.register('a', print); assert 'dbos' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


# --- who is dead ----------------------------------------------------------------------------------------------


class Tick:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_silence_is_measured_by_the_judge_s_own_clock() -> None:
    tick = Tick()
    watch = beats.Watch(10.0, tick)
    assert watch.silent({"a": 1, "b": 1}, ["c"]) == frozenset()
    tick.now += 9
    assert watch.silent({"a": 2, "b": 1}, ["c"]) == frozenset()
    tick.now += 1
    assert watch.silent({"a": 2, "b": 1}, ["c"]) == {"b", "c"}
    tick.now += 9
    assert watch.silent({"a": 2, "b": 2}, []) == {"a"}


def test_one_that_beats_again_lives_again() -> None:
    tick = Tick()
    watch = beats.Watch(10.0, tick)
    watch.silent({"a": 1}, [])
    tick.now += 10
    assert watch.silent({"a": 1}, []) == {"a"}
    assert watch.silent({"a": 2}, []) == frozenset()
    tick.now += 5
    assert watch.silent({}, []) == frozenset()
    tick.now += 5
    assert watch.silent({"a": 3}, []) == frozenset()


def test_beats_count_up_and_a_forgotten_worker_comes_back(world: World) -> None:
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    with world.store.writing() as tx:
        beats.beat(tx, "w-1", now)
        beats.beat(tx, "w-1", now - timedelta(days=3650))
        [seen] = beats.beats(tx)
        assert (seen.worker, seen.count, seen.started_at) == ("w-1", 2, now)
        beats.leave(tx, "w-1")
        assert beats.beats(tx) == ()
        beats.beat(tx, "w-1", now)
        assert len(beats.beats(tx)) == 1


def test_a_worker_takes_over_nothing_of_itself(world: World) -> None:
    register_company(world.company, pause_s=0.3)
    with Worker(world.store, silent_s=0.0, beat_s=60.0, round_s=0.05):
        jobs.start(world.store, "fulfil", "7")
        until(lambda: is_done(world.store, "7"))
    assert set(runs(world.company).values()) == {1}


def test_what_was_given_to_a_worker_that_never_began_it_goes_back(world: World) -> None:
    register_company(world.company)
    schema = f'"{world.schema}".' if world.schema else ""
    with Worker(world.store, lost_s=0.5, **QUICK) as worker:
        jobs.start(world.store, "fulfil", "1")
        until(lambda: is_done(world.store, "1"))
        with engine_at(world.jobs).begin() as tx:
            tx.execute(
                sa.text(
                    f"update {schema}workflow_status set status = 'PENDING', executor_id = :me, completed_at = null"
                ),
                {"me": worker.id},
            )
        assert not is_done(world.store, "1")
        until(lambda: is_done(world.store, "1"))


def test_a_failure_of_long_ago_is_no_longer_tried_and_in_time_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("troth.foundation.jobs.worker._FIRST_WAIT", timedelta(hours=1))
    ran = []

    def fail(_: str) -> None:
        ran.append(1)
        raise ValueError

    jobs.register("fulfil", fail)
    schema = f'"{world.schema}".' if world.schema else ""
    with Worker(world.store, **QUICK):
        jobs.start(world.store, "fulfil", "1")
        until(lambda: (p := jobs.progress(world.store, "fulfil", "1")) and p.state is JobState.FAILED)
    month_ms = 31 * 24 * 3600 * 1000
    with engine_at(world.jobs).begin() as tx:
        tx.exec_driver_sql(f"update {schema}workflow_status set created_at = created_at - {month_ms}")
    monkeypatch.setattr("troth.foundation.jobs.worker._FIRST_WAIT", timedelta(0))
    with Worker(world.store, **QUICK):
        threading.Event().wait(0.6)
    assert len(ran) == 1
    with engine_at(world.jobs).begin() as tx:
        tx.exec_driver_sql(f"update {schema}workflow_status set completed_at = completed_at - {3 * month_ms}")
    with Worker(world.store, **QUICK):
        until(lambda: jobs.listed(world.store) == ())


def test_work_is_named_by_a_key_and_back() -> None:
    from troth.foundation.jobs.registry import key_of, work_of

    jobs.register("fulfil", lambda _: None)
    for work in (Work("fulfil", "2026-000001"), Work("fulfil", "7", 3)):
        assert work_of(key_of(work)) == work
    with pytest.raises(TrothError, match="from 0"):
        key_of(Work("fulfil", "7", -1))
