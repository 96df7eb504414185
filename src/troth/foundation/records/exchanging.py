"""Whole partitions that are past their time, in MariaDB: exchanged for an empty table, counted there, and dropped.

Nothing that MariaDB does to a partition can be taken back, so each step is written down before it is done, and whoever
resumes looks what was:

1. The step is committed in `troth_step`. Then an empty table of the same form is made, and the two change places, which
   is a moment: from then on nobody is led to the rows.
2. What was taken off is looked through and counted where nobody waits, and the count is committed.
3. The table goes, and then the step says so.

A row among them that is not past its time after all (one without a time lies in the lowest partition), or a hold that
came meanwhile, and all of them are put back. The partition stays, empty: the next lower range is the company's to cut.

Expressions are told apart where every row of a partition is surely before its upper end: the column itself
(`RANGE COLUMNS`), and `to_days`, `year` and `unix_timestamp` of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from troth.errors import RecordsError
from troth.foundation.records import instants, passing, steps
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.ended import Ended, TableEnding
from troth.foundation.records.partitions import STEP, Detached, Partition, Rows, are_whole, refusal
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from troth.foundation.records.writing import Writer

LOCK = "set session lock_wait_timeout = 1"
"""Nobody waits longer for us than that, while we wait for others."""

_OF = re.compile(r"(?:(?P<of>to_days|year|unix_timestamp)\()?`(?P<column>(?:[^`]|``)+)`\)?\Z", re.IGNORECASE)
_TO_DAYS = 365  # TO_DAYS counts from the year 0, and Python from the year 1


def past(ask: Rows, ended: Ended, ending: TableEnding) -> tuple[Partition, ...]:
    """The partitions of one table that hold rows, all of them past their time by the upper end of the range."""
    import sqlalchemy

    if ended.kind is not StoreKind.MARIADB or not are_whole(ending):
        return ()
    [passed] = ending.row
    core, column = ended.core(ending.table), ended.seen(ending.table).columns[passed.column]
    if column.kind is not ColumnKind.TIME:
        return ()
    limit = passed.keep.before(ended.now).astimezone(dt.UTC)
    if column.type.lower() == "date":
        limit = dt.datetime.combine(limit.date(), dt.time(), dt.UTC)
    listed = sqlalchemy.text(
        "select partition_name as name, partition_method as method, partition_expression as expression, "
        "partition_description as upper, subpartition_name as sub from information_schema.partitions "
        "where table_schema = coalesce(:schema, database()) and table_name = :name "
        "and partition_name is not null order by partition_ordinal_position"
    ).bindparams(schema=core.schema, name=core.name)
    names = ("name", "method", "expression", "upper", "sub")
    rows = list(ask(sqlalchemy.select(listed.columns(*(sqlalchemy.column(each) for each in names)).subquery("p"))))
    if any(row[4] for row in rows):
        return ()
    triggered = "a trigger of it would not be called" if ended.seen(ending.table).triggers else None
    why = refusal(ended, ending) or triggered
    found, yes = [], sqlalchemy.true()
    for at, (name, method, expression, upper, _) in enumerate(rows):
        end = _end(str(method), str(expression), str(upper), passed.column)
        each = Partition(core.schema or "", str(name), str(upper), why, of=str(core.name))
        over = _past(ended, ending, sqlalchemy.column)
        if end is None or end > limit or not any(True for _ in ask(each.any_row().where(over))):
            continue
        if not at and any(True for _ in ask(each.any_row().where(over.is_not(yes)))):  # the lowest holds them, too
            each = replace(each, refused=why or "rows without a time lie in it")
        found.append(each)
    if found and why is None and not _may(ask):
        refused = "the user of the store may not make, alter and drop tables"
        return tuple(replace(each, refused=refused) for each in found)
    return tuple(found)


def _may(ask: Rows) -> bool:
    """Whether this user has every right that it takes, on the whole database: the table that is made has a new name."""
    import sqlalchemy

    me = "concat(char(39), replace(current_user(), '@', concat(char(39), '@', char(39))), char(39))"  # 'name'@'host'
    given = sqlalchemy.text(
        f"select privilege_type as word from information_schema.user_privileges where grantee = {me} union "  # noqa: S608 - a constant
        f"select privilege_type from information_schema.schema_privileges where grantee = {me} "
        "and database() like table_schema"
    )
    listed = sqlalchemy.select(given.columns(sqlalchemy.column("word")).subquery("given"))
    return {str(word) for (word,) in ask(listed)} >= {"SELECT", "INSERT", "CREATE", "ALTER", "DROP"}


def _past(ended: Ended, ending: TableEnding, column: Callable[[str], Any]) -> Any:
    """That a row is past its time, as a condition on what `column` gives for a name."""
    [passed] = ending.row
    seen = ended.seen(ending.table).columns[passed.column]
    return passing.before(column(passed.column), seen, passed.keep.before(ended.now), ended.kind)


def _end(method: str, expression: str, upper: str, column: str) -> dt.datetime | None:
    """Before which instant all rows of a partition lie, but for those without a time; None where it does not tell."""
    match = _OF.match(expression.strip())
    if match is None or match["column"].replace("``", "`") != column:
        return None
    of = (match["of"] or "").lower()
    try:
        if method == "RANGE COLUMNS" and not of:
            return instants.read(upper.strip("'"))
        if method != "RANGE" or not of:
            return None
        number = int(upper)
        if of == "unix_timestamp":
            return dt.datetime.fromtimestamp(number, dt.UTC)
        day = dt.date(number, 1, 1) if of == "year" else dt.date.fromordinal(number - _TO_DAYS)
    except (ValueError, OverflowError):  # MAXVALUE
        return None
    return dt.datetime.combine(day, dt.time(), dt.UTC)


# --- three steps ------------------------------------------------------------------------------------------------------


def counted(partition: Partition, connection: Connection) -> int:
    """How many rows stand in a partition now."""
    return int(connection.execute(partition.count()).scalar_one())


def take_off(writer: Writer, parent: Table, each: Detached, at: dt.datetime, asked: Callable[[], None]) -> bool:
    """Take a partition off its table, where that can be done at once; gives whether it was. `asked` stops it by
    raising.
    """

    def intend(connection: Connection) -> bool:
        asked()
        if steps.begin(connection, each.run, each.partition.step, at) is not None:
            return False  # it went in this run, and was filled anew
        steps.end(connection, each.run, each.partition.step, _said(each))
        return True

    def exchange(connection: Connection) -> None:
        named = connection.dialect.identifier_preparer.quote_identifier
        table, aside = named(parent.name), named(_aside(each))
        connection.exec_driver_sql(LOCK)
        for statement in (
            f"create table {aside} like {table}",
            f"alter table {aside} remove partitioning",
            f"alter table {table} exchange partition {named(each.partition.name)} with table {aside}",
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))

    if not writer.carry_out(intend):
        return False
    try:
        writer.outside(exchange)
    except RecordsError:  # somebody holds the table and does not let go, or this user may not: row by row, then
        if not writer.outside(partial(has_rows, each=each)):
            settle(writer, each)
            return False
    return True


def waiting(connection: Connection, table: str) -> Iterator[Detached]:
    """What was begun with partitions of `table` by any run and not ended, because somebody died or stopped."""
    import sqlalchemy

    made = steps.table()
    statement = sqlalchemy.select(made.c.request, made.c.counts).where(made.c.step.like(f"{STEP} %"))
    for run, counts in connection.execute(statement).all():
        said = json.loads(counts)
        if said.get("table") == table and "gone" not in said:
            partition = Partition(said["schema"], said["name"], said["bounds"], of=table)
            yield Detached(run, table, partition, said.get("rows"))


def has_rows(connection: Connection, each: Detached) -> bool:
    """Whether rows stand in what was taken off: not where the two never changed places."""
    import sqlalchemy

    if not _stands(connection, each):
        return False
    one: Any = sqlalchemy.select(sqlalchemy.literal_column("1")).select_from(_table(each)).limit(1)
    return connection.execute(one).first() is not None


def are_past(connection: Connection, ended: Ended, ending: TableEnding, each: Detached) -> bool:
    """Whether every row that was taken off is past its time; it is looked through where nobody waits."""
    import sqlalchemy

    aside = _table(each, *(passed.column for passed in ending.row))
    over = _past(ended, ending, aside.c.__getitem__)
    other: Any = sqlalchemy.select(sqlalchemy.literal_column("1")).where(over.is_not(sqlalchemy.true()))
    return connection.execute(other.select_from(aside).limit(1)).first() is None


def count(connection: Connection, each: Detached) -> int:
    """Count what was taken off, and write it down beside the step, in the caller's transaction."""
    import sqlalchemy

    n = int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(_table(each))).scalar_one())
    steps.end(connection, each.run, each.partition.step, {**_said(each), "rows": n})
    return n


