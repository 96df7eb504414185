"""PostgreSQL, and what speaks its protocol and has its catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.foundation import pooled
from troth.foundation.records.access import HERE, Grant, LinkKind, LinkSeen, SessionsSeen
from troth.foundation.records.catalogue import Column, ColumnKind, ForeignKey, Index, Table, TableKind
from troth.foundation.records.dialects import Limits, Trouble

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError

_OURS = """c.relkind in ('r', 'p', 'm', 'v', 'f') and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  and not exists
    (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"""
_TABLES = f"""select c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint, n.nspname = current_schema(),
  c.relrowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace where {_OURS} order by n.nspname, c.relname"""  # noqa: S608
_COLUMNS = """select a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
  case when t.typtype = 'd' then b.typname else t.typname end,
  case when t.typtype = 'd' then b.typtype else t.typtype end,
  a.atthasdef or a.attidentity <> '', a.attgenerated <> ''
from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype
where a.attrelid = any(%s) and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum"""
_TLS_ONLY = """select not exists (select from pg_catalog.pg_hba_file_rules
  where error is null and type in ('host', 'hostnossl', 'hostnogssenc') and auth_method <> 'reject'
  and coalesce(address, 'all') not in ('127.0.0.1', '::1', 'localhost', 'samehost'))"""
"""No rule lets anybody in from elsewhere without TLS or GSSAPI encryption."""

_SESSIONS = """select coalesce(a.usename, ''), not coalesce(s.ssl, false) and not coalesce(g.encrypted, false)
    and a.client_addr is not null and a.client_addr is distinct from inet_server_addr()
    and not (a.client_addr <<= '127.0.0.0/8'::inet or a.client_addr = '::1'::inet),
  a.backend_type is null
from pg_stat_activity a left join pg_stat_ssl s on s.pid = a.pid left join pg_stat_gssapi g on g.pid = a.pid
where (a.datname = current_database() and coalesce(a.backend_type, 'client backend') = 'client backend')
  or a.backend_type = 'walsender'"""

_CONSTRAINTS = """select k.conrelid, k.contype, k.confrelid, k.confdeltype,
  (select array_agg(a.attname order by p.n) from unnest(k.conkey) with ordinality p(num, n)
   join pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.num),
  (select array_agg(a.attname order by p.n) from unnest(k.confkey) with ordinality p(num, n)
   join pg_attribute a on a.attrelid = k.confrelid and a.attnum = p.num), k.conname, k.condeferrable
from pg_constraint k where k.conrelid = any(%s) and k.contype in ('p', 'u', 'f') order by k.conrelid, k.conname"""
_INDEXES = """select i.indrelid, x.relname, i.indisunique, i.indpred is not null,
  (select array_agg(a.attname order by p.n) from unnest(i.indkey::int2[]) with ordinality p(num, n)
   left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = p.num and p.num > 0 where p.n <= i.indnkeyatts)
from pg_index i join pg_class x on x.oid = i.indexrelid
where i.indrelid = any(%s) and i.indisvalid and not i.indisprimary order by i.indrelid, x.relname"""
_TRIGGERS = """select tgrelid, tgname from pg_trigger
where tgrelid = any(%s) and not tgisinternal and tgenabled <> 'D' order by tgrelid, tgname"""
_GRANTS = f"""with recursive up(member, role) as (
  select member, roleid from pg_auth_members
  union select up.member, m.roleid from up join pg_auth_members m on m.member = up.role
), given(grantee, schema, name, columned, privilege, grantable, here) as (
  select g.grantee, n.nspname, c.relname, null::name, g.privilege_type, g.is_grantable, n.nspname = current_schema()
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g where {_OURS}
  union all
  select g.grantee, n.nspname, c.relname, a.attname, g.privilege_type, g.is_grantable, n.nspname = current_schema()
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  cross join lateral aclexplode(a.attacl) g where {_OURS} and a.attacl is not null and not a.attisdropped
)
select coalesce(r.rolname, 'PUBLIC') as role, schema, name, columned, array_agg(privilege order by privilege),
  bool_or(grantable), here, null::name as through
from given left join pg_roles r on r.oid = given.grantee group by 1, 2, 3, 4, 7
union all
select l.rolname, schema, name, columned, array_agg(privilege order by privilege), bool_or(grantable), here, r.rolname
from given join up on up.role = given.grantee join pg_roles l on l.oid = up.member join pg_roles r on r.oid = up.role
where not l.rolsuper and l.rolname !~ '^pg_' group by 1, 2, 3, 4, 7, 8
union all
select l.rolname, null, null, null, case when r.rolsuper then array['ALL'] when r.rolname = 'pg_read_all_data'
  then array['SELECT'] else array['DELETE', 'INSERT', 'UPDATE'] end, false, true, null
from up join pg_roles l on l.oid = up.member join pg_roles r on r.oid = up.role
where l.rolcanlogin and not l.rolsuper and (r.rolsuper or r.rolname in ('pg_read_all_data', 'pg_write_all_data'))
union all
select rolname, null, null, null, array['ALL'], true, true, null from pg_roles where rolsuper and rolcanlogin
order by 2 nulls first, 3, 4 nulls first, 1, 8 nulls first"""  # noqa: S608

_Facts = list[tuple[Any, ...]]
_KINDS = {"v": TableKind.VIEW, "m": TableKind.MATERIALISED, "f": TableKind.VIRTUAL}
_ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_TYPES: Mapping[str, ColumnKind] = MappingProxyType(
    dict.fromkeys(("text", "varchar", "bpchar", "char", "name", "citext", "xml"), ColumnKind.TEXT)
    | dict.fromkeys(("int2", "int4", "int8", "float4", "float8", "numeric", "oid"), ColumnKind.NUMBER)
    | dict.fromkeys(("date", "timestamp", "timestamptz"), ColumnKind.TIME)
    | dict.fromkeys(("json", "jsonb", "hstore"), ColumnKind.JSON)
    | dict.fromkeys(("inet", "cidr"), ColumnKind.ADDRESS)
    | {"bool": ColumnKind.BOOLEAN, "bytea": ColumnKind.BINARY, "uuid": ColumnKind.UUID}
)
_STATES = {
    "28P01": Trouble.CREDENTIALS,
    "28000": Trouble.CREDENTIALS,
    "3D000": Trouble.NO_DATABASE,
    "57014": Trouble.TIMEOUT,
    "55P03": Trouble.TIMEOUT,
    "42501": Trouble.FORBIDDEN,
    "42P01": Trouble.TABLE_GONE,
    "3F000": Trouble.TABLE_GONE,
    "42703": Trouble.COLUMN_GONE,
    "25006": Trouble.READ_ONLY,
    "53300": Trouble.FULL,
}
_WORDS = (
    ("password authentication failed", Trouble.CREDENTIALS),
    ("no password supplied", Trouble.CREDENTIALS),
    ("fe_sendauth", Trouble.CREDENTIALS),
    ('role "', Trouble.CREDENTIALS),
    ("no pg_hba.conf entry", Trouble.CREDENTIALS),
    ("too many clients", Trouble.FULL),
    ("remaining connection slots", Trouble.FULL),
    ("could not translate host name", Trouble.UNKNOWN_HOST),
    ("failed to resolve host", Trouble.UNKNOWN_HOST),
    ("Name or service not known", Trouble.UNKNOWN_HOST),
    ("certificate", Trouble.TLS),
    ("SSL", Trouble.TLS),
    ("does not exist", Trouble.NO_DATABASE),
    ("Connection refused", Trouble.REFUSED),
    ("No such file or directory", Trouble.REFUSED),
    ("unreachable", Trouble.REFUSED),
    ("timeout expired", Trouble.TIMEOUT),
    ("timed out", Trouble.TIMEOUT),
    ("connection timeout", Trouble.TIMEOUT),
)


_LETTERS = """
select collname from pg_collation
where lower('Ä') = 'Ä' and getdatabaseencoding() = 'UTF8' and collname in ('pg_c_utf8', 'und-x-icu', 'C.utf8')
order by collname desc limit 1
"""


def know_letters(engine: Engine) -> None:
    """Learn, once, by which collation letters beyond ASCII become small where the database's own (C) leaves them."""
    from sqlalchemy import event

    @event.listens_for(engine, "first_connect")
    def _ask(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            found = cursor.execute(_LETTERS).fetchone()
        connection.commit()
        engine.dialect.troth_letters = found[0] if found else None  # type: ignore[attr-defined] # read by `spelling`


class PostgreSQL:
    """Facts of the dialect."""

    def engine(self, address: URL, limits: Limits) -> Engine:
        import sqlalchemy

        seconds = max(2, round(limits.timeout_s))  # libpq waits whole seconds, and never less than two
        address = address.set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(
            address,
            connect_args={"connect_timeout": seconds},
            pool_size=1,
            max_overflow=4,
            pool_timeout=limits.timeout_s,
            hide_parameters=True,
        )
        pooled.ask_when_in_doubt(engine)
        know_letters(engine)

        @sqlalchemy.event.listens_for(engine, "connect")
        def _only_read(connection: Any, _: object) -> None:
            with connection.cursor() as cursor:
                limit_ms = int(limits.timeout_s * 1000)
                cursor.execute(
                    "set session characteristics as transaction read only; set time zone 'UTC'; set datestyle to iso; "
                    "set row_security = off; "  # INVARIANT: a row that policies would hide is an error, never a gap
                    f"set statement_timeout = {limit_ms}; set lock_timeout = {limit_ms}"
                )
            connection.commit()

        return engine

    def tables(self, connection: Connection) -> list[Table]:
        """Partitions count as their parent; what an extension made is left out."""
        listed = connection.exec_driver_sql(_TABLES).all()
        names = {oid: name if own else f"{schema}.{name}" for oid, schema, name, _, _, own, _ in listed}
        columns, constraints, indexes, triggers = (
            _by_table(connection.exec_driver_sql(query, (list(names),)).all())
            for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS)
        )
        return [
            _table(
                Table(
                    names[oid],
                    _KINDS.get(kind, TableKind.TABLE),
                    {},
                    rows=rows,
                    schema=schema,
                    bare_name=bare,
                    triggers=tuple(name for (name,) in triggers.get(oid, [])),
                    guarded=guarded,
                ),
                columns.get(oid, []),
                [each for each in constraints.get(oid, []) if each[0] != "f" or each[1] in names],
                indexes.get(oid, []),
                names,
            )
            for oid, schema, bare, kind, rows, _, guarded in listed
        ]

    def link(self, connection: Connection, address: URL) -> LinkSeen:
        """Whether the server demands TLS is known to those only who may read its rules (`pg_hba_file_rules`)."""
        row = connection.exec_driver_sql(
            "select ssl, version, inet_server_addr() is null, coalesce(inet_server_addr() <<= '127.0.0.0/8'::inet "
            "or inet_server_addr() = '::1'::inet, true) from pg_stat_ssl where pid = pg_backend_pid()"
        ).one()
        encrypted, version, socket, local = row
        if socket:
            return LinkSeen(LinkKind.SOCKET, local=True)
        may = "select has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute')"
        required = None
        if connection.exec_driver_sql(may).scalar_one():
            required = connection.exec_driver_sql(_TLS_ONLY).scalar_one()
        if not encrypted:
            return LinkSeen(LinkKind.PLAIN, required=required, local=local)
        verified = address.query.get("sslmode") == "verify-full"
        return LinkSeen(LinkKind.TLS, version, verified=verified, required=required, local=local)

    def sessions(self, connection: Connection) -> SessionsSeen:
        """Programs in this database, and replicas. Those of other roles are shown to `pg_read_all_stats` only."""
        rows = connection.exec_driver_sql(_SESSIONS).all()
        bound = connection.exec_driver_sql("select current_setting('listen_addresses')").scalar_one()
        return SessionsSeen(
            len(rows),
            dict(Counter(role for role, clear, _ in rows if clear)),
            all_seen=not any(hidden for _, _, hidden in rows),
            only_here={each.strip() for each in bound.split(",")} <= HERE | {""},
        )

    def grants(self, connection: Connection) -> list[Grant]:
        """Owners count as holding all that they own, and members of a role what that one may do."""
        return [
            Grant(
                role,
                None if name is None else name if own else f"{schema}.{name}",
                column,
                tuple(sorted(may)),
                grantable,
                through,
            )
            for role, schema, name, column, may, grantable, own, through in connection.exec_driver_sql(_GRANTS).all()
        ]

    def trouble(self, problem: DBAPIError) -> Trouble:
        state = getattr(problem.orig, "sqlstate", None)
        if state is not None:
            diagnosed = getattr(problem.orig, "diag", None)  # the words are in the server's language, this is not
            if getattr(diagnosed, "source_function", None) == "check_enable_rls":
                return Trouble.HIDDEN
            return _STATES.get(state, Trouble.OTHER)
        text = str(problem.orig)
        return next((trouble for words, trouble in _WORDS if words in text), Trouble.OTHER)


def _table(bare: Table, columns: _Facts, constraints: _Facts, indexes: _Facts, names: Mapping[int, str]) -> Table:
    return replace(
        bare,
        columns=MappingProxyType(
            {
                name: Column(name, type_, _kind_of(base, class_), bool(nullable), given and not computed, computed)
                for name, type_, nullable, base, class_, given, computed in columns
            }
        ),
        primary_key=next((tuple(own) for type_, _, _, own, *_ in constraints if type_ == "p"), ()),
        foreign_keys=tuple(
            ForeignKey(tuple(own), names[target], tuple(others), _ON_DELETE[on_delete], name, deferrable)
            for type_, target, on_delete, own, others, name, deferrable in constraints
            if type_ == "f"
        ),
        indexes=tuple(
            Index(name, tuple(_leading(parts)), unique, partial, None not in parts)
            for name, unique, partial, parts in indexes
        ),
        rows=None if (bare.rows or 0) < 0 else bare.rows,
    )


def _leading(parts: Sequence[str | None]) -> Iterator[str]:
    for part in parts:
        if part is None:
            return
        yield part


def _kind_of(base: str | None, class_: str) -> ColumnKind:
    if class_ == "e":  # an enumeration is text to everybody else
        return ColumnKind.TEXT
    return _TYPES.get(base or "", ColumnKind.OTHER)


def _by_table(rows: Iterable[Sequence[Any]]) -> dict[int, _Facts]:
    found: dict[int, _Facts] = {}
    for oid, *facts in rows:
        found.setdefault(oid, []).append(tuple(facts))
    return found
