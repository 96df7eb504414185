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


@dataclass(frozen=True, slots=True)
class Late:
    """Rows past their time: those that nothing excuses, and those that a hold keeps."""

    bare: int
    held: int


def held_of(seen: Observation, store: str) -> Held:
    """What holds keep in one store; nothing where none stands. Raises: NothingToObserve without the key to know."""
    if seen.store is None:
        return NOTHING_HELD

    def look() -> Held:
        assert seen.store is not None
        with seen.store.reading() as tx:
            if not hold_reading.standing(tx):
                return NOTHING_HELD
        found, _ = held_rows.held_in(seen.store, seen.need_keyring(), seen.need_map(), seen.need_records(), store)
        return found

    return seen.once(("held", store), look)


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
    there: ColumnElement[bool] = sqlalchemy.or_(
        *(sqlalchemy.and_(core.c[name].is_not(None), _not_redacted(ended, table.name, name)) for name in names)
    )
    kept = _kept_by_law(ended, table, names)
    found = sqlalchemy.and_(past, there, *(each.is_not(yes) for each in kept))
    kept_back = ended.held(table.name)

    def count(condition: ColumnElement[bool]) -> int:
        statement = sqlalchemy.select(sqlalchemy.func.count()).select_from(core).where(condition)
        return int(next(iter(records.execute(table.store, statement)))[0])

    if kept_back is None:
        return Late(count(found), 0)
    return Late(count(sqlalchemy.and_(found, kept_back.is_not(yes))), count(sqlalchemy.and_(past, there, kept_back)))


def _not_redacted(ended: Ended, table: str, name: str) -> ColumnElement[bool]:
    import sqlalchemy

    from troth.foundation.records.catalogue import ColumnKind

    if ended.seen(table).columns[name].kind is not ColumnKind.TEXT:
        return sqlalchemy.true()
    return ended.core(table).c[name] != sqlalchemy.literal(REDACTED, sqlalchemy.types.NullType())


def _kept_by_law(ended: Ended, table: TableMap, names: list[str]) -> list[ColumnElement[bool]]:
    """Rows that a law still keeps, by the end that the map gives them."""
    import sqlalchemy

    said = [role.on_erasure for role in table.roles.values()] or [table.on_erasure]
    found = []
    for each in said:
        if isinstance(each, KeepRow) and (each.keep is None or set(each.keep) & set(names)):
            passed = [Passed(each.until.column, each.until.period)]
            found.append(sqlalchemy.not_(ended.over(table.name, passed)))
    return found
