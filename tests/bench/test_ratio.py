"""A ratio is the median of quotients of runs in turn, and says so honestly against its budget."""

from __future__ import annotations

import pytest

from bench.ratio import Measured, at_least, at_most, compare, times


class Stopwatch:
    """A clock that goes on only when work says so; `drift` makes every later run slower, as on a busy machine."""

    def __init__(self, drift: float = 1.0) -> None:
        self.now, self.slowness, self.drift = 0.0, 1.0, drift

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds * self.slowness
        self.slowness *= self.drift


def test_the_ratio_tells_how_many_times_longer_ours_takes() -> None:
    watch = Stopwatch()

    measured = compare(lambda: watch.work(3), lambda: watch.work(2), clock=watch)

    assert measured == Measured(ratio=1.5, ours_s=3, floor_s=2, rounds=9)


def test_a_machine_that_gets_slower_does_not_change_the_ratio() -> None:
    watch = Stopwatch(drift=1.01)

    measured = compare(lambda: watch.work(3), lambda: watch.work(2), clock=watch)

    assert measured.ratio == pytest.approx(1.5, rel=0.02)


def test_one_disturbed_run_does_not_count() -> None:
    watch, runs = Stopwatch(), iter([1, 1, 1, 90, *[1] * 20])

    assert compare(lambda: watch.work(next(runs)), lambda: watch.work(1), clock=watch).ratio == 1


def test_a_floor_without_time_is_no_floor() -> None:
    watch = Stopwatch()

    with pytest.raises(ValueError, match="more often"):
        compare(lambda: watch.work(1), lambda: watch.work(0), clock=watch)


def test_work_can_be_done_many_times_as_one() -> None:
    watch = Stopwatch()

    times(lambda: watch.work(1), 7)()

    assert watch.now == 7


@pytest.mark.parametrize(("ratio", "kept"), [(2.4, True), (2.5, True), (2.6, False)])
def test_a_budget_is_kept_up_to_its_limit(ratio: float, kept: bool) -> None:
    assert at_most("x", Measured(ratio, ratio, 1, 9), 2.5).kept is kept


@pytest.mark.parametrize(("ratio", "kept"), [(0.01, True), (0.02, True), (0.03, False)])
def test_times_as_fast_is_the_quotient_turned_round(ratio: float, kept: bool) -> None:
    assert at_least("x", Measured(ratio, ratio, 1, 9), 50).kept is kept
