"""Look at a few values of a table without reading it: slices along its numbered key, spread over the whole of it.

Values come as text, each cut short, each different one once. What is no text in any encoding (pictures, archives) is
left out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.statements import core_table

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table

LENGTH = 2000
_SLICES = 10
_FEW = 20  # a column with fewer different values in the slices is looked at once more, for itself
_CAST = (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.TIME, ColumnKind.OTHER)
"""What PostgreSQL must turn into text: enumerations, documents, and times that the driver cannot hold ("infinity")."""
_SMALL = 50_000  # rows up to which that look may read the whole table


def samples(connection: Connection, seen: TableSeen, names: Sequence[str], n: int) -> dict[str, list[str]]:
    """At most `n` different values of each column, as text."""
    table = core_table(seen)
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    for statement in _slices(connection, table, seen, names, n):
        _gather(found, names, connection.execute(statement), n)
    for name in names:
        sparse = len(found[name]) < min(_FEW, n) and seen.columns[name].nullable
        if sparse and (seen.rows is None or seen.rows <= _SMALL or seen.indexed((name,))):
            expression = _as_text(connection, table, seen.columns[name])
            own = _select([expression]).select_from(table).where(table.c[name].is_not(None)).limit(n)
            _gather(found, [name], connection.execute(own), n)
    return {name: list(values) for name, values in found.items()}


def as_text(value: Any) -> str | None:
    """One value as text, cut short; None for NULL and for bytes that are no text."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            value = bytes(value).decode()
        except UnicodeDecodeError:
            return None
        if not value.isprintable() and any(ord(sign) < 9 for sign in value):
            return None
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, (dt.datetime, dt.date)):
        value = value.isoformat()
    return str(value)[:LENGTH]


def _gather(found: dict[str, dict[str, None]], names: Sequence[str], rows: Iterable[Sequence[Any]], n: int) -> None:
    for row in rows:
        for name, value in zip(names, row, strict=True):
            text = as_text(value)
            if text is not None and len(found[name]) < n:
                found[name][text] = None


def _as_text(connection: Connection, table: FromClause, column: Column) -> ColumnElement[Any]:
    """The column, cut in the store where it may be long."""
    import sqlalchemy

    made = table.c[column.name]
    if connection.dialect.name == "postgresql" and column.kind in _CAST:
        return sqlalchemy.func.substr(sqlalchemy.cast(made, sqlalchemy.Text), 1, LENGTH)
    if column.kind in (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.BINARY):
        return sqlalchemy.func.substr(made, 1, LENGTH)
    return made


def _slices(connection: Connection, table: Table, seen: TableSeen, names: Sequence[str], n: int) -> list[Select[Any]]:
    import sqlalchemy

    whole = _select([_as_text(connection, table, seen.columns[name]) for name in names]).select_from(table)
    if seen.rows is not None and seen.rows <= n:
        return [whole.limit(n)]
    number = _numbered(table, seen)
    if number is not None:
        ends = sqlalchemy.select(sqlalchemy.func.min(number), sqlalchemy.func.max(number)).select_from(table)
        first, last = connection.execute(ends).one()
        if first is None:
            return []
        each = max(1, n // _SLICES)
        starts = sorted({first + (last - first) * i // _SLICES for i in range(_SLICES)})
        if last - first < n:
            return [whole.limit(n)]
        return [whole.where(number >= start).order_by(number).limit(each) for start in starts]
    if connection.dialect.name == "postgresql" and seen.kind.value == "table" and (seen.rows or 0) > 10 * n:
        share = min(100.0, 300.0 * n / (seen.rows or 1))
        part = table.tablesample(sqlalchemy.func.system(share), seed=sqlalchemy.text("7"))
        again = [_as_text(connection, part, seen.columns[name]) for name in names]
        return [_select(again).select_from(part).limit(n), whole.limit(_FEW)]
    key = [table.c[name] for name in seen.primary_key]
    if key:
        return [
            whole.order_by(*key).limit(n - n // 2),
            whole.order_by(*(part.desc() for part in key)).limit(n // 2),
        ]
    return [whole.limit(n)]


def _numbered(table: Table, seen: TableSeen) -> ColumnElement[Any] | None:
    """A whole number that grows with the rows and finds them by index, if there is one."""
    import sqlalchemy

    if seen.row_number is not None:
        return sqlalchemy.literal_column(seen.row_number, sqlalchemy.Integer)
    if len(seen.primary_key) == 1:
        column = seen.columns[seen.primary_key[0]]
        if column.kind is ColumnKind.NUMBER and "int" in column.type.lower():
            return table.c[column.name]
    return None


def _select(chosen: Sequence[ColumnElement[Any]]) -> Select[Any]:
    import sqlalchemy

    return sqlalchemy.select(*(expression.label(f"c{at}") for at, expression in enumerate(chosen)))
