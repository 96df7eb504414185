"""What a store says of itself: its tables, columns, keys and indexes, under the names that the data map uses.

A table of the store's default schema has its bare name, any other is `schema.table`. Partitions count as their parent,
tables that belong to an extension or to a full-text index do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from troth.errors import PlaceMissing
from troth.policy.datamap import Place
from troth.policy.documents import nearest

STEPS_TABLE = "troth_step"
"""The table that troth itself keeps in a store; no part of the company's data."""

OWN = ("troth_may_", "troth_view_")
"""How the names of troth's views in a store begin, and of the tables of people that those views show."""


class ColumnKind(StrEnum):
    """What a column can hold, the same words for every store."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"  # a date, or a date with a time of day
    JSON = "json"
    BINARY = "binary"
    UUID = "uuid"
    ADDRESS = "address"  # a network address
    OTHER = "other"


class TableKind(StrEnum):
    """Whether the rows stand here, or are shown from elsewhere."""

    TABLE = "table"
    VIEW = "view"
    MATERIALISED = "materialised view"
    VIRTUAL = "virtual"  # a full-text index or foreign table: holds or reaches data of its own


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` in the store's own words. `given`: the store fills it where nothing is said."""

    name: str
    type: str
    kind: ColumnKind
    nullable: bool
    given: bool = field(default=False, compare=False)
    computed: bool = field(default=False, compare=False)  # from other columns of the row; never written


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` equal `target_columns` of a row of `table`; `on_delete` in SQL's words ("CASCADE", "NO ACTION").

    `deferrable`: the store can be told to look at it at the end of a transaction only.
    """

    columns: tuple[str, ...]
    table: str
    target_columns: tuple[str, ...]
    on_delete: str
    name: str | None = field(default=None, compare=False)
    deferrable: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`columns` are the leading plain columns: from an expression or a prefix on, they are left out (not `whole`).

    `partial`: not over all rows. The primary key is not among the indexes of a table.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool
    partial: bool
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `rows` is the store's own estimate, or None where it has none."""

    name: str
    kind: TableKind
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    rows: int | None = None
    schema: str | None = None
    bare_name: str = ""
    row_number: str | None = None  # a whole number that grows with the rows, where the store keeps one of its own
    triggers: tuple[str, ...] = ()  # what the store itself does when rows of this table change
    guarded: bool = field(default=False, compare=False)  # row security may keep rows from a user

    @property
    def unique(self) -> tuple[tuple[str, ...], ...]:
        """The groups of columns, beside the primary key, whose values no two rows share."""
        return tuple(index.columns for index in self.indexes if index.unique and index.whole and not index.partial)

    @property
    def holds_rows(self) -> bool:
        """Whether data stand here: not in a view."""
        return self.kind is not TableKind.VIEW

    def indexed(self, columns: tuple[str, ...]) -> bool:
        """Whether rows can be found by `columns` without reading the table: they lead a whole index or the key."""
        wanted = set(columns)
        ways = [self.primary_key, *(index.columns for index in self.indexes if not index.partial)]
        return any(set(way[: len(columns)]) == wanted for way in ways if len(way) >= len(columns))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All tables of one store by name, in the order of names. `own` are views and tables that troth made there."""

    store: str
    tables: Mapping[str, Table] = field(default_factory=lambda: MappingProxyType({}))
    own: Mapping[str, Table] = field(default_factory=lambda: MappingProxyType({}))

    def table(self, name: str) -> Table:
        """The table called `name`; raises PlaceMissing with the nearest name."""
        found = self.tables.get(name)
        if found is None:
            raise PlaceMissing(
                f'the store has no table "{name}".',
                where=self.store,
                nearest=nearest(name, self.tables),
                repair=f"Mend datamap.yaml, or run `troth map --check` to see all that differs in {self.store}.",
            )
        return found

    def column(self, place: Place) -> Column:
        """The column at `place`; raises PlaceMissing with the nearest name."""
        table = self.table(place.table)
        found = table.columns.get(place.column or "")
        if found is None:
            raise PlaceMissing(
                f'the table {place.table} has no column "{place.column}".',
                where=self.store,
                nearest=nearest(place.column or "", table.columns),
                repair=f"Mend datamap.yaml, or run `troth map --check` to see all that differs in {self.store}.",
            )
        return found

    def has(self, place: Place) -> bool:
        """Whether the table, and the column where one is named, are there."""
        table = self.tables.get(place.table)
        return table is not None and (place.column is None or place.column in table.columns)
