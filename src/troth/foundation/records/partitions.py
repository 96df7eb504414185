"""Whole partitions that are past their time: found, and in PostgreSQL dropped instead of emptied row by row.

For MariaDB see `exchanging`.

A table that is partitioned by ranges of the very time that its rows end by has partitions of which every row is past
its time, once the upper end of the range is. Such a partition is *detached* and then dropped: two short transactions,
each with its row in `troth_step`, so that whoever resumes knows where it stands and how many rows went.

It is not done, and the rows go in parts, where anything would be passed over or in the way: a hold, rows that point at
the table, a trigger, a view, subscribers who get each deletion, or a user of the store who does not own the table.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from troth.foundation.records import steps
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.ended import Ended, TableEnding, pointers_at
from troth.foundation.records.statements import quoted
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

Rows = Callable[["Select[Any]"], Iterable[Any]]
"""Runs a SELECT and gives its rows."""

STEP = "retention drop"
"""What every step in `troth_step` that drops a partition begins with."""

LOCK = "set local lock_timeout = '900ms'"
"""Nobody waits longer for us than that, while we wait for others: who cannot have the lock leaves it."""

_PAST = """select n.nspname as schema, c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds,
  not (pg_has_role(c.relowner, 'USAGE') and pg_has_role(p.relowner, 'USAGE')) as "foreign",
  exists (select from pg_trigger t where t.tgrelid in (c.oid, p.oid) and not t.tgisinternal) as triggered,
  exists (select from pg_publication_tables u join pg_namespace m on m.nspname = u.schemaname
          join pg_class d on d.relnamespace = m.oid and d.relname = u.tablename
          where d.oid in (c.oid, p.oid)) as published,
  exists (select from pg_depend d join pg_rewrite r on r.oid = d.objid
          where d.classid = 'pg_rewrite'::regclass and d.refobjid = c.oid and r.ev_class <> c.oid) as viewed,
  exists (select from pg_constraint f where f.confrelid = c.oid and f.contype = 'f') as pointed
from pg_class p join pg_partitioned_table k on k.partrelid = p.oid
join pg_attribute a on a.attrelid = p.oid and a.attnum = k.partattrs[0]
join pg_inherits i on i.inhparent = p.oid join pg_class c on c.oid = i.inhrelid
join pg_namespace n on n.oid = c.relnamespace
where p.oid = cast(:parent as regclass) and k.partstrat = 'r' and k.partnatts = 1 and a.attname = :column
  and c.relkind = 'r' and c.relispartition
  and cast(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)$') as {type}) <= :limit
