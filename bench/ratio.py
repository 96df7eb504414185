"""How two pieces of work compare, measured so that a busy machine does not decide.

Both run here in turn, the order swapped each round; the figure is the median of the quotients. A budget is judged by
`ratio`, never by milliseconds: those are only reported.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Measured:
    """`ratio` is the median of ours / floor; `ours_s` and `floor_s` are the medians of the single runs, in seconds."""

    ratio: float
    ours_s: float
    floor_s: float
    rounds: int


def compare(ours: Work, floor: Work, *, rounds: int = 9, clock: Clock = time.process_time) -> Measured:
    """Measure `ours` against `floor` in the same run.

    `clock` is CPU time of this process; give `time.perf_counter` for work that waits for a disk, a server or another
    process. Each is run once before counting. A floor that takes no measurable time raises ValueError: let both do
    the work more often.
    """
    _once(ours, clock)
    _once(floor, clock)
    a, b, quotients = [], [], []
    for number in range(rounds):
        if number % 2:
            floor_s, ours_s = _once(floor, clock), _once(ours, clock)
        else:
            ours_s, floor_s = _once(ours, clock), _once(floor, clock)
        if floor_s <= 0:
            raise ValueError("the floor took no measurable time: let both do the work more often")
        a.append(ours_s)
        b.append(floor_s)
        quotients.append(ours_s / floor_s)
    return Measured(statistics.median(quotients), statistics.median(a), statistics.median(b), rounds)


def times(work: Work, count: int) -> Work:
    """`work`, `count` times in a row, as one piece of work."""

    def many() -> None:
        for _ in range(count):
            work()

    return many


def _once(work: Work, clock: Clock) -> float:
    """The time of one run of `work`, without a garbage collection in it."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        work()
        return clock() - start
    finally:
        gc.enable()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a result: what was measured, the figure, and the budget where there is one.

    `kept` is None for figures that are only reported.
    """

    what: str
    figure: str
    budget: str = ""
    kept: bool | None = None


def at_most(what: str, measured: Measured, budget: float) -> Figure:
    """`measured.ratio` against a budget of "at most `budget` times the floor"."""
    shown = f"{measured.ratio:.2f} x ({_time(measured.ours_s)} against {_time(measured.floor_s)})"
    return Figure(what, shown, f"at most {budget:g} x", measured.ratio <= budget)


def at_least(what: str, measured: Measured, budget: float) -> Figure:
    """How many times faster ours is than the floor, against "at least `budget` times"."""
    faster = 1 / measured.ratio
    shown = f"{faster:.2f} x as fast ({_time(measured.ours_s)} against {_time(measured.floor_s)})"
    return Figure(what, shown, f"at least {budget:g} x", faster >= budget)


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
