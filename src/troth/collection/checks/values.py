"""What stands in the columns that a sentence speaks of: each different value with the number of its rows.

Values are looked at and forgotten; what leaves a check is places and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.foundation.proof import counted

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from troth.foundation.observation import Observation
    from troth.foundation.records.catalogue import ColumnKind
    from troth.foundation.records.catalogue import Table as TableSeen
    from troth.policy.datamap import Place

MOST_ROWS = 200_000
"""Tables up to so many rows are read whole; of larger ones a sample is looked at."""

_MOST_VALUES = 50_000
_SAMPLE = 2_000
_LENGTH = 400


@dataclass(frozen=True, slots=True)
class Contents:
    """One column: `values` has each different value (cut to 400 letters) with its rows; NULL is left out.

    `whole` is False where only a sample was looked at; then each value counts as one row.
    """

    place: Place
    values: Mapping[str, int] = field(repr=False, default_factory=lambda: MappingProxyType({}))
    whole: bool = True

    @property
    def rows(self) -> int:
        return sum(self.values.values())

    @property
    def looked_at(self) -> str:
        """How much was looked at, in words."""
        return counted(self.rows, "row") if self.whole else f"a sample of {counted(self.rows, 'value')}"


def columns_with(seen: Observation, categories: Iterable[str]) -> tuple[Place, ...]:
    """The mapped columns of these categories that are there in their store now, in the order of the map.

    Raises RecordsError, NothingToObserve.
    """
    wanted = frozenset(categories)
    records = seen.need_records()
    return tuple(
        place
        for place, column in seen.need_map().columns()
        if column.category in wanted and records.catalogue(place.store).has(place)
    )


def contents(seen: Observation, place: Place, *, length: int = _LENGTH) -> Contents:
    """What stands in the column at `place`, looked at once a run. Raises RecordsError."""
    return seen.once(("contents", place, length), lambda: _contents(seen, place, length))


def _contents(seen: Observation, place: Place, length: int) -> Contents:
    import sqlalchemy

    records = seen.need_records()
    table = records.catalogue(place.store).table(place.table)
    name = place.column or ""
    if is_small(seen, table, place.store):
        made = records.table(place.store, place.table)
        value = _as_text(made.c[name], table.columns[name].kind, length)
        count = sqlalchemy.func.count().label("rows")
        statement = (
            sqlalchemy.select(value.label("value"), count)
            .select_from(made)
            .where(made.c[name].is_not(None))
            .group_by(value)
            .limit(_MOST_VALUES + 1)
        )
        found: dict[str, int] = {}
        for value_found, rows in records.execute(place.store, statement):
            text = _text(value_found)
            found[text] = found.get(text, 0) + int(rows)
        if len(found) <= _MOST_VALUES:
            return Contents(place, MappingProxyType(found))
    sampled = records.sample(place, _SAMPLE)
    return Contents(place, MappingProxyType(dict.fromkeys(sampled, 1)), whole=False)


def is_small(seen: Observation, table: TableSeen, store: str) -> bool:
    """Whether the table may be read whole. Where the store has no estimate, rows are counted up to the limit."""
    import sqlalchemy

    if table.rows is not None and table.rows > 0:
        return table.rows <= MOST_ROWS
    records = seen.need_records()
    some = sqlalchemy.select(sqlalchemy.literal(1)).select_from(records.table(store, table.name)).limit(MOST_ROWS + 1)
    counted = sqlalchemy.select(sqlalchemy.func.count()).select_from(some.subquery())
    return int(next(records.execute(store, counted))[0]) <= MOST_ROWS


def text_columns(table: TableSeen) -> Iterator[str]:
    """The names of the columns of a table that can hold words."""
    from troth.foundation.records.catalogue import ColumnKind

    for name, column in table.columns.items():
        if column.kind in (ColumnKind.TEXT, ColumnKind.JSON):
            yield name


def _as_text(column: ColumnElement[Any], kind: ColumnKind, length: int) -> ColumnElement[Any]:
    """The column as text, cut in the store; numbers and times as they are."""
    import sqlalchemy

    from troth.foundation.records.catalogue import ColumnKind

    if kind in (ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.TIME, ColumnKind.BINARY):
        return column
    text = sqlalchemy.cast(column, sqlalchemy.Text)
    return sqlalchemy.func.substr(text, 1, length) if kind is ColumnKind.TEXT else text


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")[:_LENGTH]
    return str(value)
