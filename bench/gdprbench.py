"""The mixes of GDPRbench (Shastri et al., PVLDB 13(7), 2020) over a table of a company, with and without troth.

Records and mixes are made anew from their description: nine fields of metadata and one of data, every value a function
of the record's number; controller, customer, processor. Without troth, a read is one statement, and a change begins,
is one statement and commits, over indexed columns. With it, whether each row that comes may be read is decided for its
person, and each change writes an entry of the ledger in its own transaction: the table stands in troth's own store, a
file of SQLite or a database of PostgreSQL. `GDPR_RECORDS` sets the size: 100,000 unless it says otherwise. A smaller
table makes the floor quicker, and the entry of a change no quicker.

Every change changes something, as the description has it: what is deleted is there, and what is written is new. A
transaction that changes nothing costs the floor no commit, since no page of it is written, and an entry that says so
costs a whole one; a mix of such changes would compare the disk with itself at rest.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import compress
from pathlib import Path
from typing import Any

from bench.founding import company
from bench.ratio import Figure, at_most, compare
from tests.servers import postgresql_server
from troth.use import standing

RECORDS = int(os.environ.get("GDPR_RECORDS", "100000"))
USERS = max(RECORDS // 10, 1)
PURPOSES = 25
OPERATIONS = 100

META = ("ttl", "usr", "obj", "dec", "acl", "shr", "src", "cat")
TOLD = tuple(name for name in META if name != "usr")
"""What of a record is changed: whose it is stays."""
SPREAD = {"ttl": 10, "usr": USERS, "obj": 100, "dec": 2, "acl": 10, "shr": 10, "src": 10, "cat": 10}
MIXES = {
    "controller": {"create": 25, "update by purpose": 25, "update by user": 25, "delete": 25},
    "customer": {
        "read": 20,
        "read by purpose": 10,
        "read by user": 10,
        "update": 20,
        "update by purpose": 10,
        "update by user": 10,
        "delete": 20,
    },
    "processor": {"read": 20, "read by purpose": 40, "read by user": 40},
}
POLICY = """troth: 1
title: Privacy Policy
controller: {name: Example Company, country: IE}
laws: [gdpr]
use:
  number: "1"
  title: Use
