"""What becomes of the rows of each table when people go, made to fit the live store; every misfit is told at once.

A table without roles has one end. A table with roles has one for each, and `row_end` says when the row itself goes:
with the last of its people, with any of them, or never. A role that says `delete` takes the row with it whatever the
others wish, so it may not stand under `never`; where that role has several people (of a thread), with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, assert_never

from troth.foundation.records import settings
from troth.foundation.records.catalogue import Catalogue, Column, Table, TableKind
from troth.foundation.records.settings import Fixed, Setting, StandIn
from troth.policy.conditions import columns
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    Change,
    ChangeRow,
    ChangeTo,
    DataMap,
    DeleteRow,
    InJson,
    InText,
    KeepRow,
    OnErasure,
    OwnRow,
    PersonKind,
    RowEnd,
    SinglePath,
    StoreMap,
    TableMap,
    Until,
    Whose,
)


@dataclass(frozen=True, slots=True)
class End:
    """What happens to rows that are somebody's by `path`: as `role`, or as the only one where it is None."""

    role: str | None
    path: Whose
    deletes: bool
    settings: Mapping[str, Setting]
    kept: KeepRow | None

    @property
    def paths(self) -> tuple[SinglePath, ...]:
        return self.path.paths if isinstance(self.path, AnyPath) else (self.path,)

    @property
    def alone(self) -> bool:
        """Whether a row has one person at most by this end: none is reached through other rows."""
        return not any(isinstance(path, ByRow) for path in self.paths)


@dataclass(frozen=True, slots=True)
class TableEnd:
    """All ends of one table. `links`: columns that point at another person, with what takes that one's place."""

    table: TableMap
    seen: Table
    ends: tuple[End, ...]
    row_end: RowEnd | None
    links: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def deletes(self) -> bool:
        """Whether rows of it can go."""
        shared = self.row_end in (RowEnd.WITH_LAST, RowEnd.WITH_ANY)
        return shared or any(end.deletes or end.kept for end in self.ends)

    @property
    def changes(self) -> bool:
        """Whether rows of it can be changed and stay: of rows that go with any of their people, those that are kept."""
        stay = self.row_end is not RowEnd.WITH_ANY or self.keeps
        return stay and any(end.settings for end in self.ends)

    @property
    def always_deletes(self) -> bool:
        """Whether each row that is theirs goes at once."""
        if self.table.shared:
            return False
        if self.row_end is RowEnd.WITH_ANY:
            return not self.keeps
        single = self.row_end is None or all(end.alone for end in self.ends)
        return single and bool(self.ends) and all(end.deletes for end in self.ends)

    @property
    def keeps(self) -> bool:
        """Whether some of the rows that are theirs are kept for a time."""
        return any(end.kept is not None for end in self.ends)

    @property
    def changed(self) -> frozenset[str]:
        return frozenset(name for end in self.ends for name in end.settings)

    @property
    def stand_ins(self) -> frozenset[str]:
        """The kinds of people for whom a stand-in is needed."""
        found = [*self.links.values(), *(each for end in self.ends for each in end.settings.values())]
        return frozenset(each.kind for each in found if isinstance(each, StandIn))


def ends_of(datamap: DataMap, store: str, catalogue: Catalogue) -> tuple[tuple[TableEnd, ...], list[str]]:
    """The ends of every personal table of `store` that is a table of its database, and what does not fit."""
    mapped, people = datamap.stores[store], datamap.people()
    found: list[TableEnd] = []
    faults: list[str] = []
    for table in mapped.tables.values():
        seen = catalogue.tables.get(table.name)
        if seen is None or not table.personal or table.location is not None:
            continue
        if seen.kind is TableKind.MATERIALISED:
            made = "a materialised view, in which nothing is deleted or changed"
            repair = "Map it as `personal: no` with a `why:`, and refresh it after an erasure"
            faults.append(f"{table.name}: it is {made}. {repair}; the search for what is left reads it.")
            continue
        found.append(_table_end(mapped, table, seen, people, faults))
    return tuple(found), faults


def _table_end(
    mapped: StoreMap, table: TableMap, seen: Table, people: Mapping[str, PersonKind], faults: list[str]
) -> TableEnd:
    ends = []
    common: dict[str, Any] = {"people": people, "faults": faults}
    if table.roles:
        for role in table.roles.values():
            if isinstance(role.on_erasure, DeleteRow) and table.delete is RowEnd.NEVER:
                clash = f"the role {role.name} says delete, and the table says never"
                faults.append(f"{table.name}: {clash}. Let one of them give way.")
            ends.append(_end(mapped, table, seen, role=role.name, path=role.path, said=role.on_erasure, **common))
    elif table.whose is not None:
        ends.append(_end(mapped, table, seen, role=None, path=table.whose, said=table.on_erasure, **common))
    links = dict(_links(table, seen, people, faults))
    return TableEnd(table, seen, tuple(ends), table.delete if table.roles else None, MappingProxyType(links))


