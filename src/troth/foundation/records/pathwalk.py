"""The way along a path of the data map: joins, conditions and types that all readings of a path share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.keys import fitted
from troth.foundation.records.spelling import as_text, holds, holds_bytes, json_holds
from troth.foundation.records.statements import where_clause
from troth.policy import conditions
from troth.policy.conditions import AllOf, AnyOf, Compare, Comparison, Condition
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    InJson,
    InText,
    Normalising,
    OwnRow,
    SinglePath,
    TableMap,
    Whose,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

    from troth.foundation.records.reach import Reach, ReachedTable


@dataclass(frozen=True, slots=True)
class Used:
    """`columns` of `table` are compared when rows are looked up.

    `normalise`: not the bare column, but what is left of it when it is evened out. `whole`: every row must be read, for
    the value stands inside JSON or text and no index finds it.
    """

    table: str
    columns: tuple[str, ...]
    normalise: tuple[Normalising, ...] = ()
    whole: bool = False


def join_columns(path: ByRow, seen: TableSeen, target: TableSeen) -> tuple[str, ...] | None:
    """The columns of `target` that the path's own equal: as said, as a foreign key says, else the primary key."""
    if path.at is not None:
        return path.at
    for key in seen.foreign_keys:
        if key.table == target.name and set(key.columns) == set(path.columns):
            pairs = dict(zip(key.columns, key.target_columns, strict=True))
            return tuple(pairs[name] for name in path.columns)
    return target.primary_key if len(target.primary_key) == len(path.columns) else None


def roles_of(table: TableMap, role: str | None) -> list[Whose]:
    """The paths by which a row is somebody's: of one role, or all."""
    if role is not None:
        return [table.roles[role].path]
    return [table.whose] if table.whose is not None else [each.path for each in table.roles.values()]


def singles(whose: Whose) -> tuple[SinglePath, ...]:
    return whose.paths if isinstance(whose, AnyPath) else (whose,)


def condition_clause(seen: TableSeen, row: FromClause, condition: Condition) -> ColumnElement[bool]:
    """`condition` over `row`, its values fitted to the columns that they are compared with."""
    return where_clause(row, [_fitted(condition, seen)])


def _fitted(condition: Condition, seen: TableSeen) -> Condition:
    if isinstance(condition, (AllOf, AnyOf)):
        return type(condition)(tuple(_fitted(part, seen) for part in condition.parts))
    if condition.comparison in (Comparison.NULL, Comparison.NOT_NULL):
        return condition
    column = seen.columns[condition.column]
    value: Any = condition.value

    def fit(one: Any) -> Any:
        if isinstance(one, bool):
            return one if column.kind is ColumnKind.BOOLEAN else fitted(int(one), column)
        if column.kind is ColumnKind.BOOLEAN:  # PostgreSQL takes "true" and "1" for a boolean, and no number
            return bool(one) if isinstance(one, int) else one
        if column.kind in (ColumnKind.TEXT, ColumnKind.UUID, ColumnKind.BINARY):
            return fitted(one, column)
        return one

    value = tuple(map(fit, value)) if isinstance(value, tuple) else fit(value)
    return Compare(condition.column, condition.comparison, value)


