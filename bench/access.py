"""Reading all rows of one person, against the same reads written by hand as separate statements on one open connection.

A shop of eight tables, every index there: 5,000 people with about 50 rows each, and one with 5,000. The floor sends one
SELECT a table over the driver and takes all rows; it knows beforehand which columns to ask. Who the person is in the
store is found before the clock starts, in ours and in the floor. `python -m bench access`.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.ratio import Figure, at_most, compare

PEOPLE = 5_000
HEAVY = 7
POSTGRESQL_BUDGET, SQLITE_BUDGET = 1.0, 1.2
TOGETHER = 60  # people read in one measured run
MAP = """
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users: {whose: {person: customer}}
      addresses: {whose: user_id}
      orders: {whose: user_id}
      order_items: {whose: order_id > orders}
      payments: {whose: order_id > orders}
      messages: {whose: user_id}
      sessions: {whose: user_id}
      events: {whose: user_id}
"""
TABLES = {
    "users": ("email varchar(80), name text, phone text, created text", 1,
              "n, 'user' || n || '@example.org', 'Name ' || n, '+49' || n, '2024-01-01'"),
    "addresses": ("user_id integer, street text, city text, zip text", 1.5,
                  "n, {who}, 'Street ' || n, 'City', '10115'"),
    "orders": ("user_id integer, placed text, status text, total integer, note text", 5,
               "n, {who}, '2024-05-05', 'paid', n % 300, 'note ' || n"),
    "order_items": ("order_id integer, sku text, qty integer, price integer", 15,
                    "n, 1 + (n - 1) / 3, 'SKU' || n, 1, 20"),
    "payments": ("order_id integer, method text, iban text, amount integer", 5, "n, n, 'sepa', 'DE' || n, 20"),
    "messages": ("user_id integer, sent text, subject text, body text", 3,
                 "n, {who}, '2024-05-05', 'Subject ' || n, 'a body of some length that says little ' || n"),
    "sessions": ("user_id integer, started text, ip text, agent text", 5.5,
                 "n, {who}, '2024-05-05', '192.0.2.1', 'Agent'"),
    "events": ("user_id integer, at text, kind text, url text", 15, "n, {who}, '2024-05-05', 'view', '/p/' || n"),
}  # fmt: skip
INDEXES = (
    "addresses(user_id)", "orders(user_id)", "order_items(order_id)", "payments(order_id)", "messages(user_id)",
    "sessions(user_id)", "events(user_id)", "users(email)",
)  # fmt: skip
READS = (
    "select * from users where id = {one}",
    "select * from addresses where user_id = {one}",
    "select * from orders where user_id = {one}",
    "select i.* from order_items i join orders o on o.id = i.order_id where o.user_id = {one}",
    "select p.* from payments p join orders o on o.id = p.order_id where o.user_id = {one}",
    "select * from messages where user_id = {one}",
    "select * from sessions where user_id = {one}",
    "select * from events where user_id = {one}",
)
NUMBERS = {
    "sqlite": "with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) select {what} from s",
    "postgresql": "select {what} from generate_series(1, {count}) as s(n)",
}


def figures() -> Iterator[Figure]:
    """Each ratio, measured now."""
    with tempfile.TemporaryDirectory(prefix="troth-bench-") as name:
        yield from on_sqlite(Path(name))
    yield from on_postgresql()


def on_sqlite(folder: Path) -> Iterator[Figure]:
    path = folder / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        fill("sqlite", connection.execute)
        connection.commit()
        connection.execute("analyze")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as floor:
        yield from measured("SQLite", f"sqlite:///{path}", floor, "?", SQLITE_BUDGET, time.process_time)


def on_postgresql() -> Iterator[Figure]:
    import psycopg

    from tests.servers import postgresql

    with postgresql() as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(plain, autocommit=True) as floor:
            fill("postgresql", floor.execute)
            floor.execute("vacuum analyze")
            yield from measured("PostgreSQL", url, floor, "%s", POSTGRESQL_BUDGET, time.perf_counter)


def fill(kind: str, execute: Callable[[str], Any]) -> None:
    """The shop; of each table a hundredth belongs to the one who has 5,000 rows."""
    for name, (columns, share, what) in TABLES.items():
        execute(f"create table {name} (id integer primary key, {columns})")
        who = f"case when n % 50 = 0 and n <= 5000 then {HEAVY} else 1 + (n * 7919) % {PEOPLE} end"
        if name == "events":
            who = f"case when n % 25 = 0 then {HEAVY} else 1 + (n * 7919) % {PEOPLE} end"
        count = int(PEOPLE * share)
        execute(f"insert into {name} {NUMBERS[kind].format(count=count, what=what.format(who=who))}")
    for at, place in enumerate(INDEXES):
        execute(f"create index ix_{at} on {place}")


def measured(  # noqa: PLR0917 - one engine, spelled out
    engine: str, url: str, floor: Any, mark: str, budget: float, clock: Callable[[], float]
) -> Iterator[Figure]:
    from troth.foundation.people import identifier
    from troth.foundation.records.copying import rows_of
    from troth.foundation.records.reach import Reach
    from troth.foundation.records.reading import Records
    from troth.foundation.records.subjects import find_subjects
    from troth.policy import mapreading

    datamap = mapreading.parse(MAP.encode())
    reads = [read.format(one=mark) for read in READS]
    chosen = random.Random(5).sample([number for number in range(1, PEOPLE + 1) if number != HEAVY], TOGETHER)
    with Records.open(datamap, {"SHOP": url}, base=Path("/"), timeout_s=60) as records:
        reach = Reach.compile(datamap, records.catalogue("shop"))
        known = {
            number: find_subjects(records, datamap, [identifier("id", f"shop.customer:{number}")])
            for number in (*chosen, HEAVY)
        }

        def ours(numbers: Sequence[int]) -> int:
            return sum(len(list(rows)) for one in numbers for *_, rows in rows_of(records, reach, known[one]))

        def by_hand(numbers: Sequence[int]) -> int:
            return sum(len(floor.execute(read, (one,)).fetchall()) for one in numbers for read in reads)

        for numbers, rounds in ((chosen, 9), ([HEAVY], 15)):
            rows = ours(numbers)
            assert rows == by_hand(numbers), "both read the same rows"
            found = compare(lambda: ours(numbers), lambda: by_hand(numbers), rounds=rounds, clock=clock)  # noqa: B023
            yield at_most(f"access on {engine}, {rows // len(numbers)} rows in 8 tables, reads only", found, budget)
