"""What durable jobs cost: a job, a step, a start that is known already, a burst, and a worker with nothing to do."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from bench.ratio import Figure
from troth.foundation import jobs
from troth.foundation.jobs import JobState, Step, Worker
from troth.foundation.store import Store, migrations

LEAST_A_SECOND = 25
BURST = 500
STEPS = 10


def figures() -> Iterator[Figure]:
    """On SQLite, and on a PostgreSQL of its own where this machine has one. The steps themselves do nothing."""
    jobs.register("one", lambda _: 1)
    jobs.register("many", *(Step(f"step-{n}", lambda _: 1) for n in range(STEPS)))
    with tempfile.TemporaryDirectory(prefix="troth-jobs-") as folder:
        yield from _on(f"sqlite:///{folder}/troth.sqlite3", "SQLite")
    with ExitStack() as stack:
        from tests.servers import postgresql

        yield from _on(stack.enter_context(postgresql()), "PostgreSQL")


def _on(url: str, engine: str) -> Iterator[Figure]:
    with Store.open(url) as store:
        migrations.upgrade(store)
        with Worker(store):
            _whole(store, "one", "warm")
            one = [_timed(partial(_whole, store, "one", f"a{n}")) for n in range(40)]
            many = [_timed(partial(_whole, store, "many", f"b{n}")) for n in range(20)]
            known = [_timed(partial(jobs.start, store, "one", f"a{n}")) for n in range(40)]
            first, last = _burst(store)
            idle = _idle()
    yield Figure(f"a job of one step, {engine}", _ms(one))
    yield Figure(f"a step of a job of {STEPS}, {engine}", _ms([each / STEPS for each in many]))
    yield Figure(f"a start that is known, {engine}", _ms(known))
    rate = BURST / last
    budget = f"at least {LEAST_A_SECOND}/s, the first within 1 s"
    kept = rate >= LEAST_A_SECOND and first <= 1
    yield Figure(
        f"{BURST} jobs at once, {engine}", f"{rate:.0f}/s, the first after {first * 1000:.0f} ms", budget, kept
    )
    yield Figure(f"a worker with nothing to do, {engine}", f"{idle:.1%} of a core")


def _whole(store: Store, name: str, id_: str) -> None:
    jobs.start(store, name, id_)
    while (found := jobs.progress(store, name, id_)) is None or found.state is not JobState.DONE:
        time.sleep(0.0005)


def _burst(store: Store) -> tuple[float, float]:
    """Seconds until the first and until the last of many jobs that are started at once is done."""
    done: list[float] = []
    jobs.register("burst", lambda _: done.append(time.perf_counter()))
    begun = time.perf_counter()
    for n in range(BURST):
        jobs.start(store, "burst", str(n))
    while len(done) < BURST:
        time.sleep(0.01)
    return done[0] - begun, done[-1] - begun


def _idle(seconds: float = 3.0) -> float:
    """The share of a core that this process uses while nothing is to be done."""
    used, begun = time.process_time(), time.perf_counter()
    time.sleep(seconds)
    return (time.process_time() - used) / (time.perf_counter() - begun)


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms (least {min(seconds) * 1000:.1f})"
