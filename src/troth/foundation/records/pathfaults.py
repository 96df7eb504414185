"""What a store does not have of what its data map says about paths: every fault at once, with the line of the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from troth.errors import Fault
from troth.foundation.records import pathwalk
from troth.foundation.records.catalogue import Catalogue, ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.policy.conditions import columns as condition_columns
from troth.policy.datamap import (
    ByIdentifier,
    ByKey,
    ByRow,
    DataMap,
    InJson,
    InText,
    OwnRow,
    SinglePath,
    StoreMap,
    TableMap,
)
from troth.policy.documents import nearest

_NO_TEXT = (ColumnKind.TIME, ColumnKind.BOOLEAN, ColumnKind.NUMBER)


def find(datamap: DataMap, catalogue: Catalogue) -> tuple[Fault, ...]:
    """Everything in the paths of one store that its catalogue contradicts."""
    store = datamap.stores[catalogue.store]
    found = [*_of_people(datamap, store, catalogue)]
    for table in store.tables.values():
        if any(table.paths()):
            found += _of_table(datamap, store, table, catalogue)
    return tuple(found)


def _of_people(datamap: DataMap, store: StoreMap, catalogue: Catalogue) -> Iterator[Fault]:
    for kind in store.people.values():
        path = f"stores.{store.name}.person.{kind.name}"
        yield from _named(datamap, catalogue, kind.table, kind.key, path, kind.line)
        for each in kind.identifiers.values():
            where = f"{path}.identifiers.{each.name}"
            yield from _named(datamap, catalogue, each.table, (each.column,), where, kind.line)


def _of_table(datamap: DataMap, store: StoreMap, table: TableMap, catalogue: Catalogue) -> Iterator[Fault]:
    path = f"stores.{store.name}.tables.{table.name}"
    faults = list(_named(datamap, catalogue, table.name, (), path, table.line))
    yield from faults
    if faults:
        return
    seen = catalogue.tables[table.name]
    if table.everyone is not None:
        names = condition_columns(table.everyone)
        yield from _named(datamap, catalogue, table.name, names, f"{path}.everyone", table.line)
    for single in table.paths():
        wanted = (*_columns(single), *pathwalk.condition_columns(single))
        faults = list(_named(datamap, catalogue, table.name, wanted, f"{path}.whose", table.line))
        yield from faults or _of_path(datamap, table, single, seen, catalogue)


def _of_path(
    datamap: DataMap, table: TableMap, single: SinglePath, seen: TableSeen, catalogue: Catalogue
) -> Iterator[Fault]:
    path = f"stores.{table.store}.tables.{table.name}.whose"
    people = datamap.people()

    def fault(message: str, expected: str) -> Fault:
        return Fault(datamap.file, table.line, 1, path, message, expected)

    if isinstance(single, OwnRow):
        kind = people[single.person]
        if kind.table != table.name or kind.store != table.store:
            yield fault(f"a {kind.name}'s own row stands in {kind.table}, not here.", "the column that holds their key")
    elif isinstance(single, ByRow):
        target = catalogue.tables.get(single.table)
        if target is None:
            return  # told at that table
        at = pathwalk.join_columns(single, seen, target)
        if at is None:
            columns = ", ".join(single.columns)
            yield fault(
                f"it is not known which columns of {single.table} equal {columns}: no foreign key says so, and its "
                "primary key has another width.",
                f"the column named: {columns} > {single.table}.COLUMN",
            )
        else:
            yield from _named(datamap, catalogue, single.table, at, path, table.line)
    elif isinstance(single, (InJson, InText)):
        kind = people[single.person]
        if single.identifier is None and len(kind.key) != 1:
            yield fault(
                f"the key of {kind.id} has {len(kind.key)} columns; one value inside a column cannot be all of it.",
                "an identifier, or a column for each part",
            )
        column = seen.columns[single.column or ""]
        if column.kind in _NO_TEXT:
            yield fault(f"{column.name} is of type {column.type}, in which no text stands.", "a column of text or JSON")
        elif isinstance(single, InJson) and column.kind is ColumnKind.BINARY:
            yield fault(
                f"{column.name} is of type {column.type}, in which no JSON is read.", "a column of text or JSON"
            )


def _columns(single: SinglePath) -> tuple[str, ...]:
    if isinstance(single, (ByKey, ByRow)):
        return single.columns
    if isinstance(single, (ByIdentifier, InJson, InText)):
        return () if single.column is None else (single.column,)
    return ()


def _named(  # noqa: PLR0917 - one place of the map, spelled out
    datamap: DataMap, catalogue: Catalogue, table: str, columns: Iterable[str], path: str, line: int
) -> Iterator[Fault]:
    """A table or columns that the store does not have, with the nearest name that it has."""
    seen = catalogue.tables.get(table)
    if seen is None:
        message = f'the store has no table "{table}".'
        yield Fault(datamap.file, line, 1, path, message, nearest=nearest(table, catalogue.tables))
        return
    for name in columns:
        if name not in seen.columns:
            message = f'the table {table} has no column "{name}".'
            yield Fault(datamap.file, line, 1, path, message, nearest=nearest(name, seen.columns))
