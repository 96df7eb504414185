"""The statements that read one person's rows, made once for each map, catalogue and shape of people.

Afterwards a statement is text and values: nothing is built or compiled for the next person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import BoundKeys, Slot, Subject
from troth.foundation.records.reach import Reach, ReachedTable
from troth.policy.datamap import Copying

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Select

AT_EASE = 5_000
"""Rows of one table that are taken at once; a table with more of the person's is streamed."""

FEW = 50
"""Rows of one table that PostgreSQL gives as JSON; with more of them its own form is quicker, a turn more and all."""

TOGETHER = 12  # tables whose rows are in memory at the same time

# Not real (0.1 comes out longer), not numeric, and none that the driver does not know: those would come as bytes.
_SAME_IN_BINARY = re.compile(
    r"smallint|integer|bigint|boolean|bytea|uuid|text|character( varying)?(\([0-9]+\))?",
)


class Values:
    """The values of all statements of a store, each once: most of them ask for the same key.

    Filled while the statements are made; `told` then gives the values for the people of one copy.
    """

    def __init__(self) -> None:
        self._told: list[tuple[Slot | None, Any]] = []
        self._at: dict[Any, int] = {}

    def place(self, slot: Slot | None, constant: Any) -> int:
        """Where the value stands in what `told` gives: a value of the people's, or a constant."""
        if slot is None:
            self._told.append((None, constant))
            return len(self._told) - 1
        same = (slot.person, slot.identifier, slot.at, slot.column and slot.column.kind)
        if same not in self._at:
            self._at[same] = len(self._told)
            self._told.append((slot, None))
        return self._at[same]

    def told(self, people: Sequence[Subject]) -> list[Any]:
        return [constant if slot is None else slot.value(people) for slot, constant in self._told]


@dataclass(frozen=True, slots=True)
class Bound:
    """SQL as the driver takes it. `take` picks what is bound out of what `Values.told` gives, in order of `names`."""

    sql: str
    names: tuple[str, ...]
    places: tuple[int, ...]
    positional: bool
    take: Callable[[Sequence[Any]], Sequence[Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        [first, *more] = self.places or [0]
        one = slice(first, first + len(self.places))  # picks a list, also of one value or of none
        object.__setattr__(self, "take", itemgetter(*self.places) if more else itemgetter(one))

    def values(self, told: Sequence[Any]) -> Any:
        return self.take(told) if self.positional else dict(zip(self.names, self.take(told), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What reads one table: `whole` all rows, `first` at most one more than `AT_EASE`, `few` one more than `FEW`.

    After the columns of the table each row has a flag for each of `roles`. `untouched`: nobody else is in the rows, as
    far as the map says. `binary`: the columns of bytes. `compact`: PostgreSQL may send the rows in binary form, which
    is quicker, for every column has a type whose values come out the same either way.
    """

    table: ReachedTable
    names: tuple[str, ...]
    roles: tuple[str, ...]
    few: Bound
    first: Bound
    whole: Bound
    untouched: bool
    binary: tuple[int, ...]
    compact: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Several `few` statements as one, for PostgreSQL: one row, in it a JSON text for each table.

    NULL: no rows; "0": more than `FEW`, and they are to be asked for by themselves.
    """

    statements: tuple[Statement, ...]
    few: Bound


@dataclass(frozen=True, slots=True)
class Prepared:
    """The statements of one store in the order of the map, a few at a time; for PostgreSQL also many in one."""

    statements: tuple[Statement, ...]
    values: Values = field(repr=False)
    turns: tuple[tuple[Statement, ...], ...]
    groups: tuple[Group, ...]


def prepared(reach: Reach, dialect: Dialect, people: Sequence[Subject]) -> Prepared:
    """The statements for people of this shape, made when first asked for."""
    key = (dialect.name, dialect.server_version_info, BoundKeys(people).shape)
    found: Prepared | None = reach.prepared.get(key)
    if found is None:
        values = Values()
        made = (_statement(reach, table, dialect, people, values) for table in reach.tables)
        statements = tuple(each for each in made if each is not None)
        turns = tuple(statements[start : start + TOGETHER] for start in range(0, len(statements), TOGETHER))
        groups = tuple(map(_group, turns)) if dialect.name == "postgresql" else ()
        found = reach.prepared[key] = Prepared(statements, values, turns, groups)
    return found


def _group(statements: tuple[Statement, ...]) -> Group:
    parts = [(f"t{at}_", each.few) for at, each in enumerate(statements)]
    # Each part was compiled by SQLAlchemy, names quoted and values bound; here only the bound names get a prefix.
    asked = ", ".join(
        f"(WITH found AS MATERIALIZED ({_prefixed(bound, prefix)}) "  # noqa: S608
        f"SELECT CASE WHEN (SELECT count(*) FROM found) > {FEW} THEN '0' "
        "ELSE (SELECT CAST(json_agg(found) AS TEXT) FROM found) END)"
        for prefix, bound in parts
    )
    names = tuple(f"{prefix}{name}" for prefix, bound in parts for name in bound.names)
    places = tuple(place for _, bound in parts for place in bound.places)
    return Group(statements, Bound(f"SELECT {asked}", names, places, positional=False))


def _prefixed(bound: Bound, prefix: str) -> str:
    """The SQL with other names for its values; a percent sign that is no value is doubled and stays so."""
    pieces = bound.sql.split("%%")
    return "%%".join(piece.replace("%(", f"%({prefix}") for piece in pieces)


def _statement(
    reach: Reach, table: ReachedTable, dialect: Dialect, people: Sequence[Subject], values: Values
) -> Statement | None:
    names = tuple(name for name in table.seen.columns if table.column(name).copy is Copying.YES)
    roles = tuple(role.name for role in table.table.roles.values() if role.copy is Copying.YES)
    if not names or (table.table.roles and not roles) or not table.seen.holds_rows:
        return None
    few, first, whole = (
        _made(reach, table, dialect, people, values, names=names, roles=roles, limit=limit)
        for limit in (FEW + 1, AT_EASE + 1, None)
    )
    said = [table.column(name) for name in names]
    untouched = not table.table.roles and not any(column.link or column.others for column in said)
    seen = [table.seen.columns[name] for name in names]
    binary = tuple(at for at, column in enumerate(seen) if column.kind is ColumnKind.BINARY)
    compact = all(column.kind is ColumnKind.TIME or _SAME_IN_BINARY.fullmatch(column.type) for column in seen)
    return Statement(table, names, roles, few, first, whole, untouched, binary, compact)


def _made(
    reach: Reach,
    table: ReachedTable,
    dialect: Dialect,
    people: Sequence[Subject],
    values: Values,
    *,
    names: Sequence[str],
    roles: Sequence[str],
    limit: int | None,
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
    order = tuple(compiled.positiontup or () if positional else compiled.params)
    places = tuple(values.place(keys.slots.get(name), compiled.params[name]) for name in order)
    return Bound(str(compiled), order, places, positional)


def _read(table: ReachedTable, name: str, dialect: Dialect) -> ColumnElement[Any]:
    """The column; on PostgreSQL a time as JSON has it, which also takes those that Python cannot hold ("infinity")."""
    import sqlalchemy

    column = table.core.c[name]
    if dialect.name == "postgresql" and table.seen.columns[name].kind is ColumnKind.TIME:
        return sqlalchemy.func.to_json(column).op("#>>")(sqlalchemy.literal_column("'{}'"))
    return column