def put_back(connection: Connection, ended: Ended, each: Detached) -> None:
    """Put the rows back into their table, in the caller's transaction."""
    import sqlalchemy

    names = [name for name, column in ended.seen(each.table).columns.items() if not column.computed]
    aside = _table(each, *names)
    rows = sqlalchemy.select(*(aside.c[name] for name in names))
    connection.execute(ended.core(each.table).insert().from_select(names, rows))
    connection.execute(aside.delete())


def settle(writer: Writer, each: Detached) -> None:
    """Drop what was taken off, counted or put back, and say so; without a count the step is as if it had not been."""
    made = steps.table()
    mine = (made.c.request == each.run, made.c.step == each.partition.step)

    def drop(connection: Connection) -> None:
        if not _stands(connection, each):  # this user may have no right to drop anything
            return
        if each.rows is None and has_rows(connection, each):
            raise RecordsError("rows stand in a table that was to be empty; nothing was dropped.", where=each.table)
        named = connection.dialect.identifier_preparer.quote_identifier(_aside(each))
        connection.exec_driver_sql(f"drop table {named}".replace("%", "%%"))

    def say(connection: Connection) -> None:
        if each.rows is None:
            connection.execute(made.delete().where(*mine))
        else:
            steps.end(connection, each.run, each.partition.step, {**_said(each), "rows": each.rows, "gone": True})

    writer.outside(drop)
    writer.carry_out(say)


def _stands(connection: Connection, each: Detached) -> bool:
    import sqlalchemy

    return sqlalchemy.inspect(connection).has_table(_aside(each))


def _said(each: Detached) -> dict[str, Any]:
    own = each.partition
    return {"table": each.table, "schema": own.schema, "name": own.name, "bounds": own.bounds}


def _aside(each: Detached) -> str:
    """The table that changes places with a partition: the same name for whoever resumes."""
    return f"troth_{hashlib.sha256(f'{each.run} {each.table} {each.partition.name}'.encode()).hexdigest()[:16]}"


def _table(each: Detached, *columns: str) -> Any:
    import sqlalchemy
    from sqlalchemy import quoted_name

    named: Any = (sqlalchemy.column(quoted_name(name, quote=True)) for name in columns)
    return sqlalchemy.table(_aside(each), *named)
