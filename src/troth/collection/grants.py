"""The least rights that troth needs in a store, as statements to run there.

To look, it may read every table: data that nobody declared stands in the tables that nobody thought of. Columns that
the map keeps from being looked at (`scan: no`) are left out. To carry out rights later, a second role may change and
delete in the mapped tables alone, and only what the map says happens there; cut pointers at rows that go, wherever they
stand; add a stand-in person where the map wants one; and keep its own table of steps, which is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from troth.errors import TrothError, UnknownName
from troth.foundation.records import erasing, steps
from troth.foundation.records.catalogue import STEPS_TABLE, Catalogue
from troth.foundation.records.pointing import cut_columns
from troth.foundation.records.reach import Reach
from troth.policy.datamap import (
    ChangeRow,
    DataMap,
    DeleteRow,
    KeepRow,
    OnErasure,
    RowEnd,
    StoreKind,
    StoreMap,
    TableMap,
)
from troth.policy.documents import nearest
from troth.policy.retention import archives_of

READER, WRITER = "troth_reader", "troth_writer"


@dataclass(frozen=True, slots=True)
class TableRights:
    """What one role needs on one table. `read` and `change` are columns; None in `read` means all of them."""

    schema: str | None
    table: str
    read: tuple[str, ...] | None
    change: tuple[str, ...] = ()
    delete: bool = False
    add: bool = False


@dataclass(frozen=True, slots=True)
class StoreRights:
    """What both roles need in one store."""

    store: str
    kind: StoreKind
    database: str
    reading: tuple[TableRights, ...]
    writing: tuple[TableRights, ...]
    guarded: bool = False
    """Row security stands on a table: who does not pass it sees less than there is."""


def rights_of(datamap: DataMap, store: str, kind: StoreKind, database: str, catalogue: Catalogue) -> StoreRights:
    """The rights that troth needs in `store`; raises UnknownName where the map has no such store."""
    mapped = datamap.stores.get(store)
    if mapped is None:
        raise UnknownName(
            f'"{store}" is no store of the data map.',
            where=datamap.file,
            expected=f"one of: {', '.join(datamap.stores)}",
            nearest=nearest(store, datamap.stores),
        )
    reading = tuple(_reading(mapped, catalogue))
    guarded = any(table.guarded for table in catalogue.tables.values())
    return StoreRights(store, kind, database, reading, tuple(_writing(datamap, mapped, kind, catalogue)), guarded)


def statements(rights: StoreRights) -> str:
    """The rights as SQL for the store's administrator; for SQLite, as advice on the file."""
    if rights.kind is StoreKind.SQLITE:
        return _SQLITE.format(file=rights.database)
    mariadb = rights.kind is StoreKind.MARIADB
    quote = _backticks if mariadb else _double_quotes
    head = _MARIADB if mariadb else _POSTGRESQL
    lines = [head.format(role=READER, database=quote(rights.database), what="looks and never writes")]
    if not mariadb:
        lines.append(f"ALTER ROLE {READER} SET default_transaction_read_only = on;")
    if rights.guarded:
        lines.append(_PASSES.format(role=READER))
    lines += _granted(rights, rights.reading, READER, quote)
    lines += [
        "",
        head.format(role=WRITER, database=quote(rights.database), what="carries out rights; not needed to look"),
    ]
    if rights.guarded:
        lines.append(_PASSES.format(role=WRITER))
    lines += _granted(rights, rights.writing, WRITER, quote)
    named = f"{quote(rights.database)}.{quote(STEPS_TABLE)}" if mariadb else quote(STEPS_TABLE)
    temporary = "CREATE TEMPORARY TABLES ON {}.*" if mariadb else "TEMPORARY ON DATABASE {}"
    lines += [
        f"GRANT {temporary.format(quote(rights.database))} TO {WRITER};",
        f"{steps.create_statement(rights.kind)};",
        f"GRANT SELECT, INSERT, UPDATE ON {named} TO {WRITER};",
    ]
    return "\n".join(lines) + "\n"


