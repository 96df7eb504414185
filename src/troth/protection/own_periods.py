"""How long troth keeps what it writes about its own work: a declared table, and an eye on what is past its time.

What proves something (the ledger, requests, choices, erasures, holds, runs that ended data) has periods of its own or
none, and is not here. A row here is of no use to anybody once its time is up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation.mail import MailState
from troth.foundation.store.schema import metadata
from troth.policy.periods import Duration

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


@dataclass(frozen=True, slots=True)
class OwnPeriod:
    """Rows of `table` go `keep` after `column`, for the reason `why`."""

    table: str
    column: str
    keep: Duration
    why: str


OWN: tuple[OwnPeriod, ...] = (
    OwnPeriod("check_runs", "checked_at", Duration(400, "day"), "to compare verdicts with those of a year before"),
    OwnPeriod("outbox", "queued_at", Duration(400, "day"), "to show that a letter was sent, or came back"),
    OwnPeriod("staff_sessions", "ends_at", Duration(1, "day"), "nobody is signed in by them any more"),
    OwnPeriod("staff_links", "ends_at", Duration(1, "day"), "they sign nobody in any more"),
    OwnPeriod("centre_sessions", "ends_at", Duration(1, "day"), "nobody is signed in by them any more"),
    OwnPeriod("centre_links", "ends_at", Duration(1, "day"), "they lead nowhere any more"),
    OwnPeriod("request_links", "ends_at", Duration(30, "day"), "to answer who asks why a link lapsed"),
    OwnPeriod("login_failures", "last_at", Duration(2, "day"), "to slow down who guesses passwords"),
)


def past(each: OwnPeriod, now: dt.datetime) -> ColumnElement[bool]:
    """The rows of one table that are past their time; the newest run of checks, and letters that wait, never are."""
    import sqlalchemy

    table = metadata.tables[each.table]
    found = table.c[each.column] < each.keep.before(now)
    if each.table == "outbox":
        return sqlalchemy.and_(found, table.c.state.not_in([MailState.WAITING, MailState.SENDING]))
    if each.table == "check_runs":
        newest = sqlalchemy.select(sqlalchemy.func.max(table.c.id)).scalar_subquery()
        return sqlalchemy.and_(found, table.c.id != newest)
    return found


def late(tx: Connection, now: dt.datetime) -> Iterator[tuple[OwnPeriod, int]]:
    """Each table with rows past their time, and how many."""
    import sqlalchemy

    for each in OWN:
        table = metadata.tables.get(each.table)
        if table is None or not tx.dialect.has_table(tx, each.table):
            continue
        n = tx.execute(
            sqlalchemy.select(sqlalchemy.func.count()).select_from(table).where(past(each, now))
        ).scalar_one()
        if n:
            yield each, int(n)
