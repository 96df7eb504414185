"""The company's stores, open for writing while one erasure is carried out: each step once, whoever resumes.

What was done stands in the `troth_step` of each store; a round that was carried out before is only read from there. The
pause is asked about at the beginning and at the end of every transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from troth.foundation.guards import pausing
from troth.foundation.records import carrying, erasing, recounting, standins, steps
from troth.foundation.records.erasureplan import Step, StepCounts, StorePlan
from troth.foundation.records.reach import Reach
from troth.foundation.records.writing import Writer, WritingLimits
from troth.policy.datamap import Place

if TYPE_CHECKING:
    from troth.foundation.records.subjects import Subject
    from troth.rights.desk import Desk


class CompanyStores:
    """The company's stores, open for writing, while one erasure is carried out."""

    def __init__(self, desk: Desk, subjects: Sequence[Subject]) -> None:
        self._desk, self._subjects = desk, subjects
        limits = WritingLimits(base=desk.instance.folder)
        self._writers = {
            name: Writer(desk.datamap.stores[name], desk.instance.environ, limits) for name in desk.records.stores
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def erase(self, name: str, number: int) -> Mapping[str, StepCounts]:
        """Round `number` in each store; what was done before is only read from its `troth_step`."""
        desk = self._desk
        step = carrying.ERASE if number == 0 else f"{carrying.ERASE} again {number}"
        done = {}
        for store, writer in self._writers.items():
            done[store] = carrying.carry_out(
                writer,
                StorePlan(store, (), erasure=compiled(desk, store)),
                self._subjects,
                name,
                at=desk.office.clock.now(),
                step=step,
                pseudonym=partial(desk.office.keyring.pseudonym, "erased value"),
                limit=desk.instance.settings.erasure.row_limit,
                guard=partial(pausing.require_running, desk.office.store),
            )
        return done

    def left(self) -> int:
        """How many rows of theirs still stand in mapped places, or point at them."""
        return sum(sum(self._recount(store).values()) for store in self._writers)

    def overwrite(self, plan: Mapping[str, Any]) -> None:
        """Where the map says `physical`, give freed space back, so that no old row is left in the store's files."""
        for store, writer in self._writers.items():
            if self._desk.datamap.stores[store].physical:
                steps = tuple(
                    Step(each["table"], each["do"], "") for each in plan.get("steps", ()) if each["store"] == store
                )
                carrying.overwrite(writer, StorePlan(store, steps, erasure=compiled(self._desk, store)))

    def stand_ins(self, store: str) -> Mapping[str, tuple[Any, ...]]:
        """The key of the stand-in of each kind of person that has one there."""
        erasure, writer = compiled(self._desk, store), self._writers[store]
        kinds = [erasure.people[kind] for kind in sorted(erasure.stand_ins)]
        steps.prepare(writer)
        found = writer.carry_out(lambda connection: [(kind.id, standins.find(connection, kind)) for kind in kinds])
        return {kind: key for kind, key in found if key is not None}

    def _recount(self, store: str) -> Mapping[Place, int]:
        ask, now = erasing.asker(self._desk.records, store), self._desk.office.clock.now()
        erasure = compiled(self._desk, store)
        return recounting.recount(erasure, self._subjects, ask, at=now, stand_ins=self.stand_ins(store))


def compiled(desk: Desk, store: str) -> erasing.Erasure:
    """How people are erased from one store. Raises ErasureRefused."""
    kind, _ = desk.records.kind(store)
    return erasing.compile(reach_of(desk, store), kind)


def reach_of(desk: Desk, store: str) -> Reach:
    """The paths of one store."""
    return Reach.compile(desk.datamap, desk.records.catalogue(store))
