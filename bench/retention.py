"""Ending a million rows on time against one bare DELETE of the same rows, on SQLite and PostgreSQL.

A table of events: 1,200,000 rows, an index on the person and one on the time; a million of them are past 13 months. The
floor is the statement that anybody would write, `delete from events where at < ...`, in one transaction, durably, with
foreign keys enforced and, on SQLite, freed space overwritten and as much room in memory as ours takes. It holds its
locks for as long as it takes; ours gives them back twice a second, counts itself in the store, and asks about holds and
a pause before and after each part. The longest part is reported.

Runs have a fresh copy of the store each. `python -m bench retention`.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.ratio import Figure, Measured, at_most

ROWS, LATE = 1_200_000, 1_000_000
BUDGET = 1.25
ROUNDS = 5
NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
LIMIT = "2025-10-28 00:00:00"
MAP = """
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email}}
      events: {whose: user_id, columns: {url: usage.page}, starts: {visit: at}}
"""
TABLES = (
    "create table users(id integer primary key, email varchar(80) not null)",
    "create table events(id integer primary key, user_id int not null references users, at {time} not null, url text)",
)
INDEXES = ("events(user_id)", "events(at)")


def figures() -> Iterator[Figure]:
    """Each ratio, measured now."""
    with tempfile.TemporaryDirectory(prefix="troth-bench-") as name:
        yield from on_sqlite(Path(name))
    yield from on_postgresql()


def rows() -> Iterator[tuple[int, int, str, str]]:
    """The events, the same every time: as they happened, with a few that came late."""
    chance = random.Random(5)
    first, second = dt.datetime(2024, 1, 1), dt.timedelta(seconds=55)  # noqa: DTZ001 - as the store writes it
    limit = dt.datetime.fromisoformat(LIMIT)
    step = (limit - first) / LATE
    for number in range(1, ROWS + 1):
        at = first + (number - 1) * step if number <= LATE else limit + (number - LATE) * second
        yield number, chance.randint(1, 1000), f"{at:%Y-%m-%d %H:%M:%S.%f}", f"/p/{number % 5000}"


class Ours:
    """The keeper's own parts over one store."""

    def __init__(self, url: str) -> None:
        from troth.foundation.records.ended import NOTHING_HELD, Passed, TableEnding
        from troth.foundation.records.parting import Parting
        from troth.foundation.records.reach import Reach
        from troth.foundation.records.reading import Records
        from troth.foundation.records.walking import Pace
        from troth.foundation.records.writing import Writer
        from troth.policy import mapreading
        from troth.policy.periods import Duration

        datamap = mapreading.parse(MAP.encode())
        self.records = Records.open(datamap, {"SHOP": url}, timeout_s=60)
        reach = Reach.compile(datamap, self.records.catalogue("shop"))
        self.writer = Writer.of_address("shop", url)
        kind = self.records.kind("shop")[0]
        self.parting = Parting(
            self.writer,
            reach,
            kind,
            "retention-1",
            NOW,
            lambda: (NOTHING_HELD, 0),
            lambda: 0,
            lambda: None,
            ROWS,
            Pace(0.5),
        )
        self.ending = TableEnding("events", (Passed("at", Duration(13, "month")),))

    def end(self) -> None:
        done = self.parting.end(self.ending)
        assert done == {"erased": LATE}, done

    def close(self) -> None:
        self.writer.close()
        self.records.close()


