"""End rows a part at a time: each part is one short transaction that also counts itself in `troth_step`.

How the table is gone through, and how many rows are one part, `walking` says: as many as take `part_s` seconds, so that
nobody waits a second for a lock. Where rows point at a table it is gone through again, as long as something went: rows
that waited for those are free now.

Killed anywhere, the next call goes on: what is done is gone, and the row of the step says how much that was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from troth.errors import LimitPassed, StoreUnreachable
from troth.foundation.records import archiving, exchanging, partitions, steps, walking
from troth.foundation.records.ended import Ended, Held, TableEnding, pointers_at
from troth.foundation.records.partitions import Detached
from troth.foundation.records.reach import Reach
from troth.foundation.records.walking import Due, Pace, Walk
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.records.writing import Writer

STEP = "retention"
"""What every step in `troth_step` that ends rows by their period begins with."""

ROOM = ("PRAGMA cache_size = -65536", "PRAGMA wal_autocheckpoint = 65536")  # 64 MiB in memory, 256 MiB in the log
PASSES = 50
"""How often a table is gone through: each pass frees rows that waited for rows pointing at them."""


class _Moved(Exception):
    """A hold was placed or lifted while a part was under way; that part is undone and done again."""


@dataclass
class Parting:
    """One run over one store. `held_now` gives what is held and the `generation` of holds that this was made from: a
    number that grows with each hold placed or lifted, asked for at the beginning and at the end of each part.

    `guard` is called before and after each part and stops it by raising. `left`: how many rows may still be touched.
    """

    writer: Writer
    reach: Reach
    kind: StoreKind
    run: str
    now: dt.datetime
    held_now: Callable[[], tuple[Held, int]]
    generation: Callable[[], int]
    guard: Callable[[], None]
    left: int
    pace: Pace
    clock: Callable[[], float] = time.monotonic

    @property
    def longest_s(self) -> float:
        """How long the longest part took."""
        return self.pace.longest_s

    def end(self, ending: TableEnding) -> Mapping[str, int]:
        """End the rows of one table, and then the columns that end earlier; gives what this run did there in all.

        Raises: LimitPassed, what `guard` raised, RecordsError: what was committed before stays done and counted.
        """
        steps.prepare(self.writer)
        self._make_room()
        goes = "erased" if ending.archive is None else "archived"
        for word, wanted in ((goes, not ending.anonymise and bool(ending.row)), ("changed", bool(ending.settings))):
            if not wanted:
                continue
            if word == "erased":
                self._drop_partitions(ending)
            freed = word == goes and pointers_at(self.reach, ending.table)
            for _ in range(PASSES if freed else 1):
                if not self._pass(ending, word):
                    break
        self._settle()
        return self.counts(ending.table)

    def _make_room(self) -> None:
        """On SQLite each part touches pages that the next one touches again: keep them at hand, and pass them from the
        log to the file once, at the end (`_settle`), or where they are very many.
        """
        if self.kind is StoreKind.SQLITE:
            self.writer.outside(lambda connection: [connection.exec_driver_sql(each) for each in ROOM])

    def _settle(self) -> None:
        """On SQLite, pass what is in the log to the file, which holds up nobody: the next who writes need not."""
        if self.kind is StoreKind.SQLITE:
            self.writer.outside(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all())

    def counts(self, table: str) -> Mapping[str, int]:
        """What the store's own row of the step says that this run did in `table`."""
        found = self.writer.carry_out(lambda connection: steps.find(connection, self.run, step_of(table)))
        return {word: int(n) for word, n in (found or {}).items()}

    def _pass(self, ending: TableEnding, word: str) -> int:
        """Go through the table once; gives how many rows were touched."""

        def begin(connection: Connection) -> tuple[Walk, Any]:  # no lock: it may read the whole table
            seen = self.reach.catalogue.table(ending.table)
            walk = walking.choose(seen, self.kind, connection, twice=word == "archived")
            ended = Ended(self.reach, self.kind, self.now, self.held_now()[0])
            return walk, walk.start(connection, _due(ended, ending, word))

        walk, at = self.writer.outside(begin)
        touched = 0
        while at is not None:
            start = self.clock()
            done, at = self._part(ending, word, walk, at)
            touched += done
            self.pace.after(done, self.clock() - start)
        return touched

    def _drop_partitions(self, ending: TableEnding) -> None:
        """Drop what is past its time as a whole; whatever cannot be locked in time is left to go row by row."""
        if self.kind is StoreKind.MARIADB:
            self._exchange_partitions(ending)
        if self.kind is not StoreKind.POSTGRESQL:
            return
        for left in self.writer.outside(lambda connection: list(partitions.detached(connection, ending.table))):
            self._drop(ending, left)
        held, known = self.held_now()
        ended = Ended(self.reach, self.kind, self.now, held)
        for whole in self.writer.outside(lambda connection: partitions.past(connection.execute, ended, ending)):
            if whole.refused is None:
                each = Detached(self.run, ending.table, whole)
                if not self._detach(ended, ending, each, known):
                    return
                self._drop(ending, each)

    def _detach(self, ended: Ended, ending: TableEnding, each: Detached, known: int) -> bool:
        """The first step; gives whether it was done."""
        self._within(
            self.writer.outside(lambda connection: connection.execute(each.partition.count()).scalar_one()), ending
        )

        def work(connection: Connection) -> None:
            self._asked(known)
            partitions.detach(connection, self.now, ended.core(ending.table), each)
            self._asked(known)

        try:
            self.writer.carry_out(work)
        except (_Moved, StoreUnreachable):  # a hold came; or somebody holds the table and does not let go
            return False
        return True

    def _drop(self, ending: TableEnding, each: Detached) -> None:
        """The second step: what was taken off goes; or is put back, where a hold came in between."""

        def work(connection: Connection) -> int:
            held, known = self.held_now()
            self._asked(known)
            ended = Ended(self.reach, self.kind, self.now, held)
            if ended.held(ending.table) is not None:
                partitions.attach(connection, ended.core(ending.table), each)
                return 0
            counts = _claim(connection, self.run, step_of(ending.table), self.now)
            n = partitions.drop(connection, each)
            steps.end(connection, self.run, step_of(ending.table), {**counts, "erased": counts.get("erased", 0) + n})
            self._asked(known)
            return n

        while True:
            try:
                self.left -= self.writer.carry_out(work)
            except _Moved:
                continue
            return

    def _exchange_partitions(self, ending: TableEnding) -> None:
        """The same in MariaDB, in three steps."""
        if not partitions.are_whole(ending):
            return
        for left in self.writer.outside(lambda connection: list(exchanging.waiting(connection, ending.table))):
            self._drop_exchanged(ending, left)
        held, known = self.held_now()
        ended = Ended(self.reach, self.kind, self.now, held)
        for whole in self.writer.outside(lambda connection: exchanging.past(connection.execute, ended, ending)):
            if whole.refused is None:
                self._within(self.writer.outside(partial(exchanging.counted, whole)), ending)
                each = Detached(self.run, ending.table, whole)
                try:
                    taken = exchanging.take_off(
                        self.writer, ended.core(ending.table), each, self.now, partial(self._asked, known)
                    )
                except _Moved:
                    return
                if taken:
                    self._drop_exchanged(ending, each)

    def _drop_exchanged(self, ending: TableEnding, each: Detached) -> None:
        """Count and drop what was taken off; or put it back, where a hold came in between or a row is not due."""

        def work(connection: Connection) -> int | None:
            held, known = self.held_now()
            self._asked(known)
            ended = Ended(self.reach, self.kind, self.now, held)
            if ended.held(ending.table) is not None or not exchanging.are_past(connection, ended, ending, each):
                exchanging.put_back(connection, ended, each)
                return None
            counts = _claim(connection, self.run, step_of(ending.table), self.now)
            n = exchanging.count(connection, each)
            steps.end(connection, self.run, step_of(ending.table), {**counts, "erased": counts.get("erased", 0) + n})
            self._asked(known)
            return n

        rows = each.rows
        while rows is None and self.writer.outside(partial(exchanging.has_rows, each=each)):
            try:
                rows = self.writer.carry_out(work)
            except _Moved:
                continue
            self.left -= rows or 0
            break
        exchanging.settle(self.writer, replace(each, rows=rows))

    def _part(self, ending: TableEnding, word: str, walk: Walk, at: Any) -> tuple[int, Any]:
        """One transaction; gives the rows touched, and where to go on from."""
        while True:
            try:
                held, known = self.held_now()
                work = partial(self._work, ending=ending, word=word, walk=walk, at=at, held=held, known=known)
                return self.writer.carry_out(work)
            except _Moved:
                continue

    def _work(
        self, connection: Connection, *, ending: TableEnding, word: str, walk: Walk, at: Any, held: Held, known: int
    ) -> tuple[int, Any]:
        self._asked(known)
        step = step_of(ending.table)
        counts = _claim(connection, self.run, step, self.now)
        ended = Ended(self.reach, self.kind, self.now, held)
        narrow, after = walk.part(connection, _due(ended, ending, word), at, self.pace.size)
        if word == "archived":
            n = archiving.move(connection, ended, ending, narrow)
        else:
            made: Any = ended.delete(ending) if word == "erased" else ended.update(ending)
            n = max(connection.execute(narrow(made)).rowcount, 0)
        self._within(n, ending)
        if n:
            counts[word] = counts.get(word, 0) + n
            steps.end(connection, self.run, step, counts)
        self._asked(known)
        self.left -= n
        return n, after(n)

    def _within(self, n: int, ending: TableEnding) -> None:
        if n > self.left:
            raise LimitPassed(
                "more rows would be touched than one run may; what was committed before stays done.",
                where=str(ending.table),
                repair="Look at `troth retention plan`; if it is right, raise `[retention] row_limit` in troth.toml.",
            )

    def _asked(self, known: int) -> None:
        self.guard()
        if self.generation() != known:
            raise _Moved