_POSTGRESQL = """-- {role}: {what}. Set its password with \\password {role}.
CREATE ROLE {role} LOGIN;
GRANT CONNECT ON DATABASE {database} TO {role};"""
_PASSES = "ALTER ROLE {role} BYPASSRLS; -- row security would hide rows, and troth refuses to answer for those"
_MARIADB = """-- {role}: {what}. Set its password with ALTER USER {role} IDENTIFIED BY ...;
CREATE USER {role} REQUIRE SSL;"""
_SQLITE = """-- SQLite has no roles: whoever may read the file may read all of it.
-- Let troth run as a user of its own that is in the group of the file, and nobody else reads it:
--   chgrp troth {file}
--   chmod 640 {file}
-- To carry out rights, troth needs to write the file and its folder (the journal stands beside it): chmod 660, 770.
"""


def _reading(mapped: StoreMap, catalogue: Catalogue) -> Iterator[TableRights]:
    for name, table in catalogue.tables.items():
        if not table.holds_rows:
            continue
        declared = mapped.tables.get(name)
        closed = {column.name for column in declared.columns.values() if not column.scan} if declared else set()
        open_columns = tuple(column for column in table.columns if column not in closed)
        if open_columns:
            yield TableRights(table.schema, table.bare_name, open_columns if closed else None)


def _writing(datamap: DataMap, mapped: StoreMap, kind: StoreKind, catalogue: Catalogue) -> Iterator[TableRights]:
    cut, added = _of_erasures(datamap, kind, catalogue)
    added |= archives_of(mapped)
    for name, table in catalogue.tables.items():
        declared = mapped.tables.get(name)
        if declared is None or not (declared.whose or declared.roles):
            if cut.get(name):
                yield TableRights(table.schema, table.bare_name, None, tuple(sorted(cut[name])))
            continue
        ends = [role.on_erasure for role in declared.roles.values()] or [declared.on_erasure]
        personal = [column.name for column in declared.columns.values() if column.category or column.copies]
        changed = [column for end in ends for column in _changed(end)]
        wanted = {*personal, *changed, *cut.get(name, ())}
        columns = tuple(column for column in table.columns if column in wanted)
        goes = _goes(declared, ends) or declared.archive is not None
        yield TableRights(table.schema, table.bare_name, None, columns, goes, name in added)


def _of_erasures(datamap: DataMap, kind: StoreKind, catalogue: Catalogue) -> tuple[dict[str, set[str]], frozenset[str]]:
    """Beyond the ends of rows: the columns of pointers that are cut, by table, and the tables that get a stand-in.

    Nothing where the map does not fit the store yet: `troth map --check` and the plan of an erasure say why.
    """
    try:
        erasure = erasing.compile(Reach.compile(datamap, catalogue), kind)
    except TrothError:
        return {}, frozenset()
    cut: dict[str, set[str]] = {}
    for each in erasure.cuts:
        columns = catalogue.table(each.pointer.table).columns
        cut.setdefault(each.pointer.table, set()).update(cut_columns(each, columns))
    return cut, frozenset(erasure.people[each].table for each in erasure.stand_ins)


def _goes(declared: TableMap, ends: Sequence[OnErasure]) -> bool:
    kept = isinstance(declared.on_erasure, KeepRow)  # a kept row goes when its time is up
    last = bool(declared.roles) and declared.delete is not RowEnd.NEVER
    return kept or last or any(isinstance(end, (DeleteRow, KeepRow)) for end in ends)


def _changed(end: OnErasure) -> Mapping[str, object]:
    return end.change if isinstance(end, (KeepRow, ChangeRow)) else {}


def _granted(
    rights: StoreRights, tables: Sequence[TableRights], role: str, quote: Callable[[str], str]
) -> Iterator[str]:
    for schema in dict.fromkeys(each.schema for each in tables if each.schema):
        yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {role};"
    for each in tables:
        name = f"{quote(each.schema or rights.database)}.{quote(each.table)}"
        listed = "" if each.read is None else f" ({', '.join(map(quote, each.read))})"
        may = [f"SELECT{listed}"]
        if each.change:
            may.append(f"UPDATE ({', '.join(map(quote, each.change))})")
        if each.delete:
            may.append("DELETE")
        if each.add:
            may.append("INSERT")
        yield f"GRANT {', '.join(may)} ON {name} TO {role};"


def _double_quotes(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _backticks(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
