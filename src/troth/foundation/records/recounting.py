"""Ask a store again after an erasure: what is still theirs, and what points at nothing.

`recount` looks for rows that the map says should have gone or changed and have not. `dangling` looks for pointers
without a target: foreign keys, and the edges and links that only the map knows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from troth.foundation.records import standins
from troth.foundation.records.counting import count, count_of, counted
from troth.foundation.records.ends import End, TableEnd
from troth.foundation.records.erasing import Erasure
from troth.foundation.records.keys import BoundKeys, Keys, Subject, fitted, text_of
from troth.foundation.records.ordering import Pointer
from troth.foundation.records.pathwalk import comparable, join_columns
from troth.foundation.records.questions import Ask
from troth.foundation.records.settings import Fixed, Shredded, StandIn
from troth.foundation.records.setwise import Setwise
from troth.foundation.records.spelling import as_text
from troth.foundation.sealed_values import sealed
from troth.policy.datamap import ByKey, ByRow, Place

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_KEYS_AT_ONCE = 200


def recount(
    erasure: Erasure,
    people: Sequence[Subject],
    ask: Ask,
    *,
    at: dt.datetime,
    stand_ins: Mapping[str, tuple[Any, ...]] | None = None,
    keys: Keys | None = None,
) -> dict[Place, int]:
    """Rows that are still theirs and should not be, by table; links that still lead to them, by column. Empty: none.

    `stand_ins`: the keys of the stand-ins that there are; asked for where not given.
    """
    if stand_ins is None:
        stand_ins = standins.known(ask, erasure.kind, erasure.stand_ins)
    counts = count(erasure, people, ask, "recount", _asked, day=at.date(), stand_ins=stand_ins, keys=keys)
    return {place: int(n) for place, n in counts.items() if n}


def _asked(setwise: Setwise) -> dict[Place, Any]:
    import sqlalchemy

    erasure = setwise.erasure
    asked: dict[Place, Any] = {}
    for end in erasure.ends.values():
        left = [setwise.going(end.name)] if end.deletes else []
        left += [each for one in end.ends if (each := _unchanged(setwise, end, one)) is not None]
        if left:
            asked[end.table.place] = count_of(setwise.core(end.name), sqlalchemy.or_(*left))
        for name in end.links if not erasure.held else ():  # to somebody whose own row may have to stay
            kind = erasure.people[end.table.columns[name].link or ""]
            core = setwise.core(end.name)
            condition = setwise.keys.hold(kind.id, [core.c[name]], [end.seen.columns[name]])
            if kind.table in erasure.ends and erasure.ends[kind.table].always_deletes:
                asked[Place(erasure.store, end.name, name)] = count_of(core, condition)
    return asked


def held(erasure: Erasure, people: Sequence[Subject], ask: Ask, *, at: dt.datetime) -> dict[Place, int]:
    """Rows of theirs that a hold keeps as they are, by table; those that no erasure would touch do not count."""
    if not erasure.held:
        return {}
    stand_ins = standins.known(ask, erasure.kind, erasure.stand_ins)
    counts = count(erasure, people, ask, "held", _held, day=at.date(), stand_ins=stand_ins)
    return {place: int(n) for place, n in counts.items() if n}


def _held(setwise: Setwise) -> dict[Place, Any]:
    return {
        end.table.place: count_of(setwise.core(end.name), setwise.theirs(end.name) & found)
        for end in setwise.erasure.ends.values()
        if (end.deletes or end.changes) and (found := setwise.held(end.name)) is not None
    }


Target = tuple[str, tuple[str, ...]]
"""A table, and the columns in it that a pointer leads to."""

Gone = Mapping[Target, Sequence[tuple[Any, ...]]]
"""What stood there in the rows that an erasure was to delete."""


def targets(erasure: Erasure) -> frozenset[Target]:
    """What pointers lead to in tables from which the erasure deletes rows."""
    pointers = _pointers(erasure)
    return frozenset(
        (each.target, each.at) for each in pointers if each.target in erasure.ends and erasure.ends[each.target].deletes
    )


def dangling(erasure: Erasure, ask: Ask, gone: Gone | None = None) -> dict[Place, int]:
    """Rows whose pointer leads to no row, by column. Empty: every pointer has its target.

    With `gone`, only pointers to what stood there are looked for, by the index that every pointer has; without, whole
    tables are read.
    """
    import sqlalchemy

    setwise = Setwise(erasure, BoundKeys(()), dt.date.max, {}, temporary=False)
    found: Counter[Place] = Counter()
    asked: dict[tuple[Place, int], Any] = {}
    for pointer in dict.fromkeys(_pointers(erasure)):
        core, target = setwise.core(pointer.table), setwise.core(pointer.target).alias()
        mine = [core.c[name] for name in pointer.columns]
        pairs = zip(pointer.columns, pointer.at, strict=True)
        there = sqlalchemy.exists().where(*(_equal(erasure, pointer, core.c[a], target.c[b]) for a, b in pairs))
        condition = sqlalchemy.and_(*(each.is_not(None) for each in mine), ~there)
        place = Place(erasure.store, pointer.table, ", ".join(pointer.columns))
        if gone is None:
            asked[place, 0] = count_of(core, condition)
            continue
        keys = gone.get((pointer.target, pointer.at), ())
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            led = _lead_to(erasure, pointer, mine, keys[start : start + _KEYS_AT_ONCE])
            asked[place, start] = count_of(core, sqlalchemy.and_(led, condition))
    for (place, _), n in counted(asked, ask).items():
        found[place] += int(n)
    return {place: n for place, n in found.items() if n}


def _lead_to(
    erasure: Erasure, pointer: Pointer, mine: Sequence[Any], keys: Sequence[tuple[Any, ...]]
) -> ColumnElement[bool]:
    """Whether the pointer's columns are one of these keys, in the form in which an index finds them."""
    import sqlalchemy

    catalogue = erasure.reach.catalogue
    own, far = catalogue.table(pointer.table).columns, catalogue.table(pointer.target).columns
    alike = [own[a].kind is far[b].kind for a, b in zip(pointer.columns, pointer.at, strict=True)]
    columns = [each if same else as_text(each) for each, same in zip(mine, alike, strict=True)]
    values = [tuple(v if same else text_of(v) for v, same in zip(key, alike, strict=True)) for key in keys]
    if len(columns) == 1:
        return cast("ColumnElement[bool]", columns[0].in_([value for (value,) in values]))
    return sqlalchemy.or_(
        *(sqlalchemy.and_(*(c == v for c, v in zip(columns, value, strict=True))) for value in values)
    )


