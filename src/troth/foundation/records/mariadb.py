"""MariaDB and MySQL. A store is one database of the server: the one that the connect string names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.errors import StoreUnreachable
from troth.foundation.records.access import HERE, Grant, LinkKind, LinkSeen, SessionsSeen
from troth.foundation.records.catalogue import Column, ColumnKind, ForeignKey, Index, Table, TableKind
from troth.foundation.records.dialects import Limits, Trouble

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError

_TABLES = """select table_name, table_type, table_rows from information_schema.tables
where table_schema = database() and table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') order by table_name"""
_COLUMNS = """select table_name, column_name, column_type, is_nullable, data_type,
  extra like '%%auto_increment%%' or (column_default is not null and column_default <> 'NULL'),
  coalesce(generation_expression, '') <> ''
from information_schema.columns
where table_schema = database() order by table_name, ordinal_position"""
_KEYS = """select u.table_name, u.constraint_name, u.column_name, u.referenced_table_name, u.referenced_column_name,
  r.delete_rule, u.constraint_name
from information_schema.key_column_usage u join information_schema.referential_constraints r
  on r.constraint_schema = u.constraint_schema and r.constraint_name = u.constraint_name and r.table_name = u.table_name
where u.table_schema = database() and u.referenced_table_schema = database()
order by u.table_name, u.constraint_name, u.ordinal_position"""
_INDEXES = """select table_name, index_name, non_unique, column_name, sub_part from information_schema.statistics
where table_schema = database() order by table_name, index_name, seq_in_index"""
_TRIGGERS = """select event_object_table, trigger_name from information_schema.triggers
where event_object_schema = database() order by event_object_table, trigger_name"""
_GRANTS = """select grantee, null, null, privilege_type, is_grantable from information_schema.user_privileges
union all select grantee, null, null, privilege_type, is_grantable from information_schema.schema_privileges
  where database() like table_schema
union all select grantee, table_name, null, privilege_type, is_grantable from information_schema.table_privileges
  where table_schema = database()
union all select grantee, table_name, column_name, privilege_type, is_grantable
  from information_schema.column_privileges
  where table_schema = database()"""
_SESSIONS = """select processlist_user, connection_type, processlist_host from performance_schema.threads
where type = 'FOREGROUND' and processlist_user is not null and coalesce(processlist_db, database()) = database()"""
_NOTHING = frozenset(("USAGE",))
_ADMINISTRATOR = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "SUPER"))

_TYPES: Mapping[str, ColumnKind] = MappingProxyType(
    dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), ColumnKind.TEXT)
    | dict.fromkeys(
        ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "bit"),
        ColumnKind.NUMBER,
    )
    | dict.fromkeys(("date", "datetime", "timestamp"), ColumnKind.TIME)
    | dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), ColumnKind.BINARY)
    | {"json": ColumnKind.JSON, "uuid": ColumnKind.UUID, "inet4": ColumnKind.ADDRESS, "inet6": ColumnKind.ADDRESS}
)
_CODES = {
    1044: Trouble.CREDENTIALS,
    1045: Trouble.CREDENTIALS,
    1698: Trouble.CREDENTIALS,
    1049: Trouble.NO_DATABASE,
    1046: Trouble.NO_DATABASE,
    1040: Trouble.FULL,
    1203: Trouble.FULL,
    1142: Trouble.FORBIDDEN,
    1143: Trouble.FORBIDDEN,
    1227: Trouble.FORBIDDEN,
    1146: Trouble.TABLE_GONE,
    1054: Trouble.COLUMN_GONE,
    1969: Trouble.TIMEOUT,
    3024: Trouble.TIMEOUT,
    1205: Trouble.TIMEOUT,
    1792: Trouble.READ_ONLY,
    2026: Trouble.TLS,
    3159: Trouble.TLS,
}
_WORDS = (
    ("Name or service not known", Trouble.UNKNOWN_HOST),
    ("getaddrinfo", Trouble.UNKNOWN_HOST),
    ("nodename nor servname", Trouble.UNKNOWN_HOST),
    ("Temporary failure in name resolution", Trouble.UNKNOWN_HOST),
    ("No address associated", Trouble.UNKNOWN_HOST),
    ("CERTIFICATE", Trouble.TLS),
    ("SSL", Trouble.TLS),
    ("timed out", Trouble.TIMEOUT),
    ("refused", Trouble.REFUSED),
    ("unreachable", Trouble.REFUSED),
    ("No such file", Trouble.REFUSED),
)


