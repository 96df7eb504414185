"""Carry out an erasure in one store: one transaction with its own row in `troth_step`, safe to repeat, all or nothing.

1. The claim of (request, step) comes first. Where it is taken, the counts of then are the answer and nothing is done.
2. Rows that must not be there are looked for again; keys are gathered where the order needs it.
3. Each statement adds to the counts; more rows than the limit, or a `guard` that raises, and all of it is rolled back.
4. The counts are written beside the claim, and all is committed at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from troth.errors import ErasureRefused, LimitPassed
from troth.foundation.records import standins, steps
from troth.foundation.records.erasureplan import StepCounts, StorePlan, total
from troth.foundation.records.keys import Subject
from troth.foundation.records.keytables import KeyTable
from troth.foundation.records.ordering import Action, Deed
from troth.foundation.records.prepared import Run, drop, fresh, make_values, remembered, run_of, told_by_change
from troth.foundation.records.settings import Pseudonym
from troth.foundation.records.statements import core_table
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.records.erasing import Erasure
    from troth.foundation.records.writing import Writer

ERASE = "erase"
"""The step's name in `troth_step` where nothing else is said."""

FEW_PEOPLE = 20
"""So many are bound into the statements; more stand in a temporary table."""

CHUNK = 10_000
"""People in one transaction of a batch: fewer cost more, more hold locks for longer."""


def carry_out(
    writer: Writer,
    plan: StorePlan,
    people: Sequence[Subject],
    request: str,
    *,
    at: dt.datetime,
    step: str = ERASE,
    pseudonym: Pseudonym | None = None,
    limit: int | None = None,
    guard: Callable[[], None] | None = None,
) -> StepCounts:
    """Erase `people` from the store of `plan`; cannot be undone. Done once for (request, step), however often called.

    `at` decides which kept rows have had their time (by the day). `limit`: the most rows that may be touched. `guard`
    is called first and last in the transaction and stops it by raising. `pseudonym` is needed where the plan makes any.

    Raises LimitPassed, RuleBroken or ErasureRefused, or what `guard` raised: nothing was changed then.
    """
    erasure = plan.erasure
    assert erasure is not None, "INVARIANT: a plan that is carried out was made by `erasing.plan`"
    steps.prepare(writer)

    many = len(people) > FEW_PEOPLE
    tables: list[KeyTable] = []

    def before(connection: Connection) -> None:
        if many:
            tables.append(KeyTable.create(connection, erasure.reach, [(each,) for each in people]))

    def work(connection: Connection) -> StepCounts:
        done = steps.begin(connection, request, step, at)
        if done is not None:
            return StepCounts.of_json(done)
        if guard is not None:
            guard()
        stand_ins = _stand_ins(connection, erasure, people, at) if erasure.stand_ins else {}
        _defer(connection, erasure)
        run, bound = (
            (run_of(connection, erasure, tables[-1], {}, day=at.date(), stand_ins=stand_ins), {})
            if many
            else remembered(connection, erasure, people, at.date(), stand_ins)
        )
        counts = _carried(connection, erasure, run, bound, pseudonym=pseudonym, limit=limit)
        if guard is not None:
            guard()
        steps.end(connection, request, step, counts.as_json())
        return counts

    def after(_: Connection) -> None:
        while tables:
            tables.pop().drop()

    return writer.carry_out(work, before=before, after=after)


def carry_out_batch(
    writer: Writer,
    plan: StorePlan,
    people: Sequence[Subject],
    request: str,
    *,
    at: dt.datetime,
    chunk: int = CHUNK,
    pseudonym: Pseudonym | None = None,
    limit: int | None = None,
    guard: Callable[[], None] | None = None,
) -> StepCounts:
    """The same for many, `chunk` people in a transaction, each with a step of its own (`erase-1`, `erase-2`, ...).

    `limit` counts over all of it; a part that passes it is rolled back, and the parts before it stay done.
    """
    parts: list[StepCounts] = []
    for number, start in enumerate(range(0, len(people), chunk), 1):
        left = None if limit is None else limit - sum(part.rows for part in parts)
        some = people[start : start + chunk]
        step = f"{ERASE}-{number}"
        done = carry_out(writer, plan, some, request, at=at, step=step, pseudonym=pseudonym, limit=left, guard=guard)
        parts.append(done)
    return total(parts)


def done_before(writer: Writer, request: str, step: str = ERASE) -> StepCounts | None:
    """The counts of a step that was carried out, or None: what a resume asks first."""
    steps.prepare(writer)
    found = writer.carry_out(lambda connection: steps.find(connection, request, step))
    return None if found is None else StepCounts.of_json(found)


def overwrite(writer: Writer, plan: StorePlan) -> None:
    """Give the freed space of the touched tables back, so that no old row is left in the store's files; takes time.

    SQLite: the file is written anew and its log emptied. PostgreSQL: VACUUM FULL, MariaDB: OPTIMIZE TABLE, table by
    table; each holds the table while it works.
    """
    tables = dict.fromkeys(each.table for each in plan.steps)
    erasure = plan.erasure
    assert erasure is not None, "INVARIANT: a plan that is carried out was made by `erasing.plan`"

    def work(connection: Connection) -> None:
        if writer.kind is StoreKind.SQLITE:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
            return
        word = "VACUUM (FULL)" if writer.kind is StoreKind.POSTGRESQL else "OPTIMIZE TABLE"
        for name in tables:
            core = core_table(erasure.reach.catalogue.table(name))
            named = connection.dialect.identifier_preparer.format_table(core).replace("%", "%%")
            result = connection.exec_driver_sql(f"{word} {named}")
            if result.returns_rows:
                result.all()

    writer.outside(work)


