"""What only shows when a whole data map is known; told with the other faults, before anything runs.

1. Every path ends at a person: the rows it hangs on are mapped, personal and not in a circle; nor do rows of two tables
   hang on each other, to a depth that nobody knows.
2. Two columns that each hold a person's key are two people, and need roles.
3. A column that the map keeps nowhere and changes nowhere is not left behind in a row that a law makes us keep.
4. Names lead somewhere: the person's own table, the tables of identifiers, the original of a copy, the archive.
"""

from __future__ import annotations

from collections.abc import Mapping

from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    DataMap,
    InJson,
    InText,
    KeepRow,
    OnErasure,
    OwnRow,
    SinglePath,
    TableMap,
)
from troth.policy.documents import Faults, Path_


def find_faults(datamap: DataMap, faults: Faults) -> None:
    """Add every such fault of `datamap` to `faults`."""
    for table in datamap.tables():
        path = _path_of(faults, table)
        _leads_to_people(datamap, table, faults, path)
        _two_people(table, faults, path)
        _kept_whole(table, faults, path)
        _copies(datamap, table, faults, path)
        _archive(datamap, table, faults, path)
    _people(datamap, faults)


def _path_of(faults: Faults, table: TableMap) -> Path_:
    store = faults.document.value["stores"][table.store]
    word = "tables" if table.name in (store.get("tables") or {}) else "collections"
    return ("stores", table.store, word, table.name)


def _archive(datamap: DataMap, table: TableMap, faults: Faults, path: Path_) -> None:
    if table.archive is None:
        return
    target = datamap.stores[table.store].tables.get(table.archive)
    if target is None or target is table or target.location is not None:
        said, expected = f"{table.archive} is no other table of this store.", "a table that is mapped here"
    elif not target.personal:
        said, expected = f"{table.archive} is not personal, and gets rows that are.", "a personal table"
    elif target.archive is not None:
        said, expected = f"{table.archive} has an archive itself.", "a table in which rows end"
    else:
        return
    faults.add((*path, "archive"), said, expected=expected)


def _leads_to_people(datamap: DataMap, table: TableMap, faults: Faults, path: Path_) -> None:
    tables = datamap.stores[table.store].tables
    back = _way_back(table, tables)
    if back is not None:
        faults.add(
            (*path, "whose"),
            f"rows of these tables hang on each other: {' > '.join(back)}. A chain passes a table once, and rows "
            "further down would be left behind.",
            expected="paths in one direction; rows of one table that hang on each other have a path of their own",
        )
    for single in table.paths():
        if not isinstance(single, ByRow) or _again(table, single):
            continue
        seen = [table.name]
        if _circular(single, tables, seen):
            faults.add(
                (*path, "whose"),
                f"the path goes in a circle: {' > '.join(seen)}.",
                expected="a path that ends at a person",
            )
            continue
        target = tables[single.table]
        if not target.personal:
            faults.add(
                (*path, "whose"),
                f"{target.name} is not personal, so nobody's row hangs on it.",
                expected="a personal table",
            )
        elif not any(target.paths()):
            faults.add((*path, "whose"), f"no path leads on from {target.name}.", expected="a `whose` of that table")


def _way_back(table: TableMap, tables: Mapping[str, TableMap]) -> list[str] | None:
    """A way from rows of `table` over rows of other tables back to it, where there is another way to a person."""
    if all(_circular(single, tables, [table.name]) for single in table.paths()):
        return None  # told as a circle
    waiting = [[table.name, each] for each in _hangs_on(table) if each != table.name]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop(0)
        if way[-1] == table.name:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            waiting += [[*way, each] for each in _hangs_on(tables[way[-1]])]
    return None


def _hangs_on(table: TableMap) -> list[str]:
    return [single.table for single in table.paths() if isinstance(single, ByRow)]


def _again(table: TableMap, single: ByRow) -> bool:
    """Whether `single` hangs rows on rows of the same table, beside another path: replies on a comment of theirs."""
    others = (each for each in table.paths() if not (isinstance(each, ByRow) and each.table == table.name))
    return single.table == table.name and any(others)


