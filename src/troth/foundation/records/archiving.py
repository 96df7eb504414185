"""Move rows to the archive of their table, in one store and in one transaction: none is lost, and none stands twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from troth.errors import RecordsError
from troth.foundation.clock import stamp
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.ended import Ended, TableEnding
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection


def move(connection: Connection, ended: Ended, ending: TableEnding, narrow: Callable[[Any], Any]) -> int:
    """Move the due rows of one part, which `narrow` makes of a statement over all; gives how many.

    PostgreSQL deletes and inserts in one statement. Elsewhere rows are inserted and then deleted, and nobody else can
    change them in between: SQLite has one writer, and MariaDB locks what it reads here. Raises RecordsError where the
    two numbers differ: nothing was moved then.

    A row that a restore put back, and that stands in the archive already, is deleted only: there it counts from when
    it first came. One whose key stands there with other values is not due (`Ended.clashing`).
    """
    import sqlalchemy

    archive = ending.archive
    assert archive is not None, "INVARIANT: rows that move have an archive"
    core, target = ended.core(ending.table), ended.core(archive.table)
    names = [*archive.columns, archive.at]
    twins = ended.twins(ending)
    back = 0
    if twins is not None:
        back = max(int(connection.execute(narrow(ended.delete(ending).where(twins))).rowcount), 0)
    moment: Any = sqlalchemy.literal(_moment(ended, archive.table, archive.at), sqlalchemy.types.NullType())
    moment = moment.label("troth_moment")
    if ended.kind is StoreKind.POSTGRESQL:
        gone = narrow(ended.delete(ending)).returning(*(core.c[name] for name in archive.columns)).cte("gone")
        found = sqlalchemy.select(*(gone.c[name] for name in archive.columns), moment)
        return back + _inserted(connection, target.insert().from_select(names, found))
    due = sqlalchemy.select(*(core.c[name] for name in archive.columns), moment).where(ended.going(ending))
    moved = _inserted(connection, target.insert().from_select(names, narrow(due)))
    deleted = int(connection.execute(narrow(ended.delete(ending))).rowcount)
    if moved != deleted:
        raise RecordsError(
            f"{moved} rows were copied to {archive.table} and {deleted} found to delete; nothing was changed.",
            where=ending.table,
            repair="Look at the triggers of both tables; then run it again.",
        )
    return back + deleted


def _inserted(connection: Connection, statement: Any) -> int:
    """How many rows an INSERT made, by the driver's own count, which is not asked for otherwise."""
    n = int(connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)
    assert n >= 0, "INVARIANT: a driver counts the rows of an INSERT"
    return n


def _moment(ended: Ended, table: str, name: str) -> Any:
    """The moment of the run as the column at `name` holds times."""
    column, now = ended.seen(table).columns[name], ended.now.astimezone(dt.UTC)
    if column.type.lower() == "date":
        return now.date().isoformat() if ended.kind is StoreKind.SQLITE else now.date()
    if column.kind is ColumnKind.NUMBER:
        return int(now.timestamp())
    if ended.kind is StoreKind.SQLITE or column.kind is not ColumnKind.TIME:
        return stamp(now) if column.kind is ColumnKind.TEXT else f"{now:%Y-%m-%d %H:%M:%S}"
    return now if "with time zone" in column.type else now.replace(tzinfo=None)
