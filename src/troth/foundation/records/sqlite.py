"""SQLite: a file, opened read-only."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

from troth.errors import StoreUnreachable
from troth.foundation.records.access import Grant, LinkKind, LinkSeen, SessionsSeen
from troth.foundation.records.catalogue import Column, ColumnKind, ForeignKey, Index, Table, TableKind
from troth.foundation.records.dialects import REPAIRS, Limits, Trouble

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError

LOWER = "troth_lower"  # a name of ours: the company's own indexes go by SQLite's
_STEPS = 10_000  # virtual machine steps between two looks at the clock: about a millisecond
_KEPT_KIB = 8_192  # pages kept in memory, so that the upper ones of every index of a large store stay
_KINDS = {"table": TableKind.TABLE, "view": TableKind.VIEW, "virtual": TableKind.VIRTUAL}


class SQLite:
    """Facts of the dialect."""

    def engine(self, address: URL, limits: Limits) -> Engine:
        """Raises StoreUnreachable where the address names no file that is there."""
        import sqlalchemy

        if not address.database or address.database == ":memory:":
            raise StoreUnreachable("its address names no file.", repair="Write sqlite:///path/to/file.")
        path = limits.base / address.database
        if not path.is_file():
            raise StoreUnreachable(Trouble.NO_FILE.value, repair=REPAIRS[Trouble.NO_FILE])

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, timeout=limits.timeout_s, check_same_thread=False
            )
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_KEPT_KIB}")
            connection.text_factory = _text
            know_letters(connection)
            return connection

        # What comes back has no transaction open, for nothing is written; to roll back would make it forget statements.
        engine = sqlalchemy.create_engine(
            "sqlite+pysqlite://",
            creator=connect,
            poolclass=sqlalchemy.QueuePool,
            pool_size=1,
            max_overflow=4,
            pool_reset_on_return=None,
        )
        _limit_time(engine, limits.timeout_s)
        return engine

    def tables(self, connection: Connection) -> list[Table]:
        """Shadow tables of full-text indexes are left out: the index itself stands for them."""
        listed = connection.exec_driver_sql(
            "select name, type, wr from pragma_table_list where schema = 'main' and type <> 'shadow' "
            "and name not like 'sqlite\\_%' escape '\\' order by name"
        ).all()
        tables = [
            _table(connection, name, _KINDS.get(kind, TableKind.TABLE), bool(bare)) for name, kind, bare in listed
        ]
        spelt = {table.name.casefold(): table for table in tables}
        return [
            replace(table, foreign_keys=tuple(_spelt(key, table, spelt) for key in table.foreign_keys))
            for table in tables
        ]

    def link(self, connection: Connection, address: URL) -> LinkSeen:  # noqa: ARG002 - the same for every dialect
        """The file itself: `mode` is who may read it."""
        path = connection.exec_driver_sql("select file from pragma_database_list where name = 'main'").scalar_one()
        return LinkSeen(LinkKind.FILE, mode=Path(path).stat().st_mode & 0o7777, local=True)

    def sessions(self, connection: Connection) -> SessionsSeen:  # noqa: ARG002 - the same for every dialect
        """Nobody connects to a file."""
        return SessionsSeen(0, {}, all_seen=True, only_here=True)

    def grants(self, connection: Connection) -> list[Grant]:  # noqa: ARG002 - the same for every dialect
        """SQLite knows no roles; the file's permissions decide (`link`)."""
        return []

    def trouble(self, problem: DBAPIError) -> Trouble:
        text = str(problem.orig)
        for words, trouble in (
            ("interrupted", Trouble.TIMEOUT),
            ("locked", Trouble.TIMEOUT),
            ("not a database", Trouble.NOT_A_DATABASE),
            ("malformed", Trouble.NOT_A_DATABASE),
            ("no such table", Trouble.TABLE_GONE),
            ("no such column", Trouble.COLUMN_GONE),
            ("readonly", Trouble.READ_ONLY),
            ("unable to open", Trouble.FORBIDDEN),
        ):
            if words in text:
                return trouble
        return Trouble.OTHER


def kind_of(declared: str) -> ColumnKind:
    """The kind that a declared type most likely means; SQLite itself lets any value stand in any column."""
    word = declared.upper()
    for parts, kind in (
        (("JSON",), ColumnKind.JSON),
        (("UUID", "GUID", "UNIQUEIDENTIFIER"), ColumnKind.UUID),
        (("BOOL",), ColumnKind.BOOLEAN),
        (("DATE", "TIMESTAMP"), ColumnKind.TIME),
        (("CHAR", "CLOB", "TEXT", "STRING", "TIME", "ENUM"), ColumnKind.TEXT),
        (("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC", "MONEY"), ColumnKind.NUMBER),
        (("BLOB", "BINARY"), ColumnKind.BINARY),
    ):
        if any(part in word for part in parts):
            return kind
    return ColumnKind.OTHER


