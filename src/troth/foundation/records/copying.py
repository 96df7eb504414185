"""Read all rows of one person from every table of a store, as the copy that they get (GDPR Art. 15(3)).

One connection a store and one statement a table; a second where a table holds more of the person's rows than fit in
memory at ease: that one is streamed. The statements are made once for a map and a catalogue and then only bound anew.
PostgreSQL gets those of many tables in one go (a pipeline).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import BoundKeys, Slot, Subject
from troth.foundation.records.reach import Reach, ReachedTable
from troth.foundation.records.redaction import REDACTED, Asked, Labels, Row, treatment
from troth.foundation.records.spelling import as_text
from troth.policy.datamap import Copying

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Dialect

    from troth.foundation.records.reading import Records

__all__ = ["REDACTED", "Asked", "Labels", "Part", "Row", "rows_of"]

AT_EASE = 5_000
"""Rows of one table that are taken at once; a table with more of the person's is streamed."""

_TOGETHER = 12  # tables whose rows are in memory at the same time
_STREAMED = 1_000  # rows that a server hands over at a time
_TIME_COLUMNS = (ColumnKind.TIME,)

Part = tuple[ReachedTable, str | None, tuple[str, ...], Iterator[Row]]
"""The table, the role of the person in these rows ("sender and recipient" where both), the columns, the rows."""


def rows_of(
    records: Records, reach: Reach, subjects: Sequence[Subject], *, labels: Labels | None = None
) -> Iterator[Part]:
    """Every row of these subjects (one person) in one store, table by table in the order of the map.

    Each part is to be read before the next is asked for. Tables without rows of theirs come without a part. Columns and
    roles with `copy: no` are left out; other people in the rows are treated as `redaction` says. Give the same `labels`
    for each store of one copy. Raises RecordsError.
    """
    people = tuple(subjects)
    labels = labels or Labels()
    with records.connection(reach.store) as connection, _driver(connection) as driver:
        statements = _prepared(reach, connection.dialect, people)
        for statement, rows in _READERS[connection.dialect.name](driver, statements, people):
            yield from _parts(statement, rows, people, labels)


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bound:
    """SQL as the driver takes it: `order` names the values of positional parameters, None where they have names."""

    sql: str
    order: tuple[str, ...] | None
    constants: Mapping[str, Any]
    slots: Mapping[str, Slot]

    def values(self, people: Sequence[Subject]) -> Any:
        told = {**self.constants, **{name: slot.value(people) for name, slot in self.slots.items()}}
        return told if self.order is None else tuple(told[name] for name in self.order)


@dataclass(frozen=True, slots=True)
class _Statement:
    """What reads one table: `first` at most a few rows, `whole` all, `plain` the same with times as text.

    After the columns of the table each row has a flag for each of `roles`.
    """

    table: ReachedTable
    names: tuple[str, ...]
    roles: tuple[str, ...]
    first: _Bound
    whole: _Bound
    plain: _Bound


def _prepared(reach: Reach, dialect: Dialect, people: Sequence[Subject]) -> tuple[_Statement, ...]:
    """The statements for people of this shape, made when first asked for."""
    key = (dialect.name, dialect.server_version_info, BoundKeys(people).shape)
    found: tuple[_Statement, ...] | None = reach.prepared.get(key)
    if found is None:
        made = (_statement(reach, table, dialect, people) for table in reach.tables)
        found = tuple(each for each in made if each is not None)
        reach.prepared[key] = found
    return found


def _statement(reach: Reach, table: ReachedTable, dialect: Dialect, people: Sequence[Subject]) -> _Statement | None:
    names = tuple(name for name in table.seen.columns if table.column(name).copy is Copying.YES)
    roles = tuple(role.name for role in table.table.roles.values() if role.copy is Copying.YES)
    if not names or (table.table.roles and not roles) or not table.seen.holds_rows:
        return None

    def made(*, limit: int | None = None, plain: bool = False) -> _Bound:
        import sqlalchemy

        keys = BoundKeys(people)
        columns: list[ColumnElement[Any]] = [table.core.c[name] for name in names]
        if plain:
            times = [table.seen.columns[name].kind in _TIME_COLUMNS for name in names]
            columns = [as_text(each) if time else each for each, time in zip(columns, times, strict=True)]
        if not roles:
            statement = sqlalchemy.select(*columns).where(reach.whose(table, keys))
        else:
            theirs = [reach.whose(table, keys, role) for role in roles]
            flags = [sqlalchemy.case((each, 1), else_=0) for each in theirs]
            labelled = [flag.label(f"role_{at}") for at, flag in enumerate(flags)]
            statement = sqlalchemy.select(*columns, *labelled).where(sqlalchemy.or_(*theirs))
            statement = statement.order_by(*(sqlalchemy.desc(flag.name) for flag in labelled))
        compiled = statement.limit(limit).compile(dialect=dialect)
        order = tuple(compiled.positiontup or ()) if compiled.positional else None
        constants = {name: value for name, value in compiled.params.items() if name not in keys.slots}
        met = {name: slot for name, slot in keys.slots.items() if name in compiled.params}
        return _Bound(str(compiled), order, constants, met)

    whole = made()
    first = whole if dialect.name == "sqlite" else made(limit=AT_EASE + 1)
    return _Statement(table, names, roles, first, whole, made(plain=True))


