"""Whatever is changed in the stored ledger is found, and where it stands is said (attacks R4 and R5)."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.foundation.ledger import worlds
from tests.stores import fresh_store
from troth.errors import StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, leaves
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.findings import Finding, Verification
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.tiles import GrowingTree
from troth.foundation.ledger.verification import verify
from troth.foundation.store import Store
from troth.foundation.store.schema import metadata

SOAK = os.environ.get("SOAK") == "true"
FLIPS = 10_000 if SOAK else 300
FORKS = 1_000 if SOAK else 20
ENTRIES = 1_030
WAITING = 5

# Every column that the evidence is made of. What is left out says nothing about the past: who sequences now, when a
# key was made, how the last verification ended.
EVIDENCE = {
    "ledger_leaves": ("id", "kind", "at", "person", "content", "hash"),
    "ledger_order": ("number", "leaves", "first", "last"),
    "ledger_tiles": ("level", "number", "hashes"),
    "ledger_checkpoints": ("size", "root", "note"),
    "ledger_state": ("origin", "keys", "size"),
    "ledger_bodies": ("leaf", "person", "under", "sealed"),
    "person_keys": ("person", "use", "wrapped"),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keyring]:
    """A store of 1,000 entries and some, in a file; what follows works on copies."""
    folder = tmp_path_factory.mktemp("original")
    keyring = Keyring.create(folder)
    with fresh_store(folder) as store:
        with store.writing() as tx:
            leaves.append(tx, keyring, "request.received", 24, {}, worlds.NOON, sealed={"words": "gone soon"})
        worlds.shred(store, keyring, 24)
        worlds.fill(store, keyring, ENTRIES - 2, batch=97)
        worlds.wait(store, keyring, WAITING)
        path = worlds.copy(store, folder / "original.db")
    return path, keyring


@dataclass
class World:
    store: Store
    keyring: Keyring
    raw: sqlite3.Connection

    def verified(self, *outside: str) -> Verification:
        return verify(self.store, keyring=self.keyring, outside=outside)

    def run(self, statement: str, *values: object) -> None:
        self.raw.execute(statement, values)


@pytest.fixture
def world(original: tuple[Path, Keyring], tmp_path: Path) -> Iterator[World]:
    path, keyring = original
    copied = tmp_path / "troth.db"
    copied.write_bytes(path.read_bytes())
    raw = sqlite3.connect(copied, isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")  # nothing here has to outlive a power cut
    with Store.open(f"sqlite:///{copied}") as store:
        yield World(store, keyring, raw)
    raw.close()


def test_an_untouched_ledger_holds(world: World) -> None:
    outcome = world.verified(worlds.note(world.store))

    assert outcome.findings == []
    assert (outcome.size, outcome.waiting, outcome.heads) == (ENTRIES, WAITING, 11)


# --- one byte -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One stored value, as bytes."""

    table: str
    column: str
    row: int
    type: str
    value: bytes

    def flipped(self, at: int, bit: int) -> bytes:
        return self.value[:at] + bytes([self.value[at] ^ (1 << bit)]) + self.value[at + 1 :]

    def typed(self, value: bytes) -> object:
        return int.from_bytes(value, "big", signed=True) if self.type == "integer" else value


def cells(raw: sqlite3.Connection) -> list[Cell]:
    found = []
    for table, columns in EVIDENCE.items():
        for column in columns:
            for row, kind, value in raw.execute(
                f'SELECT rowid, typeof("{column}"), CASE typeof("{column}") WHEN \'text\' THEN CAST("{column}" AS BLOB)'
                f' ELSE "{column}" END FROM {table}'
            ):
                if value is not None and value != b"":
                    stored = value.to_bytes(8, "big", signed=True) if kind == "integer" else value
                    found.append(Cell(table, column, row, kind, stored))
    return found


