"""What points at rows that go: foreign keys and the edges that only the map knows, and what becomes of each.

1. The pointing rows are the same person's, and go or lose the pointer by the map: only the order matters.
2. The store itself sets the pointer to NULL (ON DELETE SET NULL): seen, nothing to do.
3. The pointer may be NULL, or is a link to a person: it is *cut* first, in whoever's row it stands.
4. The rows that are pointed at are shared by reference, and this very pointer is how they are reached: then none goes
   while a row of somebody else points at it, and of the person's own none is left. Only the order matters.
5. None of these: such rows must not be there (a *guard*): looked for when planning and again just before rows go. A
   rule that would take other people's rows with it (ON DELETE CASCADE) is always such a guard.

A column that the map keeps, and that points at a row that goes, is a contradiction in the map and told as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from troth.foundation.records.catalogue import Catalogue, Column, ForeignKey, Table
from troth.foundation.records.ends import End, TableEnd
from troth.foundation.records.ordering import Pointer
from troth.foundation.records.pathwalk import join_columns
from troth.foundation.records.settings import Fixed, Setting, StandIn
from troth.policy.datamap import ByKey, ByRow, PersonKind, SinglePath, StoreKind

_BY_ITSELF = ("SET NULL", "SET DEFAULT")


@dataclass(frozen=True, slots=True)
class Cut:
    """What takes the place of a pointer at a row that goes."""

    pointer: Pointer
    setting: Setting


@dataclass(frozen=True, slots=True)
class Guard:
    """Rows that must not be there when rows of the pointer's target go; `cascades`: the store would delete them.

    `together`: nor may they go in the same statement.
    """

    pointer: Pointer
    cascades: bool
    together: bool = False

    def __str__(self) -> str:
        if self.together:
            return _stuck(self.pointer)
        rule = self.pointer.name or f"{self.pointer.table}({', '.join(self.pointer.columns)})"
        what = "would be deleted with them, and are not this person's" if self.cascades else "would point at nothing"
        return f"{self.pointer.table}: rows that point at rows of {self.pointer.target} {what} (rule {rule})"


@dataclass(frozen=True, slots=True)
class Pointing:
    """All of it for one store: `pointers` bind the order, `by_store` are set to NULL by the store itself."""

    pointers: tuple[Pointer, ...]
    cuts: tuple[Cut, ...]
    guards: tuple[Guard, ...]
    by_store: tuple[Pointer, ...]
    faults: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    pointers: list[Pointer]
    cuts: list[Cut]
    guards: list[Guard]
    by_store: list[Pointer]
    faults: list[str]


def find_pointing(
    catalogue: Catalogue, ends: Sequence[TableEnd], people: Mapping[str, PersonKind], kind: StoreKind
) -> Pointing:
    """What points at the tables of `ends` from which rows go."""
    by_name = {end.name: end for end in ends}
    found = _Found([], [], [], [], [])
    for table in catalogue.tables.values():
        for key in table.foreign_keys:
            target = by_name.get(key.table)
            if target is not None and target.deletes:
                _declared(table, key, by_name.get(table.name), target, people=people, kind=kind, found=found)
    for end in ends:
        for pointer, setting in _links(end, by_name, people):
            if not _declared_already(end.seen, pointer):
                found.cuts.append(Cut(pointer, setting))
        for pointer in _mapped(end, by_name, people):
            if not _declared_already(catalogue.tables[pointer.table], pointer):
                _undeclared(pointer, end, by_name, people, found)
    parts = (found.pointers, found.cuts, found.guards, found.by_store, found.faults)
    pointers, cuts, guards, by_store, faults = (tuple(dict.fromkeys(part)) for part in parts)
    return Pointing(pointers, cuts, guards, by_store, faults)  # type: ignore[arg-type]


def _declared(
    table: Table,
    key: ForeignKey,
    own: TableEnd | None,
    target: TableEnd,
    *,
    people: Mapping[str, PersonKind],
    kind: StoreKind,
    found: _Found,
) -> None:
    nullable = any(table.columns[name].nullable for name in key.columns)
    pointer = Pointer(table.name, key.columns, key.table, key.target_columns, nullable, _waits(key, kind), key.name)
    covering = _covering(own, pointer, people)
    link = _link_setting(own, pointer)
    if key.on_delete in _BY_ITSELF and (link is None or isinstance(link, Fixed)):
        _not_kept(pointer, own, target, found)
        found.by_store.append(pointer)
    elif link is not None:
        found.pointers.append(pointer)
        found.cuts.append(Cut(pointer, link))
    elif own is not None and own.always_deletes and table is not target.seen and _held_by(target, pointer, own):
        found.pointers.append(pointer)
    elif covering is not None and (_leaves(own, covering, pointer) or _kept_with(covering, pointer, target)):
        found.pointers.append(pointer)
        if covering.deletes and _kept_by_another(own, pointer):
            found.guards.append(Guard(pointer, cascades=key.on_delete == "CASCADE"))
        if table.name == target.name and not _same_statement(key, kind):
            if nullable:
                found.cuts.append(Cut(pointer, Fixed(None)))
            else:
                found.faults.append(_stuck(pointer))
    elif covering is not None and target.always_deletes:
        found.faults.append(_contradiction(pointer, "would be deleted" if key.on_delete == "CASCADE" else "points"))
    elif key.on_delete == "CASCADE":
        found.pointers.append(pointer)
        found.guards.append(Guard(pointer, cascades=True))
    elif nullable:
        if _not_kept(pointer, own, target, found):
            found.pointers.append(pointer)
            found.cuts.append(Cut(pointer, Fixed(None)))
    else:
        found.pointers.append(pointer)
        together = table.name == target.name and not _same_statement(key, kind)
        found.guards.append(Guard(pointer, cascades=False, together=together))


def _waits(key: ForeignKey, kind: StoreKind) -> bool:
    """Whether the rule can be looked at when the transaction ends. RESTRICT never can."""
    return key.deferrable and key.on_delete == "NO ACTION" and kind is not StoreKind.MARIADB


def _same_statement(key: ForeignKey, kind: StoreKind) -> bool:
    """Whether a row and the one that it points at may go in one statement: where rules are looked at after it."""
    return kind is StoreKind.POSTGRESQL or (kind is StoreKind.SQLITE and key.on_delete != "RESTRICT")


def _covering(own: TableEnd | None, pointer: Pointer, people: Mapping[str, PersonKind]) -> End | None:
    """The end of all pointing rows, where the pointer itself is what makes them this person's."""
    for end in own.ends if own is not None else ():
        if any(_implied(path, own, pointer, people) for path in end.paths):
            return end
    return None


