"""Erase people from one store: compiled once from map and live catalogue, planned without effect, carried out whole.

1. `compile` holds the ends of rows that the map declares against the live tables, and puts the statements in order.
   What cannot be done is refused there, every reason at once.
2. `plan` counts and says in words what will be read, changed and kept, and why. Nothing is changed. A missing index is
   refused here, with the statement that makes it.
3. `carry_out` (in `carrying`) does it in one transaction; `recount` (in `recounting`) asks the store again afterwards.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.errors import ErasureRefused
from troth.foundation.records import indexing, settings, shreds, standins
from troth.foundation.records.counting import count, count_of
from troth.foundation.records.ended import NOTHING_HELD, Held
from troth.foundation.records.ends import TableEnd, describe, ends_of, own_columns
from troth.foundation.records.erasureplan import Kept, Step, StorePlan
from troth.foundation.records.indexing import Lookup, Missing
from troth.foundation.records.instants import read as read_instant
from troth.foundation.records.keys import Keys, Subject
from troth.foundation.records.ordering import ROWS, Action, Deed, Order, Pointer, Work, put_in_order
from troth.foundation.records.pathwalk import join_columns
from troth.foundation.records.pointing import Cut, Guard, cut_columns, find_pointing
from troth.foundation.records.questions import Ask, Ready
from troth.foundation.records.reach import Reach
from troth.foundation.records.settings import Fixed
from troth.foundation.records.setwise import Setwise
from troth.policy.datamap import ByRow, PersonKind, RowEnd, StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Select

    from troth.foundation.records.reading import Records

_REMEMBERED = 16
_compiled: OrderedDict[tuple[int, StoreKind], Erasure] = OrderedDict()


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """How people are erased from one store, whoever they are.

    `stand_ins`: the kinds of people (ids) for whom a stand-in may be needed. `triggered`: the touched tables that have
    triggers: what those write must go too, so all steps run twice. `held`: what stays as it is, whoever's it is.
    """

    reach: Reach = field(repr=False)
    kind: StoreKind
    ends: Mapping[str, TableEnd] = field(repr=False)
    order: Order = field(repr=False)
    cuts: tuple[Cut, ...] = field(repr=False)
    guards: tuple[Guard, ...] = field(repr=False)
    by_store: tuple[Pointer, ...] = field(repr=False)
    stand_ins: tuple[str, ...] = ()
    triggered: tuple[str, ...] = ()
    held: Held = field(repr=False, default=NOTHING_HELD)
    prepared: dict[Any, Any] = field(repr=False, default_factory=dict)

    def sparing(self, held: Held) -> Erasure:
        """The same, leaving what is held as it is, with what that points at."""
        return replace(self, held=held, prepared={}) if held else self

    @property
    def store(self) -> str:
        return self.reach.store

    @property
    def people(self) -> Mapping[str, PersonKind]:
        return self.reach.datamap.people()

    @property
    def physical(self) -> bool:
        """Whether freed space is to be overwritten afterwards."""
        return self.reach.datamap.stores[self.store].physical

    def touched(self, deed: Deed) -> tuple[str, ...]:
        return tuple(action.table for action in self.order.actions if action.deed is deed)

    def lookups(self) -> Iterator[Lookup]:
        """Every key by which rows are looked up while erasing, and every one that the store itself follows."""
        for table in self.reach.tables:
            if table.name in self.ends:
                for used in self.reach.columns_used(table):
                    if not used.whole and not used.normalise:
                        yield Lookup(used.table, used.columns, "rows are found by it")
        for cut in self.cuts:
            yield Lookup(
                cut.pointer.table, cut.pointer.columns, f"it points at {cut.pointer.target}, from which rows go"
            )
        for pointer in self.by_store:
            yield Lookup(pointer.table, pointer.columns, f"it points at {pointer.target}, from which rows go")
        yield from indexing.referencing(self.reach.catalogue, self.touched(Deed.DELETE))


def compile(reach: Reach, kind: StoreKind) -> Erasure:  # noqa: A001 - a map and a catalogue are compiled
    """How people are erased from the store of `reach`, which speaks the SQL of `kind`; the same object each time.

    Raises ErasureRefused with every end of a row that does not fit the live tables.
    """
    key = (id(reach), kind)
    found = _compiled.get(key)
    if found is not None and found.reach is reach:
        return found
    ends, faults = ends_of(reach.datamap, reach.store, reach.catalogue)
    ends = tuple(end for end in ends if end.name in reach)
    people = reach.datamap.people()
    pointing = find_pointing(reach.catalogue, ends, people, kind)
    faults += pointing.faults
    tables = reach.datamap.stores[reach.store].tables
    stand_ins = tuple(sorted({each for end in ends for each in end.stand_ins}))
    for each in stand_ins:
        faults += standins.faults_of(people[each], reach.catalogue, tables)
    by_name = {end.name: end for end in ends}
    work = _work(reach, by_name, pointing.pointers)
    order = put_in_order(work, [cut.pointer for cut in pointing.cuts], pointing.by_store)
    faults += _unordered(order)
    if faults:
        raise ErasureRefused(list(dict.fromkeys(faults)), where=reach.store)
    known = {cut.pointer for cut in pointing.cuts}
    cuts = (*pointing.cuts, *(Cut(pointer, Fixed(None)) for pointer in order.cut if pointer not in known))
    touched = sorted({action.table for action in order.actions})
    made = Erasure(
        reach=reach,
        kind=kind,
        ends=MappingProxyType(by_name),
        order=order,
        cuts=cuts,
        guards=pointing.guards,
        by_store=pointing.by_store,
        stand_ins=stand_ins,
        triggered=tuple(name for name in touched if reach.catalogue.table(name).triggers),
    )
    _compiled[key] = made
    while len(_compiled) > _REMEMBERED:
        _compiled.popitem(last=False)
    return made


def plan(
    erasure: Erasure,
    people: Sequence[Subject],
    ask: Ask,
    *,
    at: dt.datetime,
    few_rows: int = indexing.FEW_ROWS,
    keys: Keys | None = None,
) -> StorePlan:
    """What erasing `people` will do in this store, counted now; nothing is changed.

    `ask` runs a SELECT and gives its rows; `at` is when it would run. `keys` where a table holds the people of a batch.
    Raises IndexMissing with the statements that make what is missing; ErasureRefused where rows that are not theirs
    stand in the way, with the rule's name.
    """
    indexing.refuse(missing_indexes(erasure, ask, few_rows=few_rows), erasure.store)
    stand_ins = standins.known(ask, erasure.kind, erasure.stand_ins)
    counts = count(erasure, people, ask, "plan", _asked, day=at.date(), stand_ins=stand_ins, keys=keys)
    if hindered := list(shreds.hindered(counts)):
        raise ErasureRefused(hindered, where=erasure.store)
    in_the_way = [str(guard) for guard in erasure.guards if counts["guard", guard]]
    if in_the_way:
        repairs = "Map the table (a `link:`, or whose its rows are and what becomes of them), or mend the rule."
        raise ErasureRefused([f"{each}. {repairs}" for each in in_the_way], where=erasure.store)
    steps = [_step(erasure, action, counts) for action in erasure.order.actions]
    return StorePlan(
        store=erasure.store,
        steps=tuple(steps),
        kept=tuple(_kept(erasure, counts)),
        notes=tuple(_notes(erasure)),
        physical=erasure.physical,
        people=len(people),
        erasure=erasure,
    )


def plan_for(
    records: Records, reach: Reach, people: Sequence[Subject], at: dt.datetime, held: Held = NOTHING_HELD
) -> StorePlan:
    """`compile` and `plan` over the read-only connection of `records`."""
    kind, _ = records.kind(reach.store)
    return plan(compile(reach, kind).sparing(held), people, asker(records, reach.store), at=at)


def asker(records: Records, store: str) -> Ask:
    """How `records` answers a SELECT."""
    return _Asker(records, store)


@dataclass(frozen=True, slots=True)
class _Asker:
    records: Records
    store: str

    @property
    def dialect(self) -> Dialect:
        return self.records.dialect(self.store)

    def __call__(self, statement: Select[Any], /) -> Sequence[Sequence[Any]]:
        return list(self.records.execute(self.store, statement))

    def ready(self, asked: Ready, bound: Mapping[str, Any], /) -> Sequence[Sequence[Any]]:
        return self.records.read(self.store, asked, bound)


def missing_indexes(erasure: Erasure, ask: Ask, *, few_rows: int = indexing.FEW_ROWS) -> tuple[Missing, ...]:
    """The indexes without which erasing would read whole tables. A table of few rows needs none."""
    import sqlalchemy

    def find(counted: Mapping[str, int]) -> tuple[Missing, ...]:
        return indexing.find_missing(
            erasure.reach.catalogue, erasure.lookups(), erasure.kind, few_rows=few_rows, counted=counted
        )

    missing: tuple[Missing, ...] | None = erasure.prepared.get(("missing", few_rows))
    if missing is None:
        missing = erasure.prepared["missing", few_rows] = find({})
    unknown = {each.lookup.table for each in missing if each.rows is None}
    if not unknown:
        return missing
    counted = {}
    for name in unknown:  # the store has no estimate: counted, but no further than matters
        some: Any = sqlalchemy.select(sqlalchemy.literal_column("1").label("one")).select_from(_core(erasure, name))
        counted[name] = int(
            ask(sqlalchemy.select(sqlalchemy.func.count()).select_from(some.limit(few_rows).subquery()))[0][0]
        )
    return find(counted)


# --- compiling --------------------------------------------------------------------------------------------------------


def _core(erasure: Erasure, name: str) -> Any:
    from troth.foundation.records.statements import core_table

    return core_table(erasure.reach.catalogue.table(name))


def _work(reach: Reach, ends: Mapping[str, TableEnd], pointers: tuple[Pointer, ...]) -> Work:
    reads: dict[Action, Mapping[str, frozenset[str]]] = {}
    writes: dict[Action, frozenset[str]] = {}
    for end in ends.values():
        read = {name: frozenset(columns) for name, columns in _read(reach, ends, end, ()).items()}
        for deed, there in ((Deed.DELETE, end.deletes), (Deed.CHANGE, end.changes)):
            if there:
                action = Action(end.name, deed)
                reads[action] = read
                writes[action] = end.changed if deed is Deed.CHANGE else frozenset()
    gatherable = frozenset(end.name for end in ends.values() if end.seen.primary_key)
    return Work(reads, writes, pointers, gatherable)


def _read(reach: Reach, ends: Mapping[str, TableEnd], end: TableEnd, passed: tuple[str, ...]) -> dict[str, set[str]]:
    """The tables and columns that are looked at to find rows of `end`."""
    found: dict[str, set[str]] = {end.name: set()}
    for path in end.table.paths():
        found[end.name].update(own_columns(path))
        if not isinstance(path, ByRow):
            continue
        target = ends[path.table]
        if target.name == end.name:
            found[end.name].update((ROWS, *(join_columns(path, end.seen, target.seen) or ())))
        elif target.name not in passed:
            for name, columns in _read(reach, ends, target, (*passed, end.name)).items():
                found.setdefault(name, set()).update(columns)
            found[target.name].update(join_columns(path, end.seen, target.seen) or ())
    return found


def _unordered(order: Order) -> Iterator[str]:
    if order.stuck:
        rules = "; ".join(map(str, order.stuck))
        yield (
            f"rows that go point at each other, and no order of statements keeps every rule: {rules}. Let one of these "
            "columns be NULL, or its rule be DEFERRABLE."
        )
    for name in sorted(order.lost):
        yield f"{name}: it has no primary key by which rows could be remembered while others go. Give it one."


# --- planning ---------------------------------------------------------------------------------------------------------


def _asked(setwise: Setwise) -> dict[Any, Any]:
    """All counts: of actions, kept rows (with their newest time) and rows in the way."""
    import sqlalchemy

    erasure = setwise.erasure
    asked: dict[Any, Any] = {}
    for action in erasure.order.actions:
        if action.deed is Deed.DELETE:
            asked[action] = count_of(setwise.core(action.table), setwise.going(action.table))
        elif action.deed is Deed.CHANGE:
            left = setwise.changing(action.table)
            if erasure.ends[action.table].deletes:
                left = sqlalchemy.and_(left, setwise.going(action.table).is_not(sqlalchemy.true()))
            if action.table in erasure.order.joined:
                left = sqlalchemy.or_(left, _cut_there(setwise, action))
            asked[action] = count_of(setwise.core(action.table), left)
        else:
            asked[action] = count_of(setwise.core(action.table), _cut_there(setwise, action))
    for guard in erasure.guards:
        asked["guard", guard] = count_of(setwise.core(guard.pointer.table), setwise.guarded(guard))
    for end in erasure.ends.values():
        for one in end.ends:
            if one.kept is not None:
                condition = setwise.kept(end.name, one)
                newest = sqlalchemy.func.max(setwise.core(end.name).c[one.kept.until.column])
                asked["kept", end.name, one.role] = count_of(setwise.core(end.name), condition)
                asked["until", end.name, one.role] = sqlalchemy.select(newest).where(condition).scalar_subquery()
    return asked | dict(shreds.asked(setwise))


def _cut_there(setwise: Setwise, action: Action) -> ColumnElement[bool]:
    """Rows of which a pointer is cut by `action`: of those that go, the ones that are still there by then."""
    import sqlalchemy

    order = setwise.erasure.order.actions
    cut = sqlalchemy.or_(*(condition for _, condition in setwise.cuts_of(action.table)))
    if Action(action.table, Deed.DELETE) in order[: order.index(action)]:
        cut = sqlalchemy.and_(cut, setwise.going(action.table).is_not(sqlalchemy.true()))
    return cut


def _step(erasure: Erasure, action: Action, counts: Mapping[Any, Any]) -> Step:
    n = int(counts[action])
    cuts = [cut for cut in erasure.cuts if cut.pointer.table == action.table]
    targets = ", ".join(dict.fromkeys(cut.pointer.target for cut in cuts))
    if action.deed is Deed.CUT:
        seen = erasure.reach.catalogue.table(action.table)
        columns = {name: settings.say(cut.setting) for cut in cuts for name in cut_columns(cut, seen.columns)}
        return Step(action.table, "cut", f"it points at rows of {targets} that go", columns, n)
    end = erasure.ends[action.table]
    people = erasure.people
    if action.deed is Deed.DELETE:
        return Step(action.table, "delete", _why_it_goes(end, people), {}, n)
    said = [f"{f'as {one.role}, ' if one.role else ''}{describe(one.path, people)}" for one in end.ends if one.settings]
    columns = {name: settings.say(setting) for one in end.ends for name, setting in one.settings.items()}
    if action.table in erasure.order.joined:
        said.append(f"it points at rows of {targets} that go")
    do = "keep" if any(one.kept for one in end.ends) else "change"
    return Step(action.table, do, "; ".join(said), columns, n)


def _why_it_goes(end: TableEnd, people: Mapping[str, PersonKind]) -> str:
    said = [f"{f'as {one.role}, ' if one.role else ''}{describe(one.path, people)}" for one in end.ends if one.deletes]
    if end.row_end is RowEnd.WITH_LAST:
        said.append("the last of its people has gone")
    elif end.row_end is RowEnd.WITH_ANY:
        said = ["one of its people has gone"]
    said += [f"its time is up ({one.kept.until})" for one in end.ends if one.kept is not None]
    shared = ", and nobody else's row points at it" if end.table.shared else ""
    return "; or ".join(dict.fromkeys(said)) + shared


def _kept(erasure: Erasure, counts: Mapping[Any, Any]) -> Iterator[Kept]:
    for end in erasure.ends.values():
        for one in end.ends:
            if one.kept is None:
                continue
            n = int(counts["kept", end.name, one.role])
            newest = read_instant(counts["until", end.name, one.role])
            last = f"{one.kept.until.period.after(newest):%Y-%m-%d}" if newest is not None else str(one.kept.until)
            yield Kept(f"{end.name} in {erasure.store}", n, one.kept.ground, last, one.kept.keep)


def _notes(erasure: Erasure) -> Iterator[str]:
    yield from shreds.notes(erasure)
    for pointer in erasure.by_store:
        columns = ", ".join(pointer.columns)
        rows = f"it points at rows of {pointer.target} that go"
        yield f"The store itself lets go of {pointer.table}.{columns} where {rows}."
    whole = {used.table for used in erasure.reach.columns_used() if used.whole}
    for name in sorted(whole):
        yield f"Every row of {name} is read: the value stands inside JSON or text, where no index finds it."
    for name in erasure.order.gathered:
        yield f"The keys of their rows of {name} are taken first, because the rows that lead to them go before."
    if erasure.triggered:
        yield f"All steps run twice: {', '.join(erasure.triggered)} have triggers, and what those write goes too."
