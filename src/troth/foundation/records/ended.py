"""Rows and columns whose time is up, as conditions of SQL, and the statements that end them a part at a time.

1. A row's time is up when every instant that it counts from lies far enough back; one that has not come yet (NULL)
   never passes. A column may end before its row does.
2. A row that another row still points at waits for it: what hangs on it goes first.
3. What is *held* (`Held`) stays, whatever its age: whole tables, everything of a person, single rows and what hangs on
   them; and the rows that those lead to, up to the person's own.

Nothing is executed here; `parting` cuts what comes out into short transactions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.foundation.records import passing
from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.ordering import Pointer
from troth.foundation.records.pathwalk import join_columns, sides
from troth.foundation.records.reach import Reach
from troth.foundation.records.settings import Fixed
from troth.foundation.records.statements import core_table
from troth.policy.datamap import ByKey, ByRow, SinglePath, StoreKind
from troth.policy.periods import Duration

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Delete, Table, Update

    from troth.foundation.records.catalogue import Table as TableSeen


@dataclass(frozen=True, slots=True)
class Passed:
    """One condition of an end: so long after the instant in `column`."""

    column: str
    keep: Duration

    def __str__(self) -> str:
        return f"{self.column} + {self.keep}"


@dataclass(frozen=True, slots=True)
class Archive:
    """Where rows move at their end: `columns` of the same name, and `at`, which gets the moment."""

    table: str
    columns: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class TableEnding:
    """How the rows of one table end. `row` empty: they never do by themselves. `archive`: they move there.

    `columns` end earlier and become what `settings` says; with `anonymise` rows stay, and all `settings` are made.
    """

    table: str
    row: tuple[Passed, ...]
    columns: Mapping[str, tuple[Passed, ...]] = field(default_factory=lambda: MappingProxyType({}))
    settings: Mapping[str, Fixed] = field(default_factory=lambda: MappingProxyType({}))
    anonymise: bool = False
    rules: tuple[str, ...] = ()
    archive: Archive | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What must stay in one store: `tables` whole, everything of `people`, and single `rows` by their primary key."""

    tables: frozenset[str] = frozenset()
    people: tuple[Subject, ...] = ()
    rows: Mapping[str, tuple[tuple[Any, ...], ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        return bool(self.tables or self.people or self.rows)


NOTHING_HELD = Held()


class Ended:
    """The conditions for the tables of one store, at one moment.

    `unchanged`: what is held keeps all that it points at, too, be it by a rule of the store alone: for whoever
    would cut such a pointer. Without it such rows are free, as long as whoever deletes waits for what points at them.
    """

    def __init__(
        self,
        reach: Reach,
        kind: StoreKind,
        now: dt.datetime,
        held: Held = NOTHING_HELD,
        *,
        unchanged: bool = False,
        cores: dict[str, Table] | None = None,
    ) -> None:
        self.reach, self.kind, self.now, self._held, self._unchanged = reach, kind, now, held, unchanged
        self._cores: dict[str, Table] = {} if cores is None else cores
        self._people = 0

    def core(self, name: str) -> Table:
        """The table for statements: one object for a name."""
        if name in self.reach:
            return self.reach.table(name).core
        if name not in self._cores:
            self._cores[name] = core_table(self.seen(name))
        return self._cores[name]

    def seen(self, name: str) -> TableSeen:
        return self.reach.catalogue.table(name)

    # --- which rows -------------------------------------------------------------------------------------------------

    def over(self, name: str, passed: Sequence[Passed]) -> ColumnElement[bool]:
        """Rows for which all of `passed` lie far enough back."""
        import sqlalchemy

        if not passed:
            return sqlalchemy.false()
        core, seen = self.core(name), self.seen(name)
        return sqlalchemy.and_(
            *(
                passing.before(core.c[each.column], seen.columns[each.column], each.keep.before(self.now), self.kind)
                for each in passed
            )
        )

    def held(self, name: str) -> ColumnElement[bool] | None:
        """Rows that must stay; None where nothing of this table is held."""
        import sqlalchemy

        parts = [*self._people_held(name), *self._named(name, ()), *self._led_to(name, ())]
        return sqlalchemy.or_(*parts) if parts else None

    def _people_held(self, name: str) -> Iterator[ColumnElement[bool]]:
        """Rows of people of whom everything is held."""
        if self._held.people and name in self.reach:
            self._people += 1  # the bound values of one condition must not stand for those of another
            keys = BoundKeys(self._held.people, f"held{self._people}")
            yield self.reach.whose(self.reach.table(name), keys)

    def _named(self, name: str, passed: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
        """Rows of a table that is held whole, rows that are held one by one, and what hangs on those."""
        import sqlalchemy

        core, seen = self.core(name), self.seen(name)
        if name in self._held.tables:
            yield sqlalchemy.true()
        for row in self._held.rows.get(name, ()):
            yield sqlalchemy.and_(*(core.c[key] == value for key, value in zip(seen.primary_key, row, strict=True)))
        for path in self.reach.table(name).table.paths() if name in self.reach and self._held.rows else ():
            if not isinstance(path, ByRow) or path.table in (*passed, name):
                continue
            above = [each for each in self._named(path.table, (*passed, name)) if path.table not in self._held.tables]
            at = join_columns(path, seen, self.seen(path.table))
            if above and at is not None:
                yield self._among(name, path.columns, path.table, at, above)

    def _led_to(self, name: str, passed: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
        """Rows to which the paths of held rows lead: the row that they hang on, and the person's own."""
        everybody = self._unchanged and self._held.people
        for other in self._above(name) if self._held.tables or self._held.rows or everybody else ():
            if other in (*passed, name):
                continue
            below: list[ColumnElement[bool]] | None = None
            for columns, at in self._pointers(other, name):
                if below is None:
                    below = [*self._named(other, ()), *self._led_to(other, (*passed, name))]
                    below += self._people_held(other) if everybody else ()
                if below:
                    yield self._among(name, at, other, columns, below)

    def _above(self, name: str) -> Iterator[str]:
        """The tables whose rows may lead to rows of `name`, each once."""
        found = dict.fromkeys(each.name for each in self.reach.tables)
        if self._unchanged:
            found |= dict.fromkeys(each.table for each in pointers_at(self.reach, name, cut_by_store=True))
        yield from found

    def _pointers(self, other: str, name: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The columns of `other`, and those of `name` that they equal, by which its rows lead there; each once."""
        found: dict[tuple[tuple[str, ...], tuple[str, ...]], None] = {}
        for path in self.reach.table(other).table.paths() if other in self.reach else ():
            ends = self._ends_at(path, other, name)
            if ends is not None:
                found[ends] = None
        for pointer in pointers_at(self.reach, name, cut_by_store=True) if self._unchanged else ():
            if pointer.table == other:
                found[pointer.columns, pointer.at] = None
        yield from found

    def _ends_at(self, path: SinglePath, from_: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The columns of a path and those of `name` that they equal, where it leads there."""
        if isinstance(path, ByRow) and path.table == name:
            at = join_columns(path, self.seen(from_), self.seen(name))
            return None if at is None else (path.columns, at)
        if isinstance(path, ByKey):
            kind = self.reach.datamap.people()[path.person]
            if (kind.store, kind.table) == (self.reach.store, name):
                return path.columns, kind.key
        return None

    def _among(
        self,
        name: str,
        columns: Sequence[str],
        other: str,
        at: Sequence[str],
        chosen: Sequence[ColumnElement[bool]],
    ) -> ColumnElement[bool]:
        """Rows of `name` whose `columns` equal `at` of a row of `other` that meets any of `chosen`."""
        import sqlalchemy

        there = self.core(other)
        mine, theirs = sides(self.core(name), self.seen(name), columns, there, self.seen(other), at)
        found = sqlalchemy.select(*theirs).where(sqlalchemy.or_(*chosen)).correlate(None)
        return mine[0].in_(found) if len(mine) == 1 else sqlalchemy.tuple_(*mine).in_(found)

    def pointed_at(self, name: str) -> ColumnElement[bool] | None:
        """Rows at which a row of some table points; None where none can."""
        import sqlalchemy

        core = self.core(name)
        found: list[ColumnElement[bool]] = []
        for pointer in pointers_at(self.reach, name):
            other = self.core(pointer.table).alias(f"points_{len(found)}")
            mine, theirs = sides(other, self.seen(pointer.table), pointer.columns, core, self.seen(name), pointer.at)
            same = (left == right for left, right in zip(mine, theirs, strict=True))
            found.append(
                sqlalchemy.exists(sqlalchemy.select(sqlalchemy.literal_column("1")).where(*same)).correlate(core)
            )
        return sqlalchemy.or_(*found) if found else None

    def going(self, ending: TableEnding) -> ColumnElement[bool]:
        """Rows that go now."""
        import sqlalchemy

        if ending.anonymise:
            return sqlalchemy.false()
        found = self._free(ending.table, self.over(ending.table, ending.row), waits=True)
        clashing = self.clashing(ending)
        return found if clashing is None else sqlalchemy.and_(found, sqlalchemy.not_(clashing))

    def twins(self, ending: TableEnding) -> ColumnElement[bool] | None:
        """Rows that stand in their archive as they are: a restore put them back. None where no index tells."""
        asked = self._in_archive(ending)
        return None if asked is None else self._archived(ending, asked[1])

    def clashing(self, ending: TableEnding) -> ColumnElement[bool] | None:
        """Rows whose key stands in their archive with other values: which of the two is right, only people know."""
        import sqlalchemy

        asked = self._in_archive(ending)
        return None if asked is None else self._archived(ending, sqlalchemy.and_(asked[0], sqlalchemy.not_(asked[1])))

    def _archived(self, ending: TableEnding, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        import sqlalchemy

        assert ending.archive is not None
        found: Any = sqlalchemy.select(sqlalchemy.literal_column("1")).where(condition)
        return sqlalchemy.exists(found.select_from(self.core(ending.archive.table))).correlate(self.core(ending.table))

    def _in_archive(self, ending: TableEnding) -> tuple[ColumnElement[bool], ColumnElement[bool]] | None:
        """That a row of the archive has the key of a row, and that it is the same row, all columns of it.

        None without an archive, and where no index leads to its rows: a part must not read all of it.
        """
        import sqlalchemy

        archive = ending.archive
        if archive is None:
            return None
        core, target, there = self.core(ending.table), self.core(archive.table), self.seen(archive.table)
        own = self.seen(ending.table).primary_key
        keys = {own, there.primary_key, *there.unique}
        keys = {key for key in keys if key and there.indexed(key) and set(key) <= set(archive.columns)}
        if not keys:
            return None
        same_key = sqlalchemy.or_(
            *(sqlalchemy.and_(*(target.c[name] == core.c[name] for name in key)) for key in sorted(keys))
        )
        read = self._as_text if self.kind is StoreKind.POSTGRESQL else lambda column: column
        same = (read(target.c[name]).is_not_distinct_from(read(core.c[name])) for name in archive.columns)
        return same_key, sqlalchemy.and_(same_key, *same)

    @staticmethod
    def _as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Some types of PostgreSQL know no equality (json); every one can be written down."""
        import sqlalchemy

        return sqlalchemy.cast(column, sqlalchemy.Text)

    def changing(self, ending: TableEnding) -> ColumnElement[bool]:
        """Rows that stay, and of which something ends now."""
        import sqlalchemy

        core = self.core(ending.table)
        parts = [
            sqlalchemy.and_(self.over(ending.table, passed), _still(core.c[name], ending.settings[name]))
            for name, passed in self.changes(ending).items()
        ]
        return self._free(ending.table, sqlalchemy.or_(sqlalchemy.false(), *parts), waits=False)

    def late(self, ending: TableEnding) -> ColumnElement[bool]:
        """Rows whose time is up, whatever keeps them."""
        return self.over(ending.table, ending.row)

    def changes(self, ending: TableEnding) -> Mapping[str, tuple[Passed, ...]]:
        """The columns that change, each with what must have passed."""
        if ending.anonymise:
            return {**dict.fromkeys(ending.settings, ending.row), **ending.columns}
        return ending.columns

    def _free(self, name: str, found: ColumnElement[bool], *, waits: bool) -> ColumnElement[bool]:
        import sqlalchemy

        held, pointed = self.held(name), self.pointed_at(name) if waits else None
        against: list[ColumnElement[Any]] = [] if held is None else [held.is_not(sqlalchemy.true())]
        if pointed is not None:
            against.append(sqlalchemy.not_(pointed))
        return sqlalchemy.and_(found, *against)

    # --- statements -------------------------------------------------------------------------------------------------

    def delete(self, ending: TableEnding) -> Delete:
        """Delete what goes; narrowed by the caller to one part of the table."""
        return self.core(ending.table).delete().where(self.going(ending))

    def update(self, ending: TableEnding) -> Update:
        """Change what ends before its row does, or all that leads to a person where rows stay without anybody."""
        import sqlalchemy

        core = self.core(ending.table)
        values: dict[Any, Any] = {}
        for name, passed in self.changes(ending).items():
            value = _value(ending.settings[name])
            values[core.c[name]] = sqlalchemy.case((self.over(ending.table, passed), value), else_=core.c[name])
        return core.update().where(self.changing(ending)).values(values)


def pointers_at(reach: Reach, name: str, *, cut_by_store: bool = False) -> tuple[Pointer, ...]:
    """What points at rows of `name`: foreign keys, and paths of the map.

    Keys that the store itself sets to NULL or a default stand in nobody's way; they are told with `cut_by_store`.
    """
    found: dict[tuple[str, tuple[str, ...]], Pointer] = {}
    for table in reach.catalogue.tables.values():
        for key in table.foreign_keys:
            if key.table == name and (cut_by_store or key.on_delete not in ("SET NULL", "SET DEFAULT")):
                nullable = any(table.columns[each].nullable for each in key.columns)
                found[table.name, key.columns] = Pointer(table.name, key.columns, name, key.target_columns, nullable)
    for reached in reach.tables:
        for path in reached.table.paths():
            if not isinstance(path, ByRow) or path.table != name:
                continue
            at = join_columns(path, reached.seen, reach.catalogue.table(name))
            if at is not None and set(at) == set(reach.catalogue.table(name).primary_key):
                pointer = Pointer(reached.name, path.columns, name, at, nullable=True)
                found.setdefault((reached.name, path.columns), pointer)
    return tuple(found.values())


def children_first(reach: Reach, names: Sequence[str]) -> tuple[str, ...]:
    """`names` so that what points stands before what it points at; where that is a circle, in their own order."""
    waiting = {name: {each.table for each in pointers_at(reach, name)} - {name} for name in names}
    done: list[str] = []
    while waiting:
        free = [name for name, below in waiting.items() if not below & set(waiting)] or [next(iter(waiting))]
        for name in free:
            done.append(name)
            del waiting[name]
    return tuple(done)


def _still(column: ColumnElement[Any], setting: Fixed) -> ColumnElement[bool]:
    return column.is_not(None) if setting.value is None else column != _value(setting)


def _value(setting: Fixed) -> Any:
    import sqlalchemy

    return (
        sqlalchemy.null() if setting.value is None else sqlalchemy.literal(setting.value, sqlalchemy.types.NullType())
    )