class MariaDB:
    """Facts of the dialect."""

    def engine(self, address: URL, limits: Limits) -> Engine:
        """Raises StoreUnreachable where the driver is not installed or no database is named."""
        import sqlalchemy

        try:
            import pymysql  # noqa: F401 - only to tell the missing extra in our own words
        except ImportError:
            raise StoreUnreachable(
                "the driver for MariaDB and MySQL is not installed.", repair="Install troth[mysql]."
            ) from None
        if not address.database:
            raise StoreUnreachable("its address names no database.", repair="Write mysql://user@host/database.")
        engine = sqlalchemy.create_engine(
            address.set(drivername="mysql+pymysql"),
            connect_args={
                "connect_timeout": max(1, round(limits.timeout_s)),
                "read_timeout": round(limits.timeout_s) + 5,
            },
            pool_size=1,
            max_overflow=4,
            pool_timeout=limits.timeout_s,
            pool_pre_ping=True,
            hide_parameters=True,
        )

        @sqlalchemy.event.listens_for(engine, "connect")
        def _only_read(connection: Any, _: object) -> None:
            with connection.cursor() as cursor:
                if "MariaDB" in connection.get_server_info():
                    cursor.execute("set session max_statement_time = %s", (limits.timeout_s,))
                else:
                    cursor.execute("set session max_execution_time = %s", (int(limits.timeout_s * 1000),))
                cursor.execute("set session transaction read only")
                cursor.execute("set session time_zone = '+00:00'")
            connection.commit()

        return engine

    def tables(self, connection: Connection) -> list[Table]:
        columns, keys, indexes, triggers = (
            _by_table(connection.exec_driver_sql(query).all()) for query in (_COLUMNS, _KEYS, _INDEXES, _TRIGGERS)
        )
        return [
            replace(
                _table((name, type_, rows), columns.get(name, []), keys.get(name, []), indexes.get(name, [])),
                triggers=tuple(trigger for (trigger,) in triggers.get(name, [])),
            )
            for name, type_, rows in connection.exec_driver_sql(_TABLES).all()
        ]

    def link(self, connection: Connection, address: URL) -> LinkSeen:
        version = connection.exec_driver_sql("show session status like 'Ssl_version'").one()[1]
        required = connection.exec_driver_sql("select @@require_secure_transport").scalar_one()
        required = str(required).upper() in ("1", "ON")
        if address.query.get("unix_socket"):
            return LinkSeen(LinkKind.SOCKET, required=required, local=True)
        local = address.host in ("localhost", "127.0.0.1", "::1")
        if not version:
            return LinkSeen(LinkKind.PLAIN, required=required, local=local)
        verified = bool(address.query.get("ssl_ca")) and str(address.query.get("ssl_check_hostname", "true")) == "true"
        return LinkSeen(LinkKind.TLS, version, verified=verified, required=required, local=local)

    def sessions(self, connection: Connection) -> SessionsSeen:
        """What `performance_schema` shows, where it is switched on and this user may read `threads` in it."""
        from sqlalchemy.exc import DBAPIError

        bound, off, shown = connection.exec_driver_sql(
            "select @@bind_address, @@skip_networking, @@performance_schema"
        ).one()
        only_here = bool(off) or (bool(bound) and {each.strip() for each in bound.split(",")} <= HERE)
        try:
            rows = connection.exec_driver_sql(_SESSIONS).all() if shown else []
        except DBAPIError as problem:
            if self.trouble(problem) is not Trouble.FORBIDDEN:
                raise
            shown, rows = False, []
        clear = Counter(
            user for user, kind, host in rows if kind == "TCP/IP" and host not in HERE and not host.startswith("127.")
        )
        return SessionsSeen(len(rows), dict(clear), all_seen=bool(shown), only_here=only_here)

    def grants(self, connection: Connection) -> list[Grant]:
        """What this user can see: all accounts where it may read the server's grant tables, else its own."""
        found: dict[tuple[str, str | None, str | None], tuple[set[str], bool]] = {}
        for role, table, column, privilege, grantable in connection.exec_driver_sql(_GRANTS).all():
            if privilege not in _NOTHING:
                privileges, may_grant = found.get((role, table, column), (set(), False))
                found[role, table, column] = (privileges | {privilege}, may_grant or grantable == "YES")
        return [
            Grant(
                role,
                table,
                column,
                ("ALL",) if table is None and privileges >= _ADMINISTRATOR else tuple(sorted(privileges)),
                may,
            )
            for (role, table, column), (privileges, may) in sorted(
                found.items(), key=lambda each: tuple(map(str, each[0]))
            )
        ]

    def trouble(self, problem: DBAPIError) -> Trouble:
        arguments = getattr(problem.orig, "args", ())
        if arguments and arguments[0] in _CODES:
            return _CODES[arguments[0]]
        text = str(problem.orig)
        return next((trouble for words, trouble in _WORDS if words in text), Trouble.OTHER)


def _table(listed: tuple[str, str, int | None], columns: Any, keys: Any, indexes: Any) -> Table:
    name, type_, rows = listed
    named: dict[str, tuple[bool, list[str | None]]] = {}
    for index, not_unique, column, prefix in indexes:
        unique, parts = named.setdefault(index, (not not_unique, []))
        parts.append(None if prefix else column)  # an index over the first characters finds no equal rows by itself
        named[index] = (unique, parts)
    made = {
        index: Index(index, tuple(_leading(parts)), unique, False, None not in parts)
        for index, (unique, parts) in named.items()
    }
    grouped: dict[str, list[tuple[str, str, str, str, str]]] = {}
    for constraint, *facts in keys:
        grouped.setdefault(constraint, []).append(tuple(facts))
    return Table(
        name=name,
        kind=TableKind.VIEW if type_ == "VIEW" else TableKind.TABLE,
        columns=MappingProxyType(
            {
                column: Column(column, full, _kind_of(full, base), nullable == "YES", bool(given), bool(computed))
                for column, full, nullable, base, given, computed in columns
            }
        ),
        primary_key=made["PRIMARY"].columns if "PRIMARY" in made else (),
        foreign_keys=tuple(
            ForeignKey(tuple(p[0] for p in parts), parts[0][1], tuple(p[2] for p in parts), *parts[0][3:])
            for parts in grouped.values()
        ),
        indexes=tuple(i for i in made.values() if i.name != "PRIMARY"),
        rows=rows,
        bare_name=name,
    )


def _kind_of(full: str, base: str) -> ColumnKind:
    return ColumnKind.BOOLEAN if full.startswith("tinyint(1)") else _TYPES.get(base.lower(), ColumnKind.OTHER)


def _leading(parts: Sequence[str | None]) -> Iterator[str]:
    for part in parts:
        if part is None:
            return
        yield part


def _by_table(rows: Iterable[Sequence[Any]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, *facts in rows:
        found.setdefault(table, []).append(tuple(facts))
    return found
