"""What the runs that end data on time have left behind: an eye on their register."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from troth.protection.tables import retention_runs
from troth.protection.words import RunState

if TYPE_CHECKING:
    from troth.foundation.store import Store


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
