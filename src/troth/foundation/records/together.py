"""A few rows of several tables in one statement, each value in the type that it has in its table.

Every column has a place of its own in the joint rows, and is NULL in the rows of the other tables: so nothing is
converted, whatever types and collations the tables have. Made for a few rows of each; the width is kept small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect, Dialect, Select

    from troth.foundation.records.catalogue import Column

_TABLES = 12
_COLUMNS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One table's rows: what they are for, the SELECT, and the columns that it gives, as the store has them."""

    what: Any
    statement: Select[Any]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """What stands where in the rows of a joint statement: for each part what it is for, and the places of its values.

    Of a single part the rows are its own.
    """

    whats: tuple[Any, ...]
    places: tuple[slice, ...]

    def apart(self, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, list[tuple[Any, ...]]]]:
        """The rows of each part, in the order of the parts."""
        if len(self.whats) == 1:
            yield self.whats[0], [tuple(row) for row in rows]
            return
        found: list[list[tuple[Any, ...]]] = [[] for _ in self.whats]
        for row in rows:
            found[row[0]].append(tuple(row[self.places[row[0]]]))
        yield from zip(self.whats, found, strict=True)


def joined(dialect: Dialect, parts: Iterable[Part]) -> Iterator[tuple[Joint, Select[Any] | CompoundSelect[Any]]]:
    """The parts in as few statements as the width allows."""
    for group in _groups(parts):
        places, start = [], 1
        for part in group:
            places.append(slice(start, start + len(part.columns)))
            start += len(part.columns)
        joint = Joint(tuple(part.what for part in group), tuple(places))
        yield joint, group[0].statement if len(group) == 1 else _statement(dialect, group)


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    group: list[Part] = []
    for part in parts:
        width = sum(len(each.columns) for each in group) + len(part.columns)
        if group and (len(group) == _TABLES or width > _COLUMNS):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _statement(dialect: Dialect, group: Sequence[Part]) -> CompoundSelect[Any]:
    import sqlalchemy

    branches = []
    for number, part in enumerate(group):
        rows = part.statement.subquery()
        shown: list[Any] = [sqlalchemy.literal_column(str(number))]
        for other in group:
            shown += rows.c if other is part else [_nothing(dialect, each, first=not number) for each in other.columns]
        branches.append(sqlalchemy.select(*(each.label(f"c{at}") for at, each in enumerate(shown))).select_from(rows))
    return sqlalchemy.union_all(*branches)


def _nothing(dialect: Dialect, column: Column, *, first: bool) -> Any:
    """NULL; PostgreSQL takes a column's type from the first branch, and is told it there as it wrote it itself."""
    import sqlalchemy

    if first and dialect.name == "postgresql":
        return sqlalchemy.literal_column(f"CAST(NULL AS {column.type})")
    return sqlalchemy.null()
