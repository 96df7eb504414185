"""One world, tried: the engine's copy and erasure beside what the map says should come of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy

from tests.foundation.records.erasing.company import NOW, planned, pseudonym
from tests.foundation.records.oracle import judging, worlds
from tests.foundation.records.oracle.judging import (
    Ambiguous,
    Judge,
    Known,
    Label,
    Marked,
    MustRefuse,
    Pseudonym,
    StandIn,
)
from tests.foundation.records.oracle.worlds import Row, World
from troth.errors import DeclarationFaults, ErasureRefused, PersonAmbiguous
from troth.foundation.people import Identifier, Kind
from troth.foundation.records import carrying, copying, erasing, recounting
from troth.foundation.records.keys import Subject
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects
from troth.foundation.records.writing import Writer, WritingLimits
from troth.policy import mapreading


@dataclass
class Tried:
    """What a world came to. `wrong`: every difference, in words."""

    wrong: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    what: Counter[str] = field(default_factory=Counter)


class Trial:
    """One world in an empty database at `url`. `many`: people stand in a table, as those of a batch do."""

    def __init__(self, world: World, url: str, *, many: bool = False) -> None:
        self.world, self.url, self.many = world, url, many
        self.engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        worlds.create(world, self.engine)
        self.tried = Tried()

    def wrong(self, what: str) -> None:
        self.tried.wrong.append(what)

    def run(self, people: Sequence[tuple[str, tuple[Any, ...]]], *, copies: bool = True) -> Tried:
        """A copy for each of `people`, then all of them erased at once, and once more."""
        try:
            self.datamap = mapreading.parse(worlds.text_of_map(self.world).encode())
        except DeclarationFaults as faults:
            self.tried.refused.append(f"map: {faults}")
            return self.tried
        with Records.open(self.datamap, {"SHOP": self.url}) as records:
            self._tried(records, people, copies)
        return self.tried

    def _tried(self, records: Records, people: Sequence[tuple[str, tuple[Any, ...]]], copies: bool) -> None:
        known: list[Known] = []
        subjects: list[Subject] = []
        reach = Reach.compile(self.datamap, records.catalogue("shop"))
        for kind, key in people:
            ambiguous = False
            try:
                told = judging.person(self.world, kind, key)
            except Ambiguous:
                ambiguous, told = True, []
            try:
                found = find_subjects(
                    records, self.datamap, [Identifier(Kind.ID, f"shop.{kind}:{','.join(map(str, key))}")]
                )
            except PersonAmbiguous:
                self.tried.what["ambiguous"] += 1
                if not ambiguous:
                    self.wrong(f"{kind} {key}: called ambiguous, and is not")
                return
            if ambiguous:
                self.wrong(f"{kind} {key}: ambiguous, and {[(s.kind.id, s.key) for s in found]} was found")
                return
            self._known(told, found)
            if copies:
                self._copy(records, reach, told, found)
            known += told
            subjects += [
                each
                for each in found
                if (each.kind.id, each.key) not in {(s.kind.id, s.key) for s in subjects} or not each.key
            ]
        if not self.tried.wrong:
            self._erase(records, reach, known, subjects)

    def _known(self, told: Sequence[Known], found: Sequence[Subject]) -> None:
        mine = {each.kind: each.key for each in told if each.key}
        theirs = {each.kind.name: tuple(each.key) for each in found if each.key}
        if mine != theirs:
            self.wrong(f"is {theirs}, should be {mine}")

    # --- copies -------------------------------------------------------------------------------------------------------

    def _copy(self, records: Records, reach: Reach, told: Sequence[Known], subjects: Sequence[Subject]) -> None:
        expected = Judge(self.world, told).copy()
        labels: dict[str, Label] = {}
        got: dict[str, list[Row]] = {}
        for reached, _, names, rows in copying.rows_of(records, reach, subjects):
            got.setdefault(reached.name, []).extend(dict(zip(names, row, strict=True)) for row in rows)
        for name in sorted({*expected, *got}):
            wanted = {row["mark"]: row for _, row in expected.get(name, [])}
            given = {row["mark"]: row for row in got.get(name, [])}
            if len(given) != len(got.get(name, [])):
                self.wrong(f"copy of {name}: a row twice")
            if set(wanted) != set(given):
                self.wrong(f"copy of {name}: rows {sorted(given)}, should be {sorted(wanted)}")
                continue
            for mark, row in wanted.items():
                for column in sorted({*row, *given[mark]}):
                    if column not in row or column not in given[mark]:
                        self.wrong(f"copy of {name} {mark}: {column} is there once and not twice")
                    elif not _shows(given[mark][column], row[column], labels):
                        self.wrong(
                            f"copy of {name} {mark}: {column} is {given[mark][column]!r}, should be {row[column]!r}"
                        )
        self.tried.what["copies"] += 1

    # --- erasures -----------------------------------------------------------------------------------------------------

    def _erase(self, records: Records, reach: Reach, known: Sequence[Known], subjects: Sequence[Subject]) -> None:
        judge = Judge(self.world, known)
        before = worlds.read(self.world, self.engine)
        refuse: str | None = None
        try:
            expected = judge.after()
        except MustRefuse as reason:
            refuse, expected = str(reason), {}
        try:
            kind = records.kind("shop")[0]
            compiled = erasing.compile(reach, kind)
            ask = erasing.asker(records, "shop")
            plan = erasing.plan(compiled, subjects, ask, at=NOW)
            limits = WritingLimits(timeout_s=20, lock_s=2)
            with Writer.of_address("shop", self.url, limits) as writer, self._few():
                done = carrying.carry_out(writer, plan, subjects, "r1", at=NOW, pseudonym=pseudonym)
        except ErasureRefused as refused:
            self.tried.refused.append(f"erasure: {refused}")
            self.tried.what["refused"] += 1
            if worlds.read(self.world, self.engine) != before:
                self.wrong("refused, and something changed")
            return
        self.tried.what["erased"] += 1
        if refuse is not None:
            self.wrong(f"was to be refused: {refuse}; {done.as_json()}")
            return
        if planned(plan) != done.as_json():
            self.wrong(f"planned {planned(plan)}, done {done.as_json()}")
        self._compare(expected, "after")
        if left := recounting.recount(compiled, subjects, ask, at=NOW):
            self.wrong(f"recount: {left}")
        if left := recounting.dangling(compiled, ask, self._gone(judge, compiled)):
            self.wrong(f"dangling: {left}")
        state = worlds.read(self.world, self.engine)
        again = erasing.plan(compiled, subjects, ask, at=NOW)
        with Writer.of_address("shop", self.url, limits) as writer:
            twice = carrying.carry_out(writer, again, subjects, "r2", at=NOW, pseudonym=pseudonym)
        if worlds.read(self.world, self.engine) != state:
            self.wrong(f"twice is not as once: {twice.as_json()}")

    def _gone(self, judge: Judge, compiled: erasing.Erasure) -> recounting.Gone:
        """What stood in the rows that went, where pointers may lead to it."""
        going = judge.going()
        return {
            (table, at): [
                tuple(self.world.tables[table].rows[n][each] for each in at) for name, n in going if name == table
            ]
            for table, at in recounting.targets(compiled)
        }

    @contextmanager
    def _few(self) -> Iterator[None]:
        before = carrying.FEW_PEOPLE
        carrying.FEW_PEOPLE = 0 if self.many else before
        yield
        carrying.FEW_PEOPLE = before

    def _compare(self, expected: dict[str, list[Row]], when: str) -> None:
        now = worlds.read(self.world, self.engine)
        stand_ins: dict[str, Any] = {}
        own = {kind.table: name for name, kind in self.world.people.items()}
        made: dict[Any, Any] = {}
        for name, rows in expected.items():
            wanted = {row["mark"]: row for row in rows}
            given = {row["mark"]: row for row in now[name]}
            for mark in set(given) - set(wanted):
                if (
                    name in own
                    and own[name] not in stand_ins
                    and mark not in {r["mark"] for r in self.world.tables[name].rows}
                ):
                    stand_ins[own[name]] = given.pop(mark)[self.world.people[own[name]].key[0]]
            if set(wanted) != set(given):
                self.wrong(f"{when}, {name}: rows {sorted(given)}, should be {sorted(wanted)}")
        for name, rows in expected.items():
            given = {row["mark"]: row for row in now[name]}
            for row in rows:
                for column, value in row.items():
                    there = given.get(row["mark"], {}).get(column)
                    if row["mark"] in given and not _left(there, value, stand_ins, made):
                        self.wrong(f"{when}, {name} {row['mark']}: {column} is {there!r}, should be {value!r}")


def _left(there: Any, value: Any, stand_ins: dict[str, Any], made: dict[Any, Any]) -> bool:
    if isinstance(value, StandIn):
        return there is not None and str(there) == str(stand_ins.get(value.kind))
    if isinstance(value, Pseudonym):
        return there != value.old and made.setdefault(value.old, there) == there
    return bool(there == value) and (there is None) == (value is None)


def _shows(there: Any, value: Any, labels: dict[str, Label]) -> bool:
    if isinstance(value, Label):
        return isinstance(there, str) and there.startswith("person ") and labels.setdefault(there, value) == value
    if isinstance(value, Marked):
        return isinstance(there, copying.Asked) and bool(there.value == value.value)
    if isinstance(value, dt.datetime) and isinstance(there, str):
        return dt.datetime.fromisoformat(there) == value
    if isinstance(value, bytes) and there is not None:
        return bytes(there) == value
    return bool(there == value)


def people_of(world: World, seed: int) -> Iterable[Sequence[tuple[str, tuple[Any, ...]]]]:
    """Whom to erase: each seed another one, sometimes two at once."""
    everybody = [
        (name, tuple(row[each] for each in kind.key))
        for name, kind in world.people.items()
        for row in world.tables[kind.table].rows
    ]
    first = everybody[seed % len(everybody)]
    yield [first]
    if seed % 3 == 0:
        yield [first, everybody[(seed + 1) % len(everybody)]]