def _circular(single: SinglePath, tables: Mapping[str, TableMap], seen: list[str]) -> bool:
    """Whether every way on from `single` comes back to a table already passed; `seen` holds the way."""
    if not isinstance(single, ByRow):
        return False
    if single.table in seen:
        seen.append(single.table)
        return True
    seen.append(single.table)
    further = list(tables[single.table].paths())
    if not further:
        return False
    for each in further:
        way = list(seen)
        if not _circular(each, tables, way):
            return False
    seen[:] = way
    return True


def _two_people(table: TableMap, faults: Faults, path: Path_) -> None:
    if isinstance(table.whose, AnyPath):
        keyed = [single for single in table.whose.paths if isinstance(single, ByKey) and single.where is None]
        columns = {single.columns for single in keyed}
        if len(columns) > 1:
            names = " and ".join(", ".join(each) for each in sorted(columns))
            problem = f"{names} each hold a person: two people in one row."
            rule = "a role for each, with its own on_erasure; or `where` that tells them apart"
            faults.add((*path, "whose"), problem, expected=rule)
    if table.roles:
        told = {single.columns for single in table.paths() if isinstance(single, ByKey)}
        for column in table.columns.values():
            if column.link and (column.name,) in told:
                problem = "a role of this table is reached by this column; it is no mere link."
                faults.add((*path, "columns", column.name), problem, expected="the role alone")
    elif isinstance(table.whose, ByKey):
        for column in table.columns.values():
            if column.link and column.name in table.whose.columns:
                problem = "the column says whose the row is; it is no link to another person."
                faults.add((*path, "columns", column.name), problem, expected="`whose` alone")


def _kept_whole(table: TableMap, faults: Faults, path: Path_) -> None:
    ends: list[tuple[Path_, OnErasure]] = [((*path, "on_erasure"), table.on_erasure)]
    ends += [((*path, "whose", role.name, "on_erasure"), role.on_erasure) for role in table.roles.values()]
    for where, end in ends:
        if not isinstance(end, KeepRow) or end.keep is None:
            continue
        if end.until.column not in end.keep:
            problem = f"{end.until.column}, from which the time is counted, is not kept."
            faults.add(where, problem, expected=f"{end.until.column} in `keep`")
        named = {name for name, column in table.columns.items() if column.personal} | set(_columns_of(table))
        for column in sorted(named - set(end.keep) - set(end.change)):
            faults.add(
                where, f"{column} is neither kept nor changed.", expected=f"{column} in `keep`, or a change for it"
            )


def _columns_of(table: TableMap) -> tuple[str, ...]:
    found: list[str] = []
    for single in table.paths():
        if isinstance(single, ByKey):
            found += single.columns
        elif isinstance(single, (ByIdentifier, InJson, InText)) and single.column is not None:
            found.append(single.column)
    return tuple(found)


def _copies(datamap: DataMap, table: TableMap, faults: Faults, path: Path_) -> None:
    for column in table.columns.values():
        if column.copies is None:
            continue
        original = datamap.stores[column.copies.store].tables[column.copies.table]
        if column.copies.column not in original.columns and column.category is None:
            problem = f"{column.copies} is not mapped, so its category is unknown."
            faults.add((*path, "columns", column.name, "copies"), problem, expected="`data:` beside it")


def _people(datamap: DataMap, faults: Faults) -> None:
    for kind in datamap.people().values():
        tables = datamap.stores[kind.store].tables
        path = ("stores", kind.store, "person", kind.name)
        own = tables.get(kind.table)
        if own is not None and OwnRow(kind.id) not in tuple(own.paths()):
            problem = f"{kind.table} does not say that its rows are a {kind.name}'s own."
            repair = f"tables: {kind.table}: {{whose: {{person: {kind.name}}}}}"
            faults.add((*path, "table"), problem, expected=repair)
        for identifier in kind.identifiers.values():
            place = tables.get(identifier.table)
            keyed = place is not None and any(isinstance(single, ByKey) for single in place.paths())
            if identifier.table != kind.table and not keyed:
                problem = f"{identifier.table} has no path by key to a {kind.name}."
                repair = "a column of the person's own table, or of one with `whose: user_id`"
                faults.add((*path, "identifiers", identifier.name), problem, expected=repair)