def _end(
    mapped: StoreMap,
    table: TableMap,
    seen: Table,
    *,
    role: str | None,
    path: Whose,
    said: OnErasure,
    people: Mapping[str, PersonKind],
    faults: list[str],
) -> End:
    if isinstance(said, DeleteRow):
        return End(role, path, True, MappingProxyType({}), None)
    change = dict(said.change)
    if isinstance(said, ChangeRow) or said.keep is not None:
        change.update(_followed(mapped, table, seen, said))
    json = {single.column for single in table.paths() if isinstance(single, InJson) and single.column}
    fitted: dict[str, Setting] = {}
    for name, wanted in change.items():
        place = f"{table.name}.{name}"
        column = seen.columns.get(name)
        if column is None:
            faults.append(f"{place}: the store has no such column. Run `troth map --check`.")
            continue
        try:
            if wanted.to is ChangeTo.STAND_IN:
                fitted[name] = _stand_in(name, path, table, column, people)
            else:
                fitted[name] = settings.fit(wanted, column, seen, json=name in json)
        except ValueError as problem:
            faults.append(f"{place}: {wanted.to.value} does not fit: {problem}.")
    kept = said if isinstance(said, KeepRow) else None
    if kept is not None:
        faults.extend(_until(table, seen, kept.until))
    return End(role, path, False, MappingProxyType(fitted), kept)


def _until(table: TableMap, seen: Table, until: Until) -> Iterator[str]:
    if until.column not in seen.columns:
        yield f"{table.name}.{until.column}: the store has no such column, and rows are kept until {until}."


def _followed(
    mapped: StoreMap, table: TableMap, seen: Table, said: ChangeRow | KeepRow
) -> Iterator[tuple[str, Change]]:
    """Columns that repeat others and about which this table says nothing: they follow the original."""
    keep = said.keep or () if isinstance(said, KeepRow) else ()
    for column in table.columns.values():
        if column.copies is None or column.name in said.change or column.name in keep:
            continue
        live = seen.columns.get(column.name)
        original = mapped.tables.get(column.copies.table)
        if live is None or original is None:
            continue
        wanted = _change_of(original, column.copies.column or "")
        if wanted is not None:
            yield column.name, _gone(live) if wanted.to is ChangeTo.NULL else wanted


def _change_of(table: TableMap, column: str) -> Change | None:
    """What becomes of the values of a column of `table`; NULL where the rows go; None where they stay."""
    said = [role.on_erasure for role in table.roles.values()] or [table.on_erasure]
    for end in said:
        if isinstance(end, DeleteRow):
            return Change(ChangeTo.NULL)
        if column in end.change:
            return end.change[column]
    return None


def _gone(column: Column) -> Change:
    return Change(ChangeTo.NULL if column.nullable else ChangeTo.REDACT)


def _stand_in(name: str, path: Whose, table: TableMap, column: Column, people: Mapping[str, PersonKind]) -> StandIn:
    """The part of a stand-in's key that takes the place of the person's. Raises ValueError."""
    if column.name in table_key(table, people):
        raise ValueError("it is the key of the person's own row; say delete, or change other columns")
    for single in path.paths if isinstance(path, AnyPath) else (path,):
        if isinstance(single, ByKey) and name in single.columns:
            return stand_in(people[single.person], single.columns.index(name))
    link = table.columns[name].link if name in table.columns else None
    if link is not None:
        return stand_in(people[link], 0)
    raise ValueError("a stand-in fits a column that holds a person's key; say null, redact or pseudonym")


def stand_in(kind: PersonKind, position: int) -> StandIn:
    """Raises ValueError for a kind whose key has several columns: no person stands for all of them."""
    if len(kind.key) > 1:
        raise ValueError(f"the key of a {kind.name} has several columns, and no one stands in for all; say null")
    return StandIn(kind.id, position)


def table_key(table: TableMap, people: Mapping[str, PersonKind]) -> tuple[str, ...]:
    """The columns that tell people apart in this table, where it is the own table of a kind of person."""
    return tuple(
        name for kind in people.values() if (kind.store, kind.table) == (table.store, table.name) for name in kind.key
    )


def _links(
    table: TableMap, seen: Table, people: Mapping[str, PersonKind], faults: list[str]
) -> Iterator[tuple[str, Setting]]:
    for column in table.columns.values():
        live = seen.columns.get(column.name)
        if column.link is None or live is None or people[column.link].store != table.store:
            continue
        if live.nullable:
            yield column.name, Fixed(None)
            continue
        try:
            yield column.name, stand_in(people[column.link], 0)
        except ValueError as problem:
            faults.append(f"{table.name}.{column.name}: it points at a person and may not be NULL: {problem}.")


# --- what a path looks at ---------------------------------------------------------------------------------------------


def own_columns(path: SinglePath) -> tuple[str, ...]:
    """The columns of a row itself that say whose it is by `path`, and those of its condition."""
    match path:
        case ByKey() | ByRow():
            found = path.columns
        case ByIdentifier() | InText():
            found = (path.column,)
        case InJson():
            found = (path.column,) if path.column else ()
        case OwnRow():
            return ()
        case never:
            assert_never(never)
    return (*found, *(columns(path.where) if path.where is not None else ()))


def describe(path: Whose, people: Mapping[str, PersonKind]) -> str:
    """Why a row is theirs by `path`, in words."""
    match path:
        case AnyPath():
            return " or ".join(describe(single, people) for single in path.paths)
        case OwnRow():
            return f"it is the {people[path.person].name}'s own row"
        case ByKey():
            return f"{', '.join(path.columns)} is their key"
        case ByRow():
            return f"it hangs on their row of {path.table} ({', '.join(path.columns)})"
        case ByIdentifier():
            return f"{path.column} is their {path.identifier}"
        case InJson():
            return f"{path.column} holds their {path.identifier or 'key'} at {'.'.join(path.keys)}"
        case InText():
            return f"{path.column} holds their {path.identifier or 'key'}"
        case never:
            assert_never(never)
