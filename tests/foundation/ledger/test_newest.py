"""The newest part of a long ledger is verified for itself, and what is changed in it is found there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.foundation.ledger import worlds
from tests.stores import fresh_store
from troth.foundation.keys import Keyring
from troth.foundation.ledger.newest import verify_newest
from troth.foundation.store import Store

ENTRIES = 1_100


def test_the_newest_part_of_an_untouched_ledger_holds(each_store: Store, keyring: Keyring) -> None:
    assert verify_newest(each_store, keyring=keyring)[0].size == 0
    for size in (1, 255, 1, 300):
        worlds.fill(each_store, keyring, size, batch=97)
        for at_least in (1, 256, 10_000):
            outcome, first = verify_newest(each_store, keyring=keyring, at_least=at_least)
            assert outcome.findings == []
            assert outcome.size - at_least - 255 <= first <= max(outcome.size - at_least, 0)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE ledger_leaves SET content = x'00' WHERE id = 1000",
            "entry 999 (leaf 1000): is not the entry that was",
        ),
        ("UPDATE ledger_leaves SET hash = zeroblob(32) WHERE id = 900", "entry 899 (leaf 900): its stored hash was"),
        ("UPDATE ledger_leaves SET kind = 'other' WHERE id = 905", "entry 904 (leaf 905): its kind is not what its"),
        ("DELETE FROM ledger_leaves WHERE id = 1100", "entry 1099 (leaf 1100): is gone"),
        ("UPDATE ledger_bodies SET sealed = x'00' WHERE leaf = 1086", "entry 1085 (leaf 1086): its sealed body was"),
        ("UPDATE ledger_tiles SET hashes = zeroblob(8192) WHERE level = 0 AND number = 3", "tile 3 of level 0: is not"),
        ("UPDATE ledger_tiles SET hashes = zeroblob(128) WHERE level = 1", "the tree: its root is not the one"),
        ("DELETE FROM ledger_tiles WHERE level = 0 AND number = 4", "the tree: tile 4 of level 0 of the ledger is"),
        ("DELETE FROM ledger_order WHERE number = 3", "the order of entries from 768: it is damaged"),
        (
            "UPDATE ledger_checkpoints SET root = zeroblob(32) WHERE size = 1100",
            "the head of size 1100: its row and its signed text (size 1100) differ",
        ),
        ("UPDATE ledger_checkpoints SET note = 'x' WHERE size = 1100", "the head of size 1100: "),
    ],
)
def test_what_is_changed_in_the_newest_part_is_found(
    keyring: Keyring, tmp_path: Path, statement: str, expected: str
) -> None:
    with fresh_store(tmp_path) as store:
        worlds.fill(store, keyring, ENTRIES)
        with store.writing() as tx:
            tx.execute(text("PRAGMA defer_foreign_keys = ON"))
            if statement.startswith("DELETE FROM ledger_leaves"):
                tx.execute(text("DELETE FROM ledger_bodies"))
            assert tx.execute(text(statement)).rowcount == 1

        outcome, _ = verify_newest(store, keyring=keyring, at_least=200)

        assert [one for one in map(str, outcome.findings) if one.startswith(expected)], outcome.findings


def test_what_lies_before_the_newest_part_is_left_to_the_whole_verification(keyring: Keyring, tmp_path: Path) -> None:
    with fresh_store(tmp_path) as store:
        worlds.fill(store, keyring, ENTRIES)
        with store.writing() as tx:
            tx.execute(text("UPDATE ledger_leaves SET content = x'00' WHERE id = 3"))

        assert verify_newest(store, keyring=keyring, at_least=200)[0].holds
        assert not verify_newest(store, keyring=keyring, at_least=ENTRIES)[0].holds
