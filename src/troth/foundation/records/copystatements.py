"""The statements that read one person's rows, made once for each map, catalogue and shape of people.

Afterwards a statement is text and values: nothing is built or compiled for the next person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import BoundKeys, Slot, Subject
from troth.foundation.records.reach import Reach, ReachedTable
from troth.policy.datamap import Copying

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Select

AT_EASE = 5_000
"""Rows of one table that are taken at once; a table with more of the person's is streamed."""

FEW = 100
"""Rows of one table that PostgreSQL gives as JSON; with more of them its own form is quicker."""

TOGETHER = 12  # tables whose rows are in memory at the same time


@dataclass(frozen=True, slots=True)
class Bound:
    """SQL as the driver takes it, and what stands at each of its places: a value of the people's, or a constant."""

    sql: str
    places: tuple[tuple[str, Slot | None, Any], ...]
    positional: bool

    def values(self, people: Sequence[Subject]) -> Any:
        if self.positional:
            return tuple([constant if slot is None else slot.value(people) for _, slot, constant in self.places])
        return {name: constant if slot is None else slot.value(people) for name, slot, constant in self.places}


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What reads one table: `whole` all rows, `first` at most one more than `AT_EASE`, `few` one more than `FEW`.

    After the columns of the table each row has a flag for each of `roles`. `untouched`: nobody else is in the rows, as
    far as the map says. `binary`: the columns of bytes.
    """

    table: ReachedTable
    names: tuple[str, ...]
    roles: tuple[str, ...]
    few: Bound
    first: Bound
    whole: Bound
    untouched: bool
    binary: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Several `few` statements as one, for PostgreSQL: one row, in it a JSON text for each table.

    NULL: no rows; "0": more than `FEW`, and they are to be asked for by themselves.
    """

    statements: tuple[Statement, ...]
    sql: str
    parts: tuple[tuple[str, Bound], ...] = field(repr=False)

    def values(self, people: Sequence[Subject]) -> Mapping[str, Any]:
        return {
            f"{prefix}{name}": value for prefix, bound in self.parts for name, value in bound.values(people).items()
        }


@dataclass(frozen=True, slots=True)
class Prepared:
    """The statements of one store in the order of the map; for PostgreSQL also many in one."""

    statements: tuple[Statement, ...]
    groups: tuple[Group, ...]


def prepared(reach: Reach, dialect: Dialect, people: Sequence[Subject]) -> Prepared:
    """The statements for people of this shape, made when first asked for."""
    key = (dialect.name, dialect.server_version_info, BoundKeys(people).shape)
    found: Prepared | None = reach.prepared.get(key)
    if found is None:
        made = (_statement(reach, table, dialect, people) for table in reach.tables)
        statements = tuple(each for each in made if each is not None)
        found = Prepared(statements, tuple(_groups(statements)) if dialect.name == "postgresql" else ())
        reach.prepared[key] = found
    return found


def _groups(statements: Sequence[Statement]) -> Iterator[Group]:
    for start in range(0, len(statements), TOGETHER):
        chosen = tuple(statements[start : start + TOGETHER])
        parts = tuple((f"t{at}_", each.few) for at, each in enumerate(chosen))
        # Each part was compiled by SQLAlchemy, names quoted and values bound; here only the bound names get a prefix.
        asked = ", ".join(
            f"(WITH found AS MATERIALIZED ({_prefixed(bound, prefix)}) "  # noqa: S608
            f"SELECT CASE WHEN (SELECT count(*) FROM found) > {FEW} THEN '0' "
            "ELSE (SELECT CAST(json_agg(found) AS TEXT) FROM found) END)"
            for prefix, bound in parts
        )
        yield Group(chosen, f"SELECT {asked}", parts)


def _prefixed(bound: Bound, prefix: str) -> str:
    """The SQL with other names for its values; a percent sign that is no value is doubled and stays so."""
    pieces = bound.sql.split("%%")
    return "%%".join(piece.replace("%(", f"%({prefix}") for piece in pieces)


def _statement(reach: Reach, table: ReachedTable, dialect: Dialect, people: Sequence[Subject]) -> Statement | None:
    names = tuple(name for name in table.seen.columns if table.column(name).copy is Copying.YES)
    roles = tuple(role.name for role in table.table.roles.values() if role.copy is Copying.YES)
    if not names or (table.table.roles and not roles) or not table.seen.holds_rows:
        return None
    whole = _made(reach, table, dialect, people, names=names, roles=roles)
    first = _made(reach, table, dialect, people, names=names, roles=roles, limit=AT_EASE + 1)
    few = _made(reach, table, dialect, people, names=names, roles=roles, limit=FEW + 1)
    said = [table.column(name) for name in names]
    untouched = not table.table.roles and not any(column.link or column.others for column in said)
    kinds = [table.seen.columns[name].kind for name in names]
    binary = tuple(at for at, kind in enumerate(kinds) if kind is ColumnKind.BINARY)
    return Statement(table, names, roles, few, first, whole, untouched, binary)


def _made(
    reach: Reach,
    table: ReachedTable,
    dialect: Dialect,
    people: Sequence[Subject],
    *,
    names: Sequence[str],
    roles: Sequence[str],
    limit: int | None = None,
) -> Bound:
    import sqlalchemy

    keys = BoundKeys(people)
    columns = [_read(table, name, dialect).label(f"c{at}") for at, name in enumerate(names)]
    statement: Select[Any]
    if not roles:
        statement = sqlalchemy.select(*columns).where(reach.whose(table, keys))
    else:
        theirs = [reach.whose(table, keys, role) for role in roles]
        flags = [sqlalchemy.case((each, 1), else_=0).label(f"role_{at}") for at, each in enumerate(theirs)]
        statement = sqlalchemy.select(*columns, *flags).where(sqlalchemy.or_(*theirs))
        statement = statement.order_by(*(sqlalchemy.desc(flag.name) for flag in flags))
    compiled = statement.limit(limit).compile(dialect=dialect)
    positional = bool(compiled.positional)
    order = compiled.positiontup or () if positional else compiled.params
    values = compiled.params
    places = tuple((name, keys.slots.get(name), values[name]) for name in order)
    told = tuple((name, slot, None if slot is not None else value) for name, slot, value in places)
    return Bound(str(compiled), told, positional)


def _read(table: ReachedTable, name: str, dialect: Dialect) -> ColumnElement[Any]:
    """The column; on PostgreSQL a time as JSON has it, which also takes those that Python cannot hold ("infinity")."""
    import sqlalchemy

    column = table.core.c[name]
    if dialect.name == "postgresql" and table.seen.columns[name].kind is ColumnKind.TIME:
        return sqlalchemy.func.to_json(column).op("#>>")(sqlalchemy.literal_column("'{}'"))
    return column
