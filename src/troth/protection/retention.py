"""End what is past its time, in every store, and prove it (GDPR Art. 5(1)(e)).

    waiting  --somebody approved the plan, or none need to-->  begun  --every store asked again-->  done

1. Before the first row goes: the data map is approved, nothing is paused, the plan is within the limit of rows. Then
   the intent (hashes of rules, map and plan, and the counts) is committed to the ledger.
2. Each table is ended in parts (`foundation.records.parting`), children before what they point at; each part counts
   itself in the store's own `troth_step` under the run's name. The holds are read anew within each part.
3. Accounts whose time is up end as an erasure of those people does, a few hundred in a transaction.
4. Every table is asked again, and the outcome (what went, what is left, how long the longest part took) is committed.

Killed anywhere, the same call goes on with the same run; nothing is done twice, and the counts are the store's own.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select, update

from troth.errors import AccessDenied, GuardClosed, LimitPassed, PlanChanged, TrothError
from troth.foundation import operations
from troth.foundation.guards import approvals, pausing
from troth.foundation.ledger import leaves
from troth.foundation.operations import Operation
from troth.foundation.records.parting import STEP, Parting
from troth.foundation.records.walking import Pace
from troth.foundation.records.writing import Writer, WritingLimits
from troth.foundation.store import hold
from troth.foundation.tables import staff as accounts
from troth.protection import departures, hold_reading, holds, plans
from troth.protection.plans import RetentionPlan
from troth.protection.run_reading import GRACE, interval
from troth.protection.tables import retention_runs
from troth.protection.words import Occasion, RunState

if TYPE_CHECKING:
    from troth.use.company import Company


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands. `counts` are by store, table and word; `left` what was still due when asked again."""

    id: int
    name: str
    state: RunState
    occasion: Occasion
    staff: int | None
    rules_sha256: str
    map_sha256: str
    plan_sha256: str
    plan: Mapping[str, Any]
    counts: Mapping[str, Any]
    left: Mapping[str, int]
    longest_ms: int | None
    asked_at: dt.datetime
    begun_at: dt.datetime | None
    ended_at: dt.datetime | None
    due_at: dt.datetime | None


def find(tx: Connection, state: RunState) -> Run | None:
    """The newest run in that state."""
    statement = select(retention_runs).where(retention_runs.c.state == state).order_by(retention_runs.c.id.desc())
    row = tx.execute(statement.limit(1)).one_or_none()
    return None if row is None else _run(row)


def latest(tx: Connection, most: int = 20) -> tuple[Run, ...]:
    """The newest runs, the newest first."""
    rows = tx.execute(select(retention_runs).order_by(retention_runs.c.id.desc()).limit(most))
    return tuple(map(_run, rows))


def gone(run: Run) -> int:
    """How many rows a run deleted, changed or cut in all."""
    return sum(n for tables in run.counts.values() for words in tables.values() for n in words.values())


def ask(stores: Company, occasion: Occasion) -> Run:
    """Write down a plan that waits for somebody's approval; the one that waits already, where nothing has changed."""
    plan = plans.plan(stores)
    office = stores.office
    with office.store.writing() as tx:
        hold(tx, "retention")
        waiting = find(tx, RunState.WAITING)
        if waiting is not None and waiting.plan_sha256 == plan.hash:
            return waiting
        if waiting is not None:
            tx.execute(retention_runs.delete().where(retention_runs.c.id == waiting.id))
        return _insert(tx, stores, plan, RunState.WAITING, occasion=occasion, staff=None)


def run(stores: Company, occasion: Occasion, *, approved_by: str | None = None, plan_sha256: str | None = None) -> Run:
    """End everything that is past its time now, or go on with the run that was begun. Cannot be undone.

    `approved_by`: the staff account that looked at the plan, needed where `[retention] approval` is on; `plan_sha256`:
    the plan that it looked at.

    Raises: GuardClosed (an unapproved map or plan, a pause), LimitPassed, IndexMissing: nothing was changed;
    RecordsError, StoreError: call again, and it goes on.
    """
    begun = _begin(stores, occasion, approved_by, plan_sha256)
    return _carry_on(stores, begun)


