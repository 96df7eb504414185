"""Eyes on the register of trainings: whose account is open, what they passed, until when. Nothing here writes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from troth.foundation.ledger.entries import Claim
from troth.foundation.roles import Role

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Training:
    """One course passed by one account. `right` of `asked` for troth's own; both None for what was imported."""

    id: int
    staff: int
    course: str
    passed_at: dt.datetime
    until: dt.datetime
    right: int | None
    asked: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """One open account with its last training. `cleared_until` is what the account says of itself."""

    staff: int
    name: str = field(repr=False)
    role: Role
    created_at: dt.datetime
    cleared_until: dt.datetime | None
    training: Training | None


def members(tx: Connection) -> tuple[Member, ...]:
    """Every account that is not closed, by number, each with the training that holds longest."""
    from sqlalchemy import select

    from troth.foundation.tables import staff as accounts

    last: dict[int, Training] = {}
    for each in trainings_of(tx):
        if each.staff not in last or each.until >= last[each.staff].until:
            last[each.staff] = each
    query = select(accounts).where(accounts.c.disabled_at.is_(None)).order_by(accounts.c.id)
    return tuple(
        Member(row.id, row.name, row.role, row.created_at, row.cleared_until, last.get(row.id))
        for row in tx.execute(query)
    )


def trainings_of(tx: Connection, staff: int | None = None) -> tuple[Training, ...]:
    """Every training on record, of one account or of all, the first first."""
    from sqlalchemy import select

    from troth.protection.training.tables import trainings

    query = select(trainings).order_by(trainings.c.id)
    if staff is not None:
        query = query.where(trainings.c.staff == staff)
    return tuple(_training(row) for row in tx.execute(query))


def claims(tx: Connection) -> tuple[Claim, ...]:
    """What the ledger must say of every training on record."""
    from sqlalchemy import select

    from troth.protection.training.tables import trainings

    found = []
    for row in tx.execute(select(trainings).order_by(trainings.c.id)):
        facts = {"staff": row.staff, "passed_at": row.passed_at, "until": row.until}
        facts |= {} if row.asked is None else {"right": row.right, "asked": row.asked}
        found.append(Claim(f"account {row.staff}", row.leaf, "training.passed", facts))
    return tuple(found)


def _training(row: Row) -> Training:  # type: ignore[type-arg]
    return Training(row.id, row.staff, row.course, row.passed_at, row.until, row.right, row.asked)