""" + "".join(
    f"  p{n}: {{text: Purpose {n}, purpose: purpose{n}, basis: legitimate-interests, data: [usage.page]}}\n"
    for n in range(PURPOSES)
)


class Table:
    """The company's table, bare, over one open connection: a read is one statement, a change a transaction of its own,
    begun and committed as the drivers do it unless they are told otherwise."""

    def __init__(self, name: str, place: Path | str) -> None:
        self.name = name
        self.db: Any = _connected(place)
        self.mark = "?" if isinstance(place, Path) else "%s"
        columns = ", ".join(f"{column} TEXT" for column in META)
        self.db.execute(f"CREATE TABLE {name} (k INTEGER PRIMARY KEY, pur TEXT, {columns}, data TEXT)")
        self.db.execute(f"CREATE INDEX by_pur_{name} ON {name} (pur)")
        self.db.execute(f"CREATE INDEX by_usr_{name} ON {name} (usr)")
        self.insert = f"INSERT INTO {name} VALUES ({', '.join([self.mark] * (3 + len(META)))})"
        self.db.execute("BEGIN")
        self.db.cursor().executemany(self.insert, [record(k) for k in range(RECORDS)])
        self.db.execute("COMMIT")
        self.db.execute(f"ANALYZE {name}")
        self.next = RECORDS
        self.gone: set[int] = set()

    def there(self, k: int) -> int:
        """Record `k`, or the next one that was not deleted."""
        while k in self.gone:
            k = (k + 1) % RECORDS
        return k

    def read(self, where: str, value: Any, _: str) -> list[Any]:
        found: list[Any] = self.db.execute(
            f"SELECT * FROM {self.name} WHERE {where} = {self.mark}", (value,)
        ).fetchall()
        return found

    def change(self, _: str, statement: str, values: tuple[Any, ...]) -> int:
        self.db.execute("BEGIN")
        count = int(self.db.execute(statement, values).rowcount)
        self.db.execute("COMMIT")
        return count

    def create(self) -> None:
        self.change("create", self.insert, record(self.next))
        self.next += 1


class Asking(Table):
    """The same with troth: asked about everybody whose row comes, told of each change.

    The company keeps troth's number of each of its users at hand, as one does who asks about many at once.
    """

    def __init__(self, name: str, place: Path | str, troth: Any) -> None:
        super().__init__(name, place)
        self.troth = troth
        with troth.office.store.reading() as tx:
            named = [f"id={user}" for user in range(USERS)]
            found = list(standing.find_many(tx, troth.office.keyring, named))
        self.numbers = {str(user): number for user, number in enumerate(found)}

    def read(self, where: str, value: Any, purpose: str) -> list[Any]:
        rows = super().read(where, value, purpose)
        whose = list({row[3] for row in rows})
        answers = self.troth.may_many([self.numbers[user] for user in whose], [(purpose, "usage.page")])
        yes = set(compress(whose, answers))
        return rows if len(yes) == len(whose) else [row for row in rows if row[3] in yes]

    def change(self, act: str, statement: str, values: tuple[Any, ...]) -> int:
        from troth.foundation.ledger import leaves

        office = self.troth.office
        with office.store.writing() as tx:
            count = int(tx.exec_driver_sql(statement, values).rowcount)
            leaves.append(tx, office.keyring, "records.changed", None, {"act": act, "rows": count}, office.clock.now())
        return count


def _connected(place: Path | str) -> Any:
    """A connection of the driver's own, to a file of SQLite or to PostgreSQL; it commits each statement."""
    if isinstance(place, Path):
        db = sqlite3.connect(place, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        return db
    import psycopg

    return psycopg.connect(place.replace("+psycopg", ""), autocommit=True)


def record(k: int) -> tuple[Any, ...]:
    return (k, f"purpose{k % PURPOSES}", *(str(k % SPREAD[name]) for name in META), f"data{k}" * 10)


def operations(mix: str, seed: int) -> list[tuple[str, int, str]]:
    """(operation, record, field) for one run: the same for both sides."""
    drawn = random.Random(seed)
    names, weights = list(MIXES[mix]), list(MIXES[mix].values())
    zipf = [1 / (rank + 1) ** 0.99 for rank in range(RECORDS)] if mix == "customer" else None
    keys = drawn.choices(range(RECORDS), zipf, k=OPERATIONS)
    scrambled = [k * 7_919 % RECORDS for k in keys]
    acts = drawn.choices(names, weights, k=OPERATIONS)
    return [(act, k, drawn.choice(TOLD)) for act, k in zip(acts, scrambled, strict=True)]


def run(table: Table, mix: str, seed: int) -> int:
    """Carry out one run; gives how many rows came."""
    came, mark = 0, table.mark
    for act, drawn, name in operations(mix, seed):
        k = table.there(drawn)
        pur, user, value = f"purpose{k % PURPOSES}", str(k % USERS), f"{k % SPREAD[name]} of {seed}"
        if act == "create":
            table.create()
        elif act == "read":
            came += len(table.read("k", k, pur))
        elif act == "read by purpose":
            came += len(table.read("pur", pur, pur))
        elif act == "read by user":
            came += len(table.read("usr", user, pur))
        elif act == "update":
            table.change(act, f"UPDATE {table.name} SET data = {mark} WHERE k = {mark}", (f"new{k} of {seed}", k))
        elif act == "update by purpose":
            table.change(act, f"UPDATE {table.name} SET {name} = {mark} WHERE pur = {mark}", (value, pur))
        elif act == "update by user":
            table.change(act, f"UPDATE {table.name} SET {name} = {mark} WHERE usr = {mark}", (value, user))
        else:
            table.change(act, f"DELETE FROM {table.name} WHERE k = {mark}", (k,))
            table.gone.add(k)
    return came


def figures() -> Iterator[Figure]:
    """Each mix on both engines, the time of the clock on the wall: a commit waits for a disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _on("SQLite", folder, f"sqlite:///{folder}/troth.sqlite3", None)
    # A server that does what a company's does: what was committed is on the disk.
    durable = ("-c", "fsync=on", "-c", "full_page_writes=on", "-c", "shared_buffers=128MB")
    with postgresql_server(*durable) as server, tempfile.TemporaryDirectory() as name:
        yield from _on("PostgreSQL", Path(name), server.url, server.url)


def _on(engine: str, folder: Path, url: str, database: str | None) -> Iterator[Figure]:
    with company(folder, url, policy=POLICY, people=USERS) as troth:
        for mix in MIXES:
            bare = Table(f"bare_{mix}", database or folder / "bare.db")
            asking = Asking(f"asking_{mix}", database or folder / "troth.sqlite3", troth)
            assert run(bare, mix, 0) == run(asking, mix, 0)
            seeds = {"bare": 0, "asking": 0}
            measured = compare(
                _again(asking, mix, seeds, "asking"),
                _again(bare, mix, seeds, "bare"),
                rounds=9,
                clock=time.perf_counter,
            )
            bare.db.close()
            asking.db.close()
            yield at_most(f"GDPRbench {mix}, {RECORDS:,} records, {engine}, against no troth", measured, 1.3)


def _again(table: Table, mix: str, seeds: dict[str, int], name: str) -> Callable[[], int]:
    """The next run of this side: both carry out the same ones, in the same order."""

    def work() -> int:
        seeds[name] += 1
        return run(table, mix, seeds[name])

    return work