# --- rows -------------------------------------------------------------------------------------------------------------


def _parts(statement: _Statement, rows: Iterable[Row], people: Sequence[Subject], labels: Labels) -> Iterator[Part]:
    table, names, width = statement.table, statement.names, len(statement.names)
    if not statement.roles:
        some = _some(rows)
        if some is not None:
            change = treatment(table, names, (), people, labels)
            yield table, None, names, map(change, some) if change else some
        return
    for flags, group in itertools.groupby(rows, key=lambda row: row[width:]):
        held = [role for role, flag in zip(statement.roles, flags, strict=True) if flag]
        change = treatment(table, names, held, people, labels)
        bare = (tuple(row[:width]) for row in group)
        yield table, " and ".join(held), names, map(change, bare) if change else bare


def _some(rows: Iterable[Row]) -> Iterator[Row] | None:
    """`rows`, or None where there are none."""
    if isinstance(rows, list):
        return iter(rows) if rows else None
    waiting = iter(rows)
    first = next(waiting, None)
    return None if first is None else itertools.chain((first,), waiting)


@contextmanager
def _driver(connection: Connection) -> Iterator[Any]:
    """The driver's own connection; its errors come out as SQLAlchemy's, which the connector puts into our words."""
    from sqlalchemy.exc import DBAPIError

    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        yield connection.connection.driver_connection
    except dbapi.Error as problem:
        raise DBAPIError(None, None, problem) from None


def _sqlite(
    driver: Any, statements: Sequence[_Statement], people: Sequence[Subject]
) -> Iterator[tuple[_Statement, Iterable[Row]]]:
    """Rows come as they are read: a cursor of SQLite holds one row at a time."""
    driver.set_progress_handler(None, 0)  # the time limit of the last statement does not go on counting
    for statement in statements:
        yield statement, driver.execute(statement.first.sql, statement.first.values(people))


def _postgresql(
    driver: Any, statements: Sequence[_Statement], people: Sequence[Subject]
) -> Iterator[tuple[_Statement, Iterable[Row]]]:
    for start in range(0, len(statements), _TOGETHER):
        together = statements[start : start + _TOGETHER]
        with driver.pipeline():
            cursors = [driver.execute(each.first.sql, each.first.values(people)) for each in together]
            taken = [_fetched(cursor) for cursor in cursors]
        for statement, rows in zip(together, taken, strict=True):
            if rows is None:  # a time that Python cannot hold, such as "infinity": all times as text
                yield statement, _named(driver, statement.plain, people)
            elif len(rows) > AT_EASE:
                yield statement, _named(driver, statement.whole, people)
            else:
                yield statement, rows


def _fetched(cursor: Any) -> list[Row] | None:
    from psycopg import DataError

    try:
        rows: list[Row] = cursor.fetchall()
    except DataError as problem:
        if problem.sqlstate is not None:  # the server's own
            raise
        return None
    return rows


def _named(driver: Any, bound: _Bound, people: Sequence[Subject]) -> Iterator[Row]:
    """Rows from a cursor at the server, a few at a time."""
    with driver.cursor(name="troth_copy") as cursor:
        cursor.itersize = _STREAMED
        cursor.execute(bound.sql, bound.values(people))
        yield from cursor


def _mysql(
    driver: Any, statements: Sequence[_Statement], people: Sequence[Subject]
) -> Iterator[tuple[_Statement, Iterable[Row]]]:
    for statement in statements:
        with driver.cursor() as cursor:
            cursor.execute(statement.first.sql, statement.first.values(people))
            rows = list(cursor.fetchall())
        yield statement, _unbuffered(driver, statement.whole, people) if len(rows) > AT_EASE else rows


def _unbuffered(driver: Any, bound: _Bound, people: Sequence[Subject]) -> Iterator[Row]:
    """Rows as the server sends them, for as long as it takes: its time limit is for statements that are not read."""
    from pymysql.cursors import SSCursor

    name = "max_statement_time" if "MariaDB" in driver.get_server_info() else "max_execution_time"
    with driver.cursor() as cursor:
        cursor.execute(f"select @@session.{name}")
        (limit,) = cursor.fetchone()
        cursor.execute(f"set session {name} = 0")
    try:
        with driver.cursor(SSCursor) as cursor:
            cursor.execute(bound.sql, bound.values(people))
            yield from cursor
    finally:
        with driver.cursor() as cursor:
            cursor.execute(f"set session {name} = %s", (limit,))


_READERS = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql}
