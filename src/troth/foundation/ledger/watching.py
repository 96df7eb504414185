"""What can be seen of the ledger at a glance: whether leaves wait too long, and how the last verification ended.

Only looks; for checks and for the console.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from troth.foundation.ledger.tables import (
    ledger_checkpoints,
    ledger_leaves,
    ledger_verification,
    ledger_waiting,
)

LONGEST_WAIT = timedelta(seconds=10)
"""A leaf that has no place after this long is a finding: nobody sequences, or something is wrong."""


@dataclass(frozen=True, slots=True)
class LedgerSeen:
    """`size`: entries under the newest head. `waiting_since`: when the oldest leaf without a place was written.

    `verified_at` is None when the ledger was never verified as a whole; `wrong` is what was wrong first then.
    """

    size: int
    waiting: int
    waiting_since: datetime | None
    verified_at: datetime | None
    verified_size: int
    findings: int
    wrong: str | None

    def late(self, now: datetime) -> bool:
        """Whether a leaf has waited for longer than `LONGEST_WAIT`."""
        return self.waiting_since is not None and now - self.waiting_since > LONGEST_WAIT


def look(tx: Connection) -> LedgerSeen:
    """The ledger as it stands. A leaf that waits and is gone counts as waiting. Raises: StoreError."""
    waiting = select(func.count(), func.min(ledger_leaves.c.at)).select_from(
        ledger_waiting.outerjoin(ledger_leaves, ledger_leaves.c.id == ledger_waiting.c.leaf)
    )
    count, since = tx.execute(waiting).one()
    size = tx.execute(select(func.max(ledger_checkpoints.c.size))).scalar_one() or 0
    last = tx.execute(select(ledger_verification)).one_or_none()
    if last is None:
        return LedgerSeen(size, count, since, None, 0, 0, None)
    return LedgerSeen(size, count, since, last.at, last.size, last.findings, last.first)
