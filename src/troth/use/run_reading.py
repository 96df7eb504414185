"""Read from troth's store what programs did under which purpose. An eye: it counts, and asks no deed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from troth.errors import StoreError
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.proof import NothingToObserve
from troth.use.tables import use_runs
from troth.use.words import RunState

if TYPE_CHECKING:
    from troth.foundation.observation import Observation

WITHIN = dt.timedelta(days=31)
"""How far back runs are looked at."""
MOST = 100_000


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run as it stands on record."""

    program: str
    purpose: str
    grounds: frozenset[str]
    categories: frozenset[str]
    state: RunState
    begun_at: dt.datetime
    policy: str


def recent(seen: Observation) -> tuple[RunSeen, ...]:
    """The runs of the last month, the newest first. Raises NothingToObserve."""
    return seen.once(("runs",), lambda: _read(seen))


def struck(seen: Observation) -> int:
    """How many runs and refusals of the last month are among the newest entries of the ledger and not on record."""
    leaf = ledger_leaves.c
    with seen.need_store().reading() as tx:
        last = tx.execute(select(func.max(leaf.id))).scalar() or 0
        lost = select(func.count()).where(
            leaf.id > last - MOST,
            leaf.kind.in_((f"use.{RunState.BEGUN}", f"use.{RunState.REFUSED}")),
            leaf.at > seen.now - WITHIN,
            leaf.id.not_in(select(use_runs.c.leaf)),
        )
        return int(tx.execute(lost).scalar_one())


def _read(seen: Observation) -> tuple[RunSeen, ...]:
    statement = (
        select(use_runs)
        .where(use_runs.c.begun_at > seen.now - WITHIN)
        .order_by(use_runs.c.begun_at.desc(), use_runs.c.id.desc())
        .limit(MOST)
    )
    try:
        with seen.need_store().reading() as tx:
            return tuple(
                RunSeen(
                    row.program,
                    row.purpose,
                    frozenset(json.loads(row.grounds)),
                    frozenset(json.loads(row.categories)),
                    row.state,
                    row.begun_at,
                    bytes(row.policy_sha256).hex(),
                )
                for row in tx.execute(statement)
            )
    except (StoreError, ValueError) as problem:
        raise NothingToObserve(
            "what programs did cannot be read",
            where=getattr(problem, "where", None) or "use_runs",
            repair=getattr(problem, "repair", None) or "run `troth upgrade`",
        ) from None