def _table(connection: Connection, name: str, kind: TableKind, without_row_id: bool) -> Table:  # noqa: FBT001
    columns = connection.exec_driver_sql(
        'select name, type, "notnull", pk, dflt_value is not null, hidden in (2, 3) '
        "from pragma_table_xinfo(?) where hidden <> 1 order by cid",
        (name,),
    ).all()
    keys: dict[int, list[tuple[str, str, str | None, str]]] = {}
    for number, table, own, target, on_delete in connection.exec_driver_sql(
        'select id, "table", "from", "to", on_delete from pragma_foreign_key_list(?) order by id, seq', (name,)
    ).all():
        keys.setdefault(number, []).append((table, own, target, on_delete))
    indexes = [
        _index(connection, index, bool(unique), bool(partial))
        for index, unique, origin, partial in connection.exec_driver_sql(
            'select name, "unique", origin, partial from pragma_index_list(?) order by name', (name,)
        ).all()
        if origin != "pk"
    ]
    primary = [column for column, _, _, position, *_ in sorted(columns, key=lambda each: each[3]) if position]
    triggers = connection.exec_driver_sql(
        "select name from sqlite_master where type = 'trigger' and tbl_name = ? collate nocase order by name", (name,)
    )
    names = {column.casefold() for column, *_ in columns}
    alias = next((each for each in ("rowid", "_rowid_", "oid") if each not in names), None)
    has_row_id = kind is TableKind.TABLE and not without_row_id and alias is not None
    rows = None
    if has_row_id:
        quoted = '"' + name.replace('"', '""') + '"'
        rows = connection.exec_driver_sql(f"select max({alias}) from {quoted}").scalar() or 0  # noqa: S608
    return Table(
        name=name,
        kind=kind,
        columns=MappingProxyType(
            {
                column: Column(
                    column,
                    kind_.strip(),
                    kind_of(kind_),
                    not required,
                    bool(given) or (primary == [column] and kind_.strip().upper() == "INTEGER"),
                    bool(computed),
                )
                for column, kind_, required, _, given, computed in columns
            }
        ),
        primary_key=tuple(primary),
        foreign_keys=tuple(_foreign_key(connection, parts) for parts in keys.values()),
        indexes=tuple(indexes),
        rows=rows,
        bare_name=name,
        row_number=alias if has_row_id else None,
        triggers=tuple(triggers.scalars()),
    )


def _foreign_key(connection: Connection, parts: list[tuple[str, str, str | None, str]]) -> ForeignKey:
    table, _, target, on_delete = parts[0]
    own = tuple(each[1] for each in parts)
    if target is not None:
        return ForeignKey(own, table, tuple(str(each[2]) for each in parts), on_delete, deferrable=True)
    found = connection.exec_driver_sql("select name from pragma_table_xinfo(?) where pk > 0 order by pk", (table,))
    return ForeignKey(own, table, tuple(found.scalars()), on_delete, deferrable=True)


def _spelt(key: ForeignKey, own: Table, tables: Mapping[str, Table]) -> ForeignKey:
    """`key` with names as the tables themselves spell them; SQLite does not care about case, the map does."""
    target = tables.get(key.table.casefold())
    return replace(
        key,
        columns=_names_in(own, key.columns),
        table=target.name if target else key.table,
        target_columns=_names_in(target, key.target_columns) if target else key.target_columns,
    )


def _names_in(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    spelt = {name.casefold(): name for name in table.columns}
    return tuple(spelt.get(name.casefold(), name) for name in names)


def _index(connection: Connection, name: str, unique: bool, partial: bool) -> Index:  # noqa: FBT001
    parts = connection.exec_driver_sql("select name from pragma_index_info(?) order by seqno", (name,)).scalars().all()
    whole = None not in parts
    return Index(name, tuple(parts if whole else parts[: parts.index(None)]), unique, partial, whole)


def know_letters(connection: sqlite3.Connection) -> None:
    """Teach a connection the small letters of every alphabet; of bytes, for what is no UTF-8 has some too."""

    def lower(text: bytes | None) -> str | None:
        return None if text is None else text.decode("utf-8", "replace").lower()

    connection.create_function(LOWER, 1, lower, deterministic=True)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _limit_time(engine: Engine, limit_s: float) -> None:
    """Stop a statement that works longer than `limit_s`; time in which the caller holds still does not count."""
    from sqlalchemy import event

    @event.listens_for(engine, "before_cursor_execute")
    def _start(connection: Connection, *_: object) -> None:
        spent, last = 0.0, time.monotonic()

        def tick() -> int:
            nonlocal spent, last
            now = time.monotonic()
            spent += min(now - last, 0.1)
            last = now
            return int(spent > limit_s)

        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(tick, _STEPS)