def names_the_place(cell: Cell, at: int, finding: Finding, places: dict[int, int], raw: dict[str, Any]) -> bool:
    """Whether the finding leads whoever reads it to the row (and, in a tile, to the hash) that was changed."""
    match cell.table, cell.column:
        case "ledger_leaves" | "ledger_bodies", _:
            return finding.leaf == cell.row
        case "ledger_order", "leaves":
            return finding.place == cell.row * 256 + at // 8
        case "ledger_order", _:
            return finding.where.startswith("the order of")
        case "ledger_tiles", "hashes":
            level, number = raw["tiles"][cell.row]
            return finding.place == (number * 256 + at // 32) * 256**level
        case "ledger_tiles", _:
            level, number = raw["tiles"][cell.row]
            return finding.where == f"tile {number} of level {level}"
        case "ledger_checkpoints", _:
            return "the head of size" in finding.where and f"size {cell.row}" in str(finding)
        case "ledger_state", column:
            where = {"origin": "the head of", "keys": "the keys", "size": "the "}[column]
            return finding.where.startswith(where)
        case "person_keys", _:
            return "key of person" in finding.where
    return False


def test_one_flipped_bit_is_found_and_located_wherever_it_is(world: World) -> None:
    chance = random.Random(20261128)
    every = cells(world.raw)
    by_column: dict[tuple[str, str], list[Cell]] = {}
    for cell in every:
        by_column.setdefault((cell.table, cell.column), []).append(cell)
    assert set(by_column) == {(table, column) for table, columns in EVIDENCE.items() for column in columns}
    tiles = {
        row: (level, number)
        for row, level, number in world.raw.execute("SELECT rowid, level, number FROM ledger_tiles")
    }
    weights = [len(cell.value) for cell in every]
    tried = 0
    while tried < FLIPS:
        # Half of them over all bytes alike, half over all columns alike, so that the small ones are met too.
        if tried % 2:
            [cell] = chance.choices(every, weights)
        else:
            cell = chance.choice(by_column[chance.choice(list(by_column))])
        at, bit = chance.randrange(len(cell.value)), chance.randrange(8)
        if not change(world.raw, cell, cell.flipped(at, bit)):
            continue  # a key forbids that value
        tried += 1

        outcome = world.verified()

        what = f"{cell.table}.{cell.column} of row {cell.row}, byte {at}, bit {bit}"
        assert not outcome.holds, what
        assert any(names_the_place(cell, at, one, {}, {"tiles": tiles}) for one in outcome.findings), (
            what,
            outcome.findings,
        )
        restore(world.raw, cell, cell.flipped(at, bit))
    assert world.verified().holds


def change(raw: sqlite3.Connection, cell: Cell, value: bytes) -> bool:
    as_text = f"CAST(? AS {'TEXT' if cell.type == 'text' else 'BLOB'})" if cell.type != "integer" else "?"
    try:
        raw.execute(
            f'UPDATE {cell.table} SET "{cell.column}" = {as_text} WHERE rowid = ?', (cell.typed(value), cell.row)
        )
    except sqlite3.IntegrityError:
        return False
    return True


def restore(raw: sqlite3.Connection, cell: Cell, now: bytes) -> None:
    moved = cell.column in {"id", "leaf"} or (cell.table, cell.column) in {
        ("ledger_order", "number"),
        ("ledger_checkpoints", "size"),
    }
    row = cell.typed(now) if moved else cell.row
    as_text = f"CAST(? AS {'TEXT' if cell.type == 'text' else 'BLOB'})" if cell.type != "integer" else "?"
    raw.execute(f'UPDATE {cell.table} SET "{cell.column}" = {as_text} WHERE rowid = ?', (cell.typed(cell.value), row))


# --- the same on PostgreSQL -----------------------------------------------------------------------------------------

ON_POSTGRESQL = {
    "content": ("UPDATE ledger_leaves SET content = set_byte(content, 9, get_byte(content, 9) # 1) WHERE id = 40", 40),
    "hash": ("UPDATE ledger_leaves SET hash = set_byte(hash, 31, get_byte(hash, 31) # 4) WHERE id = 41", 41),
    "kind": ("UPDATE ledger_leaves SET kind = 'consent.givem' WHERE id = 5", 5),
    "at": ("UPDATE ledger_leaves SET at = at + interval '1 microsecond' WHERE id = 42", 42),
    "person": ("UPDATE ledger_leaves SET person = set_byte(person, 0, get_byte(person, 0) # 1) WHERE id = 43", 43),
    "nobody": ("UPDATE ledger_leaves SET person = NULL WHERE id = 44", 44),
    "body": ("UPDATE ledger_bodies SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE leaf = 8", 8),
    "use": ("UPDATE ledger_bodies SET under = 'accountability' WHERE leaf = 8", 8),
    "gone": ("DELETE FROM ledger_leaves WHERE id = 46", 46),
    "no body": ("DELETE FROM ledger_bodies WHERE leaf = 8", 8),
    "order": ("UPDATE ledger_order SET leaves = set_byte(leaves, 7, 46) WHERE number = 0", 46),
    "tile": (
        "UPDATE ledger_tiles SET hashes = set_byte(hashes, 33, get_byte(hashes, 33) # 1) WHERE level = 0 AND number = 0",
        2,
    ),
    "root": ("UPDATE ledger_checkpoints SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE size = 100", 100),
    "note": ("UPDATE ledger_checkpoints SET note = replace(note, 'troth', 'trith') WHERE size = 100", 100),
    "size": ("UPDATE ledger_state SET size = 299", None),
    "waiting": ("DELETE FROM ledger_waiting", 301),
}


def test_what_is_changed_on_postgresql_is_found_there_too(
    keyring: Keyring, tmp_path: Path, postgresql_database: str
) -> None:
    with fresh_store(tmp_path, url=postgresql_database) as store:
        worlds.fill(store, keyring, 300)
        worlds.wait(store, keyring, 1)
        assert verify(store, keyring=keyring).findings == []
        for name, (statement, there) in ON_POSTGRESQL.items():
            outcome = changed_for_a_moment(store, keyring, statement)

            assert not outcome.holds, name
            places = {number for one in outcome.findings for number in (one.leaf, one.place)}
            assert there is None or there in places, (name, outcome.findings)
        assert verify(store, keyring=keyring).findings == []


def changed_for_a_moment(store: Store, keyring: Keyring, statement: str) -> Verification:
    """The verification of a store in which `statement` has just been done; then it is undone."""
    kept: dict[str, list[Any]] = {}
    with store.writing() as tx:
        for table in ("ledger_leaves", "ledger_bodies", "ledger_waiting", *EVIDENCE):
            kept[table] = [dict(row._mapping) for row in tx.execute(metadata.tables[table].select())]
        tx.execute(text("ALTER TABLE ledger_bodies DROP CONSTRAINT IF EXISTS fk_ledger_bodies_leaf_ledger_leaves"))
        assert tx.execute(text(statement)).rowcount == 1
    outcome = verify(store, keyring=keyring)
    with store.writing() as tx:
        for table, rows in kept.items():
            tx.execute(metadata.tables[table].delete())
            if rows:
                tx.execute(metadata.tables[table].insert(), rows)
    return outcome


# --- rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaf", [1, 500, 1_000, ENTRIES])
def test_a_deleted_leaf_is_missed(world: World, leaf: int) -> None:
    world.run("DELETE FROM ledger_leaves WHERE id = ?", leaf)

    findings = world.verified().findings

    assert Finding(f"entry {leaf - 1} (leaf {leaf})", "is gone", leaf - 1, leaf) in findings


def test_a_leaf_deleted_with_all_that_led_to_it_is_missed(world: World) -> None:
    """Everything after it moved up by one, tiles and order made anew: only the signed heads know."""
    world.run("DELETE FROM ledger_leaves WHERE id = 700")
    rebuild(world)

    findings = {finding.where: finding.place for finding in world.verified().findings}

    assert findings["the head of size 778"] == 681  # the last head that fits


@pytest.mark.parametrize(("one", "other"), [(10, 11), (5, 900), (257, 512)])
def test_two_swapped_leaves_are_found_where_they_belong(world: World, one: int, other: int) -> None:
    both = [
        world.raw.execute("SELECT kind, at, person, content, hash FROM ledger_leaves WHERE id = ?", (leaf,)).fetchone()
        for leaf in (one, other)
    ]
    for leaf, row in ((one, both[1]), (other, both[0])):
        world.run(
            "UPDATE ledger_leaves SET kind = ?, at = ?, person = ?, content = ?, hash = ? WHERE id = ?", *row, leaf
        )

    findings = world.verified().findings

    assert {finding.leaf for finding in findings if "not the entry that was placed" in finding.message} == {one, other}
    if one // 256 == other // 256:
        assert any(finding.message.endswith(f"it belongs to place {other - 1}") for finding in findings)


def test_two_entries_swapped_in_the_order_are_found(world: World) -> None:
    [leaves] = world.raw.execute("SELECT leaves FROM ledger_order WHERE number = 1").fetchone()
    swapped = leaves[8:16] + leaves[:8] + leaves[16:]
    world.run("UPDATE ledger_order SET leaves = ? WHERE number = 1", swapped)

    assert {finding.place for finding in world.verified().findings} == {256, 257}


def test_a_leaf_slipped_in_is_found(world: World) -> None:
    world.run(
        "INSERT INTO ledger_leaves (id, kind, at, person, content, hash)"
        " SELECT 5000, kind, at, person, content, hash FROM ledger_leaves WHERE id = 9"
    )

    first = ENTRIES + WAITING + 1
    assert [str(one) for one in world.verified().findings] == [
        f"leaf {first}: is gone, and never had a place, and so are those up to leaf 4999"
    ]
    world.run("UPDATE ledger_leaves SET id = -7 WHERE id = 5000")
    assert "leaf -7: has no place and waits for none" in map(str, world.verified().findings)


def test_a_waiting_leaf_that_is_gone_or_changed_is_found(world: World) -> None:
    world.run("DELETE FROM ledger_leaves WHERE id = ?", ENTRIES + 1)
    world.run("UPDATE ledger_leaves SET content = content || x'20' WHERE id = ?", ENTRIES + 2)

    assert {finding.leaf for finding in world.verified().findings} == {ENTRIES + 1, ENTRIES + 2}


def test_a_leaf_taken_away_before_it_had_a_place_is_missed_for_good(world: World) -> None:
    world.run("DELETE FROM ledger_leaves WHERE id = ?", ENTRIES + 2)
    worlds.sequence(world.store, world.keyring)

    assert [str(one) for one in world.verified().findings] == [f"leaf {ENTRIES + 2}: is gone, and never had a place"]


def test_the_last_leaf_taken_away_before_it_had_a_place_is_missed(world: World) -> None:
    world.run("DELETE FROM ledger_leaves WHERE id > ?", ENTRIES + WAITING - 2)
    missing = f"leaf {ENTRIES + WAITING - 1}: is gone, and never had a place, and so are those up to leaf"
    assert [str(one) for one in world.verified().findings] == [f"{missing} {ENTRIES + WAITING}"]

    worlds.sequence(world.store, world.keyring)
    worlds.wait(world.store, world.keyring, 1)
    assert [str(one) for one in world.verified().findings] == [f"{missing} {ENTRIES + WAITING}"]


def test_a_leaf_that_waits_under_a_number_that_was_never_given_is_found(world: World) -> None:
    last = world.raw.execute("SELECT max(id) FROM ledger_leaves").fetchone()[0]
    world.run(f"UPDATE ledger_leaves SET id = {2**41 + last} WHERE id = {last}")

    found = world.verified().findings

    assert [finding.where for finding in found] == [f"leaf {last}", "the numbers of leaves"]


def test_a_number_of_leaves_set_back_is_found(world: World) -> None:
    world.run("UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'ledger_leaves'")

    assert [finding.where for finding in world.verified().findings] == ["the numbers of leaves"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO ledger_waiting (leaf) VALUES (7)", ["entry 6 (leaf 7): has a place and waits for one"]),
        (
            "UPDATE ledger_waiting SET leaf = 11 WHERE leaf = 31",
            ["entry 10 (leaf 11): has a place and waits for one", "leaf 31: has no place and waits for none"],
        ),
        ("DELETE FROM ledger_leaves WHERE id = 31", ["leaf 31: waits for its place and is gone"]),
        (
            "INSERT INTO ledger_leaves (kind, at, person, content, hash) SELECT kind, at, person, content, hash FROM ledger_leaves WHERE id = 10",
            ["leaf 32: has no place and waits for none"],
        ),
    ],
)
def test_what_waits_on_postgresql_is_held_against_the_leaves(
    keyring: Keyring, tmp_path: Path, postgresql_database: str, statement: str, expected: list[str]
) -> None:
    """There a table says what waits. Where the numbers are right, still one leaf would never get its place."""
    with fresh_store(tmp_path, url=postgresql_database) as store:
        worlds.fill(store, keyring, 30)
        worlds.wait(store, keyring, 1)
        with store.writing() as tx:
            tx.execute(text(statement))

        assert [str(one) for one in verify(store, keyring=keyring).findings] == expected


