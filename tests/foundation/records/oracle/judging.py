"""What should come of a world, said from the language of the data map alone: over rows in memory, without SQL.

It knows nothing of how rows are read or erased; it may be slow, and follows every path to its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.foundation.records.oracle.meeting import Known, coarser, evened, met, same, somebody, theirs
from tests.foundation.records.oracle.worlds import (
    ByKey,
    ByRow,
    End,
    Key,
    Match,
    Path,
    Row,
    Table,
    World,
)

NOW = dt.datetime(2026, 11, 28, 12)
Place = tuple[str, int]
"""A table, and which of its rows."""


@dataclass(frozen=True)
class Pseudonym:
    old: Any


@dataclass(frozen=True)
class StandIn:
    kind: str
    at: int = 0


@dataclass(frozen=True)
class Label:
    """Somebody else, by a label that is theirs throughout a copy."""

    kind: str
    identifier: str | None
    key: str


@dataclass(frozen=True)
class Marked:
    value: Any


class Ambiguous(Exception):
    """It is not known who is meant."""


class MustRefuse(Exception):
    """It can't be done without harm to somebody else's rows."""


def person(world: World, kind: str, key: tuple[Any, ...]) -> list[Known]:
    """Everything that one person is, who has that key: of each kind at most one row, joined by mail addresses alone."""
    found = {kind: _row_of(world, kind, key)}
    waiting = [kind]
    while waiting:
        for value in _alone(world, waiting.pop(), found):
            for other in world.people:
                if other in found or "email" not in world.people[other].identifiers:
                    continue
                rows = _holding(world, other, "email", value)
                if len(rows) > 1:
                    raise Ambiguous
                if rows:
                    found[other] = rows[0]
                    waiting.append(other)
    mails = tuple(dict.fromkeys(str(v) for each in found for v in _alone(world, each, found)))
    told = []
    for each in world.people:
        if each in found:
            told.append(_known(world, each, found[each], mails))
        elif "email" in world.people[each].identifiers:
            own = tuple(v for v in mails if not _holding(world, each, "email", v))
            told.append(Known(each, (), {"email": own}))
    return told


def _alone(world: World, kind: str, found: dict[str, Row]) -> Iterator[str]:
    """The mail addresses of a row that no other row of its kind has."""
    for value in _values(world, kind, found[kind], "email"):
        if len(_holding(world, kind, "email", value)) == 1:
            yield value


def _known(world: World, kind: str, row: Row, mails: tuple[str, ...]) -> Known:
    declared = world.people[kind]
    told: dict[str, tuple[str, ...]] = {}
    for name in declared.identifiers:
        values = [*_values(world, kind, row, name), *(mails if name == "email" else ())]
        told[name] = tuple(v for v in dict.fromkeys(values) if all(r is row for r in _holding(world, kind, name, v)))
    return Known(kind, tuple(row[each] for each in declared.key), told)


def _values(world: World, kind: str, row: Row, name: str) -> list[str]:
    if name not in world.people[kind].identifiers:
        return []
    value = row[world.people[kind].identifiers[name][0]]
    return [str(value)] if value not in (None, "") else []


def _holding(world: World, kind: str, name: str, value: str) -> list[Row]:
    column, ways = world.people[kind].identifiers[name]
    rows = world.tables[world.people[kind].table].rows
    return [row for row in rows if row[column] is not None and evened(row[column], ways) == evened(value, ways)]


def _row_of(world: World, kind: str, key: tuple[Any, ...]) -> Row:
    declared = world.people[kind]
    return next(row for row in world.tables[declared.table].rows if tuple(row[each] for each in declared.key) == key)


class Judge:
    """Whose rows are whose, for one person or several at once (`known`: all that they are)."""

    def __init__(self, world: World, known: Sequence[Known]) -> None:
        self.world, self.known = world, known
        self.owned: dict[Place, set[str | None]] = {}
        while self._grown():
            pass

    def _grown(self) -> bool:
        """Find rows that are theirs by what is found already; whether there were any."""
        grown = False
        for table in self.world.tables.values():
            for at, row in enumerate(table.rows):
                for role, paths, _ in table.ends():
                    held = self.owned.get((table.name, at), set())
                    if role not in held and any(self.leads(table, row, path) for path in paths):
                        self.owned.setdefault((table.name, at), set()).add(role)
                        grown = True
        return grown

    # --- theirs, somebody else's --------------------------------------------------------------------------------------

    def leads(self, table: Table, row: Row, path: Path) -> bool:
        """Whether `row` is theirs by `path`, as far as is known."""
        if not met(row, path):
            return False
        if isinstance(path, ByRow):
            return any(place in self.owned for place, _ in self.targets(row, path))
        return any(theirs(self.world, table, row, path, each) for each in self.known if each.kind == path.person)

    def targets(self, row: Row, path: ByRow) -> Iterator[tuple[Place, Row]]:
        wanted = [row[each] for each in path.columns]
        if None not in wanted:
            for at, other in enumerate(self.world.tables[path.table].rows):
                if same([other[each] for each in path.at], wanted):
                    yield (path.table, at), other

    def others(self, table: Table, row: Row, paths: Sequence[Path], passed: tuple[str, ...] = ()) -> bool:
        """Whether somebody else is on `row` by any of `paths`."""
        return any(self._other(table, row, path, (*passed, table.name)) for path in paths if met(row, path))

    def _other(self, table: Table, row: Row, path: Path, passed: tuple[str, ...]) -> bool:
        if isinstance(path, ByRow):
            if table.shared:
                return any(place not in self.owned for place, _ in self.targets(row, path))
            if path.table in passed:
                return False
            other = self.world.tables[path.table]
            return any(self.others(other, far, other.all_paths(), passed) for _, far in self.targets(row, path))
        return somebody(self.world, table, row, path) and not self.leads(table, row, path)

    # --- an erasure ---------------------------------------------------------------------------------------------------

    def going(self) -> set[Place]:
        found: set[Place] = set()
        while True:
            further = {place for place in self.owned if self._goes(place, found)}
            if further <= found:
                return found
            found |= further

    def _goes(self, place: Place, found: set[Place]) -> bool:
        table = self.world.tables[place[0]]
        row, held = table.rows[place[1]], self.owned[place]
        if not table.roles:
            ends = table.end.deletes or (table.end.keep is not None and self._over(table, row, None, table.end, found))
            return ends and not (table.shared and self.others(table, row, table.paths))
        roles = {name: role for name, role in table.roles.items() if name in held}
        if any(r.end.keep is not None and not self._over(table, row, n, r.end, found) for n, r in roles.items()):
            return False
        if table.delete == "with-any":
            return True
        if table.delete == "with-last" and not any(self.others(table, row, r.paths) for r in table.roles.values()):
            return True
        return any(
            role.end.deletes
            and not (any(isinstance(p, ByRow) for p in role.paths) and self.others(table, row, role.paths))
            for role in roles.values()
        )

    def _over(self, table: Table, row: Row, role: str | None, end: End, found: set[Place]) -> bool:
        """Whether a kept row's time is up, or the kept row that it hangs on goes."""
        at = row[end.until]
        if at is not None and at < NOW.replace(year=NOW.year - end.years, hour=0):
            return True
        paths = table.roles[role].paths if role else table.paths
        for path in paths:
            if isinstance(path, ByRow) and path.table != table.name and met(row, path):
                other = self.world.tables[path.table]
                keeps = any(one.keep is not None for _, _, one in other.ends())
                if keeps and any(place in found for place, _ in self.targets(row, path)):
                    return True
        return False

    def after(self) -> dict[str, list[Row]]:
        """Every row that is left of each table, changed as the map says. Raises MustRefuse."""
        going = self.going()
        left: dict[str, list[Row]] = {}
        for table in self.world.tables.values():
            left[table.name] = []
            for at, row in enumerate(table.rows):
                if (table.name, at) not in going:
                    left[table.name].append(self._left(table, (table.name, at), row, going))
        return left

    def _left(self, table: Table, place: Place, row: Row, going: set[Place]) -> Row:
        made = dict(row)
        held = self.owned.get(place, set())
        if held and not (table.shared and self.others(table, row, table.paths)):
            for role, paths, end in table.ends():
                if role in held:
                    for name, word in (self._followed(table, end) | end.change).items():
                        made[name] = self.changed(table, name, word, row[name], paths)
        for key in table.keys:
            wanted = [made[each] for each in key.columns]
            if any(each is None or isinstance(each, (StandIn, Pseudonym)) for each in wanted):
                continue
            if any(same([self._row(p)[each] for each in key.at], wanted) for p in going if p[0] == key.target):
                self._cut(table, key, made)
        kept = any(end.keep is not None and role in held for role, _, end in table.ends())
        for columns, target, at in self._edges(table):
            wanted = [made[each] for each in columns]
            if any(each is None or isinstance(each, (StandIn, Pseudonym)) for each in wanted):
                continue
            if any(same([self._row(p)[each] for each in at], wanted) for p in going if p[0] == target):
                free = [each for each in columns if table.column(each).nullable and each not in table.primary]
                if not free or kept:
                    raise MustRefuse(f"{table.name} {columns}: points at a row of {target} that goes")
                made.update(dict.fromkeys(free))
        for name, said in table.said.items():
            if isinstance(said, dict) and "link" in said:
                self._unlink(table, name, said["link"], made, going)
        return made

    def _followed(self, table: Table, end: End) -> dict[str, Any]:
        """What becomes of columns that repeat others, where the table itself says nothing."""
        found: dict[str, Any] = {}
        for name, said in table.said.items():
            kept = end.keep == "all" or (isinstance(end.keep, list) and name in end.keep)
            if isinstance(said, dict) and "copies" in said and not kept and not end.deletes:
                found[name] = None if table.column(name).nullable else "redact"  # people's own rows go
        return found

    def _edges(self, table: Table) -> Iterator[tuple[tuple[str, ...], str, tuple[str, ...]]]:
        """Where rows of `table` point by a path alone, in which no condition stands."""
        for other in self.world.tables.values():
            for path in other.all_paths():
                if isinstance(path, ByRow) and path.where is None:
                    far = self.world.tables[path.table]
                    if path.columns == other.primary and path.at != far.primary:  # through a link table
                        if far is table:
                            yield path.at, other.name, path.columns
                    elif other is table:
                        yield path.columns, path.table, path.at
                elif isinstance(path, ByKey) and path.where is None and other is table:
                    kind = self.world.people[path.person]
                    yield path.columns, kind.table, kind.key

    def _row(self, place: Place) -> Row:
        return self.world.tables[place[0]].rows[place[1]]

    def _cut(self, table: Table, key: Key, made: Row) -> None:
        link = table.said.get(key.columns[0])
        linked = link["link"] if isinstance(link, dict) and "link" in link and len(key.columns) == 1 else None
        free = [each for each in key.columns if table.column(each).nullable]
        if key.on_delete == "CASCADE" and not linked:
            raise MustRefuse(f"{table.name} {key.columns}: would be deleted by the store")
        if key.on_delete == "SET NULL" and not linked:
            free = list(key.columns) if len(free) == len(key.columns) else []
        if free:
            made.update(dict.fromkeys(free))
        elif linked:
            made[key.columns[0]] = StandIn(linked)
        else:
            raise MustRefuse(f"{table.name} {key.columns}: may not be NULL")

    def _unlink(self, table: Table, name: str, kind: str, made: Row, going: set[Place]) -> None:
        declared = self.world.people[kind]
        gone = [self._row(p) for p in going if p[0] == declared.table]
        there = made[name] is not None and not isinstance(made[name], StandIn)
        if there and any(same([each[declared.key[0]]], [made[name]]) for each in gone):
            made[name] = None if table.column(name).nullable else StandIn(kind)

    def changed(self, table: Table, name: str, word: Any, old: Any, paths: Sequence[Path]) -> Any:
        """What a value becomes."""
        column = table.column(name)
        if word is None:
            return None
        if word == "redact":
            if column.nullable and any(name in key.columns for key in table.keys):
                return None
            if column.type in ("word", "text"):
                return "[redacted]"
            if column.nullable and column.type != "json":
                return None
            return {"int": 0, "json": "{}", "time": dt.datetime(1970, 1, 2), "bytes": b""}[column.type]
        if word == "pseudonym":
            return None if old is None else Pseudonym(old)
        if word == "stand-in":
            path = next((p for p in paths if isinstance(p, ByKey) and name in p.columns), None)
            said = table.said.get(name)
            return StandIn(path.person if path else said["link"])  # type: ignore[index] # the map says either
        if isinstance(word, dict) and "generalise" in word:
            found = coarser(old, word["generalise"])
            return "[redacted]" if found is None and not column.nullable else found
        return word["text"] if isinstance(word, dict) else word

    # --- a copy -------------------------------------------------------------------------------------------------------

    def copy(self) -> dict[str, list[tuple[frozenset[str | None], Row]]]:
        """All rows that are theirs with the roles that they have in them, other people in them treated as the map says."""
        found: dict[str, list[tuple[frozenset[str | None], Row]]] = {}
        for (name, at), held in sorted(self.owned.items()):
            table = self.world.tables[name]
            found.setdefault(name, []).append((frozenset(held), self._copied(table, table.rows[at], held)))
        return found

    def _copied(self, table: Table, row: Row, held: set[str | None]) -> Row:
        made = {}
        own = {c for role, paths, _ in table.ends() if role in held for c in _holding_columns(paths)}
        foreign = {
            c: told for role, paths, _ in table.ends() if role not in held
            for c, told in _holding_columns(paths).items() if c not in own
        }  # fmt: skip
        for column in table.columns:
            said = table.said.get(column.name, "no")
            said = said if isinstance(said, dict) else {}
            if said.get("copy") == "no":
                continue
            value = row[column.name]
            if value is not None and "link" in said:
                value = self._labelled(said["link"], None, value)
            elif value is not None and column.name in foreign:
                value = self._labelled(*foreign[column.name], value)
            elif value is not None and said.get("others") in ("redact", "ask"):
                value = self._others_in(table, column.name, value, held, said["others"])
            made[column.name] = value
        return made

    def _labelled(self, kind: str, identifier: str | None, value: Any) -> Any:
        for each in self.known:
            own = each.key if identifier is None else each.identifiers.get(identifier, ())
            ways = self.world.people[kind].identifiers[identifier][1] if identifier else ()
            if each.kind == kind and any(evened(one, ways) == evened(value, ways) for one in own):
                return value
        return Label(kind, identifier, str(value))

    def _others_in(self, table: Table, name: str, value: Any, held: set[str | None], rule: str) -> Any:
        if not table.roles:
            return Marked(value) if rule == "ask" else self._without_addresses(value)
        writers = {role for role, each in table.roles.items() if name in each.end.change}
        if writers & held or (not writers and held >= set(table.roles)):
            return value
        return Marked(value) if rule == "ask" else "[of another person]"

    def _without_addresses(self, value: str) -> str:
        own = {v.lower() for each in self.known for values in each.identifiers.values() for v in values}
        words = value.split(" ")
        return " ".join(w if "@" not in w or w.lower() in own else "[of another person]" for w in words)


def _holding_columns(paths: Sequence[Path]) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for path in paths:
        if isinstance(path, ByKey):
            found |= dict.fromkeys(path.columns, (path.person, None))
        elif isinstance(path, Match):
            found[path.column] = (path.person, path.identifier)
    return found
