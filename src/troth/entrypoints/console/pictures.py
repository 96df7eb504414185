"""Pictures of the console as SVG, drawn on the server; each stands above a table with the same facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH, HEIGHT = 600, 140
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 22


class Run(NamedTuple):
    """One check: when, and how many sentences had each verdict."""

    at: dt.datetime
    kept: int
    broken: int
    unproven: int


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


def history(runs: Sequence[Run]) -> History | None:
    """The bands of (time, kept, broken, unproven) in order of time; None while there are fewer than two moments."""
    if len({run.at for run in runs}) < 2:
        return None
    first, last = runs[0].at, runs[-1].at
    span = (last - first).total_seconds()
    total = max(run.kept + run.broken + run.unproven for run in runs) or 1

    def across(at: dt.datetime) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (at - first).total_seconds() / span, 1)

    def up(count: int) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / total, 1)

    floor = [0] * len(runs)
    bands = []
    kept, broken, unproven = [run.kept for run in runs], [run.broken for run in runs], [run.unproven for run in runs]
    for name, counts in (("broken", broken), ("unproven", unproven), ("kept", kept)):
        roof = [low + count for low, count in zip(floor, counts, strict=True)]
        there = [f"{across(run.at)},{up(high)}" for run, high in zip(runs, roof, strict=True)]
        back = [f"{across(run.at)},{up(low)}" for run, low in reversed(list(zip(runs, floor, strict=True)))]
        bands.append(Band(name, " ".join([*there, *back])))
        floor = roof
    rows = tuple((up(count), str(count)) for count in (0, total // 2, total))
    form = "%d %b %H:%M" if span < 3 * 86400 else "%d %b"
    columns = ((across(first), first.strftime(form)), (across(last), last.strftime(form)))
    return History(WIDTH, HEIGHT, tuple(bands), rows, columns, up(0))


@dataclass(frozen=True, slots=True)
class Node:
    """One word of the map, its place and its size in rows."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Where personal data lies and what it is used for: words in three columns, a curve for each connection."""

    width: int
    height: int
    heads: tuple[Node, ...]
    nodes: tuple[Node, ...]
    curves: tuple[str, ...]


_ROW = 22
_COLUMNS = ((0, 150, "end"), (240, 360, "middle"), (450, 600, "start"))
_ROOM = 6
_HEADS = ("tables", "kinds of data", "purposes")


def flow(places: Sequence[tuple[str, str]], uses: Sequence[tuple[str, str]]) -> Flow:
    """The picture of (table, kind) and (kind, purpose) pairs, each word once, in order of appearance."""
    columns = (
        list(dict.fromkeys(table for table, _ in places)),
        list(dict.fromkeys([*(kind for _, kind in places), *(kind for kind, _ in uses)])),
        list(dict.fromkeys(purpose for _, purpose in uses)),
    )
    height = (max(len(column) for column in columns) + 2) * _ROW
    at: list[dict[str, float]] = []
    nodes: list[Node] = []
    for (left, right, anchor), words in zip(_COLUMNS, columns, strict=True):
        room = height - 2 * _ROW
        step = room / max(len(words), 1)
        at.append({word: round(1.5 * _ROW + step * (index + 0.5), 1) for index, word in enumerate(words)})
        x = _words_at(left, right, anchor)
        nodes += [Node(word, x, at[-1][word] + 4, anchor) for word in words]
    curves = [
        _curve(_COLUMNS[0][1], at[0][table], _COLUMNS[1][0], at[1][kind]) for table, kind in dict.fromkeys(places)
    ]
    curves += [_curve(_COLUMNS[1][1], at[1][kind], _COLUMNS[2][0], at[2][use]) for kind, use in dict.fromkeys(uses)]
    heads = tuple(
        Node(text, _words_at(left, right, anchor), 14, anchor)
        for text, (left, right, anchor) in zip(_HEADS, _COLUMNS, strict=True)
    )
    return Flow(WIDTH, int(height), heads, tuple(nodes), tuple(curves))


def _words_at(left: float, right: float, anchor: str) -> float:
    """Where the words of a column stand: on the side that its curves touch, with a little room between."""
    return {"start": left + _ROOM, "middle": (left + right) / 2, "end": right - _ROOM}[anchor]


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    middle = (x0 + x1) / 2
    return f"M{x0} {y0}C{middle} {y0} {middle} {y1} {x1} {y1}"