order by n.nspname, c.relname"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of which all rows are past their time. `refused`: why it is not dropped, None where it is.

    `of`: the table that it is a part of, where it is no table of its own (MariaDB).
    """

    schema: str
    name: str
    bounds: str
    refused: str | None = None
    of: str | None = None

    @property
    def quoted(self) -> str:
        return quoted(self.schema, self.name)

    @property
    def step(self) -> str:
        """The name of its step: short enough for the column, and the same each time."""
        name = f"{STEP} {self.schema}.{self.name}" if self.of is None else f"{STEP} {self.of}.{self.name}"
        return name if len(name) <= 80 else f"{name[:60]} {hashlib.sha256(name.encode()).hexdigest()[:16]}"

    def count(self) -> Select[Any]:
        """How many rows stand in it."""
        import sqlalchemy

        return sqlalchemy.select(sqlalchemy.func.count()).select_from(self._own())

    def any_row(self) -> Select[Any]:
        """One row, where any stands in it."""
        import sqlalchemy

        return sqlalchemy.select(sqlalchemy.literal_column("1").label("one")).select_from(self._own()).limit(1)

    def _own(self) -> Any:
        import sqlalchemy
        from sqlalchemy import quoted_name

        if self.of is None:
            return sqlalchemy.table(quoted_name(self.name, quote=True), schema=quoted_name(self.schema, quote=True))
        table, part = (f"`{name.replace('`', '``')}`" for name in (self.of, self.name))
        return sqlalchemy.text(f"{table} partition ({part})".replace(":", "\\:"))


def past(ask: Rows, ended: Ended, ending: TableEnding) -> tuple[Partition, ...]:
    """The partitions of one table of which every row is past its time; none where that cannot be told by its ranges."""
    import sqlalchemy

    if ended.kind is not StoreKind.POSTGRESQL or not are_whole(ending):
        return ()
    [passed] = ending.row
    seen = ended.seen(ending.table)
    column = seen.columns[passed.column]
    if column.kind is not ColumnKind.TIME:
        return ()
    limit: Any = passed.keep.before(ended.now).astimezone(dt.UTC)
    zoned = "with time zone" in column.type
    if not zoned:
        limit = limit.replace(tzinfo=None)
    if column.type.lower() == "date":
        limit = dt.datetime.combine(limit.date(), dt.time())
    text = sqlalchemy.text(_PAST.format(type="timestamptz" if zoned else "timestamp"))
    core = ended.core(ending.table)
    given = text.bindparams(parent=quoted(core.schema, core.name), column=passed.column, limit=limit)
    names = ("schema", "name", "bounds", *_WORDS)
    found = given.columns(*(sqlalchemy.column(name) for name in names)).subquery("found")
    why = refusal(ended, ending)
    return tuple(
        Partition(
            row[0],
            row[1],
            row[2],
            why or next((word for word, it_is in zip(_WORDS.values(), row[3:], strict=True) if it_is), None),
        )
        for row in ask(sqlalchemy.select(found))
    )


_WORDS = {
    "foreign": "the user of the store does not own it",
    "triggered": "a trigger of it would not be called",
    "published": "subscribers get each of its deletions, and would keep the rows",
    "viewed": "a view reads it",
    "pointed": "rows of another table may point at its rows",
}


def are_whole(ending: TableEnding) -> bool:
    """Whether whole rows of it go, by one column of times alone."""
    return not ending.anonymise and ending.archive is None and len(ending.row) == 1


def refusal(ended: Ended, ending: TableEnding) -> str | None:
    """Why no partition of this table is dropped whole, whichever it is; None where nothing stands against it."""
    if ended.held(ending.table) is not None:
        return "a hold may keep rows of it"
    pointing = pointers_at(ended.reach, ending.table, cut_by_store=True)
    if pointing:
        return f"rows of {pointing[0].table} may point at its rows"
    return None


# --- two steps --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Detached:
    """A partition that is taken off its `table`. `run`: whose step says so. `rows`: once they are counted."""

    run: str
    table: str
    partition: Partition
    rows: int | None = None


def detach(connection: Connection, at: dt.datetime, parent: Any, each: Detached) -> None:
    """Take a partition off its table; the step says so in the same transaction. The lock is held for a moment."""
    own = each.partition
    connection.exec_driver_sql(LOCK)
    if steps.begin(connection, each.run, own.step, at) is not None:
        return
    said = {"table": each.table, "schema": own.schema, "name": own.name, "bounds": own.bounds}
    steps.end(connection, each.run, own.step, said)
    connection.exec_driver_sql(
        f"alter table {_escaped(quoted(parent.schema, parent.name))} detach partition {_escaped(own.quoted)}"
    )


def detached(connection: Connection, table: str) -> Iterator[Detached]:
    """What was taken off `table` by any run and not dropped, because somebody died or stopped in between."""
    import sqlalchemy

    made = steps.table()
    statement = sqlalchemy.select(made.c.request, made.c.counts).where(made.c.step.like(f"{STEP} %"))
    for run, counts in connection.execute(statement).all():
        said: Mapping[str, Any] = json.loads(counts)
        if said.get("table") == table and "rows" not in said:
            yield Detached(run, table, Partition(said["schema"], said["name"], said["bounds"]))


def drop(connection: Connection, each: Detached) -> int:
    """Drop it, and write down how many rows went with it. Counting locks a table that nobody is led to any more."""
    own = each.partition
    connection.exec_driver_sql(LOCK)
    connection.exec_driver_sql(f"lock table {_escaped(own.quoted)} in access exclusive mode")
    n = int(connection.execute(own.count()).scalar_one())
    connection.exec_driver_sql(f"drop table {_escaped(own.quoted)}")
    said = {"table": each.table, "schema": own.schema, "name": own.name, "bounds": own.bounds, "rows": n}
    steps.end(connection, each.run, own.step, said)
    return n


def attach(connection: Connection, parent: Any, each: Detached) -> None:
    """Put it back: a hold came between the two steps. Its step is forgotten."""
    own = each.partition
    made = steps.table()
    connection.execute(made.delete().where(made.c.request == each.run, made.c.step == own.step))
    connection.exec_driver_sql(
        f"alter table {_escaped(quoted(parent.schema, parent.name))} "
        f"attach partition {_escaped(own.quoted)} {_escaped(own.bounds)}"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")  # the driver reads its own places there
