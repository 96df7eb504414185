"""Which holds stand: an eye on the register of holds, and on nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from troth.foundation.ledger.entries import Claim
from troth.foundation.tables import staff
from troth.protection.tables import holds
from troth.protection.words import HoldScope


@dataclass(frozen=True, slots=True)
class Hold:
    """One order to keep. `place` is a table (`shop.orders`) or a category; `owner` is None where nobody answers."""

    id: int
    scope: HoldScope
    place: str | None
    person: int | None
    statute: str | None
    owner: str | None
    review: dt.date
    placed_at: dt.datetime
    lifted_at: dt.datetime | None

    @property
    def name(self) -> str:
        """How it is told apart in words: `hold 3`."""
        return f"hold {self.id}"

    def overdue(self, today: dt.date) -> bool:
        """Whether nobody has looked at it again by the day that was set for it."""
        return self.lifted_at is None and today > self.review


def standing(tx: Connection) -> tuple[Hold, ...]:
    """Every hold that has not been lifted, the oldest first."""
    return _found(tx, only_standing=True)


def every(tx: Connection) -> tuple[Hold, ...]:
    """Every hold there ever was, the oldest first."""
    return _found(tx, only_standing=False)


def claims(tx: Connection) -> tuple[Claim, ...]:
    """What the ledger must say of every hold: how it was placed, or that it was lifted."""
    found = []
    for row in tx.execute(select(holds).order_by(holds.c.id)):
        if row.lifted_at is None:
            facts = {name: getattr(row, name) for name in ("scope", "place", "owner", "statute", "review")}
            found.append(Claim(f"hold {row.id}", row.leaf, "hold.placed", {**facts, "at": row.placed_at}))
        else:
            lifted = {"hold": row.id, "staff": row.lifted_by, "at": row.lifted_at}
            found.append(Claim(f"hold {row.id}", row.lift_leaf or 0, "hold.lifted", lifted))
    return tuple(found)


def generation(tx: Connection) -> int:
    """A number that grows with each hold placed and each one lifted."""
    return int(tx.execute(select(func.count(holds.c.id) + func.count(holds.c.lifted_at))).scalar_one())


def _found(tx: Connection, *, only_standing: bool) -> tuple[Hold, ...]:
    statement = (
        select(holds, staff.c.name.label("owner_name"), staff.c.disabled_at.label("owner_closed"))
        .outerjoin(staff, staff.c.id == holds.c.owner)
        .order_by(holds.c.id)
    )
    if only_standing:
        statement = statement.where(holds.c.lifted_at.is_(None))
    return tuple(_hold(row) for row in tx.execute(statement))


def _hold(row: Row[tuple[object, ...]]) -> Hold:
    owner = row.owner_name if row.owner_closed is None else None
    return Hold(row.id, row.scope, row.place, row.person, row.statute, owner, row.review, row.placed_at, row.lifted_at)