def test_a_sealed_body_taken_away_is_missed_unless_its_key_was_destroyed(world: World) -> None:
    [leaf] = world.raw.execute("SELECT min(leaf) FROM ledger_bodies").fetchone()
    world.run("DELETE FROM ledger_bodies WHERE leaf = ?", leaf)

    [finding] = world.verified().findings

    assert finding.leaf == leaf
    assert "no entry records that the key was destroyed" in finding.message


def test_the_mark_of_a_destroyed_key_taken_away_or_slipped_in_is_found(world: World) -> None:
    """Without its mark the key would be made again, for somebody who was erased."""
    world.run("DELETE FROM person_keys WHERE wrapped IS NULL")
    [finding] = world.verified().findings
    assert finding.message == "an entry records that it was destroyed, and its mark is not there"

    world.run(
        "INSERT INTO person_keys (person, use, made_at) VALUES (x'0011', 'content', '2026-11-22 12:00:00.000000')"
    )
    assert "the content key of person 0011...: is gone, and no entry records it" in map(str, world.verified().findings)


def test_a_body_slipped_in_is_found(world: World) -> None:
    world.run("INSERT INTO ledger_bodies (leaf, person, under, sealed) VALUES (1, x'00', 'content', x'00')")

    assert [finding.leaf for finding in world.verified().findings] == [1]