def comparable(
    left: ColumnElement[Any], own: Column, right: ColumnElement[Any], far: Column
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Two columns as every store compares them: as text where they are of different kinds."""
    if own.kind is far.kind:
        return left, right
    return (
        left if own.kind is ColumnKind.TEXT else as_text(left),
        right if far.kind is ColumnKind.TEXT else as_text(right),
    )


def sides(  # noqa: PLR0917 - the two ends of one join
    row: FromClause,
    seen: TableSeen,
    columns: Sequence[str],
    target: FromClause,
    far: TableSeen,
    at: Sequence[str],
) -> tuple[list[ColumnElement[Any]], list[ColumnElement[Any]]]:
    """`columns` of `row` and `at` of `target`, which equal them, as every store compares them."""
    pairs = [
        comparable(row.c[mine], seen.columns[mine], target.c[theirs], far.columns[theirs])
        for mine, theirs in zip(columns, at, strict=True)
    ]
    return [mine for mine, _ in pairs], [theirs for _, theirs in pairs]


class Walk:
    """What all readings share: the way from a row to the rows that it hangs on."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    def target(self, table: ReachedTable, path: ByRow) -> tuple[ReachedTable, tuple[str, ...]]:
        other = self.reach.table(path.table)
        at = join_columns(path, table.seen, other.seen)
        assert at is not None, "INVARIANT: pathfaults found every join"
        return other, at

    def joined(
        self, table: ReachedTable, row: FromClause, path: ByRow, target: FromClause, at: tuple[str, ...]
    ) -> tuple[list[ColumnElement[Any]], list[ColumnElement[Any]]]:
        """The two sides of a join in types that every store compares as the values read: text where they differ."""
        return sides(row, table.seen, path.columns, target, self.reach.table(path.table).seen, at)

    def where(self, table: ReachedTable, row: FromClause, path: SinglePath) -> list[ColumnElement[bool]]:
        """What must hold beside the path itself."""
        if isinstance(path, OwnRow) or path.where is None:
            return []
        return [condition_clause(table.seen, row, path.where)]

    def text(self, table: ReachedTable, row: FromClause, name: str) -> ColumnElement[Any]:
        column = row.c[name]
        return column if table.seen.columns[name].kind is ColumnKind.TEXT else as_text(column)

    def key_columns(self, path: OwnRow | ByKey) -> tuple[str, ...]:
        return path.columns if isinstance(path, ByKey) else self.reach.datamap.people()[path.person].key

    def wants(self, path: ByIdentifier | InJson | InText) -> tuple[Normalising, ...]:
        if isinstance(path, ByIdentifier):
            return path.normalise
        if path.identifier is None:
            return ()
        return self.reach.datamap.people()[path.person].identifiers[path.identifier].normalise

    def test(
        self, table: ReachedTable, row: FromClause, path: InJson | InText
    ) -> Callable[[ColumnElement[str]], ColumnElement[bool]]:
        """Whether a value stands at the place of the path."""
        import sqlalchemy

        assert path.column is not None, "INVARIANT: a path without a column is of another kind of store"
        column = row.c[path.column]
        if isinstance(path, InJson):
            return lambda value: json_holds(column, path.keys, value)
        inside = holds_bytes if table.seen.columns[path.column].kind is ColumnKind.BINARY else holds
        before = sqlalchemy.literal(path.before, sqlalchemy.String())
        after = sqlalchemy.literal(path.after, sqlalchemy.String())
        return lambda value: inside(column, before.concat(value).concat(after))


def used(reach: Reach, table: ReachedTable, passed: tuple[str, ...] = ()) -> Iterator[Used]:
    """By which columns the rows on the way from the people to `table` are looked up."""
    walk = Walk(reach)
    for path in table.table.paths():
        match path:
            case OwnRow() | ByKey():
                yield Used(table.name, walk.key_columns(path))
            case ByRow():
                other, _ = walk.target(table, path)
                yield Used(table.name, path.columns)
                if other.name not in (*passed, table.name):
                    yield from used(reach, other, (*passed, table.name))
            case ByIdentifier():
                yield Used(table.name, (path.column,), path.normalise)
            case InJson() | InText():
                if path.column is not None:
                    yield Used(table.name, (path.column,), walk.wants(path), whole=True)
            case never:
                assert_never(never)


def onward(path: SinglePath, passed: tuple[str, ...]) -> bool:
    """Whether a path leads on, and not back to a table that the chain came through."""
    return not (isinstance(path, ByRow) and path.table in passed)


def condition_columns(path: SinglePath) -> tuple[str, ...]:
    """The columns that a path's own condition reads."""
    return () if isinstance(path, OwnRow) or path.where is None else conditions.columns(path.where)