def _implied(path: SinglePath, own: TableEnd | None, pointer: Pointer, people: Mapping[str, PersonKind]) -> bool:
    if own is None or own.table.shared or not isinstance(path, (ByKey, ByRow)) or path.where is not None:
        return False
    pairs = set(zip(pointer.columns, pointer.at, strict=True))
    if isinstance(path, ByKey):
        kind = people[path.person]
        same = kind.table == pointer.target and kind.store == own.table.store
        return same and set(zip(path.columns, kind.key, strict=True)) == pairs
    at = path.at or (dict(pairs) and tuple(dict(pairs).get(name, "") for name in path.columns))
    return path.table == pointer.target and set(zip(path.columns, at, strict=False)) == pairs


def _held_by(target: TableEnd, pointer: Pointer, own: TableEnd) -> bool:
    """Whether a row of `target` stays for as long as somebody else's row has this pointer at it."""
    pairs = set(zip(pointer.at, pointer.columns, strict=True))
    for path in (each for end in target.ends for each in end.paths if target.table.shared):
        if isinstance(path, ByRow) and path.table == pointer.table and path.where is None:
            at = join_columns(path, target.seen, own.seen)
            if at is not None and set(zip(path.columns, at, strict=True)) == pairs:
                return True
    return False


def _leaves(own: TableEnd | None, end: End, pointer: Pointer) -> bool:
    """Whether no row of that end is left with the pointer: each goes, or loses it."""
    from troth.policy.datamap import RowEnd

    if end.deletes or (own is not None and own.row_end is RowEnd.WITH_ANY and not own.keeps):
        return True
    return any(isinstance(end.settings.get(name), (Fixed, StandIn)) for name in pointer.columns)


def _kept_by_another(own: TableEnd | None, pointer: Pointer) -> bool:
    """Whether a row with this pointer may stay although a role lets it go: another role keeps it, by law."""
    ends = own.ends if own is not None else ()
    return any(end.kept is not None and not set(pointer.columns) & set(end.settings) for end in ends)


def _kept_with(end: End, pointer: Pointer, target: TableEnd) -> bool:
    """Whether kept rows go at the latest with the kept rows that they hang on."""
    hangs = any(isinstance(path, ByRow) and path.columns == pointer.columns for path in end.paths)
    return end.kept is not None and hangs and target.keeps and not target.always_deletes


def _link_setting(own: TableEnd | None, pointer: Pointer) -> Setting | None:
    return own.links.get(pointer.columns[0]) if own is not None and len(pointer.columns) == 1 else None


def _not_kept(pointer: Pointer, own: TableEnd | None, target: TableEnd, found: _Found) -> bool:
    for end in own.ends if own is not None else ():
        if end.kept is None or not target.always_deletes:
            continue
        kept = set(pointer.columns) if end.kept.keep is None else set(pointer.columns) & set(end.kept.keep)
        if kept and kept - set(end.settings):
            found.faults.append(_contradiction(pointer, "points"))
            return False
    return True


