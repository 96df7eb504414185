"""Pictures of the console as SVG, drawn on the server; each stands above a table with the same facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 140
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 22


@dataclass(frozen=True, slots=True)
class Band:
    """One filled area of the history: its verdict and its outline as SVG points."""

    name: str
    points: str


@dataclass(frozen=True, slots=True)
class History:
    """Verdicts over time: bands from the bottom up, ticks of the two axes as (position, text)."""

    width: int
    height: int
    bands: tuple[Band, ...]
    rows: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str], ...]
    base: float


def history(runs: Sequence[tuple[dt.datetime, int, int, int]]) -> History | None:
    """The bands of (time, kept, broken, unproven) in order of time; None while there are fewer than two moments."""
    if len({run[0] for run in runs}) < 2:
        return None
    first, last = runs[0][0], runs[-1][0]
    span = (last - first).total_seconds()
    total = max(sum(run[1:]) for run in runs) or 1

    def across(at: dt.datetime) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (at - first).total_seconds() / span, 1)

    def up(count: int) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / total, 1)

    floor = [0] * len(runs)
    bands = []
    for name, column in (("broken", 2), ("unproven", 3), ("kept", 1)):
        roof = [low + run[column] for low, run in zip(floor, runs, strict=True)]
        there = [f"{across(run[0])},{up(high)}" for run, high in zip(runs, roof, strict=True)]
        back = [f"{across(run[0])},{up(low)}" for run, low in reversed(list(zip(runs, floor, strict=True)))]
        bands.append(Band(name, " ".join([*there, *back])))
        floor = roof
    rows = tuple((up(count), str(count)) for count in (0, total // 2, total))
    form = "%d %b %H:%M" if span < 3 * 86400 else "%d %b"
    columns = ((across(first), first.strftime(form)), (across(last), last.strftime(form)))
    return History(WIDTH, HEIGHT, tuple(bands), rows, columns, up(0))
