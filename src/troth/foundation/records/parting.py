"""End rows a part at a time: each part is one short transaction that also counts itself in `troth_step`.

A table with one key column is walked along it, from the first row whose time is up to the last; any other is asked
for so many rows again and again. How many rows are one part follows the clock: as many as take `part_s` seconds, so
that nobody waits a second for a lock. Where rows point at a table it is gone through again, as long as something went:
rows that waited for those are free now.

Killed anywhere, the next call goes on: what is done is gone, and the row of the step says how much that was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from troth.errors import LimitPassed
from troth.foundation.records import steps
from troth.foundation.records.ended import Ended, Held, TableEnding, pointers_at
from troth.foundation.records.reach import Reach
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Delete, Table, Update

    from troth.foundation.records.writing import Writer

STEP = "retention"
"""What every step in `troth_step` that ends rows by their period begins with."""

FIRST_PART, SMALLEST, LARGEST = 20_000, 50, 500_000
_ROOM = ("PRAGMA cache_size = -65536", "PRAGMA wal_autocheckpoint = 16384")  # 64 MiB each
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
    part_s: float = 0.5
    clock: Callable[[], float] = time.monotonic
    size: int = FIRST_PART
    longest_s: float = field(default=0.0, init=False)

    def end(self, ending: TableEnding) -> Mapping[str, int]:
        """End the rows of one table, and then the columns that end earlier; gives what this run did there in all.

        Raises: LimitPassed, what `guard` raised, RecordsError: what was committed before stays done and counted.
        """
        steps.prepare(self.writer)
        self._make_room()
        for word, wanted in (("erased", not ending.anonymise and bool(ending.row)), ("changed", bool(ending.settings))):
            if not wanted:
                continue
            freed = word == "erased" and pointers_at(self.reach, ending.table)
            for _ in range(PASSES if freed else 1):
                if not self._pass(ending, word):
                    break
        return self.counts(ending.table)

    def _make_room(self) -> None:
        """On SQLite each part touches pages that the next one touches again: keep them at hand, and pass them from the
        log to the file less often.
        """
        if self.kind is StoreKind.SQLITE:
            self.writer.outside(lambda connection: [connection.exec_driver_sql(each) for each in _ROOM])

    def counts(self, table: str) -> Mapping[str, int]:
        """What the store's own row of the step says that this run did in `table`."""
        found = self.writer.carry_out(lambda connection: steps.find(connection, self.run, step_of(table)))
        return {word: int(n) for word, n in (found or {}).items()}

    def _pass(self, ending: TableEnding, word: str) -> int:
        """Go through the table once; gives how many rows were touched."""
        bounds = self._bounds(ending, word)
        if bounds is None:
            return 0
        key, low, high = bounds
        touched = 0
        while True:
            start = self.clock()
            done, upper = self._part(ending, word, key, low, high)
            touched += done
            more = upper is not None if key is not None else done >= self.size
            took = max(self.clock() - start, 1e-4)
            self.longest_s = max(self.longest_s, took)
            self.size = int(min(max(self.size * min(max(self.part_s / took, 0.25), 3.0), SMALLEST), LARGEST))
            if not more:
                return touched
            low = upper

    def _part(self, ending: TableEnding, word: str, key: str | None, low: Any, high: Any) -> tuple[int, Any]:
        """One transaction; gives the rows touched and the last key of the part, None at the end of the table."""
        while True:
            try:
                held, known = self.held_now()
                return self.writer.carry_out(
                    partial(self._work, ending=ending, word=word, bounds=(key, low, high), held=held, known=known)
                )
            except _Moved:
                continue

    def _work(
        self,
        connection: Connection,
        *,
        ending: TableEnding,
        word: str,
        bounds: tuple[str | None, Any, Any],
        held: Held,
        known: int,
    ) -> tuple[int, Any]:
        import sqlalchemy

        key, low, high = bounds
        self._asked(known)
        step = step_of(ending.table)
        counts = _claim(connection, self.run, step, self.now)
        ended = Ended(self.reach, self.kind, self.now, held)
        core = ended.core(ending.table)
        made: Any = ended.delete(ending) if word == "erased" else ended.update(ending)
        upper = None
        if key is not None:
            column = core.c[key]
            after = [column >= low[0]] if low[1] else [column > low[0]]
            beyond = sqlalchemy.select(column).where(*after, column <= high).order_by(column)
            upper = connection.execute(beyond.limit(1).offset(self.size - 1)).scalar()
            made = made.where(*after, column <= (high if upper is None else upper))
        else:
            made = self._some(made, ended, ending, word)
        n = max(connection.execute(made).rowcount, 0)
        if n > self.left:
            raise LimitPassed(
                "more rows would be touched than one run may; what was committed before stays done.",
                where=str(ending.table),
                repair="Look at `troth retention plan`; if it is right, raise `[retention] row_limit` in troth.toml.",
            )
        if n:
            counts[word] = counts.get(word, 0) + n
            steps.end(connection, self.run, step, counts)
        self._asked(known)
        self.left -= n
        return n, None if upper is None else (upper, False)

    def _asked(self, known: int) -> None:
        self.guard()
        if self.generation() != known:
            raise _Moved

    def _bounds(self, ending: TableEnding, word: str) -> tuple[str | None, Any, Any] | None:
        """The key column to walk along with its first and last value; None where no row is due."""
        import sqlalchemy

        def ask(connection: Connection) -> tuple[str | None, Any, Any] | None:
            ended = Ended(self.reach, self.kind, self.now, self.held_now()[0])
            core = ended.core(ending.table)
            due = ended.going(ending) if word == "erased" else ended.changing(ending)
            key = _walkable(ended, ending.table)
            if key is None:
                one: Any = sqlalchemy.select(sqlalchemy.literal_column("1")).select_from(core).where(due).limit(1)
                return None if connection.execute(one).first() is None else (None, None, None)
            column = core.c[key]
            low, high = connection.execute(
                sqlalchemy.select(sqlalchemy.func.min(column), sqlalchemy.func.max(column)).where(due)
            ).one()
            return None if low is None else (key, (low, True), high)

        return self.writer.outside(ask)  # no lock: it may read the whole table

    def _some(self, made: Delete | Update, ended: Ended, ending: TableEnding, word: str) -> Any:
        """`made` for at most `size` rows, in a table without one key column."""
        import sqlalchemy

        core: Table = ended.core(ending.table)
        seen = ended.seen(ending.table)
        if self.kind is StoreKind.MARIADB:
            return made.with_dialect_options(mysql_limit=self.size)
        due: ColumnElement[bool] = ended.going(ending) if word == "erased" else ended.changing(ending)
        if self.kind is StoreKind.POSTGRESQL:
            place: Any = sqlalchemy.literal_column(f"{_quoted(core)}.ctid")
            chosen = sqlalchemy.select(place).select_from(core).where(due).limit(self.size).correlate(None)
            return made.where(place == sqlalchemy.func.any(sqlalchemy.func.array(chosen.scalar_subquery())))
        keys = seen.primary_key
        if keys:
            columns = [core.c[name] for name in keys]
            chosen = sqlalchemy.select(*columns).where(due).limit(self.size).correlate(None)
            return made.where((sqlalchemy.tuple_(*columns) if len(columns) > 1 else columns[0]).in_(chosen))
        number: Any = sqlalchemy.literal_column("rowid")
        return made.where(number.in_(sqlalchemy.select(number).select_from(core).where(due).limit(self.size)))


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


def _walkable(ended: Ended, name: str) -> str | None:
    """The one column that the table's key is made of, where it is one that every store sorts alike."""
    from troth.foundation.records.catalogue import ColumnKind

    seen = ended.seen(name)
    if len(seen.primary_key) != 1:
        return None
    [key] = seen.primary_key
    return key if seen.columns[key].kind is ColumnKind.NUMBER else None


def _quoted(core: Table) -> str:
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (core.schema, core.name) if part)
