"""Where a data map and the live store no longer say the same: both directions, each difference with its repair.

A column of a mapped table that the map does not name counts as not personal; it is drift only where discovery is sure
that it is. A name that the map uses and the store lacks is always drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from troth.collection import discovery
from troth.collection.discovery import ColumnFinding, Nature
from troth.collection.patterns import CATEGORY_OF
from troth.foundation.records.catalogue import Catalogue, Table
from troth.policy.conditions import columns as columns_of
from troth.policy.datamap import (
    ByIdentifier,
    ByKey,
    ByRow,
    Change,
    ChangeRow,
    ChangeTo,
    DataMap,
    InJson,
    InText,
    KeepRow,
    OnErasure,
    Place,
    StoreKind,
    StoreMap,
    TableMap,
)
from troth.policy.documents import nearest
from troth.policy.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records

SURE = 0.8
"""From this confidence on, discovery's word about what a column holds is drift."""
SQL = (StoreKind.POSTGRESQL, StoreKind.MARIADB, StoreKind.SQLITE, StoreKind.UNKNOWN)


class DriftKind(StrEnum):
    """What differs."""

    TABLE_NOT_MAPPED = "table-not-mapped"
    COLUMN_NOT_MAPPED = "column-not-mapped"
    TABLE_GONE = "table-gone"
    COLUMN_GONE = "column-gone"
    CATEGORY_DIFFERS = "category-differs"
    PERSON_WITHOUT_RULE = "person-without-rule"
    KEY_NOT_UNIQUE = "key-not-unique"
    PATH_BROKEN = "path-broken"
    NEITHER_KEPT_NOR_CHANGED = "neither-kept-nor-changed"
    CANNOT_BE_NULL = "cannot-be-null"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference, at one place, and what to do about it."""

    place: Place
    kind: DriftKind
    message: str
    repair: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def find_drift(datamap: DataMap, records: Records, *, store: str | None = None) -> tuple[Drift, ...]:
    """Every difference between `datamap` and its live SQL stores (only `store`, where named), by store and table.

    Raises StoreUnreachable: a store that cannot be seen has no drift and no peace either.
    """
    found: list[Drift] = []
    for name, mapped in datamap.stores.items():
        if (store is None or name == store) and mapped.kind in SQL:
            columns = [(Place(name, t.name, c.name), c) for t in mapped.tables.values() for c in t.columns.values()]
            known = frozenset(place for place, _ in columns)
            closed = frozenset(place for place, column in columns if not column.scan)
            catalogue = records.catalogue(name)
            found += declared_and_gone(mapped, catalogue)
            found += unruled(mapped, catalogue)
            found += real_and_silent(mapped, catalogue, discovery.discover(records, name, closed=closed), known)
    return tuple(found)


def real_and_silent(
    mapped: StoreMap, catalogue: Catalogue, findings: tuple[ColumnFinding, ...], known: frozenset[Place] = frozenset()
) -> Iterator[Drift]:
    """What the store has and the map does not say, or says otherwise."""
    for name, table in catalogue.tables.items():
        if name not in mapped.tables and table.holds_rows:
            yield _unmapped(mapped.name, name, findings)
    for finding in findings:
        declared = mapped.tables.get(finding.place.table)
        if declared is None:
            continue
        if finding.place not in known:
            yield from _silent(declared, finding)
        else:
            yield from _otherwise(declared, finding)


def declared_and_gone(mapped: StoreMap, catalogue: Catalogue) -> Iterator[Drift]:
    """Names that the map uses and the store lacks."""
    for table in mapped.tables.values():
        seen = catalogue.tables.get(table.name)
        if seen is None:
            near = nearest(table.name, catalogue.tables)
            hint = f' Did you mean "{near}"?' if near else ""
            yield Drift(
                table.place,
                DriftKind.TABLE_GONE,
                f"the map names it and the store has no such table.{hint}",
                f"take {table.name} out of datamap.yaml, or give its new name",
            )
            continue
        for column in dict.fromkeys(_named(mapped, table)):
            closed = column in table.columns and not table.columns[column].scan  # perhaps not even shown to us
            if column not in seen.columns and not closed:
                near = nearest(column, seen.columns)
                hint = f' Did you mean "{near}"?' if near else ""
                yield Drift(
                    Place(mapped.name, table.name, column),
                    DriftKind.COLUMN_GONE,
                    f"the map names it and the table has no such column.{hint}",
                    f"take {column} out of {table.name} in datamap.yaml, or give its new name",
                )


def unruled(mapped: StoreMap, catalogue: Catalogue) -> Iterator[Drift]:
    """What only shows against the live schema: keys that are none, people without a rule, ends that cannot be."""
    for kind in mapped.people.values():
        table = catalogue.tables.get(kind.table)
        if table is not None and set(kind.key) <= set(table.columns) and not _is_unique(table, kind.key):
            key = ", ".join(kind.key)
            yield Drift(
                Place(mapped.name, kind.table, kind.key[0]),
                DriftKind.KEY_NOT_UNIQUE,
                f"{key} is the key of {kind.name}, and the store lets two rows have the same.",
                f"name a key that the store keeps unique, or add one: a unique index on {key}",
            )
    people = {kind.table: kind.name for kind in mapped.people.values()}
    for declared in mapped.tables.values():
        table = catalogue.tables.get(declared.name)
        if table is None:
            continue
        yield from _people_without_rule(declared, table, people)
        yield from _broken_paths(declared, table, catalogue)
        yield from _ends(declared, table)


def _unmapped(store: str, table: str, findings: tuple[ColumnFinding, ...]) -> Drift:
    own = [each for each in findings if each.place.table == table and each.verdict in (Nature.PERSONAL, Nature.LINK)]
    categories = ", ".join(dict.fromkeys(each.category or f"link to {each.link}" for each in own))
    message = f"the map does not name it; it looks personal ({categories})." if own else "the map does not name it."
    repair = "map it: whose, columns, on_erasure" if own else "map it, or write `personal: no`"
    return Drift(Place(store, table), DriftKind.TABLE_NOT_MAPPED, message, f"{repair}; `troth map URL` drafts it")


def _silent(declared: TableMap, finding: ColumnFinding) -> Iterator[Drift]:
    column = finding.place.column or ""
    personal = finding.verdict is Nature.PERSONAL and finding.confidence >= SURE
    if not personal or (not declared.personal and declared.why) or column in _path_columns(declared):
        return
    if not declared.personal:
        message = f"it looks like {finding.category} ({finding.evidence}), and the map calls the table not personal."
        yield Drift(
            finding.place, DriftKind.COLUMN_NOT_MAPPED, message, "map the table, or say `why` it is not personal"
        )
        return
    yield Drift(
        finding.place,
        DriftKind.COLUMN_NOT_MAPPED,
        f"the map does not name it; it looks like {finding.category} ({finding.evidence}).",
        f"add `{column}: {finding.category}` to the columns of {declared.name}, or `{column}: no`",
    )


def _otherwise(declared: TableMap, finding: ColumnFinding) -> Iterator[Drift]:
    """A column whose values have a shape that tells another family of data than the map says."""
    mapped = declared.columns.get(finding.place.column or "")
    by_values = finding.category in CATEGORY_OF.values() and (finding.share or 0) >= 0.6
    if (
        mapped is None
        or mapped.why
        or not by_values
        or finding.verdict is not Nature.PERSONAL
        or finding.category is None
    ):
        return
    if mapped.category is None and not mapped.personal:
        message = f"the map calls it not personal; it looks like {finding.category} ({finding.evidence})."
    elif mapped.category and CATEGORIES[mapped.category].family != CATEGORIES[finding.category].family:
        message = f"the map calls it {mapped.category}; it looks like {finding.category} ({finding.evidence})."
    else:
        return
    yield Drift(finding.place, DriftKind.CATEGORY_DIFFERS, message, "correct the category, or say `why` it is right")


def _named(mapped: StoreMap, table: TableMap) -> Iterator[str]:
    """Every column that the map names in `table`."""
    yield from table.columns
    yield from _path_columns(table)
    for end in _ends_of(table):
        if isinstance(end, KeepRow):
            yield from (*(end.keep or ()), end.until.column)
        if isinstance(end, (KeepRow, ChangeRow)):
            yield from end.change
    yield from (use.at for use in table.uses)
    yield from table.starts.values()
    yield from columns_of(table.everyone) if table.everyone else ()
    for kind in mapped.people.values():
        yield from kind.key if kind.table == table.name else ()
        yield from (each.column for each in kind.identifiers.values() if each.table == table.name)
    for other in mapped.tables.values():
        for path in other.paths():
            if isinstance(path, ByRow) and path.table == table.name:
                yield from path.at or ()


def _path_columns(table: TableMap) -> tuple[str, ...]:
    found: list[str] = []
    for path in table.paths():
        if isinstance(path, (ByKey, ByRow)):
            found += path.columns
        elif isinstance(path, (ByIdentifier, InJson, InText)) and path.column:
            found.append(path.column)
        where = getattr(path, "where", None)
        found += columns_of(where) if where else ()
    return tuple(found)


def _people_without_rule(declared: TableMap, table: Table, people: Mapping[str, str]) -> Iterator[Drift]:
    told = {*_path_columns(declared), *(column.name for column in declared.columns.values() if column.link)}
    for key in table.foreign_keys:
        if key.table in people and not set(key.columns) <= told:
            person = people[key.table]
            yield Drift(
                Place(declared.store, declared.name, key.columns[0]),
                DriftKind.PERSON_WITHOUT_RULE,
                f"it points at a {person} by foreign key, and the map does not say what that person is to the row.",
                f"give the table roles, or write `{key.columns[0]}: {{link: {person}}}`",
            )


def _broken_paths(declared: TableMap, table: Table, catalogue: Catalogue) -> Iterator[Drift]:
    for path in declared.paths():
        if not isinstance(path, ByRow) or path.at is not None or path.table not in catalogue.tables:
            continue
        by_key = any(key.table == path.table and key.columns == path.columns for key in table.foreign_keys)
        if not by_key and len(catalogue.tables[path.table].primary_key) != len(path.columns):
            columns = ", ".join(path.columns)
            yield Drift(
                Place(declared.store, declared.name, path.columns[0]),
                DriftKind.PATH_BROKEN,
                f"no foreign key leads from {columns} to {path.table}, and its primary key has other columns.",
                f"name the column it equals: `{columns} > {path.table}.COLUMN`",
            )


def _ends(declared: TableMap, table: Table) -> Iterator[Drift]:
    for end in _ends_of(declared):
        change: Mapping[str, Change] = end.change if isinstance(end, (KeepRow, ChangeRow)) else {}
        for name, to in change.items():
            column = table.columns.get(name)
            if column is not None and to.to is ChangeTo.NULL and not column.nullable:
                yield Drift(
                    Place(declared.store, declared.name, name),
                    DriftKind.CANNOT_BE_NULL,
                    "on erasure it becomes NULL, and the store does not allow that.",
                    "choose redact, pseudonym, stand-in or a constant, or let the column be NULL",
                )
        if isinstance(end, KeepRow) and end.keep is not None:
            for name in table.columns:
                if name not in end.keep and name not in change:
                    yield Drift(
                        Place(declared.store, declared.name, name),
                        DriftKind.NEITHER_KEPT_NOR_CHANGED,
                        "when its person goes the row is kept, and this column is neither kept nor changed.",
                        f"put {name} into `keep`, or give it a `change`",
                    )


def _ends_of(table: TableMap) -> tuple[OnErasure, ...]:
    return tuple(role.on_erasure for role in table.roles.values()) if table.roles else (table.on_erasure,)


def _is_unique(table: Table, key: tuple[str, ...]) -> bool:
    return any(set(each) <= set(key) for each in (table.primary_key, *table.unique) if each)
