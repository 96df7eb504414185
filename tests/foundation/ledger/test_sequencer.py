"""Every leaf gets one place and keeps it, whoever sequences, whoever is killed, in whatever order commits arrive."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.foundation.ledger import independent, worlds
from tests.foundation.ledger.worlds import NOON
from tests.stores import fresh_store
from troth.errors import KeyUnavailable, StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, leaves, sequencer, tiles, watching
from troth.foundation.ledger.appending import Appender
from troth.foundation.ledger.leaves import Entry
from troth.foundation.ledger.receipts import receipt
from troth.foundation.ledger.sequencer import LEASE, Sequencer, sequence_once
from troth.foundation.ledger.tables import ledger_checkpoints, ledger_order, ledger_state, ledger_waiting
from troth.foundation.ledger.verification import remember, verify
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store import Store
from troth.testing import FixedClock

SOAK = os.environ.get("SOAK") == "true"
HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def order(store: Store) -> list[int]:
    """The ids of the leaves in the order of the tree."""
    with store.reading() as tx:
        packed = tx.execute(select(ledger_order.c.leaves).order_by(ledger_order.c.number)).scalars().all()
    return [leaf for part in packed for leaf in tiles.unpacked(part)]


def write(store: Store, keyring: Keyring, *numbers: int) -> list[int]:
    with store.writing() as tx:
        return leaves.append_many(tx, keyring, [worlds.entry(number) for number in numbers])


def test_a_batch_places_what_waits_and_signs_the_root_of_the_definition(each_store: Store, keyring: Keyring) -> None:
    ids = write(each_store, keyring, *range(300))

    batch = sequence_once(each_store, keyring, host="shop.example")

    assert batch is not None
    assert (batch.first, batch.count) == (0, 300)
    assert order(each_store) == ids
    assert batch.checkpoint.root == independent.mth(worlds.contents(each_store))
    assert batch.checkpoint.origin.startswith("shop.example/ledger/")
    assert checkpoints.claimed(worlds.note(each_store)) == batch.checkpoint
    assert sequence_once(each_store, keyring) is None


def test_batches_of_any_size_make_the_same_tree(each_store: Store, keyring: Keyring) -> None:
    chance = random.Random(4)
    write(each_store, keyring, *range(1_100))
    while sequence_once(each_store, keyring, limit=chance.choice((1, 3, 100, 256, 300))) is not None:
        pass

    outcome = verify(each_store, keyring=keyring)
    assert outcome.findings == []
    assert outcome.root == independent.mth(worlds.contents(each_store))


def test_a_leaf_of_a_deed_that_is_undone_never_waits(each_store: Store, keyring: Keyring) -> None:
    def deed_that_fails() -> None:
        with each_store.writing() as tx:
            leaves.append(tx, keyring, "tea.poured", None, {}, NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        deed_that_fails()
    [leaf] = write(each_store, keyring, 1)
    worlds.sequence(each_store, keyring)

    assert order(each_store) == [leaf]


def test_a_smaller_id_that_is_committed_later_is_placed_later_and_never_passed_over(
    keyring: Keyring, tmp_path: Path, postgresql_database: str
) -> None:
    with fresh_store(tmp_path, url=postgresql_database) as store, Store.open(postgresql_database) as slow:
        begun, go_on = threading.Event(), threading.Event()
        late: list[int] = []

        def write_slowly() -> None:
            with slow.writing() as tx:
                late.extend(leaves.append_many(tx, keyring, [worlds.entry(1), worlds.entry(2)]))
                begun.set()
                go_on.wait(30)

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write_slowly)
            assert begun.wait(30)
            early = write(store, keyring, 3, 4, 5)
            worlds.sequence(store, keyring)
            assert order(store) == early
            assert min(early) > max(late)
            go_on.set()
            writing.result(30)
        worlds.sequence(store, keyring)

        assert order(store) == [*early, *late]
        with store.reading() as tx:
            assert [tiles.find_place(tx, leaf) for leaf in late] == [3, 4]
        assert verify(store, keyring=keyring).findings == []


def test_leaves_that_stood_before_there_was_a_tree_get_their_places(tmp_path: Path, keyring: Keyring) -> None:
    from troth.foundation.store import migrations

    with Store.open(f"sqlite:///{tmp_path / 'old.db'}") as store:
        migrations.upgrade(store, "0001")
        with store.writing() as tx:
            for number in range(5):
                leaf = leaves.prepare(None, keyring, Entry("tea.poured", 1, {"n": number}, NOON))
                tx.execute(
                    text("INSERT INTO ledger_leaves (kind, at, person, content, hash) VALUES (:k, :a, :p, :c, :h)"),
                    {
                        "k": leaf.kind,
                        "a": "2026-11-22 12:00:00.000000",
                        "p": leaf.person,
                        "c": leaf.content,
                        "h": leaf.hash,
                    },
                )
        migrations.upgrade(store)
        worlds.sequence(store, keyring)

        assert verify(store, keyring=keyring).findings == []
        assert order(store) == [1, 2, 3, 4, 5]


# --- who sequences ------------------------------------------------------------------------------------------------


def test_while_one_holds_the_lease_another_keeps_away_until_it_lapses(each_store: Store, keyring: Keyring) -> None:
    clock = FixedClock(NOON)
    one, other = Sequencer(each_store, keyring, clock), Sequencer(each_store, keyring, clock)
    write(each_store, keyring, 1)
    assert one.once() is not None
    write(each_store, keyring, 2)

    assert other.once() is None
    clock.advance(LEASE + timedelta(milliseconds=1))
    assert other.once() is not None
    write(each_store, keyring, 3)
    assert one.once() is None
    other.release()
    assert one.once() is not None
    with each_store.reading() as tx:
        assert tx.execute(select(ledger_state.c.token)).scalar_one() == 3
    assert verify(each_store, keyring=keyring).findings == []


def test_one_that_was_taken_over_from_starts_again_from_what_the_store_says(
    each_store: Store, keyring: Keyring
) -> None:
    """Its tree in memory is of the past; going on with it would give places twice."""
    clock = FixedClock(NOON)
    one, other = Sequencer(each_store, keyring, clock), Sequencer(each_store, keyring, clock)
    for number, who in enumerate([one, other, one, one, other, one] * 3):
        write(each_store, keyring, *range(number * 100, number * 100 + 100))
        clock.advance(LEASE * 2)
        assert who.once() is not None

    assert order(each_store) == list(range(1, 1801))
    assert verify(each_store, keyring=keyring).findings == []


def test_a_lease_of_a_clock_that_ran_ahead_does_not_stop_everybody(store: Store, keyring: Keyring) -> None:
    ahead = FixedClock(NOON + timedelta(days=400))
    write(store, keyring, 1)
    assert Sequencer(store, keyring, ahead).once() is not None
    write(store, keyring, 2)

    assert Sequencer(store, keyring, FixedClock(NOON)).once() is not None


def test_many_at_once_place_each_leaf_once(each_store: Store, keyring: Keyring) -> None:
    write(each_store, keyring, *range(400))
    sequencers = [Sequencer(each_store, keyring) for _ in range(4)]

    def work(one: Sequencer) -> None:
        while sum(1 for _ in order(each_store)) < 400:
            if one.once(50) is not None:
                one.release()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, one) for one in sequencers]:
            done.result(60)

    assert order(each_store) == list(range(1, 401))
    assert verify(each_store, keyring=keyring).findings == []


def test_nothing_is_signed_over_a_tree_that_is_not_the_last_signed_one(each_store: Store, keyring: Keyring) -> None:
    worlds.fill(each_store, keyring, 300)
    with each_store.writing() as tx:
        tx.execute(
            text(
                "UPDATE ledger_tiles SET hashes = (SELECT hashes FROM ledger_tiles WHERE level = 1) WHERE level = 0 AND number = 1"
            )
        )
    write(each_store, keyring, 1)

    with pytest.raises(StoreError, match="troth ledger verify"):
        sequence_once(each_store, keyring)
    with each_store.reading() as tx:
        assert tx.execute(select(ledger_waiting)).all() != []


def test_a_store_put_back_under_a_running_sequencer_is_not_signed_for(
    store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    running = Sequencer(store, keyring)
    write(store, keyring, *range(10))
    running.once()
    older = worlds.copy(store, tmp_path / "older.db").read_bytes()
    write(store, keyring, *range(10, 20))
    running.once()

    store.settle()
    assert store.path is not None
    store.path.unlink()
    store.path.write_bytes(older)
    write(store, keyring, 30)

    with pytest.raises(StoreError, match="An older store was put back"):
        running.once()


def test_a_batch_that_fails_is_as_if_it_had_not_begun(
    each_store: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Sequencer(each_store, keyring)
    write(each_store, keyring, *range(300))
    running.once(150)

    def full(*_: object) -> str:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "sign", full)
        with pytest.raises(OSError, match="no space"):
            running.once()
    assert len(order(each_store)) == 150

    assert running.once() is not None
    assert verify(each_store, keyring=keyring).findings == []


def test_a_running_sequencer_gives_receipts_soon_and_stops(each_store: Store, keyring: Keyring) -> None:
    with Sequencer(each_store, keyring) as running:
        [leaf] = write(each_store, keyring, 1)
        running.wake()
        assert receipt(each_store, leaf).index == 0
        [leaf] = write(each_store, keyring, 2)  # nobody calls: it looks by itself
        assert receipt(each_store, leaf).index == 1

    assert "troth ledger" not in {thread.name for thread in threading.enumerate()}
    with each_store.reading() as tx:
        assert tx.execute(select(ledger_state.c.holder)).scalar_one() is None


def test_a_running_sequencer_goes_on_after_a_trouble_of_any_kind(
    store: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> str:
        raise OSError("secret of a row")

    [leaf] = write(store, keyring, 1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "sign", fails)
        running = Sequencer(store, keyring)
        running.start()
        while not caplog.records:
            time.sleep(0.01)
    try:
        running.wake()
        assert receipt(store, leaf).index == 0
    finally:
        running.stop()
    assert [record.getMessage() for record in caplog.records] == ["the ledger could not be sequenced: OSError"]


# --- killed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_and_sequencers_killed_again_and_again_lose_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = (
        request.getfixturevalue("postgresql_database") if kind == "postgresql" else f"sqlite:///{tmp_path / 'troth.db'}"
    )
    keyring = Keyring.create(tmp_path)
    chance = random.Random(11)
    kills, count = (60, 3_000) if SOAK else (4, 100)
    with fresh_store(tmp_path, url=url if kind == "postgresql" else None) as store:
        acknowledged: list[int] = []
        with writers(url, tmp_path, count) as running:
            for _ in range(kills):
                with sequencing(url, tmp_path) as process:
                    time.sleep(chance.uniform(0.05, 0.6))
                    process.send_signal(signal.SIGKILL)
            for process in running:
                said, _ = process.communicate(timeout=240)
                assert process.returncode == 0
                acknowledged += [int(line) for line in said.split()]
        time.sleep(LEASE.total_seconds())
        worlds.sequence(store, keyring)

        found = order(store)
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        assert len(found) == len(acknowledged)  # nobody was killed between commit and print here
        outcome = verify(store, keyring=keyring)
        assert outcome.findings == []
        assert (outcome.size, outcome.waiting) == (len(found), 0)
        assert outcome.root == independent.mth([content for _, content in by_place(store)])


def by_place(store: Store) -> list[tuple[int, bytes]]:
    with store.reading() as tx:
        contents = {row.id: row.content for row in tx.execute(text("SELECT id, content FROM ledger_leaves"))}
    return [(leaf, bytes(contents[leaf])) for leaf in order(store)]


@contextmanager
def writers(url: str, folder: Path, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}"}
    command = [sys.executable, str(HERE / "appending_process.py"), url, str(folder)]
    running = [
        subprocess.Popen([*command, f"w{number}", str(count)], stdout=subprocess.PIPE, text=True, env=environ)
        for number in range(4)
    ]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def sequencing(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}"}
    command = [sys.executable, str(HERE / "sequencing_process.py"), url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


# --- writers that share commits -----------------------------------------------------------------------------------


def test_writers_that_wait_share_commits_and_each_gets_its_own_leaf(each_store: Store, keyring: Keyring) -> None:
    commits = 0

    def wrote() -> None:
        nonlocal commits
        commits += 1

    appender = Appender(each_store, keyring, wrote=wrote)

    def work(number: int) -> list[tuple[int, int]]:
        return [
            (appender.append(Entry("tea.poured", 1, {"n": n}, NOON)), n) for n in range(number * 20, number * 20 + 20)
        ]

    with ThreadPoolExecutor(25) as pool:
        written = [pair for part in pool.map(work, range(25)) for pair in part]

    with each_store.reading() as tx:
        contents = {row.id: row.content for row in tx.execute(text("SELECT id, content FROM ledger_leaves"))}
    assert {leaf: json.loads(bytes(contents[leaf]))["body"]["n"] for leaf, _ in written} == dict(written)
    assert len(contents) == 500
    assert commits < 300


def test_a_bad_entry_fails_alone(store: Store, keyring: Keyring) -> None:
    appender = Appender(store, keyring)
    worlds.shred(store, keyring, 3)
    good = Entry("tea.poured", 1, {}, NOON)
    bad = [
        (Entry("mail.sent", 1, {"to": "bob@example.org"}, NOON), StoreError),
        (Entry("request.received", 3, {}, NOON, {"words": "gone"}, KeyUse.CONTENT), KeyUnavailable),
        (Entry("request.received", None, {}, NOON, {"words": "nobody's"}), ValueError),
    ]

    def work(number: int) -> None:
        entry, error = bad[number % 3]
        if number % 2:
            assert appender.append(good) > 0
        else:
            with pytest.raises(error):
                appender.append(entry)

    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(work, number) for number in range(60)]:
            done.result(60)
    assert len(worlds.contents(store)) == 31


# --- what can be seen -----------------------------------------------------------------------------------------------


def test_a_leaf_that_waits_too_long_is_seen(each_store: Store, keyring: Keyring) -> None:
    with each_store.reading() as tx:
        seen = watching.look(tx)
    assert (seen.size, seen.waiting, seen.waiting_since) == (0, 0, None)
    assert not seen.late(NOON)

    with each_store.writing() as tx:
        leaves.append(tx, keyring, "tea.poured", None, {}, NOON)
    with each_store.reading() as tx:
        seen = watching.look(tx)
    assert (seen.waiting, seen.waiting_since) == (1, NOON)
    assert not seen.late(NOON + timedelta(seconds=10))
    assert seen.late(NOON + timedelta(seconds=10, microseconds=1))

    worlds.sequence(each_store, keyring)
    with each_store.reading() as tx:
        seen = watching.look(tx)
    assert (seen.size, seen.waiting) == (1, 0)
    assert not seen.late(NOON + timedelta(days=1))


def test_how_the_last_verification_ended_is_seen(each_store: Store, keyring: Keyring) -> None:
    worlds.fill(each_store, keyring, 3)
    remember(each_store, verify(each_store, keyring=keyring), NOON)
    with each_store.reading() as tx:
        seen = watching.look(tx)
    assert (seen.verified_at, seen.verified_size, seen.findings, seen.wrong) == (NOON, 3, 0, None)

    with each_store.writing() as tx:
        tx.execute(text("DELETE FROM ledger_leaves WHERE id = 2"))
    remember(each_store, verify(each_store, keyring=keyring), NOON + timedelta(hours=1))
    with each_store.reading() as tx:
        seen = watching.look(tx)
    assert (seen.findings, seen.wrong) == (1, "entry 1 (leaf 2): is gone")


def test_heads_are_kept_for_every_batch(store: Store, keyring: Keyring) -> None:
    worlds.fill(store, keyring, 250)

    with store.reading() as tx:
        assert tx.execute(select(ledger_checkpoints.c.size).order_by(ledger_checkpoints.c.size)).scalars().all() == [
            100,
            200,
            250,
        ]
    assert sequencer.BATCH >= 10_000
