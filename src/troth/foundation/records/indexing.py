"""The index hole: erasing that would read a whole table, or read it again for every row that goes.

Two kinds of keys need an index that begins with them: those by which rows are found on a path, and every foreign key
that points at a table from which rows go. No query plan shows the second kind: the store looks through the pointing
table once for each row removed. A table of few rows is read quickly and needs none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from troth.errors import IndexMissing
from troth.foundation.records.catalogue import Catalogue, Table
from troth.policy.datamap import StoreKind

FEW_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows of `table` are found by `columns`; `why` says for what."""

    table: str
    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """An index that is not there: `statement` makes it. `rows` as the store counts them, None where it does not say."""

    lookup: Lookup
    rows: int | None
    statement: str

    def __str__(self) -> str:
        rows = "an unknown number of" if self.rows is None else f"about {self.rows}"
        columns = ", ".join(self.lookup.columns)
        return f"{self.lookup.table} has no index that begins with {columns} ({self.lookup.why}); it has {rows} rows"


def referencing(catalogue: Catalogue, deleted_from: Iterable[str]) -> Iterator[Lookup]:
    """The keys that point at tables from which rows go."""
    going = set(deleted_from)
    for table in catalogue.tables.values():
        for key in table.foreign_keys:
            if key.table in going:
                yield Lookup(table.name, key.columns, f"it points at {key.table}, from which rows go")


def find_missing(
    catalogue: Catalogue,
    lookups: Iterable[Lookup],
    kind: StoreKind,
    *,
    few_rows: int = FEW_ROWS,
    counted: Mapping[str, int] | None = None,
) -> tuple[Missing, ...]:
    """The indexes that `lookups` need and the store does not have, each once. `counted` stands before estimates."""
    found: dict[tuple[str, frozenset[str]], Missing] = {}
    for lookup in lookups:
        table = catalogue.tables.get(lookup.table)
        if table is None or not table.holds_rows or table.indexed(lookup.columns):
            continue
        rows = (counted or {}).get(table.name, table.rows)
        if rows is not None and rows < few_rows:
            continue
        key = (table.name, frozenset(lookup.columns))
        found.setdefault(key, Missing(lookup, rows, create_statement(table, lookup.columns, kind)))
    return tuple(found.values())


def refuse(missing: Iterable[Missing], store: str) -> None:
    """Raise IndexMissing with all of them, and the statements that make them; nothing where none is missing."""
    each = tuple(missing)
    if each:
        raise IndexMissing([str(one) for one in each], [f"{one.statement};" for one in each], where=store)


def create_statement(table: Table, columns: tuple[str, ...], kind: StoreKind) -> str:
    """The statement in the store's dialect; on PostgreSQL one that lets others write meanwhile."""
    quote = _backticks if kind is StoreKind.MARIADB else _double_quotes
    name = index_name(table.bare_name, columns)
    parts = ", ".join(map(quote, columns))
    place = f"{quote(table.schema)}.{quote(table.bare_name)}" if table.schema else quote(table.bare_name)
    concurrently = "CONCURRENTLY " if kind is StoreKind.POSTGRESQL else ""
    return f"CREATE INDEX {concurrently}{quote(name)} ON {place} ({parts})"


def index_name(table: str, columns: tuple[str, ...]) -> str:
    """A name that fits every store (at most 63 bytes), the same each time for the same columns."""
    words = "_".join((table, *columns))
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else "_" for sign in words)
    mark = hashlib.sha256("\0".join((table, *columns)).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"troth_{plain[:40]}_{mark}"


def _double_quotes(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _backticks(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
