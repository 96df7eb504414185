"""What authorities demanded, and what became of it: read from the register. Nothing here writes."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pyroaring import BitMap
from sqlalchemy import Connection, Row, select

from troth.foundation.tables import staff
from troth.sharing.tables import demand_steps, demands
from troth.sharing.words import DemandState, DemandStep

SMALLEST = 5
"""A number below this is not published: it could be read as somebody's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much: kinds of data, single columns (`store.table.column`; all that hold them where empty), and days.

    Both days count. A row that has a time leaves only when it lies between them.
    """

    categories: tuple[str, ...]
    columns: tuple[str, ...] = ()
    since: dt.date | None = None
    until: dt.date | None = None

    def within(self, wider: Scope) -> bool:
        """Whether this asks for nothing that `wider` does not."""
        return (
            set(self.categories) <= set(wider.categories)
            and (not wider.columns or (bool(self.columns) and set(self.columns) <= set(wider.columns)))
            and (wider.since is None or (self.since is not None and self.since >= wider.since))
            and (wider.until is None or (self.until is not None and self.until <= wider.until))
        )

    def as_json(self) -> dict[str, Any]:
        """As the register and the ledger keep it."""
        return {
            "categories": sorted(self.categories),
            "columns": sorted(self.columns),
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def read(cls, text: str) -> Self:
        """What `as_json` wrote."""
        value = json.loads(text)
        days = [dt.date.fromisoformat(value[name]) if value[name] else None for name in ("since", "until")]
        return cls(tuple(value["categories"]), tuple(value["columns"]), *days)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, by whom of staff (None: the operator)."""

    step: DemandStep
    at: dt.datetime
    by: str | None
    account: int | None
    leaf: int
    noted: bool


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand as the register has it. `granted` is what two people decided to give; None before the first did."""

    id: int
    authority: str
    country: str
    reference: str
    treaty: str | None
    state: DemandState
    people: int
    asked: Scope
    granted: Scope | None
    secret_until: dt.date | None
    filed_at: dt.datetime
    told_at: dt.datetime | None
    steps: tuple[Step, ...]

    def did(self, step: DemandStep) -> Step | None:
        """The last time that this was done."""
        return next((each for each in reversed(self.steps) if each.step is step), None)

    def secret(self, today: dt.date) -> bool:
        """Whether the people meant may not be told yet."""
        return self.secret_until is not None and today <= self.secret_until

    @property
    def open(self) -> bool:
        return self.state not in {DemandState.CARRIED_OUT, DemandState.REFUSED}


def find(tx: Connection, number: int) -> Demand | None:
    """The demand of that number."""
    row = tx.execute(select(demands).where(demands.c.id == number)).one_or_none()
    return None if row is None else _read(tx, row)


def every(tx: Connection) -> tuple[Demand, ...]:
    """All of them, the newest first."""
    return tuple(_read(tx, row) for row in tx.execute(select(demands).order_by(demands.c.id.desc())).all())


def people_of(tx: Connection, number: int) -> BitMap:
    """The numbers of the people about whom data were demanded."""
    found = tx.execute(select(demands.c.people).where(demands.c.id == number)).scalar()
    return BitMap() if found is None else BitMap.deserialize(found)


def hidden(tx: Connection, today: dt.date) -> frozenset[int]:
    """The demands of which the people meant may not be told yet."""
    return frozenset(tx.execute(select(demands.c.id).where(demands.c.secret_until >= today)).scalars())


def report(found: Iterable[Demand]) -> list[Mapping[str, Any]]:
    """How many demands by year, country and outcome, with the people in them; numbers below 5 are not told."""
    count: Counter[tuple[int, str, str]] = Counter()
    people: Counter[tuple[int, str, str]] = Counter()
    for each in found:
        key = (each.filed_at.year, each.country, each.state.value if not each.open else "open")
        count[key] += 1
        people[key] += each.people
    return [
        {"year": year, "country": country, "outcome": outcome, "demands": few(n), "people": few(people[key])}
        for key, n in sorted(count.items())
        for year, country, outcome in [key]
    ]


def few(n: int) -> int | str:
    """The number as it may be published."""
    return n if n == 0 or n >= SMALLEST else f"fewer than {SMALLEST}"


def _read(tx: Connection, row: Row[Any]) -> Demand:
    found = tx.execute(
        select(demand_steps, staff.c.name)
        .outerjoin(staff, staff.c.id == demand_steps.c.staff)
        .where(demand_steps.c.demand == row.id)
        .order_by(demand_steps.c.id)
    )
    steps = tuple(Step(each.step, each.at, each.name, each.staff, each.leaf, each.note is not None) for each in found)
    return Demand(
        row.id,
        row.authority,
        row.country,
        row.reference,
        row.treaty,
        row.state,
        row.people_count,
        Scope.read(row.asked),
        None if row.granted is None else Scope.read(row.granted),
        row.secret_until,
        row.filed_at,
        row.told_at,
        steps,
    )
