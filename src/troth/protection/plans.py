"""What would end now, in every store: counted, with its rules, what holds keep, and the statement. No effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from troth.foundation.canonical import digest
from troth.foundation.records import exchanging, indexing, instants, partitions
from troth.foundation.records.ended import Ended, Passed, TableEnding, children_first, pointers_at
from troth.foundation.records.indexing import Lookup
from troth.foundation.records.reach import Reach
from troth.policy import retention as rules_of
from troth.policy.datamap import StoreKind
from troth.protection import holds
from troth.protection.rules import RuleFault, StoreRules, store_rules

if TYPE_CHECKING:
    from troth.foundation.records.partitions import Partition
    from troth.use.company import Company


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One table. `do`: delete, change, anonymise, move to the archive, or erase (with everything of these people).

    `held`: late, but kept by a hold; `waits`: late, but a row that is not yet late points at it; `clashes`: late, but
    another row stands in the archive under its key. `partitions`: those that are past their time as a whole, with their
    rows and why they are not dropped, None where they are.
    """

    store: str
    table: str
    do: str
    rules: tuple[str, ...]
    passed: tuple[str, ...]
    n: int
    held: int
    waits: int
    oldest: dt.datetime | None
    statement: str
    partitions: tuple[tuple[str, int, str | None], ...] = ()
    clashes: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "table": self.table,
            "do": self.do,
            "rules": list(self.rules),
            "after": list(self.passed),
            "n": self.n,
            "held": self.held,
            "waits": self.waits,
            "clashes": self.clashes,
            "oldest": None if self.oldest is None else f"{self.oldest:%Y-%m-%d}",
            "statement": self.statement,
            "partitions": [{"name": name, "n": n, "refused": why} for name, n, why in self.partitions],
        }


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """All stores, children before what they point at. `faults`: what is left alone, and why."""

    rules_sha256: str
    map_sha256: str
    steps: tuple[PlanStep, ...]
    faults: tuple[RuleFault, ...]

    @property
    def rows(self) -> int:
        return sum(step.n for step in self.steps)

    @property
    def hash(self) -> str:
        """SHA-256 of what is done to which table by which rule, without the counts, in hex."""
        what = [(each.store, each.table, each.do, list(each.rules), list(each.passed)) for each in self.steps]
        return digest(
            {"rules": self.rules_sha256, "map": self.map_sha256, "steps": [list(each) for each in what]}
        ).hex()

    def as_json(self) -> dict[str, Any]:
        """`troth retention plan --format json`, without its schema."""
        return {
            "rules": self.rules_sha256,
            "map": self.map_sha256,
            "plan": self.hash,
            "rows": self.rows,
            "steps": [each.as_json() for each in self.steps],
            "faults": [
                {"what": each.what, "where": str(each.where), "message": each.message, "line": each.line}
                for each in self.faults
            ],
        }

    def words(self) -> Iterator[str]:
        """The plan in lines."""
        due = [each for each in self.steps if each.n or each.held or each.waits or each.clashes]
        for each in due:
            oldest = f", the oldest from {each.oldest:%Y-%m-%d}" if each.oldest else ""
            yield f"{each.table} in {each.store}: {_rows(each.n)} to {each.do}{oldest}"
            yield f"    {', '.join(each.rules)} ({' and '.join(each.passed)})"
            if each.held:
                yield f"    {_rows(each.held)} past their time, kept by a hold"
            if each.waits:
                yield f"    {_rows(each.waits)} past their time, waiting for rows that point at them"
            if each.clashes:
                yield f"    {_rows(each.clashes)} past their time, and another stands in the archive under the same key"
            for name, n, why in each.partitions:
                kept = "" if why is None else f" row by row: {why}"
                yield f"    {'drops' if why is None else 'empties'} partition {name} ({_rows(n)}){kept}"
            if each.n:
                yield f"    {each.statement}"
        if not due:
            yield "Nothing is past its time."
        yield from self.left_alone()
        yield f"Rules {self.rules_sha256[:16]}, the same as on the page of the policy."

    def left_alone(self) -> Iterator[str]:
        """What no rule could be carried out for, in lines."""
        for fault in self.faults:
            yield f"left alone: {fault.where}: {fault.message} (line {fault.line})"


def plan(stores: Company, *, at: dt.datetime | None = None, few_rows: int = indexing.FEW_ROWS) -> RetentionPlan:
    """What would end now (or would have at `at`), counted. Raises: IndexMissing, DeclarationFaults, RecordsError."""
    now = at or stores.office.clock.now()
    steps: list[PlanStep] = []
    faults: list[RuleFault] = []
    held = holds.held_now(stores)
    for store in stores.records.stores:
        found = rules_in(stores, store)
        faults += found.faults
        reach = reach_of(stores, store)
        kind, _ = stores.records.kind(store)
        indexing.refuse(_missing(stores, reach, kind, found, few_rows), store)
        ended = Ended(reach, kind, now, held.held(store))
        for each in in_order(reach, found.endings):
            steps += _steps(stores, ended, each, own=False)
        for each in found.people:
            steps += _steps(stores, ended, each, own=True)
    rules = rules_of.sha256(rules_of.rules(stores.office.policy))
    return RetentionPlan(rules, stores.datamap.sha256, tuple(steps), tuple(faults))


