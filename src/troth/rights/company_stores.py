"""The company's stores, open for writing while one erasure is carried out: each step once, whoever resumes.

What was done stands in the `troth_step` of each store; a round that was carried out before is only read from there. The
pause, and whether a hold was placed meanwhile, are asked about at the beginning and at the end of every transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from troth.errors import HeldBack, LimitPassed
from troth.foundation.guards import approvals, pausing
from troth.foundation.records import carrying, erasing, recounting, standins
from troth.foundation.records.erasureplan import Step, StepCounts, StorePlan
from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.reach import Reach
from troth.foundation.records.writing import Writer, WritingLimits
from troth.policy.datamap import Place
from troth.protection import hold_reading
from troth.rights import held_back
from troth.rights.mapped import compiled

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from troth.foundation.records import sweep
    from troth.foundation.records.erasureplan import ErasurePlan
    from troth.foundation.records.reading import Records
    from troth.rights.desk import Desk


class Writers:
    """Connections for writing that are kept from one erasure to the next; each is used by one thread at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._free: list[dict[str, Writer]] = []

    def take(self) -> dict[str, Writer]:
        """A writer for each store, nobody else's until it is given back. Connects when first asked."""
        with self._lock:
            if self._free:
                return self._free.pop()
        desk, limits = self._desk, WritingLimits(base=self._desk.instance.folder)
        return {name: Writer(desk.datamap.stores[name], desk.instance.environ, limits) for name in desk.records.stores}

    def give_back(self, writers: dict[str, Writer]) -> None:
        """Keep them for the next."""
        with self._lock:
            self._free.append(writers)

    def close(self) -> None:
        """End the connections that nobody uses now."""
        with self._lock:
            for writers in self._free:
                _close(writers)
            self._free.clear()


class CompanyStores:
    """The company's stores, open for writing, while one erasure is carried out. `held`: whether holds keep any row."""

    def __init__(self, desk: Desk, subjects: Sequence[Subject]) -> None:
        self._desk, self._subjects = desk, subjects
        with desk.office.store.reading() as tx:
            self._holds = hold_reading.generation(tx)
        held = {store: held_back.held_of(desk, store, subjects) for store in desk.records.stores}
        self._erasures = {store: compiled(desk, store).sparing(held[store]) for store in desk.records.stores}
        self.held = any(held.values())
        self._writers = desk.writers.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._desk.writers.give_back(self._writers)
        else:  # who knows in what state the connections are
            _close(self._writers)

    def erase(self, name: str, number: int) -> Mapping[str, StepCounts]:
        """Round `number` in each store; what was done before is only read from its `troth_step`."""
        desk = self._desk
        step = carrying.ERASE if number == 0 else f"{carrying.ERASE} again {number}"
        done = {}
        for store, writer in self._writers.items():
            done[store] = carrying.carry_out(
                writer,
                StorePlan(store, (), erasure=self._erasures[store]),
                self._subjects,
                name,
                at=desk.office.clock.now(),
                step=step,
                pseudonym=partial(desk.office.keyring.pseudonym, "erased value"),
                limit=desk.instance.settings.erasure.row_limit,
                guard=self._guard,
            )
        return done

    def _guard(self) -> None:
        """Asked first and last in each transaction. What is held was asked once: it is anew when a hold came since."""
        store = self._desk.office.store
        pausing.require_running(store)
        with store.reading() as tx:
            if hold_reading.generation(tx) != self._holds:
                raise HeldBack("a hold was placed or lifted meanwhile; nothing was changed", repair="Try it again.")

    def left(self) -> int:
        """How many rows of theirs still stand in mapped places, or point at them, and are not held."""
        return sum(sum(self._recount(store).values()) for store in self._writers)

    def overwrite(self, plan: Mapping[str, Any]) -> None:
        """Where the map says `physical`, give freed space back, so that no old row is left in the store's files."""
        for store, writer in self._writers.items():
            if self._desk.datamap.stores[store].physical:
                steps = tuple(
                    Step(each["table"], each["do"], "") for each in plan.get("steps", ()) if each["store"] == store
                )
                carrying.overwrite(writer, StorePlan(store, steps, erasure=self._erasures[store]))

    def _recount(self, store: str) -> Mapping[Place, int]:
        ask, now = erasing.asker(self._desk.records, store), self._desk.office.clock.now()
        return recounting.recount(self._erasures[store], self._subjects, ask, at=now)


def _close(writers: Mapping[str, Writer]) -> None:
    for writer in writers.values():
        writer.close()


def dangling(desk: Desk, pointed: Mapping[str, recounting.Gone]) -> list[dict[str, Any]]:
    """Rows of anybody that point at a row of theirs that is gone: places and numbers, one statement for most stores."""
    found: list[dict[str, Any]] = []
    for store in pointed.keys() & set(desk.records.stores):
        broken = recounting.dangling(compiled(desk, store), erasing.asker(desk.records, store), pointed[store])
        found += [
            {"where": str(place), "n": n, "why": "points at nothing"} for place, n in sorted(broken.items(), key=str)
        ]
    return found


def elsewhere(desk: Desk) -> list[str]:
    """The stores of the map that are not reached from here (a processor): they are told by letter, and not searched."""
    return [name for name in desk.datamap.stores if name not in desk.records.stores]


def stand_ins(desk: Desk, store: str) -> Mapping[str, tuple[Any, ...]]:
    """The key of the stand-in of each kind of person that has one in the store."""
    erasure = compiled(desk, store)
    return standins.known(erasing.asker(desk.records, store), erasure.kind, erasure.stand_ins)


def somebody(desk: Desk, records: Records) -> sweep.Somebody:
    """Rows that lead to anybody who is not a stand-in."""
    nobody = {store: stand_ins(desk, store) for store in records.stores}
    kinds = desk.datamap.people()

    def of(store: str, name: str) -> tuple[Table, ColumnElement[bool]] | None:
        reach = Reach.compile(desk.datamap, records.catalogue(store))
        if name not in reach:
            return None
        table = reach.table(name)
        gone = BoundKeys(Subject(kinds[kind], key) for kind, key in nobody[store].items())
        return table.core, reach.others(table, BoundKeys(()), nobody=gone)

    return of


def require_guards(desk: Desk) -> None:
    """Make sure that somebody answers for the map, and that nothing is paused. Raises: GuardClosed."""
    with desk.office.store.reading() as tx:
        approvals.require_approved(tx, desk.datamap)
        pausing.require_running_in(tx)


def within_limit(desk: Desk, plan: ErasurePlan) -> None:
    """Make sure that a plan touches no more rows than one run may. Raises: LimitPassed."""
    limit = desk.instance.settings.erasure.row_limit
    for store in plan.stores:
        if store.rows > limit:
            raise LimitPassed(
                f"the plan would touch {store.rows} rows, and a run may touch {limit}; nothing was changed",
                where=store.store,
                repair="Look at the plan; if it is right, raise `[erasure] row_limit` in troth.toml.",
            )
