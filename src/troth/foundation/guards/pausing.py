"""`troth pause`: nothing more is written into any of the company's stores until `troth resume`.

It holds for every process at once, since it stands in the store: whoever is about to open a transaction on a company's
store asks here first. A transaction that is already under way ends; the next one does not begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from troth.errors import WritingPaused
from troth.foundation.guards.tables import write_pauses
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.store import Store, hold
from troth.foundation.tables import staff as staff_table

_LATEST = select(write_pauses).order_by(write_pauses.c.id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Brake:
    """Whether writing is stopped, and since when it stands so; None where nobody ever stopped it."""

    paused: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that writing was stopped or let go on; `by` is None where an operator did it from a terminal."""

    paused: bool
    at: datetime
    by: str | None


def turns(tx: Connection, limit: int = 50) -> tuple[Turn, ...]:
    """The last times that the brake was pulled or let go, the newest first."""
    table, names = write_pauses, staff_table
    query = (
        select(table.c.paused, table.c.at, names.c.name)
        .select_from(table.outerjoin(names, names.c.id == table.c.staff))
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    return tuple(Turn(*row) for row in tx.execute(query))


def pause(tx: Connection, keyring: Keyring, now: datetime, *, staff: int | None = None) -> Brake:
    """Stop everything that writes into company stores, and record it. Stopped already: nothing changes."""
    return _set(tx, keyring, now, staff, paused=True)


def resume(tx: Connection, keyring: Keyring, now: datetime, *, staff: int | None = None) -> Brake:
    """Let it go on, and record it; what waited is taken up by the next run of its job."""
    return _set(tx, keyring, now, staff, paused=False)


def brake(tx: Connection) -> Brake:
    """Whether writing is stopped now."""
    row = tx.execute(_LATEST).one_or_none()
    return Brake(paused=False, since=None) if row is None else Brake(row.paused, row.at)


def require_running(store: Store) -> None:
    """Make sure that company stores may be written to. Ask before each transaction there. Raises: WritingPaused."""
    with store.reading() as tx:
        require_running_in(tx)


def require_running_in(tx: Connection) -> None:
    """As `require_running`, within a transaction of the caller's. Raises: WritingPaused."""
    if brake(tx).paused:
        raise WritingPaused(repair="Run `troth resume` when it may go on.")


def _set(tx: Connection, keyring: Keyring, now: datetime, staff: int | None, *, paused: bool) -> Brake:
    hold(tx, "write pause")
    before = brake(tx)
    if before.paused is paused:
        return before
    leaf = leaves.append(tx, keyring, "writing.paused" if paused else "writing.resumed", None, {"staff": staff}, now)
    tx.execute(write_pauses.insert().values(paused=paused, staff=staff, at=now, leaf=leaf))
    return Brake(paused, now)