def rules_in(stores: Company, store: str) -> StoreRules:
    """How everything ends in one store. Raises RecordsError."""
    return store_rules(stores.office.policy, stores.datamap, stores.records.catalogue(store))


def reach_of(stores: Company, store: str) -> Reach:
    """The paths of one store."""
    return Reach.compile(stores.datamap, stores.records.catalogue(store))


def in_order(reach: Reach, endings: tuple[TableEnding, ...]) -> tuple[TableEnding, ...]:
    """The endings so that what points goes before what it points at."""
    by_name = {each.table: each for each in endings}
    return tuple(by_name[name] for name in children_first(reach, list(by_name)))


def _steps(stores: Company, ended: Ended, ending: TableEnding, *, own: bool) -> Iterator[PlanStep]:
    """The rows that end, and apart from them the rows of which only some columns do."""
    import sqlalchemy

    core, late, yes = ended.core(ending.table), ended.late(ending), sqlalchemy.true()
    held = ended.held(ending.table)
    pointed = None if own or ending.anonymise else ended.pointed_at(ending.table)
    if ending.row and not ending.anonymise:
        free = late if held is None else sqlalchemy.and_(late, held.is_not(yes))
        due = free if pointed is None else sqlalchemy.and_(free, sqlalchemy.not_(pointed))
        asked = {"n": due}
        if held is not None:
            asked["held"] = sqlalchemy.and_(late, held)
        if pointed is not None:
            asked["waits"] = sqlalchemy.and_(free, pointed)
        clashing = ended.clashing(ending)
        if clashing is not None:
            asked |= {"n": sqlalchemy.and_(due, sqlalchemy.not_(clashing)), "clashes": sqlalchemy.and_(due, clashing)}
        moves = f"move to {ending.archive.table}" if ending.archive is not None else "delete"
        do, made = ("erase" if own else moves), core.delete().where(due)
        yield _step(stores, ended, ending, do=do, passed=ending.row, asked=asked, made=made)
    changes = dict(ended.changes(ending))
    if changes and not own:
        asked = {"n": sqlalchemy.and_(ended.changing(ending), ended.going(ending).is_not(yes))}
        if held is not None and ending.anonymise:
            asked["held"] = sqlalchemy.and_(late, held)
        passed = tuple(dict.fromkeys(each for some in changes.values() for each in some))
        do = "anonymise" if ending.anonymise else "change"
        yield _step(stores, ended, ending, do=do, passed=passed, asked=asked, made=ended.update(ending))


def _step(
    stores: Company,
    ended: Ended,
    ending: TableEnding,
    *,
    do: str,
    passed: tuple[Passed, ...],
    asked: Mapping[str, Any],
    made: Any,
) -> PlanStep:
    import sqlalchemy

    store, core = ended.reach.store, ended.core(ending.table)
    counts = {
        name: int(next(iter(stores.records.execute(store, _count(core, condition))))[0])
        for name, condition in asked.items()
    }
    oldest = None
    if counts["n"]:
        column = core.c[passed[0].column]
        [(first,)] = stores.records.execute(store, sqlalchemy.select(sqlalchemy.func.min(column)).where(asked["n"]))
        oldest = instants.read(first)
    way = exchanging if ended.kind is StoreKind.MARIADB else partitions
    whole = way.past(partial(stores.records.execute, store), ended, ending) if do == "delete" else ()
    return PlanStep(
        store,
        ending.table,
        do,
        ending.rules,
        tuple(map(str, passed)),
        counts["n"],
        counts.get("held", 0),
        counts.get("waits", 0),
        oldest,
        " ".join(str(made.compile(dialect=stores.records.dialect(store))).split()),
        tuple((each.name, _counted(stores, store, each), each.refused) for each in whole),
        counts.get("clashes", 0),
    )


def _counted(stores: Company, store: str, partition: Partition) -> int:
    return int(next(iter(stores.records.execute(store, partition.count())))[0])


def _count(core: Any, condition: Any) -> Any:
    import sqlalchemy

    return sqlalchemy.select(sqlalchemy.func.count()).select_from(core).where(condition)


def _missing(
    stores: Company, reach: Reach, kind: StoreKind, found: StoreRules, few_rows: int
) -> tuple[indexing.Missing, ...]:
    """The indexes without which each row that goes would have a whole table read."""
    import sqlalchemy

    deleted = [each.table for each in found.endings if each.row and not each.anonymise]
    lookups = list(indexing.referencing(reach.catalogue, deleted))
    for name in deleted:
        lookups += [
            Lookup(pointer.table, pointer.columns, f"it points at {name}, from which rows go")
            for pointer in pointers_at(reach, name)
        ]
    missing = indexing.find_missing(reach.catalogue, lookups, kind, few_rows=few_rows)
    counted = {}
    for name in {each.lookup.table for each in missing if each.rows is None}:
        core = stores.records.table(reach.store, name)
        some: Any = sqlalchemy.select(sqlalchemy.literal_column("1").label("one")).select_from(core).limit(few_rows)
        [(counted[name],)] = stores.records.execute(
            reach.store, sqlalchemy.select(sqlalchemy.func.count()).select_from(some.subquery())
        )
    return indexing.find_missing(reach.catalogue, lookups, kind, few_rows=few_rows, counted=counted)


def _rows(n: int) -> str:
    return f"{n} row{'' if n == 1 else 's'}"