# --- the end, the past, another past ------------------------------------------------------------------------------


def test_a_cut_tail_shows_against_a_checkpoint_kept_outside(world: World) -> None:
    kept = worlds.note(world.store)
    size = 875  # of a signed head, as whoever cuts with care would choose
    world.run("DELETE FROM ledger_leaves WHERE id > ?", size)
    world.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'ledger_leaves'", size)
    world.run("DELETE FROM ledger_bodies WHERE leaf > ?", size)
    rebuild(world, size)

    assert world.verified().holds  # from inside, a ledger that was cut is a shorter ledger
    [finding] = world.verified(kept).findings
    assert (finding.where, finding.place) == (f"the checkpoint of size {ENTRIES} kept outside", size)
    assert "the end was cut off" in finding.message


def test_an_older_file_put_back_shows_against_a_checkpoint_kept_outside(world: World, tmp_path: Path) -> None:
    older = worlds.copy(world.store, tmp_path / "older.db")
    worlds.sequence(world.store, world.keyring)
    worlds.fill(world.store, world.keyring, 40, start=50_000)
    kept = worlds.note(world.store)
    assert world.verified(kept).holds

    with Store.open(f"sqlite:///{older}") as back:
        assert verify(back, keyring=world.keyring).holds
        [finding] = verify(back, keyring=world.keyring, outside=[kept]).findings
        assert finding.place == ENTRIES
        assert "an older copy put back" in finding.message


