"""Verify the newest part of a ledger, for those who look often: the last entries, and the way from each to the head.

The newest head is signed; its root is that of the tiles at the edge of the tree; each tile on the way up folds to the
hash that stands for it one level above; each of the entries hashes to what its tile holds. So an entry that was looked
at is the one that was signed for. What lies before is `verification`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from troth.errors import ProofInvalid, StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, lineage, merkle
from troth.foundation.ledger.checkpoints import Head
from troth.foundation.ledger.findings import Verification, entry
from troth.foundation.ledger.leafcheck import LeafCheck
from troth.foundation.ledger.merkle import HASH, WIDTH, Tiles
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.rows import Row, Rows
from troth.foundation.ledger.tables import ledger_order, ledger_state
from troth.foundation.ledger.tiles import reader, unpacked
from troth.foundation.store import Store


def verify_newest(store: Store, *, keyring: Keyring | None = None, at_least: int = 10_000) -> tuple[Verification, int]:
    """Verify the last `at_least` entries and up to 255 before them; with the place of the first that was looked at.

    The head must be signed by the key of `keyring`; without one, by a key that the store names. Raises: StoreError when
    the store cannot be read.
    """
    outcome = Verification()
    with store.reading() as tx:
        head = checkpoints.latest(tx)
        if head is None:
            return outcome, 0
        outcome.size, outcome.root, outcome.heads = head.size, head.root, 1
        outcome.origin = tx.execute(select(ledger_state.c.origin)).scalar_one_or_none()
        _look_at_head(tx, head, keyring, outcome)
        first = max(head.size - at_least, 0) // WIDTH
        try:
            _look_at_tree(tx, head, first, outcome)
        except StoreError as damaged:
            outcome.add("the tree", damaged.message)
        _look_at_entries(tx, head, first, outcome)
        return outcome, first * WIDTH


def _look_at_head(tx: Connection, head: Head, keyring: Keyring | None, outcome: Verification) -> None:
    what = f"the head of size {head.size}"
    try:
        line = lineage.load(tx)
        known = line.keys
        if keyring is not None and outcome.origin is not None:
            former = PublicKey.former_of(keyring, outcome.origin)
            known = (PublicKey.of(keyring, outcome.origin), *((former,) if former else ()))
        read = lineage.read_head(head.note, known, line)
    except ProofInvalid as problem:
        outcome.add(what, problem.message, place=head.size)
        return
    if (read.size, read.root, read.origin) != (head.size, head.root, outcome.origin):
        outcome.add(what, f"its row and its signed text (size {read.size}) differ", place=head.size)


def _look_at_tree(tx: Connection, head: Head, first: int, outcome: Verification) -> None:
    """From the tiles of the newest entries up to the root. Raises: StoreError for a tile that is missing."""
    tiles = reader(tx)
    try:
        root = merkle.root_from(tiles, head.size)
    except ValueError:
        root = b""
    if root != head.root:
        outcome.add("the tree", "its root is not the one that was signed", place=head.size)
    level, numbers, count = 0, range(first, head.size // WIDTH), head.size
    while numbers:  # full tiles only: what is not full yet is part of the root
        for number in numbers:
            if merkle.fold(tiles(level, number)[: WIDTH * HASH]) != _hash(tiles, level + 1, number):
                place = number * WIDTH ** (level + 1)
                outcome.add(f"tile {number} of level {level}", "is not the one that the tree above holds", place=place)
        count //= WIDTH
        level, numbers = level + 1, range(numbers.start // WIDTH, count // WIDTH)


def _hash(tiles: Tiles, level: int, place: int) -> bytes:
    return tiles(level, place // WIDTH)[place % WIDTH * HASH : (place % WIDTH + 1) * HASH]


def _look_at_entries(tx: Connection, head: Head, first: int, outcome: Verification) -> None:
    rows, leaf_check, tiles = Rows(tx), LeafCheck(tx, None, outcome), reader(tx)
    for number in range(first, -(-head.size // WIDTH)):
        statement = select(ledger_order.c.leaves).where(ledger_order.c.number == number)
        ids = unpacked(tx.execute(statement).scalar_one_or_none() or b"")[: head.size - number * WIDTH]
        try:
            tile = tiles(0, number)
        except StoreError as missing:
            outcome.add(f"tile {number} of level 0", missing.message, place=number * WIDTH)
            continue
        if len(ids) != min(WIDTH, head.size - number * WIDTH):
            outcome.add(f"the order of entries from {number * WIDTH}", "it is damaged", place=number * WIDTH)
            continue
        found = rows.careful(ids)
        computed = leaf_check.go_through(found, ids, number * WIDTH)
        _compare(number * WIDTH, list(zip(ids, found, computed, strict=True)), tile, outcome)


def _compare(
    first: int, looked_at: Sequence[tuple[int, Row | None, bytes]], tile: bytes, outcome: Verification
) -> None:
    for at, (leaf, row, computed) in enumerate(looked_at):
        placed = tile[at * HASH : (at + 1) * HASH]
        if row is None:
            outcome.add(entry(first + at, leaf), "is gone", place=first + at, leaf=leaf)
        elif computed != placed:
            outcome.add(entry(first + at, leaf), "is not the entry that was placed here", place=first + at, leaf=leaf)
        elif row.hash != placed:
            outcome.add(entry(first + at, leaf), "its stored hash was changed", place=first + at, leaf=leaf)