def measured(pairs: Iterator[tuple[Ours, Callable[[], object]]], what: str) -> Iterator[Figure]:
    """Ours and the floor, each on a fresh copy, the order swapped each time."""
    ours_s: list[float] = []
    floor_s: list[float] = []
    longest = 0.0
    for number, (ours, floor) in enumerate(pairs):
        for work in (ours.end, floor) if number % 2 else (floor, ours.end):
            start = time.perf_counter()
            work()
            (ours_s if work == ours.end else floor_s).append(time.perf_counter() - start)
        longest = max(longest, ours.parting.longest_s)
    ratio = statistics.median(a / b for a, b in zip(ours_s, floor_s, strict=True))
    found = Measured(ratio, statistics.median(ours_s), statistics.median(floor_s), len(ours_s))
    yield at_most(f"end {LATE} rows on time, {what}, against one bare DELETE", found, BUDGET)
    yield Figure(f"longest part of it, {what}: nobody waits longer for a lock", f"{longest * 1000:.0f} ms")


def on_sqlite(folder: Path) -> Iterator[Figure]:
    base = folder / "base.db"
    with closing(sqlite3.connect(base, isolation_level=None)) as store:
        store.execute("pragma journal_mode = wal")
        store.execute("pragma synchronous = off")
        store.execute("begin")
        for statement in TABLES:
            store.execute(statement.format(time="text"))
        store.executemany("insert into users values (?, ?)", [(n, f"user{n}@example.org") for n in range(1, 1001)])
        store.executemany("insert into events values (?, ?, ?, ?)", rows())
        for number, each in enumerate(INDEXES):
            store.execute(f"create index i{number} on {each}")
        store.execute("commit")
        store.execute("analyze")
        store.execute("pragma wal_checkpoint(truncate)")

    @contextmanager
    def copy(name: str) -> Iterator[Path]:
        path = folder / name
        shutil.copy(base, path)
        yield path
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    from troth.foundation.records import parting

    def floor(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as store:
            for pragma in ("foreign_keys = on", "secure_delete = on", "temp_store = memory"):
                store.execute(f"pragma {pragma}")
            for pragma in parting.ROOM:
                store.execute(pragma)
            store.execute("begin immediate")
            assert store.execute("delete from events where at < ?", (LIMIT,)).rowcount == LATE
            store.execute("commit")

    def pairs() -> Iterator[tuple[Ours, Callable[[], object]]]:
        for number in range(ROUNDS):
            with copy(f"ours{number}.db") as left, copy(f"floor{number}.db") as right:
                ours = Ours(f"sqlite:///{left}")
                yield ours, lambda right=right: floor(right)  # type: ignore[misc]
                ours.close()

    yield from measured(pairs(), "SQLite")


def on_postgresql() -> Iterator[Figure]:
    import psycopg
    import sqlalchemy

    from tests.servers import postgresql

    with postgresql() as address:
        server = sqlalchemy.make_url(address)

        def url(name: str) -> str:
            return server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)

        def run(statement: str, name: str = "postgres") -> int:
            with psycopg.connect(url(name), autocommit=True) as store:
                return store.execute(statement).rowcount

        @contextmanager
        def copy(name: str) -> Iterator[str]:
            run(f"create database {name} template base")
            yield name
            run(f"drop database {name} with (force)")

        def floor(name: str) -> None:
            assert run(f"delete from events where at < '{LIMIT}'", name) == LATE

        def pairs() -> Iterator[tuple[Ours, Callable[[], object]]]:
            for number in range(ROUNDS):
                with copy(f"ours{number}") as left, copy(f"floor{number}") as right:
                    ours = Ours(url(left))
                    yield ours, lambda right=right: floor(right)  # type: ignore[misc]
                    ours.close()

        run("create database base")
        with psycopg.connect(url("base"), autocommit=True) as store:
            for statement in TABLES:
                store.execute(statement.format(time="timestamp"))
            with store.cursor() as cursor, cursor.copy("copy users from stdin") as into:
                for n in range(1, 1001):
                    into.write_row((n, f"user{n}@example.org"))
            with store.cursor() as cursor, cursor.copy("copy events from stdin") as into:
                for row in rows():
                    into.write_row(row)
            for number, each in enumerate(INDEXES):
                store.execute(f"create index i{number} on {each}")
            store.execute("vacuum analyze")
        yield from measured(pairs(), "PostgreSQL")