def test_a_forked_history_shows_against_checkpoints_kept_outside(world: World, tmp_path: Path) -> None:
    """Whoever holds the key writes another past from some entry on, and signs it: everything inside fits."""
    chance = random.Random(7)
    trunk = worlds.copy(world.store, tmp_path / "trunk.db")
    sizes = [row[0] for row in world.raw.execute("SELECT size FROM ledger_checkpoints ORDER BY size")]
    kept = [row[0] for row in world.raw.execute("SELECT note FROM ledger_checkpoints ORDER BY size")]
    for number in range(FORKS):
        path = tmp_path / "fork.db"
        path.write_bytes(trunk.read_bytes())
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("PRAGMA synchronous = OFF")
        leaf = chance.randrange(1, ENTRIES + 1)
        other = b'{"at":"2026-11-22T12:00:00.000000Z","body":{"fork":%d},"kind":"k","person":null,"troth":1}' % number
        raw.execute(
            "UPDATE ledger_leaves SET content = ?, kind = 'k', at = '2026-11-22 12:00:00.000000', person = NULL WHERE id = ?",
            (other, leaf),
        )
        raw.execute("DELETE FROM ledger_bodies WHERE leaf = ?", (leaf,))
        with Store.open(f"sqlite:///{path}") as store:
            rebuild(World(store, world.keyring, raw), signed=sizes)
            raw.close()
            fitting = max([size for size in sizes if size < leaf], default=0)
            found = verify(store, keyring=world.keyring, outside=["\n".join(kept)]).findings
            there = [one for one in found if "kept outside" in one.where]
            assert [one.place for one in there] == [fitting], (leaf, found)
            if leaf != 2:  # that one tells of a destroyed key, whose body is then missed from inside too
                assert found == there, leaf
            # With one checkpoint kept, it is still found; the place is as close as one checkpoint can tell.
            assert any(one.place == 0 for one in verify(store, keyring=world.keyring, outside=[kept[-1]]).findings)
        for beside in tmp_path.glob("fork.db*"):
            beside.unlink()


