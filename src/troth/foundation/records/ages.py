"""How old rows are, by a column of times of whatever kind: counted in the store, judged by the same rule everywhere.

Real types are compared by the store. Numbers are compared after their unit is told from their size. Texts of ISO form
are compared by their day in the store; those within a day of the limit are fetched and read, because of zones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from troth.foundation.records import instants
from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.instants import EARLIEST, ISO, LATEST, Times
from troth.foundation.records.statements import where_clause
from troth.policy.conditions import Condition

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

_DAY = dt.timedelta(days=1)


def times(connection: Connection, table: Table, column: Column, conditions: Sequence[Condition] = ()) -> Times:
    """Rows with a time, the ends, and how many values could not be read."""
    found = Times()
    for form, clause in _forms(connection, table, column, conditions):
        found += form.times(connection, _read_as(connection, table, column), clause)
    return found


def count_before(
    connection: Connection, table: Table, column: Column, instant: dt.datetime, conditions: Sequence[Condition] = ()
) -> int:
    """How many rows have a time before `instant`; a day alone is before it when its last hour is."""
    return sum(
        form.count_before(connection, _read_as(connection, table, column), clause, instant)
        for form, clause in _forms(connection, table, column, conditions)
    )


def _read_as(connection: Connection, table: Table, column: Column) -> ColumnElement[Any]:
    """The column; as plain text where PostgreSQL has a type of texts that it does not compare (an enumeration)."""
    import sqlalchemy

    made: ColumnElement[Any] = table.c[column.name]
    if connection.dialect.name == "postgresql" and column.kind is ColumnKind.TEXT:
        return sqlalchemy.cast(made, sqlalchemy.Text)
    return made


def _forms(
    connection: Connection, table: Table, column: Column, conditions: Sequence[Condition]
) -> list[tuple[Any, ColumnElement[bool]]]:
    """The forms that this column's values have, each with the rows that it covers."""
    import sqlalchemy

    made = table.c[column.name]
    clause = sqlalchemy.and_(where_clause(table, conditions), made.is_not(None))
    if connection.dialect.name == "sqlite":  # a column holds whatever was put in
        kind = sqlalchemy.func.typeof(made)
        return [
            (_Texts(), sqlalchemy.and_(clause, kind == "text")),
            (_Numbers(), sqlalchemy.and_(clause, kind.in_(["integer", "real"]))),
            (_Unreadable(), sqlalchemy.and_(clause, kind == "blob")),
        ]
    if column.kind is ColumnKind.TIME:
        return [(_Real(column), clause)]
    if column.kind is ColumnKind.TEXT:
        return [(_Texts(), clause)]
    if column.kind is ColumnKind.NUMBER:
        return [(_Numbers(), clause)]
    return [(_Unreadable(), clause)]


class _Real:
    """A type of the store's own."""

    def __init__(self, column: Column) -> None:
        self._whole_days = column.type.lower() == "date"
        self._zoned = "with time zone" in column.type

    def times(self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool]) -> Times:
        import sqlalchemy

        readable = sqlalchemy.and_(column > self._bound(EARLIEST), column < self._bound(LATEST))
        count = sqlalchemy.func.count
        rows, bad = connection.execute(
            sqlalchemy.select(count(), count().filter(sqlalchemy.not_(readable))).where(clause)
            if connection.dialect.name == "postgresql"
            else sqlalchemy.select(count(), count(sqlalchemy.case((sqlalchemy.not_(readable), 1)))).where(clause)
        ).one()
        ends = sqlalchemy.select(sqlalchemy.func.min(column), sqlalchemy.func.max(column)).where(clause, readable)
        oldest, newest = map(instants.read, connection.execute(ends).one())
        return Times(rows - bad, oldest, newest, bad)

    def count_before(
        self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool], instant: dt.datetime
    ) -> int:
        import sqlalchemy

        statement = sqlalchemy.select(sqlalchemy.func.count()).where(
            clause, column > self._bound(EARLIEST), column < self._bound(instant)
        )
        return int(connection.execute(statement).scalar_one())

    def _bound(self, instant: dt.datetime) -> dt.datetime | dt.date:
        """`instant` as this column's type; for whole days, the day of it."""
        instant = instant.astimezone(dt.UTC)
        if self._whole_days:
            return instant.date()
        return instant if self._zoned else instant.replace(tzinfo=None)


