"""Rows past their time that nothing excuses: an eye that asks the company's stores, and no keeper.

What excuses a row: a hold covers it; a law lets it stay longer (`until:` in the data map); or nothing of the kind of
data is left in it. That a younger row points at it is no excuse: then the map counts from the wrong instant.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation.records.ended import NOTHING_HELD, Ended, Held, Passed
from troth.foundation.records.reach import Reach
from troth.foundation.records.settings import REDACTED
from troth.policy.datamap import KeepRow
from troth.protection import held_rows, hold_reading

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from troth.foundation.observation import Observation
    from troth.policy.datamap import TableMap
    from troth.policy.retention import Rule
    from troth.protection.held_rows import HeldNow


@dataclass(frozen=True, slots=True)
class Late:
    """Rows past their time: those that nothing excuses, and those that a hold keeps."""

    bare: int
    held: int


def held_of(seen: Observation, store: str) -> Held:
    """What holds keep in one store; nothing where none stands. Raises: NothingToObserve without the key to know."""
    if seen.store is None:
        return NOTHING_HELD

    def look() -> HeldNow | None:
        assert seen.store is not None
        with seen.store.reading() as tx:
            if not hold_reading.standing(tx):
                return None
        return held_rows.held_now(seen.store, seen.need_keyring(), seen.need_map(), seen.need_records())

    now = seen.once(("held",), look)
    return NOTHING_HELD if now is None else now.held(store)


def late(seen: Observation, table: TableMap, rule: Rule, column: str, at: dt.datetime) -> Late:
    """The rows of one table that were past their time by `rule` at `at`, counted from `column`."""
    import sqlalchemy

    records = seen.need_records()
    reach = Reach.compile(seen.need_map(), records.catalogue(table.store))
    held = held_of(seen, table.store)
    ended = Ended(reach, records.kind(table.store)[0], at, held)
    core, yes = ended.core(table.name), sqlalchemy.true()
    categories = set(rule.data)
    names = [each.name for each in table.columns.values() if each.category in categories]
    past = ended.over(table.name, [Passed(column, rule.keep)])
    there = _there(ended, table, names)
    by_law = _kept_by_law(table)
    kept = [name for name in names if any(columns is None or name in columns for _, columns in by_law)]
    law_over = [ended.over(table.name, [passed]) for passed, _ in by_law]
    found = sqlalchemy.and_(
        past,
        sqlalchemy.or_(
            _there(ended, table, [name for name in names if name not in kept]),
            sqlalchemy.and_(_there(ended, table, kept), *law_over),
        ),
    )
    kept_back = ended.held(table.name)

    def count(condition: ColumnElement[bool]) -> int:
        statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(core).where(condition)
        return int(next(iter(records.execute(table.store, statement)))[0])

    if kept_back is None:
        return Late(count(found), 0)
    return Late(count(sqlalchemy.and_(found, kept_back.is_not(yes))), count(sqlalchemy.and_(past, there, kept_back)))


def _there(ended: Ended, table: TableMap, names: list[str]) -> ColumnElement[bool]:
    """Rows in which something of these columns is left."""
    import sqlalchemy

    from troth.foundation.records.catalogue import ColumnKind

    core, seen = ended.core(table.name), ended.seen(table.name)
    gone = sqlalchemy.literal(REDACTED, sqlalchemy.types.NullType())
    parts: list[ColumnElement[bool]] = []
    for name in names:
        column = core.c[name]
        is_text = seen.columns[name].kind is ColumnKind.TEXT
        parts.append(sqlalchemy.and_(column.is_not(None), column != gone) if is_text else column.is_not(None))
    return sqlalchemy.or_(sqlalchemy.false(), *parts)


def _kept_by_law(table: TableMap) -> list[tuple[Passed, tuple[str, ...] | None]]:
    """Until when a law keeps rows, and which columns of them (None: all), by the end that the map gives them."""
    said = [role.on_erasure for role in table.roles.values()] or [table.on_erasure]
    return [(Passed(each.until.column, each.until.period), each.keep) for each in said if isinstance(each, KeepRow)]
