"""The plan of an erasure for a page: a bar for each table, what of it is deleted, changed and kept. Pure.

The same facts stand as a table beneath it on every page, and as sentences in `ErasurePlan.words`. As a file of its own,
step by step, a plan is drawn by `foundation.records.erasurepicture`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from troth.foundation.records.erasureplan import ErasurePlan
from troth.rights.holdings import in_words

WIDTH = 600
_LEFT, _ROW, _TOP = 190, 24, 10
_FULL = WIDTH - _LEFT - 60
_LEAST = 3.0
_BANDS = {"delete": "broken", "change": "unproven", "keep": "kept"}
WORDS = {"delete": "deleted", "change": "changed", "cut": "changed", "keep": "kept"}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a bar: where it begins, how wide it is, and which of the three colours it has."""

    x: float
    width: float
    band: str


@dataclass(frozen=True, slots=True)
class Line:
    """One table: its name in words and as it is, and how many rows are deleted, changed and kept, and by which rule."""

    title: str
    where: str
    deleted: int
    changed: int
    kept: int
    why: str
    y: float
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        return self.deleted + self.changed + self.kept


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that a law makes the company keep, on what ground, and until when: a day, or in words what ends it."""

    title: str
    where: str
    n: int
    ground: str
    until: date | str


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole plan. `left` is where the bars begin; `hash` and `rule` are the plan's own."""

    height: int
    lines: tuple[Line, ...]
    kept: tuple[Kept, ...]
    words: str
    hash: str
    rule: str
    width: int = WIDTH
    left: int = _LEFT

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)


def of_plan(plan: ErasurePlan) -> Picture:
    """The picture of a plan; tables of which nothing is the person's are left out."""
    kept = [*plan.kept(), *plan.held]
    return of_steps(plan.as_json(), kept, words=plan.words(), sha256=plan.hash, rule=plan.rule)


def of_steps(
    steps: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    *,
    words: str = "",
    sha256: str = "",
    rule: str = "",
) -> Picture:
    """The picture of steps and exceptions as JSON has them (`plan` and `kept` of `troth request erasure`)."""
    counted: dict[str, dict[str, int]] = {}
    whys: dict[str, str] = {}
    for step in steps:
        where, do = f"{step['store']}.{step['table']}", step["do"]
        if do not in WORDS or not step["n"]:
            continue
        band = "change" if do == "cut" else do
        table = counted.setdefault(where, {})
        table[band] = table.get(band, 0) + step["n"]
        whys.setdefault(where, step["why"])
    largest = max((sum(each.values()) for each in counted.values()), default=1)
    lines = tuple(
        _line(where, bands, whys[where], _TOP + number * _ROW, largest)
        for number, (where, bands) in enumerate(counted.items())
    )
    named = tuple(
        Kept(title(each["where"]), each["where"], each["n"], each["ground"], _until(each["until"]))
        for each in kept
        if each["n"]
    )
    return Picture(_TOP + len(lines) * _ROW + 6, lines, named, words, sha256, rule)


def _line(where: str, bands: Mapping[str, int], why: str, y: float, largest: int) -> Line:
    parts, x = [], float(_LEFT)
    for band, css in _BANDS.items():
        if bands.get(band):
            width = max(round(bands[band] / largest * _FULL, 1), _LEAST)
            parts.append(Part(round(x, 1), width, css))
            x += width
    deleted, changed, kept = (bands.get(band, 0) for band in _BANDS)
    return Line(title(where), where, deleted, changed, kept, why, y, tuple(parts))


def _until(said: str) -> date | str:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return said


def title(where: str) -> str:
    """What a person calls the place: the name of its table, in words."""
    return in_words(where.rpartition(".")[2])