class _Numbers:
    """Seconds, milliseconds ... since 1970, or Julian days. Zero and less mean no time."""

    def times(self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool]) -> Times:
        rows, smallest, largest, unit = self._range(connection, column, clause)
        if not rows:
            return Times()
        if unit is None:
            return Times(unreadable=rows)
        return Times(rows, instants.read(smallest, unit), instants.read(largest, unit))

    def count_before(
        self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool], instant: dt.datetime
    ) -> int:
        import sqlalchemy

        rows, _, _, unit = self._range(connection, column, clause)
        if not rows or unit is None:
            return 0
        limit = instants.number_at(instant, unit)
        statement = sqlalchemy.select(sqlalchemy.func.count()).where(clause, column > 0, column < limit)
        return int(connection.execute(statement).scalar_one())

    def _range(
        self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool]
    ) -> tuple[int, float, float, float | None]:
        import sqlalchemy

        func = sqlalchemy.func
        statement = sqlalchemy.select(func.count(), func.min(column), func.max(column)).where(clause, column > 0)
        rows, smallest, largest = connection.execute(statement).one()
        if not rows:
            return 0, 0.0, 0.0, None
        return rows, float(smallest), float(largest), instants.unit_of(float(smallest), float(largest))


class _Texts:
    """Texts of ISO form; others are counted as unreadable."""

    def times(self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool]) -> Times:
        import sqlalchemy

        func = sqlalchemy.func
        rows = int(connection.execute(sqlalchemy.select(func.count()).where(clause)).scalar_one())
        if not rows:
            return Times()
        day = func.substr(column, 1, 10)
        statement = sqlalchemy.select(func.count(), func.min(day), func.max(day)).where(clause, column.like(ISO))
        readable, first, last = connection.execute(statement).one()
        oldest = self._within(connection, column, clause, first, 1)
        newest = self._within(connection, column, clause, last, -1)
        return Times(readable, min(oldest, default=None), max(newest, default=None), rows - readable)

    def count_before(
        self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool], instant: dt.datetime
    ) -> int:
        import sqlalchemy

        instant = instant.astimezone(dt.UTC)
        before, after = _days_around(instant)
        func = sqlalchemy.func
        day = func.substr(column, 1, 10)
        readable = sqlalchemy.and_(clause, column.like(ISO))
        sure = connection.execute(sqlalchemy.select(func.count()).where(readable, day < before)).scalar_one()
        near = sqlalchemy.select(column, func.count()).where(readable, day >= before, day <= after).group_by(column)
        close = (
            count
            for text, count in connection.execute(near)
            if (at := instants.read(text)) is not None and (at < instant if _has_clock(text) else at + _DAY <= instant)
        )
        return int(sure) + sum(map(int, close))

    def _within(
        self,
        connection: Connection,
        column: ColumnElement[Any],
        clause: ColumnElement[bool],
        day: str | None,
        days: int,
    ) -> list[dt.datetime]:
        """The times of the texts on `day` and the next one in that direction: zones may turn their order."""
        import sqlalchemy

        at = instants.read(day)
        if at is None:
            return []
        ends = sorted((at, at + days * _DAY))
        prefix = sqlalchemy.func.substr(column, 1, 10)
        statement = (
            sqlalchemy.select(column)
            .where(clause, column.like(ISO), prefix >= f"{ends[0]:%Y-%m-%d}", prefix <= f"{ends[1]:%Y-%m-%d}")
            .distinct()
            .order_by(column if days > 0 else column.desc())
            .limit(20_000)
        )
        read = (instants.read(text) for text in connection.execute(statement).scalars())
        return [each for each in read if each is not None]


class _Unreadable:
    """Values that are no times in any form we read."""

    def times(self, connection: Connection, column: ColumnElement[Any], clause: ColumnElement[bool]) -> Times:  # noqa: ARG002
        import sqlalchemy

        statement = sqlalchemy.select(sqlalchemy.func.count()).where(clause)
        return Times(unreadable=int(connection.execute(statement).scalar_one()))

    def count_before(self, *_: object) -> int:
        return 0


def _has_clock(text: Any) -> bool:
    """Whether a text that reads as a time says more than a day."""
    return len(str(text).strip()) > 10


def _days_around(instant: dt.datetime) -> tuple[str, str]:
    return f"{instant - _DAY:%Y-%m-%d}", f"{instant + _DAY:%Y-%m-%d}"