def _equal(erasure: Erasure, pointer: Pointer, own: Any, far: Any) -> ColumnElement[bool]:
    """Whether two columns are equal, as text where a key stands as text in one of them."""
    catalogue = erasure.reach.catalogue
    mine, there = catalogue.table(pointer.table).columns[own.name], catalogue.table(pointer.target).columns[far.name]
    left, right = comparable(own, mine, far, there)
    return left == right


def _unchanged(setwise: Setwise, end: TableEnd, one: End) -> ColumnElement[bool] | None:
    """Rows of theirs in which a column still has another value than the one it was to get."""
    import sqlalchemy

    core = setwise.core(end.name)
    differs = []
    for name, setting in one.settings.items():
        if isinstance(setting, Fixed):
            differs.append(
                core.c[name].is_not(None) if setting.value is None else core.c[name].is_distinct_from(setting.value)
            )
        elif isinstance(setting, Shredded):
            other = core.c[name].is_distinct_from(setting.otherwise)
            differs.append(sqlalchemy.and_(other, sealed(core.c[name]).is_not(sqlalchemy.true())))
        elif isinstance(setting, StandIn) and setting.kind in setwise.stand_ins:
            key = fitted(setwise.stand_ins[setting.kind][setting.position], end.seen.columns[name])
            differs.append(core.c[name].is_distinct_from(key))
    if not differs:
        return None
    condition = setwise.changing(end.name) if end.table.shared else setwise.theirs(end.name, one)
    condition = setwise.spared(end.name, condition)
    return sqlalchemy.and_(condition, sqlalchemy.or_(*differs))


def _pointers(erasure: Erasure) -> Iterator[Pointer]:
    """Every declared key of the store, every edge over rows or to a person's own row, every link."""
    catalogue = erasure.reach.catalogue
    for table in catalogue.tables.values():
        for key in table.foreign_keys:
            if key.table in catalogue.tables:
                yield Pointer(table.name, key.columns, key.table, key.target_columns, nullable=True)
    for end in erasure.ends.values():
        for path in (each for each in end.table.paths() if isinstance(each, (ByKey, ByRow)) and each.where is None):
            if isinstance(path, ByKey):
                kind = erasure.people[path.person]
                if kind.store == erasure.store and kind.table in erasure.ends:
                    yield Pointer(end.name, path.columns, kind.table, kind.key, nullable=True)
                continue
            target = erasure.ends[path.table]
            at = join_columns(path, end.seen, target.seen)
            if at is not None and set(path.columns) != set(end.seen.primary_key):
                yield Pointer(end.name, path.columns, path.table, at, nullable=True)
            elif at is not None:  # it is the other row that points here
                yield Pointer(path.table, at, end.name, path.columns, nullable=True)
        for name in end.links:
            kind = erasure.people[end.table.columns[name].link or ""]
            if kind.table in erasure.ends and len(kind.key) == 1:
                yield Pointer(end.name, (name,), kind.table, kind.key, nullable=True)
