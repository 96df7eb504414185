"""Which purposes were asked for that the policy did not declare, as troth's store has it. An eye."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from troth.errors import StoreError
from troth.foundation.proof import NothingToObserve
from troth.use.tables import undeclared_purposes

if TYPE_CHECKING:
    from troth.foundation.observation import Observation


@dataclass(frozen=True, slots=True)
class Asked:
    """A purpose that some program named, how often, and when last."""

    purpose: str
    times: int
    last: dt.datetime


def since(seen: Observation, moment: dt.datetime) -> tuple[Asked, ...]:
    """Those asked for since then, in order of name. Raises NothingToObserve where troth's store cannot be read."""
    table = undeclared_purposes
    try:
        with seen.need_store().reading() as tx:
            rows = tx.execute(select(table).where(table.c.last_at >= moment).order_by(table.c.purpose)).all()
    except StoreError as problem:
        raise NothingToObserve(
            "the record of questions cannot be read",
            where=problem.where,
            repair=problem.repair or "run `troth upgrade`",
        ) from None
    return tuple(Asked(row.purpose, row.times, row.last_at) for row in rows)