def _contradiction(pointer: Pointer, how: str) -> str:
    columns = ", ".join(pointer.columns)
    rule = f" (rule {pointer.name})" if pointer.name else ""
    if how == "points":
        what = f"stays and points at a row of {pointer.target} that goes"
    else:
        what = f"stays, and would be deleted by the store with the row of {pointer.target} that goes"
    return (
        f"{pointer.table}.{columns}: the row {what}{rule}. Say what it becomes (change: {{{columns}: null}}), or keep "
        f"the row of {pointer.target} too."
    )


def _stuck(pointer: Pointer) -> str:
    columns = ", ".join(pointer.columns)
    rule = f" (rule {pointer.name})" if pointer.name else ""
    return (
        f"{pointer.table}.{columns}: this store deletes no row together with the one of the same table that it points "
        f"at{rule}. Let {columns} be NULL."
    )


# --- edges that only the map knows ------------------------------------------------------------------------------------


def _links(
    end: TableEnd, by_name: Mapping[str, TableEnd], people: Mapping[str, PersonKind]
) -> Iterator[tuple[Pointer, Setting]]:
    for name, setting in end.links.items():
        kind = people[end.table.columns[name].link or ""]
        target = by_name.get(kind.table)
        if target is not None and target.deletes and len(kind.key) == 1:
            nullable = end.seen.columns[name].nullable
            yield Pointer(end.name, (name,), kind.table, kind.key, nullable), setting


def _mapped(end: TableEnd, by_name: Mapping[str, TableEnd], people: Mapping[str, PersonKind]) -> Iterator[Pointer]:
    for path in (each for one in end.ends for each in one.paths):
        if isinstance(path, ByKey):
            kind = people[path.person]
            if kind.store == end.table.store and kind.table in by_name:
                yield _pointer(end, path.columns, by_name[kind.table], kind.key)
        elif isinstance(path, ByRow):
            target = by_name.get(path.table)
            at = join_columns(path, end.seen, target.seen) if target is not None else None
            if target is None or at is None:
                continue
            if set(path.columns) == set(end.seen.primary_key) and set(at) != set(target.seen.primary_key):
                yield _pointer(target, at, end, path.columns)  # it is the other row that points here
            else:
                yield _pointer(end, path.columns, target, at)


def _pointer(end: TableEnd, columns: tuple[str, ...], target: TableEnd, at: tuple[str, ...]) -> Pointer:
    nullable = any(end.seen.columns[name].nullable for name in columns if name in end.seen.columns)
    return Pointer(end.name, columns, target.name, at, nullable)


def _declared_already(table: Table, pointer: Pointer) -> bool:
    pairs = set(zip(pointer.columns, pointer.at, strict=True))
    return any(
        key.table == pointer.target and set(zip(key.columns, key.target_columns, strict=True)) == pairs
        for key in table.foreign_keys
    )


def _undeclared(
    pointer: Pointer,
    end: TableEnd,
    by_name: Mapping[str, TableEnd],
    people: Mapping[str, PersonKind],
    found: _Found,
) -> None:
    target = by_name[pointer.target]
    if not target.deletes:
        return
    if pointer.table != end.name:  # through a link table, from the other side: rows of others may point here too
        other = by_name[pointer.table]
        if _covering(other, pointer, people):
            return
        if not end.table.shared:  # one of nobody, too: no path leads to it
            found.guards.append(Guard(pointer, cascades=False))
        elif not other.always_deletes and any(not _leaves(other, one, pointer) for one in other.ends):
            _let_go(pointer, found)
        return
    for one in end.ends:
        ways = [path for path in one.paths if isinstance(path, (ByKey, ByRow)) and path.columns == pointer.columns]
        if not ways or _leaves(end, one, pointer) or end.table.shared:
            continue
        if target.always_deletes:
            found.faults.append(_contradiction(pointer, "points"))
        elif not _kept_with(one, pointer, target) and any(way.where is None for way in ways):
            _let_go(pointer, found, kept=one.kept is not None)


def _let_go(pointer: Pointer, found: _Found, *, kept: bool = False) -> None:
    """Of rows that stay, and may point at one that goes: the pointer is cut where it may be, else none may be there."""
    if pointer.nullable and not kept:
        found.pointers.append(pointer)
        found.cuts.append(Cut(pointer, Fixed(None)))
    else:
        found.guards.append(Guard(pointer, cascades=False))


def tables_reached(pointers: Iterable[Pointer]) -> frozenset[str]:
    """The tables that any of `pointers` stands in."""
    return frozenset(pointer.table for pointer in pointers)


def cut_columns(cut: Cut, columns: Mapping[str, Column]) -> tuple[str, ...]:
    """The columns of a pointer that lose their value: one is enough where others may not be NULL."""
    if isinstance(cut.setting, Fixed):
        return tuple(name for name in cut.pointer.columns if columns[name].nullable)
    return cut.pointer.columns
