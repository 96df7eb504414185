"""Read all rows of one person from every table of a store, as the copy that they get (GDPR Art. 15(3)).

One connection a store and one statement a table; a second where a table holds more of the person's rows than fit in
memory at ease: that one is streamed. The statements are made once for a map and a catalogue (`copystatements`) and then
only bound anew. PostgreSQL is asked for a dozen tables in one statement and gives a few rows as JSON; a table with more
of the person's is then asked for by itself. A time in a copy from there is a text in ISO form.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from troth.foundation.records import copystatements
from troth.foundation.records.copystatements import AT_EASE, Bound, Prepared, Statement
from troth.foundation.records.keys import Subject
from troth.foundation.records.reach import Reach, ReachedTable
from troth.foundation.records.redaction import REDACTED, Asked, Labels, Row, treatment

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records

__all__ = ["REDACTED", "Asked", "Labels", "Opener", "Part", "Row", "rows_of"]

_STREAMED = 1_000  # rows that a server hands over at a time
_from_json = json.JSONDecoder(parse_float=Decimal).decode

Part = tuple[ReachedTable, str | None, tuple[str, ...], Iterator[Row]]
"""The table, the role of the person in these rows ("sender and recipient" where both), the columns, the rows."""


Opener = Callable[[ReachedTable, tuple[str, ...]], Callable[[Row], Row]]
"""What opens sealed values in the rows of a table with these columns."""


def rows_of(
    records: Records,
    reach: Reach,
    subjects: Sequence[Subject],
    *,
    labels: Labels | None = None,
    opener: Opener | None = None,
) -> Iterator[Part]:
    """Every row of these subjects (one person) in one store, table by table in the order of the map.

    Each part is to be read before the next is asked for. Tables without rows of theirs come without a part. Columns and
    roles with `copy: no` are left out; rows are opened by `opener`, and then other people in them are treated as
    `redaction` says. Give the same `labels` for each store of one copy. Raises RecordsError.
    """
    people = tuple(subjects)
    labels = labels or Labels()
    with records.driver(reach.store) as (driver, dialect):
        prepared = copystatements.prepared(reach, dialect, people)
        for statement, rows in _READERS[dialect.name](driver, prepared, people):
            if opener is not None or not statement.untouched:
                yield from _parts(statement, _open(statement, rows, opener), people, labels)
            elif (some := _some(rows)) is not None:
                yield statement.table, None, statement.names, some


def _open(statement: Statement, rows: Iterable[Row], opener: Opener | None) -> Iterable[Row]:
    if opener is None:
        return rows
    opened, width = opener(statement.table, statement.names), len(statement.names)
    return map(opened, rows) if not statement.roles else ((*opened(tuple(row[:width])), *row[width:]) for row in rows)


def _parts(statement: Statement, rows: Iterable[Row], people: Sequence[Subject], labels: Labels) -> Iterator[Part]:
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


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _sqlite(driver: Any, prepared: Prepared, people: Sequence[Subject]) -> Iterator[tuple[Statement, Iterable[Row]]]:
    """A few tables in one transaction, which is over before their rows are given away: no writer waits for a reader."""
    driver.set_progress_handler(None, 0)  # the time limit of the last statement does not go on counting
    lenient, execute = driver.text_factory, driver.execute
    told = prepared.values.told(people)
    for turn in prepared.turns:
        taken: list[list[Row] | None] = []
        driver.text_factory = str  # quick; a text that is no UTF-8 is read again below
        execute("BEGIN")
        try:
            for statement in turn:
                whole = statement.whole
                try:
                    # A few rows more than are taken at ease, at most; what is left of the cursor goes with it.
                    taken.append(execute(whole.sql, whole.take(told)).fetchmany(AT_EASE + 1))
                except sqlite3.OperationalError as problem:
                    if "decode" not in str(problem):
                        raise
                    taken.append(None)  # a text among them cannot be read
        finally:
            driver.text_factory = lenient
            execute("ROLLBACK")
        for statement, rows in zip(turn, taken, strict=True):
            if rows is None or len(rows) > AT_EASE:
                with closing(execute(statement.whole.sql, statement.whole.take(told))) as cursor:
                    yield statement, cursor
            else:
                yield statement, rows


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _postgresql(
    driver: Any, prepared: Prepared, people: Sequence[Subject]
) -> Iterator[tuple[Statement, Iterable[Row]]]:
    driver.autocommit = True  # each statement for itself: no turn for BEGIN, none for ROLLBACK
    told = prepared.values.told(people)
    try:
        for group in prepared.groups:
            texts = driver.execute(group.few.sql, group.few.values(told), prepare=True).fetchone()
            read = [_from_json(each) if each else [] for each in texts]
            many = [statement for statement, rows in zip(group.statements, read, strict=True) if rows == 0]
            with driver.pipeline() if many else nullcontext():
                asked = [_asked(driver, each, told) for each in many]
                native = dict(zip(many, (cursor.fetchall() for cursor in asked), strict=True))
            for statement, found in zip(group.statements, read, strict=True):
                rows = native.pop(statement) if found == 0 else _as_rows(found, statement.binary)
                if len(rows) > AT_EASE:
                    with driver.transaction():
                        yield statement, _named(driver, statement, told)
                else:
                    yield statement, rows
    finally:
        if not driver.closed:
            driver.autocommit = False


def _asked(driver: Any, statement: Statement, told: Sequence[Any]) -> Any:
    first = statement.first
    return driver.execute(first.sql, first.values(told), prepare=True, binary=statement.compact)


def _named(driver: Any, statement: Statement, told: Sequence[Any]) -> Iterator[Row]:
    """Rows from a cursor at the server, a few at a time."""
    with driver.cursor(name="troth_copy", binary=statement.compact) as cursor:
        cursor.itersize = _STREAMED
        cursor.execute(statement.whole.sql, statement.whole.values(told))
        yield from cursor


def _as_rows(found: list[dict[str, Any]], binary: tuple[int, ...]) -> list[Row]:
    """Rows from JSON, in which bytes are hexadecimal digits."""

    def read(at: int, value: Any) -> Any:
        return bytes.fromhex(value[2:]) if at in binary and isinstance(value, str) else value

    if not binary:
        return [tuple(row.values()) for row in found]
    return [tuple(read(at, value) for at, value in enumerate(row.values())) for row in found]


# --- MariaDB and MySQL ------------------------------------------------------------------------------------------------


def _mysql(driver: Any, prepared: Prepared, people: Sequence[Subject]) -> Iterator[tuple[Statement, Iterable[Row]]]:
    told = prepared.values.told(people)
    for statement in prepared.statements:
        with driver.cursor() as cursor:
            cursor.execute(statement.first.sql, statement.first.values(told))
            rows = list(cursor.fetchall())
        yield statement, _unbuffered(driver, statement.whole, told) if len(rows) > AT_EASE else rows


def _unbuffered(driver: Any, bound: Bound, told: Sequence[Any]) -> Iterator[Row]:
    """Rows as the server sends them, for as long as it takes: its time limit is for statements that are not read."""
    from pymysql.cursors import SSCursor

    name = "max_statement_time" if "MariaDB" in driver.get_server_info() else "max_execution_time"
    with driver.cursor() as cursor:
        cursor.execute(f"select @@session.{name}")
        (limit,) = cursor.fetchone()
        cursor.execute(f"set session {name} = 0")
    try:
        with driver.cursor(SSCursor) as cursor:
            cursor.execute(bound.sql, bound.values(told))
            yield from cursor
    finally:
        with driver.cursor() as cursor:
            cursor.execute(f"set session {name} = %s", (limit,))


_READERS = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql}
