"""What an erasure will do, said before it is done: frozen, hashed, in words, without a value of any row.

A plan of one store holds its steps in the order in which they run, with counts. `hash` speaks about all of it; `rule`
about everything but the counts, which may have moved on by the time it is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from troth.foundation.canonical import digest

if TYPE_CHECKING:
    from troth.foundation.records.erasing import Erasure

_WORDS = ("erased", "changed", "cut", "kept")
DO = {
    "delete": "deleted",
    "change": "changed",
    "keep": "kept, and the rest of them cut",
    "cut": "cut off",
    "read": "read",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that a law makes us keep. `until`: the day when the last of them goes, or the rule where it has no time."""

    where: str
    n: int
    ground: str
    until: str
    columns: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        return {"where": self.where, "n": self.n, "ground": self.ground, "until": self.until}


@dataclass(frozen=True, slots=True)
class Step:
    """One set-wise statement. `columns`: what each becomes, in a word. `n` is None while nothing was counted."""

    table: str
    do: str
    why: str
    columns: Mapping[str, str] = field(default_factory=dict)
    n: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"table": self.table, "do": self.do, "n": self.n, "columns": dict(self.columns), "why": self.why}


@dataclass(frozen=True, slots=True)
class StorePlan:
    """One store. `notes`: what its operator should know. `erasure`: how it is carried out, no part of the plan."""

    store: str
    steps: tuple[Step, ...]
    kept: tuple[Kept, ...] = ()
    notes: tuple[str, ...] = ()
    physical: bool = False
    people: int = 0
    erasure: Erasure | None = field(default=None, repr=False, compare=False)

    @property
    def rows(self) -> int:
        """How many rows it touches, as counted."""
        return sum(step.n or 0 for step in self.steps if step.do != "read")

    def as_json(self) -> list[dict[str, Any]]:
        return [{"store": self.store, **step.as_json()} for step in self.steps]

    def words(self) -> Iterator[str]:
        """The plan in sentences: what is read, changed, kept, and why."""
        yield f"In {self.store}, in this order and in one transaction:"
        for number, step in enumerate(self.steps, 1):
            yield f"  {number}. {_sentence(step)}"
        if not self.steps:
            yield "  nothing is changed."
        for kept in self.kept:
            what = "all columns" if kept.columns is None else ", ".join(kept.columns)
            yield f"  Kept: {_rows(kept.n)} of {kept.where} ({what}), for {kept.ground}, until {kept.until}."
        for note in self.notes:
            yield f"  {note}"
        if self.physical:
            yield "  Afterwards the store's freed space is overwritten, so that nothing is left in its files."


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """All stores, in the order of the map. `held`: rows that legal holds keep for now; no part of what is approved."""

    stores: tuple[StorePlan, ...]
    held: tuple[Mapping[str, Any], ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of steps, counts and exceptions, in hex."""
        return digest({"plan": self.as_json(), "kept": self.kept()}).hex()

    @property
    def rule(self) -> str:
        """The same without the counts and days: equal for whoever is erased by the same map from the same tables."""
        steps = tuple(
            (store.store, each.table, each.do, each.why, tuple(each.columns.items()))
            for store in self.stores
            for each in store.steps
        )
        return _rule(
            steps, tuple((store.store, each.where, each.ground) for store in self.stores for each in store.kept)
        )

    @property
    def rows(self) -> int:
        return sum(store.rows for store in self.stores)

    def as_json(self) -> list[dict[str, Any]]:
        """`plan` of `troth request erasure --format json`."""
        return [step for store in self.stores for step in store.as_json()]

    def kept(self) -> list[dict[str, Any]]:
        """`kept` of the same."""
        return [each.as_json() for store in self.stores for each in store.kept]

    def words(self) -> str:
        """The whole plan as a person reads it."""
        lines = [line for store in self.stores for line in store.words()]
        lines += [
            f"Kept for now: {_rows(each['n'])} of {each['where']}, for {each['ground']}, which is looked at again by "
            f"{each['until']}. They go when it is lifted."
            for each in self.held
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What was done in one store, by table. `resumed`: it had been done before, and these are the counts of then."""

    erased: Mapping[str, int]
    changed: Mapping[str, int]
    cut: Mapping[str, int]
    kept: Mapping[str, int]
    resumed: bool = field(default=False, compare=False)

    @property
    def rows(self) -> int:
        return sum(map(sum, (self.erased.values(), self.changed.values(), self.cut.values())))

    def as_json(self) -> dict[str, dict[str, int]]:
        return {
            "erased": dict(self.erased),
            "changed": dict(self.changed),
            "cut": dict(self.cut),
            "kept": dict(self.kept),
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> StepCounts:
        erased, changed, cut, kept = (dict(value.get(each, {})) for each in _WORDS)
        return cls(erased, changed, cut, kept, resumed=True)


def total(counts: Sequence[StepCounts]) -> StepCounts:
    """The sums of several runs, such as the parts of a batch."""
    sums: list[dict[str, int]] = []
    for each in _WORDS:
        found: dict[str, int] = {}
        for one in counts:
            for table, n in getattr(one, each).items():
                found[table] = found.get(table, 0) + n
        sums.append(found)
    erased, changed, cut, kept = sums
    return StepCounts(erased, changed, cut, kept, resumed=bool(counts) and all(one.resumed for one in counts))


@lru_cache(maxsize=64)
def _rule(steps: tuple[tuple[str, str, str, str, tuple[tuple[str, str], ...]], ...], kept: tuple[Any, ...]) -> str:
    plan = [
        {"store": store, "table": table, "do": do, "columns": dict(columns), "why": why}
        for store, table, do, why, columns in steps
    ]
    return digest({"plan": plan, "kept": sorted(map(list, kept))}).hex()


def _sentence(step: Step) -> str:
    what = _rows(step.n)
    if step.do == "read":
        return f"{step.table}: {step.why}."
    columns = "; ".join(f"{name} becomes {word}" for name, word in step.columns.items())
    cut = f" ({columns})" if columns else ""
    return f"{step.table}: {what} {DO[step.do]}{cut}, because {step.why}."


def _rows(n: int | None) -> str:
    return "rows" if n is None else f"{n} row{'' if n == 1 else 's'}"