def build_indexes(writer: Writer, statements: Sequence[str]) -> None:
    """Make the indexes that a plan was refused for, one by one; others go on writing where the store allows."""

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement.rstrip(";").replace("%", "%%"))

    writer.outside(work)


# --- inside the transaction -------------------------------------------------------------------------------------------


def _stand_ins(
    connection: Connection, erasure: Erasure, people: Sequence[Subject], at: dt.datetime
) -> dict[str, tuple[Any, ...]]:
    """The stand-ins of the kinds of people who go, made where there is none; of other kinds, those that there are."""
    going = {each.kind.id for each in people}
    found = {}
    for each in erasure.stand_ins:
        kind = erasure.people[each]
        own = erasure.reach.datamap.stores[kind.store].tables.get(kind.table)
        key = standins.ensure(connection, kind, erasure.reach.catalogue, at, own) if each in going else None
        key = key or standins.find(connection, kind)
        if key is not None:
            found[each] = key
    return found


def _carried(
    connection: Connection,
    erasure: Erasure,
    run: Run,
    bound: Mapping[str, Any],
    *,
    pseudonym: Pseudonym | None,
    limit: int | None,
) -> StepCounts:
    for guard, asked in run.guards:
        if asked.run(connection, bound).fetchone()[0]:
            raise ErasureRefused([f"{guard}. They came after the plan; plan anew."], where=erasure.store)
    counts: dict[str, dict[str, int]] = {"erased": {}, "changed": {}, "cut": {}, "kept": {}}
    for table, asked in run.kept:
        n = int(asked.run(connection, bound).fetchone()[0])
        counts["kept"][table] = counts["kept"].get(table, 0) + n
    touched = 0
    for _ in range(2 if erasure.triggered else 1):
        for action, n in _touched(connection, erasure, run, bound, pseudonym):
            touched += n
            if limit is not None and touched > limit:
                raise LimitPassed(
                    f"more than {limit} rows would be touched; nothing was changed.",
                    where=erasure.store,
                    repair="Look at the plan; then raise the limit for this run, or mend the map.",
                )
            _add(counts, erasure, action, n)
    return StepCounts(counts["erased"], counts["changed"], counts["cut"], counts["kept"])


def _touched(
    connection: Connection, erasure: Erasure, run: Run, bound: Mapping[str, Any], pseudonym: Pseudonym | None
) -> Iterator[tuple[Action, int]]:
    """Every statement in order, each with the rows that it touched; on PostgreSQL in one turn where that can be."""
    temporary = [name for name, _, _ in run.gathers]
    needed = [each for each in run.statements if not each.needless]
    at_once = erasure.kind is StoreKind.POSTGRESQL and bool(bound) and not any(each.making for each in needed)
    with connection.connection.driver_connection.pipeline() if at_once else nullcontext():  # type: ignore[union-attr]
        for name, create, fill in run.gathers:
            fresh(connection, erasure.kind, name, create)
            fill.run(connection, bound)
        begun = [(each.action, each.ready.run(connection, bound)) for each in needed] if at_once else []
    for action, cursor in begun:
        yield action, max(cursor.rowcount, 0)
    for each in () if at_once else needed:
        for making in each.making:
            make_values(connection, erasure.kind, making, bound, pseudonym)
            temporary.append(making.name)
        n = int(each.counted.run(connection, bound).fetchone()[0]) if each.counted is not None else None
        done = each.ready.run(connection, bound).rowcount
        yield each.action, max(done, 0) if n is None else n
    for each in run.statements:
        if each.needless:
            yield each.action, 0
    if erasure.kind is not StoreKind.POSTGRESQL or erasure.triggered:  # there they end with the transaction
        for name in dict.fromkeys(temporary):
            drop(connection, erasure.kind, name)


def _add(counts: dict[str, dict[str, int]], erasure: Erasure, action: Action, n: int) -> None:
    word = {Deed.DELETE: "erased", Deed.CHANGE: "changed", Deed.CUT: "cut"}[action.deed]
    counts[word][action.table] = counts[word].get(action.table, 0) + n
    if action.deed is Deed.CHANGE:
        end = erasure.ends[action.table]
        if told_by_change(erasure, end) and end.ends[0].kept is not None:
            counts["kept"][action.table] = counts["kept"].get(action.table, 0) + n


def _defer(connection: Connection, erasure: Erasure) -> None:
    if not erasure.order.deferred:
        return
    if erasure.kind is StoreKind.SQLITE:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    else:
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")


def subjects_by_store(people: Sequence[Subject]) -> Iterator[tuple[str, tuple[Subject, ...]]]:
    """The people as each store knows them, in the order in which they come."""
    for store in dict.fromkeys(each.kind.store for each in people):
        yield store, tuple(each for each in people if each.kind.store == store)
