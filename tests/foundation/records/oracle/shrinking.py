"""A world made as small as it can be while something stays true of it: what is left is the case to look at."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from tests.foundation.records.oracle.worlds import ByKey, ByRow, End, World


def shrink(world: World, still: Callable[[World], bool]) -> World:
    """The smallest world found for which `still` holds; a world that can't even be made is none."""
    again = True
    while again:
        again = False
        for smaller in _smaller(world):
            if still(smaller):
                world, again = smaller, True
                break
    return world


def _smaller(world: World) -> Iterator[World]:
    """Worlds with one thing less, the largest first."""
    for name in list(world.tables):
        needed = any(_needs(other, name) for other in world.tables.values() if other.name != name)
        if not needed and all(kind.table != name for kind in world.people.values()):
            made = copy.deepcopy(world)
            del made.tables[name]
            yield made
    for kind, person in world.people.items():
        used = any(
            getattr(p, "person", None) == kind
            for t in world.tables.values()
            if t.name != person.table
            for p in t.all_paths()
        )
        linked = any(
            isinstance(s, dict) and s.get("link") == kind for t in world.tables.values() for s in t.said.values()
        )
        needed = any(_needs(t, person.table) for t in world.tables.values() if t.name != person.table)
        if len(world.people) > 1 and not (used or linked or needed):
            made = copy.deepcopy(world)
            del made.people[kind]
            del made.tables[person.table]
            yield made
    for name, table in world.tables.items():
        for at in range(len(table.rows)):
            made = copy.deepcopy(world)
            gone = made.tables[name].rows.pop(at)
            if not _pointed_at(made, name, gone):
                yield made
        for at in range(len(table.keys)):
            made = copy.deepcopy(world)
            del made.tables[name].keys[at]
            yield made
        if len(table.paths) > 1:
            for at in range(len(table.paths)):
                made = copy.deepcopy(world)
                del made.tables[name].paths[at]
                yield made
        used_columns = _columns(world, name)
        for at, column in enumerate(table.columns):
            if column.name not in used_columns:
                made = copy.deepcopy(world)
                del made.tables[name].columns[at]
                made.tables[name].said.pop(column.name, None)
                for row in made.tables[name].rows:
                    del row[column.name]
                yield made
        ends = [("", table.end), *((r, role.end) for r, role in table.roles.items())]
        for role, end in ends:
            for word in list(end.change):
                made = copy.deepcopy(world)
                there: End = made.tables[name].roles[role].end if role else made.tables[name].end
                del there.change[word]
                yield made
            if end.keep is not None:
                made = copy.deepcopy(world)
                there = made.tables[name].roles[role].end if role else made.tables[name].end
                there.keep = None
                yield made
        for row_at, row in enumerate(table.rows):
            for column in table.columns:
                if row[column.name] is not None and column.nullable:
                    made = copy.deepcopy(world)
                    made.tables[name].rows[row_at][column.name] = None
                    yield made


def _needs(table: object, name: str) -> bool:
    keys = any(key.target == name for key in table.keys)  # type: ignore[attr-defined]
    return keys or any(isinstance(path, ByRow) and path.table == name for path in table.all_paths())  # type: ignore[attr-defined]


def _pointed_at(world: World, name: str, row: dict[str, object]) -> bool:
    """Whether a row that is taken out is pointed at, by a rule of the store, by a path or by a link."""
    pointers = [
        (table, key.columns, key.at) for table in world.tables.values() for key in table.keys if key.target == name
    ]
    for table in world.tables.values():
        ways = (path for path in table.all_paths() if isinstance(path, ByRow) and path.table == name)
        pointers += [(table, path.columns, path.at) for path in ways]
        for kind, person in world.people.items():
            if person.table == name:
                pointers += [
                    (table, (c,), person.key)
                    for c, s in table.said.items()
                    if isinstance(s, dict) and s.get("link") == kind
                ]
                pointers += [
                    (table, p.columns, person.key)
                    for p in table.all_paths()
                    if isinstance(p, ByKey) and p.person == kind
                ]
    return any(
        [str(other[c]) for c in columns] == [str(row[c]) for c in at]
        for table, columns, at in pointers
        for other in table.rows
    )


def _columns(world: World, name: str) -> set[str]:
    table = world.tables[name]
    found = {*table.primary, "mark"}
    for key in table.keys:
        found.update(key.columns)
    for other in world.tables.values():
        for key in other.keys:
            if key.target == name:
                found.update(key.at)
        for path in other.all_paths():
            if isinstance(path, ByRow) and path.table == name:
                found.update(path.at)
    for path in table.all_paths():
        found.update(getattr(path, "columns", ()))
        found.add(getattr(path, "column", ""))
        if getattr(path, "where", None):
            found.add(path.where[0])  # type: ignore[union-attr]
    for _, _, end in table.ends():
        found.update(end.change)
        found.update(end.keep if isinstance(end.keep, list) else ())
        found.add(end.until)
    for person in world.people.values():
        if person.table == name:
            found.update(person.key)
            found.update(column for column, _ in person.identifiers.values())
    return found