def _due(ended: Ended, ending: TableEnding, word: str) -> Due:
    """The rows that are due: those that go or move, or those that stay and lose something."""
    condition = ended.changing(ending) if word == "changed" else ended.going(ending)
    return Due(ended.core(ending.table), condition)


def step_of(table: str) -> str:
    """The name of a table's step: short enough for the column, and the same each time."""
    name = f"{STEP} {table}"
    return name if len(name) <= 80 else f"{name[:60]} {hashlib.sha256(table.encode()).hexdigest()[:16]}"


def _claim(connection: Connection, run: str, step: str, at: dt.datetime) -> dict[str, int]:
    """The counts so far of (run, step), its row held until this transaction ends."""
    import sqlalchemy

    made = steps.table()
    mine = (made.c.request == run, made.c.step == step)
    held = made.update().where(*mine).values(at=made.c.at)
    found: str | None = None
    if connection.dialect.name != "mysql":  # in one turn where the store can
        found = connection.execute(held.returning(made.c.counts)).scalar()
    else:  # the row as it is now, not as it was when the transaction began
        found = connection.execute(sqlalchemy.select(made.c.counts).where(*mine).with_for_update()).scalar()
    if found is None:
        if steps.begin(connection, run, step, at) is None:
            return {}
        return _claim(connection, run, step, at)  # another process was first
    return {word: int(n) for word, n in json.loads(found).items()}
