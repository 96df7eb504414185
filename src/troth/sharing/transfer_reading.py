"""A business that is sold with its data: how far it came, and who does not go with it. Nothing here writes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection, Row, select

from troth.sharing.tables import transfer_refusals, transfers
from troth.sharing.words import TransferState
from troth.use.tables import EVERY_PURPOSE, objections
from troth.use.words import Objection

if TYPE_CHECKING:
    from troth.policy.model import Policy

LEAST_NOTICE = dt.timedelta(days=30)
"""How long people are given where the policy promises no notice of its own."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer. `due` is the first day on which data may go; `result` what went and what was left out."""

    id: int
    buyer: str
    country: str
    state: TransferState
    notice: str
    policy_sha256: str
    announced_at: dt.datetime
    due: dt.date
    frozen_at: dt.datetime | None
    exported_at: dt.datetime | None
    ended_at: dt.datetime | None
    disclosure: int | None
    result: Mapping[str, Any]
    leaf: int
    outcome: int | None


def find(tx: Connection, number: int) -> Transfer | None:
    """The transfer of that number."""
    row = tx.execute(select(transfers).where(transfers.c.id == number)).one_or_none()
    return None if row is None else _read(row)


def every(tx: Connection) -> tuple[Transfer, ...]:
    """All of them, the newest first."""
    return tuple(map(_read, tx.execute(select(transfers).order_by(transfers.c.id.desc()))))


def frozen(tx: Connection) -> Transfer | None:
    """The transfer for which the policy must not change now."""
    states = (TransferState.FROZEN, TransferState.EXPORTED)
    row = tx.execute(select(transfers).where(transfers.c.state.in_(states)).limit(1)).one_or_none()
    return None if row is None else _read(row)


def refusing(tx: Connection, of: Transfer) -> BitMap:
    """Who does not go: said so of this transfer, or objected to every use since it was announced."""
    found = BitMap(
        tx.execute(select(transfer_refusals.c.person).where(transfer_refusals.c.transfer == of.id)).scalars()
    )
    said = (
        select(objections.c.person)
        .where(objections.c.purpose == EVERY_PURPOSE, objections.c.event == Objection.RAISED)
        .where(objections.c.at >= of.announced_at)
    )
    if of.exported_at is not None:
        said = said.where(objections.c.at <= of.exported_at)
    found.update(tx.execute(said).scalars())
    return found


def due_day(policy: Policy, announced: dt.datetime) -> dt.date:
    """The first day on which data may go after a notice at `announced`, by the notice that the policy promises."""
    promised = next((each.meaning.notice for each in policy.sentences if each.meaning.notice), None)
    if promised is None:
        return (announced + LEAST_NOTICE).date()
    return promised.material.after(announced).date()


def _read(row: Row[Any]) -> Transfer:
    return Transfer(
        row.id,
        row.buyer,
        row.country,
        row.state,
        row.notice,
        bytes(row.policy_sha256).hex(),
        row.announced_at,
        row.due,
        row.frozen_at,
        row.exported_at,
        row.ended_at,
        row.disclosure,
        {} if row.result is None else json.loads(row.result),
        row.leaf,
        row.outcome,
    )