def _begin(stores: Company, occasion: Occasion, approved_by: str | None, plan_sha256: str | None) -> Run:
    office, settings = stores.office, stores.instance.settings.retention
    with office.store.reading() as tx:
        approvals.require_approved(tx, stores.datamap)
    pausing.require_running(office.store)
    plan = plans.plan(stores)
    if plan_sha256 is not None and plan.hash != plan_sha256:
        raise PlanChanged(where="retention", repair="Look at `troth retention plan` as it is now.")
    with office.store.writing() as tx:
        hold(tx, "retention")
        before = find(tx, RunState.BEGUN)
        if before is not None and before.plan_sha256 == plan.hash:
            return before
        staff = None if approved_by is None else _approver(tx, approved_by)
        if settings.approval and staff is None:
            raise GuardClosed(
                "the plan waits for somebody's approval; nothing was changed",
                where="retention",
                repair="Look at `troth retention plan`, then `troth retention run --as NAME`.",
            )
        if plan.rows > settings.row_limit:
            raise LimitPassed(
                f"the plan would touch {plan.rows} rows, and a run may touch {settings.row_limit}; nothing was changed",
                where="retention",
                repair="Look at the plan; if it is right, raise `[retention] row_limit` in troth.toml.",
            )
        if before is not None:  # rules or map have changed since: what it did stands, and the new plan takes over
            _end(tx, stores, before, {}, {}, given_up=True)
        waiting = find(tx, RunState.WAITING)
        if waiting is not None:
            tx.execute(retention_runs.delete().where(retention_runs.c.id == waiting.id))
        return _insert(tx, stores, plan, RunState.BEGUN, occasion=occasion, staff=staff)


def _carry_on(stores: Company, begun: Run) -> Run:
    now = begun.begun_at or stores.office.clock.now()
    counts, longest = _end_due(stores, begun, now, {})
    again = plans.plan(stores, at=now)
    if any(each.n for each in again.steps):  # rows that others moved while their table was gone through
        counts, more = _end_due(stores, begun, now, counts)
        longest, again = max(longest, more), plans.plan(stores, at=now)
    left = _by_table(again)
    with stores.office.store.writing() as tx:
        hold(tx, "retention")
        current = _load(tx, begun.id)
        if current.state is not RunState.BEGUN:
            return current
        return _end(tx, stores, current, counts, left, longest_ms=round(longest * 1000))


_Counts = Mapping[str, Mapping[str, Mapping[str, int]]]


def _end_due(stores: Company, begun: Run, now: dt.datetime, before: _Counts) -> tuple[_Counts, float]:
    """End what is due in every store; gives what the run did in all, by store and table, and how long a part took."""
    office, most = stores.office, stores.instance.settings.retention.row_limit
    counts: dict[str, dict[str, Mapping[str, int]]] = {}
    longest = 0.0
    for store in stores.records.stores:
        limits = WritingLimits(base=stores.instance.folder)
        with Writer(stores.datamap.stores[store], stores.instance.environ, limits) as writer:
            found, reach = plans.rules_in(stores, store), plans.reach_of(stores, store)
            held = _Holds(stores, store)
            parting = Parting(
                writer,
                reach,
                stores.records.kind(store)[0],
                begun.name,
                now,
                held,
                held.generation,
                partial(pausing.require_running, office.store),
                most - sum(n for words in before.get(store, {}).values() for n in words.values()),
                Pace(stores.instance.settings.retention.part),
            )
            done = {each.table: parting.end(each) for each in plans.in_order(reach, found.endings)}
            for each in found.people:
                for table, more in departures.end(stores, parting, each).items():
                    words = done.get(table, {})
                    done[table] = {**words, **{word: words.get(word, 0) + n for word, n in more.items()}}
            counts[store] = {table: words for table, words in done.items() if words}
            longest = max(longest, parting.longest_s)
    return counts, longest


