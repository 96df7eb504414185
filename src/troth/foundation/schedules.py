"""What troth does by itself, and when: each job runs when it is due, in one process of however many there are.

A job's row in the store says when it last began, how it ended and who is at it now. Whoever takes the row runs the
job; a process that dies holds it no longer than the job's `longest`. A job that fails is noted with the kind of its
error and runs again when it is due next; no other job waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from troth.errors import StoreError, TrothError, kind_and_place
from troth.foundation import ids
from troth.foundation.clock import Clock
from troth.foundation.store import Store, hold
from troth.foundation.tables import schedules

log = logging.getLogger("troth.schedules")

_SKEW = timedelta(minutes=5)
_SHORTEST_WAIT_S = 0.1
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Every:
    """Once in each `period`, counted from beginning to beginning."""

    period: timedelta


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at `at` by the clocks of `zone`. A time that summer time skips or repeats still comes once."""

    at: time
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do by itself. `run` must be safe to repeat; `longest`: when another process may think it dead."""

    name: str
    when: Every | Daily
    run: Callable[[], object]
    longest: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JobRun:
    """The last run of a job. `ended_at` is None while it runs (or if its process died); `outcome`: "done" or what
    failed.
    """

    job: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


def is_due(when: Every | Daily, last: datetime | None, now: datetime) -> bool:
    """Whether a job that last began at `last` is to begin now. One that never ran is due.

    A `last` in the future (the clock was set back) does not hold a job up.
    """
    if last is None or last > now + _SKEW:
        return True
    if isinstance(when, Every):
        return now - last >= when.period
    return last < _latest(when, now)


def last_runs(tx: Connection) -> tuple[JobRun, ...]:
    """The last run of each job, by name."""
    rows = tx.execute(select(schedules).where(schedules.c.started_at.is_not(None)).order_by(schedules.c.job))
    return tuple(JobRun(row.job, row.started_at, row.ended_at, row.outcome) for row in rows)


def run_if_due(store: Store, job: Job, clock: Clock) -> bool:
    """Run `job` here if it is due and nobody else is at it; gives whether it was run. Its failure is noted, not raised.

    Raises: StoreError when the store cannot be used.
    """
    with store.reading() as tx:
        last = tx.execute(select(schedules.c.started_at).where(schedules.c.job == job.name)).scalar_one_or_none()
    if not is_due(job.when, last, clock.now()):
        return False
    holder = ids.random_token()[:24]
    if not _take(store, job, holder, clock.now()):
        return False
    try:
        job.run()
        outcome = "done"
    except TrothError as error:
        outcome = f"failed: {error}"
        log.warning("%s failed: %s", job.name, error)
    except Exception as error:  # noqa: BLE001 - whatever it was, the other jobs go on; its message may hold a value
        outcome = f"failed: {kind_and_place(error)}"
        log.error("%s failed: %s", job.name, kind_and_place(error))  # noqa: TRY400 - a traceback would show the message
    with store.writing() as tx:
        mine = schedules.update().where(schedules.c.job == job.name, schedules.c.holder == holder)
        tx.execute(mine.values(ended_at=clock.now(), outcome=outcome[:200], holder=None, held_until=None))
    return True


class Scheduler:
    """Runs jobs in threads of their own until it is stopped. Use it in a `with`."""

    def __init__(self, store: Store, clock: Clock, jobs: Sequence[Job]) -> None:
        self._store = store
        self._clock = clock
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, args=(job,), name=f"troth {job.name}", daemon=True) for job in jobs
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, wait_s: float = 10.0) -> None:
        """Begin nothing new, and wait at most `wait_s` seconds for what is running."""
        self._stop.set()
        for thread in self._threads:
            thread.join(wait_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _keep(self, job: Job) -> None:
        wait_s = _LONGEST_WAIT_S
        if isinstance(job.when, Every):
            wait_s = min(max(job.when.period.total_seconds() / 10, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
        while not self._stop.is_set():
            try:
                run_if_due(self._store, job, self._clock)
            except StoreError as error:
                log.warning("%s: %s", job.name, error)
            self._stop.wait(wait_s)


def _take(store: Store, job: Job, holder: str, now: datetime) -> bool:
    """Take the job's row, unless somebody was quicker or is still at it."""
    with store.writing() as tx:
        hold(tx, f"job {job.name}")
        row = tx.execute(select(schedules).where(schedules.c.job == job.name)).one_or_none()
        if row is not None and row.held_until is not None and now < row.held_until <= now + job.longest + _SKEW:
            return False
        if row is not None and not is_due(job.when, row.started_at, now):
            return False
        values = {
            "started_at": now,
            "ended_at": None,
            "outcome": None,
            "holder": holder,
            "held_until": now + job.longest,
        }
        if row is None:
            tx.execute(schedules.insert().values(job=job.name, **values))
        else:
            tx.execute(schedules.update().where(schedules.c.job == job.name).values(**values))
        return True


def _latest(when: Daily, now: datetime) -> datetime:
    """The last instant, not after `now`, at which the clocks of the zone showed the time."""
    day = now.astimezone(when.zone).date()
    at = datetime.combine(day, when.at, when.zone).astimezone(UTC)
    return at if at <= now else datetime.combine(day - timedelta(days=1), when.at, when.zone).astimezone(UTC)