def test_a_history_forged_without_the_key_shows_from_inside(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forger = Keyring.create(tmp_path_factory.mktemp("forger"))
    world.run(
        "UPDATE ledger_leaves SET content = replace(CAST(content AS TEXT), 'purpose-1', 'purpose-2') WHERE id = 12"
    )
    sizes = [row[0] for row in world.raw.execute("SELECT size FROM ledger_checkpoints ORDER BY size")]
    rebuild(World(world.store, forger, world.raw), signed=sizes)

    findings = world.verified().findings

    assert any("no key that is trusted" in finding.message for finding in findings)


def test_a_forger_who_adds_a_key_of_their_own_is_found(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The keys that the store names prove nothing by themselves."""
    forger = Keyring.create(tmp_path_factory.mktemp("forger"))
    [origin, keys] = world.raw.execute("SELECT origin, keys FROM ledger_state").fetchone()
    world.run(
        "UPDATE ledger_leaves SET content = replace(CAST(content AS TEXT), 'purpose-1', 'purpose-2') WHERE id = 12"
    )
    sizes = [row[0] for row in world.raw.execute("SELECT size FROM ledger_checkpoints ORDER BY size")]
    rebuild(World(world.store, forger, world.raw), signed=sizes)
    world.run("UPDATE ledger_state SET keys = ?", f"{PublicKey.of(forger, origin).text}\n{keys}")

    assert f"the head of size {ENTRIES}: no key that is trusted has signed the note" in map(
        str, world.verified().findings
    )


def test_another_key_signs_nothing_in_this_ledger(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A key that nobody handed over to is refused before it signs; what waits goes on waiting."""
    other = Keyring.create(tmp_path_factory.mktemp("newer"))

    with pytest.raises(StoreError, match="is not the one that signs this ledger"):
        worlds.sequence(world.store, other)

    assert world.verified().findings == []
    assert world.verified().waiting == WAITING


def test_a_checkpoint_of_another_ledger_fits_nowhere(world: World) -> None:
    other = checkpoints.sign(Checkpoint("other.example/ledger/00", 1, bytes(32)), world.keyring)

    assert [finding.message for finding in world.verified(other).findings] == [
        "no key that is trusted has signed the note"
    ]


def rebuild(world: World, size: int | None = None, signed: list[int] | None = None) -> None:
    """Make order, tiles and heads anew over the leaves as they stand, as a careful forger would.

    `size`: keep the heads up to there, and add none; `signed`: sign anew at these sizes; else keep the old heads.
    """
    raw = world.raw
    waiting = {row[0] for row in raw.execute("SELECT leaf FROM ledger_waiting")}
    raw.execute("BEGIN")
    for leaf, content, hashed in raw.execute("SELECT id, CAST(content AS BLOB), hash FROM ledger_leaves").fetchall():
        anew = hashlib.sha256(b"\0" + content).digest()
        if anew != hashed:
            raw.execute("UPDATE ledger_leaves SET hash = ?, content = ? WHERE id = ?", (anew, content, leaf))
    rows = [row for row in raw.execute("SELECT id, hash FROM ledger_leaves ORDER BY id") if row[0] not in waiting]
    raw.execute("DELETE FROM ledger_order")
    raw.execute("DELETE FROM ledger_tiles")
    if size is not None:
        raw.execute("DELETE FROM ledger_checkpoints WHERE size > ?", (size,))
    if signed is not None:
        raw.execute("DELETE FROM ledger_checkpoints")
    origin = raw.execute("SELECT origin FROM ledger_state").fetchone()[0]
    raw.execute("COMMIT")
    with world.store.writing() as tx:
        tree = GrowingTree(tx, 0)
        start = 0
        for end in [*(signed or []), len(rows)]:
            tree.add(rows[start:end])
            tree.save(tx)
            if signed is not None and end != start:
                head = Checkpoint(origin, tree.size, tree.root())
                tx.execute(
                    text("INSERT INTO ledger_checkpoints (size, root, note) VALUES (:size, :root, :note)"),
                    {"size": head.size, "root": head.root, "note": checkpoints.sign(head, world.keyring)},
                )
            start = end
        tx.execute(text("UPDATE ledger_state SET size = :size"), {"size": len(rows)})