class _Holds:
    """What is held in one store now; worked out anew only when a hold was placed or lifted."""

    def __init__(self, stores: Company, store: str) -> None:
        self._stores, self._store = stores, store
        self._known: tuple[Any, int] | None = None

    def __call__(self) -> tuple[Any, int]:
        if self._known is None or self.generation() != self._known[1]:
            now = holds.held_now(self._stores)
            self._known = now.held(self._store), now.generation
        return self._known

    def generation(self) -> int:
        with self._stores.office.store.reading() as tx:
            return hold_reading.generation(tx)


# --- rows -------------------------------------------------------------------------------------------------------------


def _by_table(plan: RetentionPlan) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in plan.steps:
        if each.n:
            name = f"{each.store}.{each.table}"
            found[name] = found.get(name, 0) + each.n
    return found


def _insert(
    tx: Connection, stores: Company, plan: RetentionPlan, state: RunState, *, occasion: Occasion, staff: int | None
) -> Run:
    office = stores.office
    now = office.clock.now()
    number = int(tx.execute(select(func.coalesce(func.max(retention_runs.c.id), 0))).scalar_one()) + 1
    name = f"{STEP}-{number}"
    leaf, due = None, None
    if state is RunState.BEGUN:
        rows = _by_table(plan)
        body = {
            "run": name,
            "rules": plan.rules_sha256,
            "map": plan.map_sha256,
            "plan": plan.hash,
            "rows": rows,
            "occasion": occasion,
            "staff": staff,
        }
        leaf = leaves.append(tx, office.keyring, "retention.intent", None, body, now)
        promised = interval(stores.instance.settings.retention.run)
        due = None if promised is None else promised.after(now) + GRACE
    values = {
        "name": name,
        "state": state,
        "occasion": occasion,
        "staff": staff,
        "rules_sha256": plan.rules_sha256,
        "map_sha256": plan.map_sha256,
        "plan_sha256": plan.hash,
        "plan": json.dumps(plan.as_json()),
        "asked_at": now,
        "begun_at": now if state is RunState.BEGUN else None,
        "due_at": due,
        "intent": leaf,
    }
    return _run(tx.execute(retention_runs.insert().values(values).returning(*retention_runs.c)).one())


def _end(
    tx: Connection,
    stores: Company,
    begun: Run,
    counts: Mapping[str, Any],
    left: Mapping[str, int],
    *,
    longest_ms: int | None = None,
    given_up: bool = False,
) -> Run:
    office = stores.office
    now = office.clock.now()
    body = {"run": begun.name, "rules": begun.rules_sha256, "counts": counts, "left": left, "given_up": given_up}
    leaf = leaves.append(tx, office.keyring, "retention.ended", None, body, now)
    values = {
        "state": RunState.DONE,
        "counts": json.dumps(counts),
        "left": json.dumps(left),
        "longest_ms": longest_ms,
        "ended_at": now,
        "outcome": leaf,
    }
    changed = update(retention_runs).where(retention_runs.c.id == begun.id).values(values)
    return _run(tx.execute(changed.returning(*retention_runs.c)).one())


def _approver(tx: Connection, name: str) -> int:
    run = Operation.RETENTION_RUN
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise TrothError("there is no staff account of that name", repair="See `troth staff list`.")
    if row.disabled_at is not None or not operations.may(row.role, run):
        raise AccessDenied(
            "this account may not approve a run",
            expected=f"one that is open, as {' or '.join(sorted(each.label for each in run.roles))}",
        )
    return int(row.id)


def _load(tx: Connection, number: int) -> Run:
    return _run(tx.execute(select(retention_runs).where(retention_runs.c.id == number)).one())


def _run(row: Row[Any]) -> Run:
    parts = {name: getattr(row, name) for name in Run.__dataclass_fields__}
    for name in ("plan", "counts", "left"):
        parts[name] = json.loads(parts[name] or "{}")
    return Run(**parts)
