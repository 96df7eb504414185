"""Accounts whose time is up end as an erasure of those people does: all that hangs on them goes, by the same plan.

What a law keeps of them stays with its columns only, other people's rows stay whole, and pointers are cut: the engine
of erasures knows all of that. Whoever is held, or has a row that is, stays as they are. Who ended is remembered
(`departed`), so that a restore does not bring them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from troth.foundation.records import carrying, erasing, steps
from troth.foundation.records.ended import Ended, Held, TableEnding
from troth.foundation.records.erasureplan import StorePlan
from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.parting import STEP, Parting
from troth.foundation.records.subjects import subjects_of
from troth.protection import departed

if TYPE_CHECKING:
    from troth.policy.datamap import PersonKind
    from troth.use.company import Company

AT_ONCE = 200
"""So many people are one transaction: an erasure of one may touch hundreds of rows."""


def end(stores: Company, parting: Parting, ending: TableEnding) -> Mapping[str, Mapping[str, int]]:
    """End the accounts of one table that are past their time; gives what this run did, by table.

    Raises as `Parting.end`.
    """
    steps.prepare(parting.writer)
    kind = next(
        each for each in stores.datamap.stores[parting.reach.store].people.values() if each.table == ending.table
    )
    number = 0
    passed_over: set[tuple[Any, ...]] = set()
    while True:
        number += 1
        step = f"{STEP} people {kind.name} {number}"
        if carrying.done_before(parting.writer, parting.run, step) is not None:
            departed.settle(stores, parting.run, step)
            continue
        held, known = parting.held_now()
        some = _due(stores, parting, ending, kind, passed_over=passed_over, held=held)
        if not some:
            break
        _erase(stores, parting, some, step, known=known, passed_over=passed_over)
    return _counted(parting, kind)


def has_held(ended: Ended, held: Held, subjects: Sequence[Subject], ask: Any) -> bool:
    """Whether any row of these people is held: by a hold on them, on a table or category, or on a row."""
    import sqlalchemy

    if any(_same(one, other) for one in subjects for other in held.people):
        return True
    if not held.tables and not held.rows:
        return False
    for table in ended.reach.tables:
        kept = ended.held(table.name)
        if kept is None:
            continue
        theirs = ended.reach.whose(table, BoundKeys(subjects, "theirs"))
        one: Any = (
            sqlalchemy.select(sqlalchemy.literal_column("1")).select_from(table.core).where(theirs, kept).limit(1)
        )
        if any(True for _ in ask(one)):
            return True
    return False


def _due(
    stores: Company,
    parting: Parting,
    ending: TableEnding,
    kind: PersonKind,
    *,
    passed_over: set[tuple[Any, ...]],
    held: Held,
) -> list[Subject]:
    """The next people whose accounts are past their time, and of whom nothing is held."""
    import sqlalchemy

    ended = Ended(parting.reach, parting.kind, parting.now, held)
    core = ended.core(ending.table)
    key = [core.c[name] for name in kind.key]
    statement = sqlalchemy.select(*key).where(ended.late(ending)).order_by(*key)
    ask = partial(stores.records.execute, parting.reach.store)
    while rows := _some(ask(statement), passed_over):
        passed_over.update(rows)  # whoever stays is not asked about again in this run
        people = subjects_of(stores.records, stores.datamap, kind, rows)
        found = [each for each in people if not (held and has_held(ended, held, [each], ask))]
        if found:
            return found
    return []


def _some(rows: Iterator[tuple[Any, ...]], passed_over: set[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """At most as many keys as one transaction takes: the reading must have ended before anything is asked again."""
    keys: list[tuple[Any, ...]] = []
    for row in rows:
        if tuple(row) not in passed_over:
            keys.append(tuple(row))
        if len(keys) >= AT_ONCE:
            break
    return keys


def _erase(
    stores: Company,
    parting: Parting,
    people: Sequence[Subject],
    step: str,
    *,
    known: int,
    passed_over: set[tuple[Any, ...]],
) -> None:
    store = parting.reach.store
    erasure = erasing.compile(parting.reach, parting.kind)

    def guard() -> None:
        parting.guard()
        if parting.generation() != known:
            raise _Moved

    departed.announce(stores, parting.run, step, people)
    try:
        done = carrying.carry_out(
            parting.writer,
            StorePlan(store, (), erasure=erasure),
            people,
            parting.run,
            at=parting.now,
            step=step,
            pseudonym=partial(stores.office.keyring.pseudonym, "erased value"),
            limit=parting.left,
            guard=guard,
        )
    except _Moved:
        passed_over.difference_update(each.key for each in people)  # asked for again, under the holds of then
        departed.forget(stores, parting.run, step)
        return
    departed.settle(stores, parting.run, step)
    parting.left -= done.rows


def _counted(parting: Parting, kind: PersonKind) -> Mapping[str, Mapping[str, int]]:
    """What the store's own rows of this run say."""
    found: dict[str, dict[str, int]] = {}
    number = 0
    while True:
        number += 1
        done = carrying.done_before(parting.writer, parting.run, f"{STEP} people {kind.name} {number}")
        if done is None:
            return found
        for word in ("erased", "changed", "cut"):
            for table, n in getattr(done, word).items():
                if n:
                    counts = found.setdefault(table, {})
                    counts[word] = counts.get(word, 0) + n


def _same(one: Subject, other: Subject) -> bool:
    return one.kind.id == other.kind.id and one.key == other.key


class _Moved(Exception):
    """A hold was placed or lifted while people were ending; that transaction is undone."""
