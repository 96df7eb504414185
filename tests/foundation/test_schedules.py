from __future__ import annotations

import logging
import threading
import time as machine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import TrothError
from troth.foundation import schedules
from troth.foundation.clock import SystemClock
from troth.foundation.schedules import Daily, Every, Job, Scheduler
from troth.foundation.store import Store
from troth.testing import FixedClock

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.count += 1


def outcome(store: Store, name: str = "check") -> str | None:
    with store.reading() as tx:
        return next(run.outcome for run in schedules.last_runs(tx) if run.job == name)


def test_a_job_that_never_ran_runs_and_then_once_in_each_period(each_store: Store, clock: FixedClock) -> None:
    count = Counter()
    job = Job("check", Every(HOUR), count)
    for _ in range(6 * 12 + 1):
        schedules.run_if_due(each_store, job, clock)
        clock.advance(timedelta(minutes=5))
    assert count.count == 7
    assert outcome(each_store) == "done"


def test_two_processes_do_not_run_one_job_twice(each_store: Store, clock: FixedClock) -> None:
    count = Counter()
    job = Job("check", Every(HOUR), count)
    with ThreadPoolExecutor(8) as pool:
        ran = list(pool.map(lambda _: schedules.run_if_due(each_store, job, clock), range(16)))
    assert count.count == ran.count(True) == 1


def test_a_job_that_is_running_elsewhere_is_not_begun_again_until_it_must_be_dead(
    store: Store, clock: FixedClock
) -> None:
    count = Counter()
    job = Job("scan", Every(timedelta(minutes=1)), count, longest=HOUR)
    assert schedules._take(store, job, "a process that dies", clock.now())
    clock.advance(timedelta(minutes=59))
    assert not schedules.run_if_due(store, job, clock)
    clock.advance(timedelta(minutes=1))
    assert schedules.run_if_due(store, job, clock)


def test_one_thought_dead_that_comes_back_does_not_end_the_other_s_run(store: Store, clock: FixedClock) -> None:
    def outlive() -> None:
        clock.advance(HOUR)
        assert schedules._take(store, job, "another", clock.now())

    job = Job("scan", Every(timedelta(minutes=1)), outlive, longest=HOUR)
    schedules.run_if_due(store, job, clock)
    with store.reading() as tx:
        [run] = schedules.last_runs(tx)
    assert run.ended_at is None


def test_a_failing_job_is_noted_and_stops_nothing(
    store: Store, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("needle@customer.example")

    def refuse() -> None:
        raise TrothError("the site is down", repair="Start it.")

    with caplog.at_level(logging.DEBUG, logger="troth"):
        assert schedules.run_if_due(store, Job("scan", Every(HOUR), fail), clock)
        assert schedules.run_if_due(store, Job("check", Every(HOUR), refuse), clock)
    assert outcome(store, "scan") == "failed: ValueError at test_schedules.py:86"
    assert outcome(store, "check") == "failed: the site is down. Start it."
    assert "needle" not in caplog.text
    assert not schedules.run_if_due(store, Job("scan", Every(HOUR), fail), clock)
    clock.advance(HOUR)
    assert schedules.run_if_due(store, Job("scan", Every(HOUR), fail), clock)


def test_a_clock_set_back_ten_years_holds_no_job_up(store: Store, clock: FixedClock) -> None:
    count = Counter()
    job = Job("check", Every(HOUR), count)
    schedules.run_if_due(store, job, clock)
    clock.advance(timedelta(days=-3650))
    assert schedules.run_if_due(store, job, clock)
    assert not schedules.run_if_due(store, job, clock)
    clock.advance(timedelta(days=3650))
    assert schedules.run_if_due(store, job, clock)
    assert count.count == 3


@pytest.mark.parametrize("year", [2026, 2027])
@pytest.mark.parametrize("at", [time(0, 0), time(2, 30), time(3, 0), time(23, 59)])
def test_a_daily_job_runs_once_on_every_day_of_a_year_with_both_changes_of_the_clocks(year: int, at: time) -> None:
    when, last, days = Daily(at, BERLIN), None, []
    now = datetime(year, 1, 1, 12, tzinfo=UTC)
    while now < datetime(year + 1, 1, 1, 12, tzinfo=UTC):
        if schedules.is_due(when, last, now):
            last = now
            days.append(now.astimezone(BERLIN).date())
        now += timedelta(minutes=15)
    assert len(days) == 366
    assert len(set(days[1:])) == 365


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.times(),
    st.timezones(no_cache=False),
)
def test_a_daily_job_that_has_just_run_is_not_due_and_is_within_a_day_and_an_hour_or_so(
    now: datetime, at: time, zone: ZoneInfo
) -> None:
    when = Daily(at.replace(tzinfo=None), zone)
    assert schedules.is_due(when, None, now)
    assert not schedules.is_due(when, now, now)
    assert schedules.is_due(when, now, now + timedelta(hours=50))


def test_jobs_run_in_threads_until_they_are_stopped_and_a_slow_one_holds_no_other_up(store: Store) -> None:
    quick, release = Counter(), threading.Event()
    jobs = [Job("slow", Every(HOUR), lambda: release.wait(10)), Job("quick", Every(timedelta(milliseconds=200)), quick)]
    with Scheduler(store, SystemClock(), jobs):
        deadline = machine.monotonic() + 8
        while quick.count < 3 and machine.monotonic() < deadline:
            machine.sleep(0.02)
        release.set()
    stopped_at = quick.count
    assert stopped_at >= 3
    machine.sleep(0.4)
    assert quick.count == stopped_at
    assert outcome(store, "slow") == "done"


def test_a_store_that_is_away_for_a_while_ends_no_thread(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    count = Counter()
    assert store.path is not None
    hidden = store.path.with_suffix(".hidden")
    with Store.open(f"sqlite:///{store.path}") as used:
        store.settle()
        store.close()
        store.path.rename(hidden)
        store.path.write_text("not a database, for a while")
        with Scheduler(used, SystemClock(), [Job("check", Every(timedelta(milliseconds=200)), count)]):
            machine.sleep(0.3)
            assert count.count == 0
            hidden.rename(store.path)
            deadline = machine.monotonic() + 8
            while count.count == 0 and machine.monotonic() < deadline:
                machine.sleep(0.02)
    assert count.count >= 1
    assert "not a SQLite store" in caplog.text
