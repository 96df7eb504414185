"""Erasing one person, and 10,000 in one batch, against the statements that a careful engineer would write by hand.

A shop of eight tables: 30,000 people, about 1.4 million rows, every index there; rows of other people point at sessions
and addresses of somebody who goes (ON DELETE SET NULL). The floor is plain SQL over the driver: for one person eight
DELETEs in one transaction, for the batch a temporary table of keys and the same DELETEs over it. It enforces foreign
keys and, on SQLite, overwrites freed space as ours does; it writes no row of steps and checks nothing. Plans are made
before the clock starts; what they cost is reported.

Runs of a batch have a fresh copy of the store each. `python -m bench erasure`.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.ratio import Figure, Measured, at_most, compare

PEOPLE = 30_000
BATCH = 10_000
ONE_BUDGET, BATCH_BUDGET = 1.3, 1.25
AT = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
MAP = """
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email, name: profile.name, phone: contact.phone}}
      addresses: {whose: user_id}
      orders: {whose: user_id}
      order_items: {whose: order_id > orders}
      payments: {whose: order_id > orders}
      messages: {whose: user_id}
      sessions: {whose: user_id}
      events: {whose: user_id}
"""
TABLES = (
    "create table users(id integer primary key, email varchar(80) not null, name text, phone text)",
    "create table addresses(id integer primary key, user_id int not null references users, street text, city text)",
    """create table orders(id integer primary key, user_id int not null references users,
    address_id int references addresses on delete set null, placed text, total int, note text)""",
    "create table order_items(id integer primary key, order_id int not null references orders, sku text, qty int)",
    "create table payments(id integer primary key, order_id int not null references orders, iban text, amount int)",
    "create table messages(id integer primary key, user_id int not null references users, subject text, body text)",
    "create table sessions(id integer primary key, user_id int not null references users, ip text, agent text)",
    """create table events(id integer primary key, user_id int not null references users,
    session_id int references sessions on delete set null, kind text, url text)""",
)
INDEXES = (
    "addresses(user_id)", "orders(user_id)", "orders(address_id)", "order_items(order_id)", "payments(order_id)",
    "messages(user_id)", "sessions(user_id)", "events(user_id)", "events(session_id)", "users(email)",
)  # fmt: skip
DELETES = (
    "delete from events where user_id {is}",
    "delete from sessions where user_id {is}",
    "delete from messages where user_id {is}",
    "delete from payments where order_id in (select id from orders where user_id {is})",
    "delete from order_items where order_id in (select id from orders where user_id {is})",
    "delete from orders where user_id {is}",
    "delete from addresses where user_id {is}",
    "delete from users where id {is}",
)
Rows = list[tuple[Any, ...]]


def figures() -> Iterator[Figure]:
    """Each ratio, measured now."""
    with tempfile.TemporaryDirectory(prefix="troth-bench-") as name:
        yield from on_sqlite(Path(name))
    yield from on_postgresql()


# --- the shop ---------------------------------------------------------------------------------------------------------


def rows() -> dict[str, Rows]:
    """The shop, the same every time."""
    chance = random.Random(5)

    def somebody() -> int:
        return chance.randint(1, PEOPLE)

    words = [f"{chance.getrandbits(128):032x}" for _ in range(997)]
    addresses, orders, sessions = PEOPLE * 3 // 2, PEOPLE * 5, PEOPLE * 5
    return {
        "users": [(n, f"user{n}@example.org", f"Name {n}", f"+49 {n}") for n in range(1, PEOPLE + 1)],
        "addresses": [(n, somebody(), f"Street {n}", f"City {n % 1000}") for n in range(1, addresses + 1)],
        "orders": [
            (n, somebody(), chance.randint(1, addresses), "2024-05-05", n % 300, words[n % 997])
            for n in range(1, orders + 1)
        ],
        "order_items": [(n, 1 + (n - 1) // 3, f"SKU{n % 20000}", 1 + n % 4) for n in range(1, orders * 3 + 1)],
        "payments": [(n, n, f"DE{n}", n % 300) for n in range(1, orders + 1)],
        "messages": [(n, somebody(), f"Subject {n}", words[n % 997] * 4) for n in range(1, PEOPLE * 3 + 1)],
        "sessions": [(n, somebody(), "192.0.2.7", f"Agent {n % 500}") for n in range(1, sessions + 1)],
        "events": [
            (n, somebody(), chance.randint(1, sessions), "view", f"/p/{n % 5000}") for n in range(1, PEOPLE * 15 + 1)
        ],
    }


def loaded_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("pragma journal_mode = wal")
        store.execute("pragma synchronous = off")
        store.execute("begin")
        for statement, (name, made) in zip(TABLES, rows().items(), strict=True):
            store.execute(statement)
            store.executemany(f"insert into {name} values ({', '.join('?' * len(made[0]))})", made)
        for number, each in enumerate(INDEXES):
            store.execute(f"create index i{number} on {each}")
        store.execute("commit")
        store.execute("analyze")
        store.execute("pragma wal_checkpoint(truncate)")


def loaded_postgresql(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as store:
        for statement, (name, made) in zip(TABLES, rows().items(), strict=True):
            store.execute(statement)
            with store.cursor() as cursor, cursor.copy(f"copy {name} from stdin") as copy:
                for row in made:
                    copy.write_row(row)
        for number, each in enumerate(INDEXES):
            store.execute(f"create index i{number} on {each}")
        store.execute("vacuum analyze")


# --- ours -------------------------------------------------------------------------------------------------------------


class Ours:
    """The engine over one store, with its plan."""

    def __init__(self, url: str) -> None:
        from troth.foundation.records import erasing
        from troth.foundation.records.reach import Reach
        from troth.foundation.records.reading import Records
        from troth.foundation.records.writing import Writer
        from troth.policy import mapreading

        self.datamap = mapreading.parse(MAP.encode())
        self.records = Records.open(self.datamap, {"SHOP": url}, timeout_s=60)
        self.reach = Reach.compile(self.datamap, self.records.catalogue("shop"))
        self.erasure = erasing.compile(self.reach, self.records.kind("shop")[0])
        self.writer = Writer.of_address("shop", url)
        self.plan = self.planned(1)
        self.number = 0

    def planned(self, person: int) -> Any:
        from troth.foundation.records import erasing

        return erasing.plan(self.erasure, self.subjects([person]), erasing.asker(self.records, "shop"), at=AT)

    def subjects(self, people: Sequence[int]) -> list[Any]:
        from troth.foundation.records.keys import Subject

        kind = self.datamap.people()["shop.customer"]
        return [Subject(kind, (n,), {"email": (f"user{n}@example.org",)}) for n in people]

    def erase(self, people: Sequence[int]) -> Any:
        from troth.foundation.records import carrying

        self.number += 1
        subjects = self.subjects(people)
        return carrying.carry_out(self.writer, self.plan, subjects, f"bench-{self.number}", at=AT)

    def close(self) -> None:
        self.writer.close()
        self.records.close()


def one_by_one(ours: Ours, floor: Callable[[int], object], what: str) -> Iterator[Figure]:
    """One person at a time, each person once."""
    pool = iter(random.Random(1).sample(range(2, PEOPLE), 4_000))
    some = 25

    def ours_once() -> None:
        for _ in range(some):
            ours.erase([next(pool)])

    def floor_once() -> None:
        for _ in range(some):
            floor(next(pool))

    yield at_most(
        f"erase one person, {what}, {some} in a row, against 8 statements in one transaction",
        compare(ours_once, floor_once, rounds=15, clock=time.perf_counter),
        ONE_BUDGET,
    )
    start = time.perf_counter()
    for person in range(2, 12):
        ours.planned(person)
    yield Figure(f"plan of one person, {what}: counts, indexes, words", f"{(time.perf_counter() - start) * 100:.1f} ms")


def batches(pairs: Iterator[tuple[Callable[[], object], Callable[[], object]]], what: str) -> Figure:
    """Ours and the floor, each on a fresh copy, the order swapped each time."""
    ours_s: list[float] = []
    floor_s: list[float] = []
    for number, (ours, floor) in enumerate(pairs):
        for work in (ours, floor) if number % 2 else (floor, ours):
            start = time.perf_counter()
            work()
            (ours_s if work is ours else floor_s).append(time.perf_counter() - start)
    ratio = statistics.median(a / b for a, b in zip(ours_s, floor_s, strict=True))
    measured = Measured(ratio, statistics.median(ours_s), statistics.median(floor_s), len(ours_s))
    return at_most(f"erase {BATCH} people in one batch, {what}, against set-based SQL", measured, BATCH_BUDGET)


# --- on each store ----------------------------------------------------------------------------------------------------


def on_sqlite(folder: Path) -> Iterator[Figure]:
    base = folder / "base.db"
    loaded_sqlite(base)
    chosen = random.Random(2).sample(range(1, PEOPLE + 1), BATCH)

    @contextmanager
    def copy(name: str) -> Iterator[Path]:
        path = folder / name
        shutil.copy(base, path)
        yield path
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def opened(path: Path) -> sqlite3.Connection:
        store = sqlite3.connect(path, isolation_level=None)
        for pragma in ("foreign_keys = on", "secure_delete = on", "temp_store = memory"):
            store.execute(f"pragma {pragma}")
        return store

    def erase_one(store: sqlite3.Connection, person: int) -> None:
        store.execute("begin immediate")
        for statement in DELETES:
            store.execute(statement.format(**{"is": "= ?"}), (person,))
        store.execute("commit")

    def erase_batch(store: sqlite3.Connection) -> None:
        store.execute("create temp table gone(id integer primary key)")
        store.executemany("insert into gone values (?)", [(n,) for n in chosen])
        store.execute("begin immediate")
        for statement in DELETES:
            store.execute(statement.format(**{"is": "in (select id from gone)"}))
        store.execute("commit")

    def pairs() -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
        for number in range(3):
            with copy(f"ours{number}.db") as left, copy(f"floor{number}.db") as right:
                ours, store = Ours(f"sqlite:///{left}"), opened(right)
                yield lambda ours=ours: ours.erase(chosen), lambda store=store: erase_batch(store)  # type: ignore[misc]
                ours.close()
                store.close()

    with copy("one.db") as path:
        ours, store = Ours(f"sqlite:///{path}"), opened(path)
        yield from one_by_one(ours, lambda person: erase_one(store, person), "SQLite")
        ours.close()
        store.close()
        yield missing_index(f"sqlite:///{path}", lambda: sqlite3.connect(path).execute("drop index i8"), "SQLite")
    yield batches(pairs(), "SQLite")


def on_postgresql() -> Iterator[Figure]:
    import psycopg
    import sqlalchemy

    from tests.servers import postgresql

    chosen = random.Random(2).sample(range(1, PEOPLE + 1), BATCH)

    def erase_one(store: psycopg.Connection[Any], person: int) -> None:
        with store.transaction():
            for statement in DELETES:
                store.execute(statement.format(**{"is": "= %s"}), (person,))

    def erase_batch(store: psycopg.Connection[Any]) -> None:
        with store.transaction():
            store.execute("create temp table gone(id int primary key) on commit drop")
            with store.cursor() as cursor, cursor.copy("copy gone from stdin") as copy:
                for person in chosen:
                    copy.write_row((person,))
            store.execute("analyze gone")
            for statement in DELETES:
                store.execute(statement.format(**{"is": "in (select id from gone)"}))

    with postgresql() as address:
        server = sqlalchemy.make_url(address)

        def url(name: str, driver: str = "postgresql") -> str:
            return server.set(drivername=driver, database=name).render_as_string(hide_password=False)

        def run(statement: str) -> None:
            with psycopg.connect(url("postgres"), autocommit=True) as store:
                store.execute(statement)

        @contextmanager
        def copy(name: str) -> Iterator[str]:
            run(f"create database {name} template base")
            yield name
            run(f"drop database {name} with (force)")

        def pairs() -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
            for number in range(3):
                with copy(f"ours{number}") as left, copy(f"floor{number}") as right:
                    ours = Ours(url(left))
                    with psycopg.connect(url(right), autocommit=True) as store:
                        yield lambda ours=ours: ours.erase(chosen), lambda store=store: erase_batch(store)  # type: ignore[misc]
                    ours.close()

        run("create database base")
        loaded_postgresql(url("base"))
        with copy("one") as name:
            ours = Ours(url(name))
            with psycopg.connect(url(name), autocommit=True) as store:
                yield from one_by_one(ours, lambda person: erase_one(store, person), "PostgreSQL")
                ours.close()
                yield missing_index(url(name), lambda: store.execute("drop index i8"), "PostgreSQL")
        yield batches(pairs(), "PostgreSQL")


def missing_index(url: str, drop: Callable[[], object], what: str) -> Figure:
    """Whether an index that only the store itself needs is missed before the plan runs."""
    from troth.errors import IndexMissing

    drop()
    try:
        Ours(url).close()
    except IndexMissing as refused:
        named = "events" in str(refused) and "session_id" in str(refused)
        return Figure(f"an index that only a foreign key needs, {what}", "found before the plan", "found", kept=named)
    return Figure(f"an index that only a foreign key needs, {what}", "not found", "found", kept=False)
