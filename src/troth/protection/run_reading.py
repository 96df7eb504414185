"""What the runs that end data on time have left behind: an eye on their register."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from troth.foundation.ledger import entries
from troth.policy.periods import Duration
from troth.protection.tables import retention_runs
from troth.protection.words import RunState

if TYPE_CHECKING:
    from troth.foundation.store import Store


GRACE = dt.timedelta(hours=1)
"""How much later than promised a run may begin before a check says that the keeper has stopped."""

_EVERY = re.compile(r"every ([0-9]{1,5}) (hour|day|week)s?")


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run. `begun_at` decided what was past its time; `due_at`: by when the next was promised, None for never."""

    name: str
    rules_sha256: str
    begun_at: dt.datetime
    ended_at: dt.datetime | None
    due_at: dt.datetime | None

    def overdue(self, now: dt.datetime) -> bool:
        """Whether the next run should have begun by now."""
        return self.due_at is not None and now > self.due_at


def interval(setting: str | None) -> Duration | None:
    """How often `[retention] run` promises a run; None where it promises none."""
    if setting is None:
        return None
    match = _EVERY.fullmatch(setting)
    return Duration(int(match[1]), match[2]) if match else Duration(1, "day")


def told_otherwise(store: Store) -> str | None:
    """The last run that came to its end, where the ledger says otherwise when it began and ended, and by what rules."""
    last = (
        select(retention_runs)
        .where(retention_runs.c.state == RunState.DONE, retention_runs.c.begun_at.is_not(None))
        .order_by(retention_runs.c.id.desc())
        .limit(1)
    )
    with store.reading() as tx:
        row = tx.execute(last).one_or_none()
        if row is None:
            return None
        facts = {"run": row.name, "rules": row.rules_sha256}
        claims = (
            entries.Claim(row.name, row.intent or 0, "retention.intent", {**facts, "at": row.begun_at}),
            entries.Claim(row.name, row.outcome or 0, "retention.ended", {**facts, "at": row.ended_at}),
        )
        return next(entries.untrue(tx, claims), None)


def last_done(store: Store) -> RunSeen | None:
    """The newest run that came to its end."""
    return _newest(store, RunState.DONE)


def under_way(store: Store) -> RunSeen | None:
    """The newest run that was begun and has not come to its end."""
    return _newest(store, RunState.BEGUN)


def _newest(store: Store, state: RunState) -> RunSeen | None:
    columns = (retention_runs.c[name] for name in RunSeen.__dataclass_fields__)
    statement = (
        select(*columns)
        .where(retention_runs.c.state == state, retention_runs.c.begun_at.is_not(None))
        .order_by(retention_runs.c.id.desc())
        .limit(1)
    )
    with store.reading() as tx:
        row = tx.execute(statement).one_or_none()
    return None if row is None else RunSeen(*row)
