"""Which workers live: each counts up a number in troth's store, and whoever stops counting is taken to be dead.

The judge trusts no clock but its own monotonic one: it remembers when it last saw a number move. Machines whose clocks
differ, or are set back, change nothing. A slow worker can be taken for dead; its jobs are then at work twice for a
moment, which idempotent steps and the engine's own fence (only the present owner may record a step) make harmless.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from troth.foundation.tables import workers


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of one worker. `at` is by that worker's clock and for people only."""

    worker: str
    started_at: datetime
    at: datetime
    count: int


def beat(tx: Connection, worker: str, now: datetime) -> None:
    """Give a sign of life; a worker that was taken for dead and forgotten comes back by it."""
    moved = update(workers).where(workers.c.id == worker).values(beat=workers.c.beat + 1, beat_at=now)
    if tx.execute(moved).rowcount == 0:
        tx.execute(insert(workers).values(id=worker, started_at=now, beat_at=now, beat=1))


def leave(tx: Connection, worker: str) -> None:
    """Take back the worker's row: it stopped, or it is known to be dead and its work is taken over."""
    tx.execute(delete(workers).where(workers.c.id == worker))


def beats(tx: Connection) -> tuple[Beat, ...]:
    """The last sign of life of every worker, in the order in which they started."""
    rows = tx.execute(select(workers).order_by(workers.c.started_at, workers.c.id))
    return tuple(Beat(row.id, row.started_at, row.beat_at, row.beat) for row in rows)


@dataclass(slots=True)
class Watch:
    """What one worker remembers of the others. `tick` is a monotonic clock in seconds."""

    silent_s: float
    tick: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def silent(self, counts: Mapping[str, int], owners: Iterable[str]) -> frozenset[str]:
        """Of those who beat or own work, the ones whose number has not moved for `silent_s`.

        An owner of work who has no number counts as one whose number stands still.
        """
        now = self.tick()
        named = {*counts, *owners}
        for name in named:
            count = counts.get(name)
            if name not in self._seen or self._seen[name][0] != count:
                self._seen[name] = (count, now)
        for gone in self._seen.keys() - named:
            del self._seen[gone]
        return frozenset(name for name in named if now - self._seen[name][1] >= self.silent_s)
