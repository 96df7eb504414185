"""The statements of an erasure: one UPDATE or DELETE for each action, over all rows of all people meant at once.

Conditions come from `reach`. What this module adds: when a shared row goes and when it only changes, how long a kept
row stays, which pointers are cut, and the keys gathered beforehand where no order of statements keeps every path.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from troth.foundation.records import passing
from troth.foundation.records.ended import Ended
from troth.foundation.records.ends import End, TableEnd
from troth.foundation.records.keys import fitted
from troth.foundation.records.ordering import Action, Deed, Pointer
from troth.foundation.records.pathwalk import join_columns, sides
from troth.foundation.records.pointing import Cut, Guard, cut_columns
from troth.foundation.records.settings import Fixed, Made, Setting, Shredded, StandIn
from troth.foundation.records.standins import Nobody
from troth.foundation.records.statements import core_table, made_table
from troth.foundation.sealed_values import or_else
from troth.policy.datamap import ByRow, RowEnd

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Delete, Select, Table, Update

    from troth.foundation.records.catalogue import Column
    from troth.foundation.records.erasing import Erasure
    from troth.foundation.records.keys import Keys
    from troth.foundation.records.reach import ReachedTable


@dataclass(frozen=True, slots=True)
class Gather:
    """A temporary table with the keys of all rows to touch, and what each is to become."""

    table: str
    name: str
    shape: Select[Any]
    fill: Select[Any]


@dataclass(frozen=True, slots=True)
class Making:
    """A temporary table from old values to new ones; `old` asks for them, the new ones are made by `setting`."""

    name: str
    shape: Select[Any]
    fill: Select[Any]
    setting: Made


@dataclass(frozen=True, slots=True)
class Statement:
    """One action, and the values to be made just before it."""

    action: Action
    statement: Delete | Update
    making: tuple[Making, ...] = ()


class Setwise:
    """The statements for `keys`. `day`: when they run; `stand_ins`: the keys of the stand-ins that there are."""

    def __init__(
        self, erasure: Erasure, keys: Keys, day: dt.date, stand_ins: Mapping[str, tuple[Any, ...]], *, temporary: bool
    ) -> None:
        self.erasure = erasure
        self.keys = keys
        self.now = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        self.stand_ins = stand_ins
        self.nobody = Nobody(stand_ins) if stand_ins else None
        self._values = 0
        self._cores: dict[str, Table] = {}
        self._ended = Ended(erasure.reach, erasure.kind, self.now, erasure.held, unchanged=True, cores=self._cores)
        self._gathered: dict[str, Table] = {}
        if temporary:
            for number, name in enumerate(sorted(erasure.order.gathered)):
                self._gathered[name] = _keys_table(f"troth_rows_{number}", erasure.ends[name])

    # --- which rows -------------------------------------------------------------------------------------------------

    def theirs(self, name: str, end: End | None = None) -> ColumnElement[bool]:
        """Rows that are theirs: by one end, or by any."""
        table = self.erasure.reach.table(name)
        return self.erasure.reach.whose(table, self.keys, end.role if end else None)

    def going(self, name: str) -> ColumnElement[bool]:
        """Rows that go."""
        return self._flagged(name, "going") if name in self._gathered else self._going(name)

    def changing(self, name: str) -> ColumnElement[bool]:
        """Rows of which something changes, those that go among them or not."""
        import sqlalchemy

        end = self.erasure.ends[name]
        if name in self._gathered:
            flags = [self._flagged(name, f"end_{at}") for at, one in enumerate(end.ends) if one.settings]
            return sqlalchemy.and_(sqlalchemy.or_(*flags), self._flagged(name, "going").is_not(sqlalchemy.true()))
        return self._changing(name)

    def kept(self, name: str, end: End) -> ColumnElement[bool]:
        """Rows of one end that a law makes us keep, and whose time is not up."""
        import sqlalchemy

        return sqlalchemy.and_(self.theirs(name, end), self._passed(name, end).is_not(sqlalchemy.true()))

    def spared(self, name: str, found: ColumnElement[bool]) -> ColumnElement[bool]:
        """`found` without the rows that a hold keeps as they are."""
        held = self.held(name)
        return found if held is None else found & held.is_not(True)

    def held(self, name: str) -> ColumnElement[bool] | None:
        """Rows that a hold keeps as they are, whoever's they are; None where it keeps none."""
        return self._ended.held(name) if self.erasure.held else None

    def _going(self, name: str) -> ColumnElement[bool]:
        return self.spared(name, self._ending(name))

    def _ending(self, name: str) -> ColumnElement[bool]:
        import sqlalchemy

        end = self.erasure.ends[name]
        no = sqlalchemy.true()
        table = self.erasure.reach.table(name)
        if end.row_end is None:
            one = end.ends[0]
            if not one.deletes and one.kept is None:
                return sqlalchemy.false()
            found = self.theirs(name)
            if one.kept is not None:
                found = sqlalchemy.and_(found, self._passed(name, one))
            return self._unshared(end, table, found)
        parts = [self._with_role(name, table, one) for one in end.ends if one.deletes]
        if end.row_end is RowEnd.WITH_ANY:
            parts = [self.theirs(name)]
        elif end.row_end is RowEnd.WITH_LAST:
            alone = (self._others(table, one.role).is_not(no) for one in end.ends)
            parts.append(sqlalchemy.and_(self.theirs(name), *alone))
        held = (self.kept(name, one).is_not(no) for one in end.ends if one.kept is not None)
        return sqlalchemy.and_(sqlalchemy.or_(sqlalchemy.false(), *parts), *held)

    def _with_role(self, name: str, table: ReachedTable, end: End) -> ColumnElement[bool]:
        """Rows that go with a role: with the last of its people, where it can have several."""
        import sqlalchemy

        if end.alone:
            return self.theirs(name, end)
        return sqlalchemy.and_(self.theirs(name, end), self._others(table, end.role).is_not(sqlalchemy.true()))

    def _changing(self, name: str) -> ColumnElement[bool]:
        return self.spared(name, self._touching(name))

    def _touching(self, name: str) -> ColumnElement[bool]:
        import sqlalchemy

        end = self.erasure.ends[name]
        table = self.erasure.reach.table(name)
        if end.row_end is None:
            return self._unshared(end, table, self.theirs(name))
        chosen = [one for one in end.ends if one.settings]
        if len(chosen) == len(end.ends):
            return self.theirs(name)
        return sqlalchemy.or_(*(self.theirs(name, one) for one in chosen))

    def _unshared(self, end: TableEnd, table: ReachedTable, found: ColumnElement[bool]) -> ColumnElement[bool]:
        import sqlalchemy

        if not end.table.shared:
            return found
        return sqlalchemy.and_(found, self._others(table, None).is_not(sqlalchemy.true()))

    def _others(self, table: ReachedTable, role: str | None) -> ColumnElement[bool]:
        return self.erasure.reach.others(table, self.keys, role, nobody=self.nobody)

    def _passed(self, name: str, end: End) -> ColumnElement[bool]:
        """Kept rows whose time is up: by the law's period, or because the row that they hang on goes."""
        import sqlalchemy

        assert end.kept is not None
        hanging = [self._points(pointer, self._going(pointer.target)) for pointer in self._above(name, end)]
        return sqlalchemy.or_(self._period_over(name, end), *hanging)

    def _above(self, name: str, end: End) -> Iterator[Pointer]:
        """From kept rows to the rows that they hang on, where those are kept for a time, too."""
        for path in end.paths:
            target = self.erasure.ends.get(path.table) if isinstance(path, ByRow) else None
            if target is None or not isinstance(path, ByRow) or target.name == name:
                continue
            at = join_columns(path, self.erasure.ends[name].seen, target.seen)
            if at is not None and set(at) == set(target.seen.primary_key) and target.keeps:
                yield Pointer(name, path.columns, target.name, at, nullable=False)

    def _period_over(self, name: str, end: End) -> ColumnElement[bool]:
        assert end.kept is not None
        table = self.erasure.reach.table(name)
        until = end.kept.until
        cutoff = until.period.before(self.now)
        return passing.before(table.core.c[until.column], table.seen.columns[until.column], cutoff, self.erasure.kind)

    # --- keys gathered beforehand -----------------------------------------------------------------------------------

    def gathers(self) -> Iterator[Gather]:
        """What is to be gathered before the first statement."""
        import sqlalchemy

        for name, temporary in self._gathered.items():
            end = self.erasure.ends[name]
            core = self.erasure.reach.table(name).core
            key = [core.c[each] for each in end.seen.primary_key]
            flags = [self._going(name), *(self._unshared_end(name, one) for one in end.ends)]
            shown = [
                sqlalchemy.case((flag, 1), else_=0).label(column.name)
                for flag, column in zip(flags, list(temporary.c)[len(key) :], strict=True)
            ]
            zeros: list[Any] = [sqlalchemy.literal_column("0").label(each.name) for each in shown]
            never = sqlalchemy.text("1 = 0")
            yield Gather(
                name,
                temporary.name,
                sqlalchemy.select(*key, *zeros).where(never),
                sqlalchemy.select(*key, *shown).where(self.spared(name, self.theirs(name))),
            )

    def _unshared_end(self, name: str, one: End) -> ColumnElement[bool]:
        end = self.erasure.ends[name]
        return self._unshared(end, self.erasure.reach.table(name), self.theirs(name, one))

    def _flagged(self, name: str, flag: str) -> ColumnElement[bool]:
        import sqlalchemy

        temporary = self._gathered[name]
        core = self.erasure.reach.table(name).core
        key = self.erasure.ends[name].seen.primary_key
        chosen = sqlalchemy.select(*(temporary.c[each] for each in key)).where(temporary.c[flag] == 1)
        return _among([core.c[each] for each in key], chosen)

    # --- statements -------------------------------------------------------------------------------------------------

    def statements(self) -> Iterator[Statement]:
        """In the order in which they run."""
        made = 0
        for action in self.erasure.order.actions:
            if action.deed is Deed.DELETE:
                core = self.erasure.reach.table(action.table).core
                yield Statement(action, core.delete().where(self.going(action.table)))
            elif action.deed is Deed.CUT:
                yield Statement(action, self._cut(action.table))
            else:
                statement = self._change(action, made)
                made += len(statement.making)
                yield statement

    def pointing(self, cut: Cut) -> ColumnElement[bool]:
        """Rows that point at rows that go."""
        return self._points(cut.pointer, self.going(cut.pointer.target))

    def guarded(self, guard: Guard) -> ColumnElement[bool]:
        """Rows that must not be there: they point at rows that go, and do not go themselves."""
        import sqlalchemy

        pointer = guard.pointer
        found = self._points(pointer, self._going(pointer.target))  # asked before any keys are gathered
        own = self.erasure.ends.get(pointer.table)
        if own is None or not own.deletes:
            return found
        return sqlalchemy.and_(found, self._going(pointer.table).is_not(sqlalchemy.true()))

    def core(self, name: str) -> Table:
        """Any table of the store, for statements."""
        if name in self.erasure.reach:
            return self.erasure.reach.table(name).core
        if name not in self._cores:  # one object for a name: two of them would be two tables in one statement
            self._cores[name] = core_table(self.erasure.reach.catalogue.table(name))
        return self._cores[name]

    def _points(self, pointer: Pointer, going: ColumnElement[bool]) -> ColumnElement[bool]:
        import sqlalchemy

        core, other = self.core(pointer.table), self.core(pointer.target)
        left, right = (self.erasure.reach.catalogue.table(each) for each in (pointer.table, pointer.target))
        mine, theirs = sides(core, left, pointer.columns, other, right, pointer.at)
        return _among(mine, sqlalchemy.select(*theirs).where(going).correlate(None))

    def cuts_of(self, name: str) -> list[tuple[Cut, ColumnElement[bool]]]:
        """The pointers of one table that are cut, each with the rows in which it is."""
        return [(cut, self.pointing(cut)) for cut in self.erasure.cuts if cut.pointer.table == name]

    def _cut(self, name: str) -> Update:
        core, cuts = self.core(name), self.cuts_of(name)
        where = self._any(name, [condition for _, condition in cuts])
        return core.update().where(where).values(self._cut_values(core, cuts, alone=len(cuts) == 1))

    def _cut_values(
        self, core: Table, cuts: Sequence[tuple[Cut, ColumnElement[bool]]], *, alone: bool
    ) -> dict[Any, Any]:
        import sqlalchemy

        values: dict[Any, Any] = {}
        for cut, condition in cuts:
            seen = self.erasure.reach.catalogue.table(cut.pointer.table)
            for name in cut_columns(cut, seen.columns):
                column = core.c[name]
                value = self._value(cut.setting, core, seen.columns[name], None)
                otherwise = values.get(column, column)
                values[column] = value if alone else sqlalchemy.case((condition, value), else_=otherwise)
        return values

    def _any(self, name: str, conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
        """Rows that meet any of `conditions`: by their key, one by one, for behind an OR no store uses an index."""
        import sqlalchemy

        key = self.erasure.reach.catalogue.table(name).primary_key
        if len(conditions) == 1 or not key:
            return sqlalchemy.or_(*conditions)
        core = self.core(name)
        ways = (sqlalchemy.select(*(core.c[each] for each in key)).where(each) for each in conditions)
        found = sqlalchemy.union_all(*(way.correlate(None) for way in ways)).subquery()
        return _among([core.c[each] for each in key], sqlalchemy.select(*(found.c[each] for each in key)))

    def _change(self, action: Action, made: int) -> Statement:
        import sqlalchemy

        name = action.table
        end = self.erasure.ends[name]
        core = self.erasure.reach.table(name).core
        cuts = self.cuts_of(name) if name in self.erasure.order.joined else []
        values = self._cut_values(core, cuts, alone=False)
        making: list[Making] = []
        for column in (core.c[each] for each in end.seen.columns if each in end.changed):
            branches = []
            for at, one in enumerate(end.ends):
                setting = one.settings.get(column.name)
                if setting is None:
                    continue
                condition = self._flagged(name, f"end_{at}") if name in self._gathered else self.theirs(name, one)
                source = None
                if isinstance(setting, Made):
                    source = made_table(f"troth_made_{made + len(making)}")
                    making.append(self._making(name, column.name, condition, setting, source.name))
                branches.append((condition, self._value(setting, core, end.seen.columns[column.name], source)))
            if len(end.ends) == 1 and not cuts:
                values[column] = branches[0][1]
            else:
                values[column] = sqlalchemy.case(*branches, else_=values.get(column, column))
        where = self._any(name, [self.changing(name), *(condition for _, condition in cuts)])
        return Statement(action, core.update().where(where).values(values), tuple(making))

    def _making(self, name: str, column: str, condition: ColumnElement[bool], setting: Made, temporary: str) -> Making:
        import sqlalchemy

        core = self.erasure.reach.table(name).core
        shown = (core.c[column].label("old_value"), core.c[column].label("new_value"))
        fill = sqlalchemy.select(*shown).where(condition, core.c[column].is_not(None)).distinct()
        return Making(temporary, sqlalchemy.select(*shown).where(sqlalchemy.text("1 = 0")), fill, setting)

    def _bound(self, value: Any) -> ColumnElement[Any]:
        """A value under a name of ours, for a column's may be anything; its type is left to the column."""
        import sqlalchemy

        if value is None:
            return sqlalchemy.null()
        self._values += 1
        return sqlalchemy.bindparam(f"value_{self._values}", value, sqlalchemy.types.NullType())

    def _value(self, setting: Setting, core: Table, seen: Column, source: Table | None) -> Any:
        import sqlalchemy

        match setting:
            case Fixed():
                return self._bound(setting.value)
            case StandIn():
                key = self.stand_ins.get(setting.kind)  # none where nobody of that kind goes
                return self._bound(None if key is None else fitted(key[setting.position], seen))
            case Shredded():
                return or_else(core.c[seen.name], self._bound(setting.otherwise))
            case Made():
                assert source is not None
                made = source.c.old_value == core.c[seen.name]
                return sqlalchemy.select(source.c.new_value).where(made).scalar_subquery()
            case never:
                assert_never(never)


def _among(columns: Sequence[ColumnElement[Any]], chosen: Select[Any]) -> ColumnElement[bool]:
    import sqlalchemy

    return columns[0].in_(chosen) if len(columns) == 1 else sqlalchemy.tuple_(*columns).in_(chosen)


def _keys_table(name: str, end: TableEnd) -> Table:
    import sqlalchemy
    from sqlalchemy import quoted_name

    names = [*end.seen.primary_key, "going", *(f"end_{at}" for at, _ in enumerate(end.ends))]
    columns: list[Any] = [sqlalchemy.Column(quoted_name(each, quote=True)) for each in names]
    return sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns)
