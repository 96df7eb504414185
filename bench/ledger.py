"""The ledger against the least it can cost: bare inserts, one commit, a scan with the hashes that the tree is made of.

`python -m bench.ledger` prints each ratio with its budget. Every floor works on a store of the same kind and settings,
with rows of the same size, by the driver itself.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.ratio import Figure, Measured, at_least, at_most, compare

BATCH = 10_000
SINGLE = 100
WRITERS = 50
TIMES = 20
SLOW_DISK_S = 1 / 467
"""What one durable commit takes on the slower disk that the budget was set by, in seconds."""
LEDGER = 100_000

_BARE = "INSERT INTO bare (kind, at, person, content) VALUES (?, ?, ?, ?)"


def event(number: int) -> dict[str, Any]:
    """A consent as troth records it."""
    return {
        "purpose": f"purpose-{number % 10}",
        "at": "2026-11-22T12:00:00.000000Z",
        "text": "ab" * 32,
        "sentence": "2.1b",
        "policy": "cd" * 32,
        "language": "en",
        "method": "form",
        "number": number,
    }


def figures() -> Iterator[Figure]:
    """The ratios, measured now on stores of their own."""
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store, migrations

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keyring = Keyring.create(folder)
        path = folder / "troth.sqlite3"
        with Store.open(f"sqlite:///{path}") as store:
            migrations.upgrade(store)
            raw = _opened(path)
            raw.execute(
                "CREATE TABLE bare"
                " (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, at TEXT, person BLOB, content BLOB)"
            )
            yield from _appending(store, keyring, raw)
            yield from _verifying(folder, keyring)
            raw.close()
    yield from _on_postgresql()


def _appending(store: Any, keyring: Any, raw: sqlite3.Connection) -> Iterator[Figure]:
    from troth.foundation.ledger import leaves
    from troth.foundation.ledger.leaves import Entry
    from troth.foundation.ledger.sequencer import Sequencer

    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    events = [event(number) for number in range(BATCH)]
    entries = [Entry("consent.given", number % 5000, body, moment) for number, body in enumerate(events)]
    people = [hashlib.sha256(b"%d" % number).digest()[:16] for number in range(5000)]
    dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    sequencer = Sequencer(store, keyring)

    def row(number: int) -> tuple[Any, ...]:
        """The same event as a bare row: its JSON, the person, the time; nothing that proves anything."""
        person = people[number % 5000]
        said = {"at": "2026-11-22T12:00:00.000000Z", "kind": "consent.given", "person": person.hex(), "troth": 1}
        content = dumps(said | {"body": events[number % BATCH]}).encode()
        return "consent.given", "2026-11-22 12:00:00.000000", person, content

    def bare_batch() -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(_BARE, [row(number) for number in range(BATCH)])
        raw.execute("COMMIT")

    def batch() -> None:
        with store.writing() as tx:
            leaves.append_many(tx, keyring, entries)

    def whole_batch() -> None:
        batch()
        while sequencer.once() is not None:
            pass

    sequenced = compare(whole_batch, bare_batch, rounds=5)
    written = compare(batch, bare_batch)
    yield at_least(f"{BATCH} entries in one transaction, against bare rows of the same JSON", written, 0.7)
    yield Figure(
        "the same with order, tree and signed head",
        f"{1 / sequenced.ratio:.2f} x as fast, {BATCH / sequenced.ours_s:,.0f} entries/s",
    )

    def bare_single() -> None:
        for number in range(SINGLE):
            with store.writing() as tx:
                tx.exec_driver_sql(_BARE, row(number))

    def single() -> None:
        for number in range(SINGLE):
            with store.writing() as tx:
                leaves.append(tx, keyring, "consent.given", number, events[number], moment)

    alone = compare(single, bare_single, rounds=31, clock=time.perf_counter)
    yield at_least("one durable entry, against the store's own commit of one row", alone, 0.9)

    yield from _waiting("SQLite", _writers(store, keyring, entries), single)
    wide = " ".join(["INSERT INTO bare (kind, at, person, content) VALUES", ", ".join(["(?, ?, ?, ?)"] * WRITERS)])

    def bare_shared() -> None:
        """As many rows by one thread that waits for nobody, made ready beforehand, `WRITERS` to a commit."""
        for values in packed:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute(wide, values)
            raw.execute("COMMIT")

    numbers = range(0, 100 * SINGLE, WRITERS)
    packed = [[part for one in range(start, start + WRITERS) for part in row(one)] for start in numbers]
    bound = compare(bare_shared, single, rounds=5, clock=time.perf_counter)
    yield Figure(
        f"the most that this disk gives: bare rows ready in one thread, {WRITERS} to a commit, against one",
        f"{100 / bound.ratio:.1f} x as many as one writer ({100 * SINGLE / bound.ours_s:,.0f}/s)",
    )


def _writers(store: Any, keyring: Any, entries: list[Any]) -> Callable[[], None]:
    """A hundred times `SINGLE` entries by `WRITERS` threads, each of which waits for each of its own."""
    from troth.foundation.ledger.appending import Appender

    appender = Appender(store, keyring)

    def shared() -> None:
        each = 100 * SINGLE // WRITERS

        def work() -> None:
            for number in range(each):
                appender.append(entries[number])

        threads = [threading.Thread(target=work) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return shared


def _many_times(what: str, measured: Measured, budget: int | None) -> Figure:
    """How many of those that `measured` ran a hundred times as many of were done in the time of one alone."""
    times = 100 / measured.ratio
    figure = (
        f"{times:.1f} x as many ({100 * SINGLE / measured.ours_s:,.0f}/s against {SINGLE / measured.floor_s:,.0f}/s)"
    )
    if budget is None:
        return Figure(what, figure)
    return Figure(what, figure, f"at least {budget} x", times >= budget)


def _waiting(where: str, shared: Callable[[], None], single: Callable[[], None]) -> Iterator[Figure]:
    """On this disk the figure alone: how much a shared commit saves is the disk's doing. Judged where a commit of
    either takes as long as on the slower disk that the budget was set by.
    """
    together = compare(shared, single, rounds=5, clock=time.perf_counter)
    what = f"{WRITERS} writers that wait, against one, on {where}"
    yield _many_times(what, together, None)
    missing = max(SLOW_DISK_S - together.floor_s / SINGLE, 0)
    with _slower(missing):
        slow = compare(shared, single, rounds=3, clock=time.perf_counter)
    yield _many_times(f"{what}, where each commit of either takes {missing * 1e3:.1f} ms more", slow, TIMES)


@contextmanager
def _slower(seconds: float) -> Iterator[None]:
    """Every commit takes `seconds` more, as on a disk that takes its time; whoever writes."""
    from sqlalchemy import Engine
    from sqlalchemy import event as happening

    def wait(_: Any) -> None:
        time.sleep(seconds)

    happening.listen(Engine, "commit", wait)
    try:
        yield
    finally:
        happening.remove(Engine, "commit", wait)


def _on_postgresql() -> Iterator[Figure]:
    """The same writers over a server of their own, which has a commit on its disk before it says so."""
    from tests.servers import postgresql_server
    from troth.foundation.keys import Keyring
    from troth.foundation.ledger import leaves
    from troth.foundation.ledger.leaves import Entry
    from troth.foundation.store import Store, migrations

    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    entries = [Entry("consent.given", number % 5000, event(number), moment) for number in range(100 * SINGLE)]
    durable = [part for name in ("fsync", "full_page_writes", "synchronous_commit") for part in ("-c", f"{name}=on")]
    with postgresql_server(*durable) as server, tempfile.TemporaryDirectory() as name, Store.open(server.url) as store:
        keyring = Keyring.create(Path(name))
        migrations.upgrade(store)

        def single() -> None:
            for entry in entries[:SINGLE]:
                with store.writing() as tx:
                    leaves.append(tx, keyring, entry.kind, entry.person, entry.body, entry.at)

        yield from _waiting("PostgreSQL", _writers(store, keyring, entries), single)


def _verifying(folder: Path, keyring: Any) -> Iterator[Figure]:
    from troth.foundation.ledger import leaves
    from troth.foundation.ledger.leaves import Entry
    from troth.foundation.ledger.sequencer import sequence_once
    from troth.foundation.ledger.verification import verify
    from troth.foundation.store import Store, migrations

    path = folder / "large.sqlite3"
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with Store.open(f"sqlite:///{path}") as store:
        migrations.upgrade(store)
        for start in range(0, LEDGER, BATCH):
            with store.writing() as tx:
                some = range(start, start + BATCH)
                leaves.append_many(tx, keyring, [Entry("consent.given", n % 5000, event(n), moment) for n in some])
            while sequence_once(store, keyring) is not None:
                pass
        store.settle()
        raw = _opened(path)

        def one_hash() -> None:
            for content, hashed in raw.execute("SELECT content, hash FROM ledger_leaves ORDER BY id"):
                assert hashlib.sha256(b"\0" + content).digest() == hashed

        def both_hashes() -> None:
            """All columns, and the two hashes of which RFC 6962 makes the tree: one of each entry, one of each pair."""
            before = bytes(32)
            for _, _, _, _, content, hashed in raw.execute(
                "SELECT id, kind, at, person, content, hash FROM ledger_leaves ORDER BY id"
            ):
                assert hashlib.sha256(b"\0" + content).digest() == hashed
                before = hashlib.sha256(b"\1" + before + hashed).digest()

        def ours() -> None:
            outcome = verify(store, keyring=keyring)
            assert outcome.holds
            assert outcome.size == LEDGER

        against = "scan and hashes that RFC 6962 makes the tree of (entry and node)"
        yield at_most(f"verify {LEDGER} entries, against {against}", compare(ours, both_hashes, rounds=7), 1.5)
        plain = compare(ours, one_hash, rounds=5)
        yield Figure("the same, against two columns and one hash", f"{plain.ratio:.2f} x ({plain.ours_s:.2f} CPU s)")
        raw.close()


def _opened(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}")
    return raw


if __name__ == "__main__":
    measured = []
    for figure in figures():
        measured.append(figure)
        verdict = {None: "", True: "kept", False: "BROKEN"}[figure.kept]
        print(f"{figure.what}: {figure.figure}, budget {figure.budget or '-'}, {verdict}", flush=True)
    sys.exit(0 if all(figure.kept is not False for figure in measured) else 1)
