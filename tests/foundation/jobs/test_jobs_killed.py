"""Real workers, killed with SIGKILL or frozen: what they had begun is finished, with one effect each."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from pathlib import Path
from typing import Any

from tests.foundation.jobs.conftest import World
from tests.foundation.jobs.working import (
    QUICK,
    effects,
    is_done,
    opened,
    register_company,
    runs,
    until,
    work_for_ever,
    work_until_done,
)
from tests.killing import after_commit, before_commit, mortal, seeded
from troth.foundation import jobs
from troth.foundation.jobs import Started, Worker, beats

SOAK = os.environ.get("SOAK") == "true"
TEN = tuple(f"step-{n}" for n in range(10))
IDS = [f"2026-00000{n}" for n in range(3)]


def workers_of(world: World) -> list[str]:
    with world.store.reading() as tx:
        return [beat.worker for beat in beats.beats(tx)]


def running_step(world: World, id_: str) -> int:
    """How many steps of that id have begun."""
    return sum(1 for key in runs(world.company) if key[0] == id_)


def test_a_worker_killed_at_random_moments_finishes_everything_in_its_last_life(world: World) -> None:
    """Only the step that was running when it died runs again: no step runs more often than there were deaths, and
    all of them together at most once more for each death and job.
    """
    chosen = seeded()
    kills = 0
    with mortal(work_until_done) as process:
        whole = process.live(world.arguments(ids=["whole"], pause_s=0.02))
        assert whole.done, whole.error
        for n in range(100 if SOAK else 6):
            # a commit of the engine, of the store, or of the company: whatever comes as number n; the first soon, since a
            # busy machine looks around more often, and all could be done before a moment that is chosen by its commits
            at = chosen.randint(1, whole.commits * 2 if n else 3)
            moment = (before_commit if chosen.random() < 0.5 else after_commit)(at)
            life = process.live(world.arguments(ids=IDS, pause_s=0.02), die=moment)
            assert life.error is None, life.error
            kills += life.killed
        assert process.live(world.arguments(ids=IDS, pause_s=0.02)).done
    assert kills > 0
    assert {(id_, step) for id_, step in effects(world.company) if id_ != "whole"} == set(
        itertools.product(IDS, ("plan", "erase", "prove"))
    )
    more = sum(runs(world.company).values()) - len(runs(world.company))
    assert more <= kills * len(IDS)


def test_a_worker_that_starts_again_resumes_by_itself_and_repeats_no_finished_step(world: World) -> None:
    arguments = world.arguments(ids=["7"], steps=TEN, pause_s=0.15, up=str(world.folder / "up"))
    with mortal(work_for_ever) as first, mortal(work_until_done) as again:
        living = first.start(arguments)
        until(lambda: running_step(world, "7") == 5)
        assert living.kill().killed
        # nobody starts the job a second time: the new worker is told of no id that it should begin
        assert again.live(world.arguments(ids=[], steps=TEN)).done
        register_company(world.company, steps=TEN)
        with Worker(world.store, **QUICK):
            until(lambda: is_done(world.store, "7"))
    counted = runs(world.company)
    assert effects(world.company) == {("7", step) for step in TEN}
    assert [counted["7", step] for step in TEN[:3]] == [1, 1, 1]
    assert sum(counted.values()) <= len(TEN) + 2


def test_another_worker_takes_over_while_the_first_stays_dead(world: World) -> None:
    first_up, second_up = world.folder / "first", world.folder / "second"
    with mortal(work_for_ever) as first, mortal(work_for_ever) as second:
        dying = first.start(world.arguments(ids=["7"], steps=TEN, pause_s=0.15, up=str(first_up)))
        until(first_up.exists)
        [name] = workers_of(world)
        living = second.start(world.arguments(steps=TEN, pause_s=0.01, up=str(second_up)))
        until(second_up.exists)
        until(lambda: running_step(world, "7") >= 4)
        dying.kill()
        until(lambda: is_done_here(world, "7", TEN))
        until(lambda: name not in workers_of(world))
        assert len(workers_of(world)) == 1
        living.kill()
    counted = runs(world.company)
    assert effects(world.company) == {("7", step) for step in TEN}
    assert [counted["7", step] for step in TEN[:3]] == [1, 1, 1]
    assert sum(counted.values()) <= len(TEN) + 1


def test_a_slow_worker_is_not_dead_and_two_at_one_step_have_one_effect(world: World) -> None:
    """Frozen in the middle of a step for longer than silence may last, then thawed: it goes on with its step while the
    other has done it, and can record nothing more.
    """
    steps = ("plan", "erase")
    first_up, second_up = world.folder / "first", world.folder / "second"
    with mortal(work_for_ever) as first, mortal(work_for_ever) as second:
        slow = first.start(world.arguments(ids=["7"], steps=steps, pause_s=1.0, up=str(first_up)))
        until(lambda: running_step(world, "7") == 1)
        slow.freeze()
        living = second.start(world.arguments(steps=steps, pause_s=0.01, up=str(second_up)))
        until(lambda: is_done_here(world, "7", steps))
        assert runs(world.company)["7", "plan"] == 2
        slow.thaw()
        # it beats again, and is at nothing
        until(lambda: len(workers_of(world)) == 2)
        threading.Event().wait(1.5)
        assert runs(world.company) == {("7", "plan"): 2, ("7", "erase"): 1}
        assert effects(world.company) == {("7", "plan"), ("7", "erase")}
        slow.kill()
        living.kill()


def test_two_workers_share_the_jobs_and_run_no_step_twice(world: World) -> None:
    ids = [str(n) for n in range(8)]
    steps = TEN[:6]
    with mortal(work_for_ever) as one, mortal(work_for_ever) as two:
        arguments = {"steps": steps, "pause_s": 0.1, "at_once": 2, "silent_s": 60.0}
        first = one.start(world.arguments(**arguments, up=str(world.folder / "one")))
        second = two.start(world.arguments(**arguments, up=str(world.folder / "two")))
        until(lambda: (world.folder / "one").exists() and (world.folder / "two").exists())
        register_company(world.company, steps=steps)
        assert {jobs.start(world.store, "fulfil", id_) for id_ in ids} == {Started.STARTED}
        until(lambda: all(is_done(world.store, id_) for id_ in ids), within_s=60)
        first.kill()
        second.kill()
    assert set(runs(world.company).values()) == {1}
    assert len(runs(world.company)) == len(ids) * len(steps)


def work_without_network(arguments: dict[str, Any]) -> None:
    """A worker in a process where every connection and look-up but to the loopback raises."""

    def refuse(*_: Any) -> None:
        raise AssertionError("the job engine reached for the network")

    socket.getaddrinfo = refuse  # type: ignore[assignment]
    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    socket.socket.bind = refuse  # type: ignore[method-assign, assignment]
    work_until_done(arguments)


def test_the_engine_opens_no_door_and_reaches_for_no_network(world: World) -> None:
    """psycopg talks to PostgreSQL through libpq, below Python's sockets: only the engine itself is shut in here."""
    with mortal(work_without_network) as process:
        life = process.live(world.arguments(ids=["7"]))
    assert life.done, life.error


def is_done_here(world: World, id_: str, steps: tuple[str, ...]) -> bool:
    register_company(world.company, steps=steps)
    with opened(world.url) as store:
        return is_done(store, id_)


def test_a_killed_worker_leaves_nothing_open_that_stops_the_next(tmp_path: Path, world: World) -> None:
    """Killed while it makes its tables, which is the first thing it ever does."""
    with mortal(work_until_done) as process:
        for n in (1, 2, 3, 5, 8):
            process.live(world.arguments(ids=["7"]), die=before_commit(n))
        assert process.live(world.arguments(ids=["7"])).done
    assert effects(world.company) == {("7", step) for step in ("plan", "erase", "prove")}
