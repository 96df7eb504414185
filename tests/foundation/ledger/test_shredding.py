"""A sealed body opens only with its person's key, is bound to its leaf, and is gone for good when the key is destroyed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.foundation.ledger import worlds
from tests.foundation.ledger.worlds import NOON
from tests.stores import fresh_store
from troth.errors import KeyUnavailable, StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves, personkeys, shredding
from troth.foundation.ledger.tables import ledger_bodies, ledger_leaves, person_keys
from troth.foundation.ledger.verification import verify
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store import Store

WORDS = {"words": "Ada Lovelace, ada@example.org, 12 Lilac Lane", "when": NOON}


def write(store: Store, keyring: Keyring, person: int = 17, under: KeyUse = KeyUse.CONTENT, **sealed: object) -> int:
    with store.writing() as tx:
        return leaves.append(
            tx, keyring, "request.received", person, {"n": 1}, NOON, sealed=sealed or WORDS, under=under
        )


def body(store: Store, keyring: Keyring, leaf: int) -> dict[str, object] | None:
    with store.reading() as tx:
        return shredding.find_body(tx, keyring, leaf)


def shred(store: Store, keyring: Keyring, person: int, use: KeyUse) -> int | None:
    with store.writing() as tx:
        return shredding.shred(tx, keyring, person, use, NOON)


def test_what_is_sealed_opens_again_and_stands_nowhere_in_clear(each_store: Store, keyring: Keyring) -> None:
    leaf = write(each_store, keyring)

    assert body(each_store, keyring, leaf) == {"words": WORDS["words"], "when": "2026-11-22T12:00:00.000000Z"}
    with each_store.reading() as tx:
        stored = [*tx.execute(select(ledger_leaves)).all(), *tx.execute(select(ledger_bodies)).all()]
    told = repr(stored).encode().lower()
    assert b"lovelace" not in told
    assert b"ada@" not in told


def test_the_leaf_binds_the_sealed_bytes_and_the_words_in_them(store: Store, keyring: Keyring) -> None:
    leaf = write(store, keyring)

    [content] = worlds.contents(store)
    with store.reading() as tx:
        row = tx.execute(select(ledger_bodies)).one()
        key = personkeys.find_key(tx, keyring, row.person, row.under)
    assert key is not None
    plain = personkeys.unseal(key, row.sealed, leaves.sealing_context(row.under, row.person))
    assert json.loads(content)["sealed"] == {
        "bytes": hashlib.sha256(row.sealed).hexdigest(),
        "commitment": hashlib.sha256(b"troth sealed body 1\0" + plain).hexdigest(),
        "under": "content",
    }
    assert row.leaf == leaf


def test_the_same_words_twice_leave_no_two_leaves_alike(store: Store, keyring: Keyring) -> None:
    """So that nobody can try likely words against a leaf after the key is gone."""
    for _ in range(2):
        write(store, keyring, answer="yes")

    one, other = (json.loads(content)["sealed"] for content in worlds.contents(store))
    assert one["commitment"] != other["commitment"]
    assert one["bytes"] != other["bytes"]


def test_each_person_and_each_use_has_a_key_of_its_own(each_store: Store, keyring: Keyring) -> None:
    write(each_store, keyring, 17)
    write(each_store, keyring, 17)
    write(each_store, keyring, 17, KeyUse.ACCOUNTABILITY)
    write(each_store, keyring, 18)

    with each_store.reading() as tx:
        found = tx.execute(select(person_keys)).all()
        keys = {personkeys.find_key(tx, keyring, row.person, row.use) for row in found}
    assert len(found) == len(keys) == 3
    assert all(row.wrapped is not None and row.destroyed_at is None for row in found)


def test_destroying_a_key_closes_its_bodies_and_no_others(each_store: Store, keyring: Keyring) -> None:
    content, kept = write(each_store, keyring), write(each_store, keyring, under=KeyUse.ACCOUNTABILITY)
    neighbour = write(each_store, keyring, 18)

    leaf = shred(each_store, keyring, 17, KeyUse.CONTENT)

    assert body(each_store, keyring, content) is None
    assert body(each_store, keyring, kept) is not None
    assert body(each_store, keyring, neighbour) is not None
    assert leaf is not None
    said = json.loads(worlds.contents(each_store)[-1])
    assert (said["kind"], said["body"]) == ("key.destroyed", {"bodies": 1, "use": "content"})
    worlds.sequence(each_store, keyring)
    assert verify(each_store, keyring=keyring).holds


def test_destroying_twice_is_destroying_once(each_store: Store, keyring: Keyring) -> None:
    write(each_store, keyring)

    assert shred(each_store, keyring, 17, KeyUse.CONTENT) is not None
    assert shred(each_store, keyring, 17, KeyUse.CONTENT) is None
    assert len(worlds.contents(each_store)) == 2


def test_nothing_is_sealed_again_for_who_was_erased(each_store: Store, keyring: Keyring) -> None:
    shred(each_store, keyring, 17, KeyUse.CONTENT)

    with pytest.raises(KeyUnavailable, match="was destroyed"):
        write(each_store, keyring)
    assert write(each_store, keyring, under=KeyUse.ACCOUNTABILITY)


def test_a_deed_that_fails_leaves_neither_body_nor_key(each_store: Store, keyring: Keyring) -> None:
    def deed_that_fails() -> None:
        with each_store.writing() as tx:
            leaves.append(tx, keyring, "request.received", 17, {}, NOON, sealed=WORDS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        deed_that_fails()

    with each_store.reading() as tx:
        assert tx.execute(select(ledger_bodies)).all() == []
        assert tx.execute(select(person_keys)).all() == []


def test_after_shredding_the_ledger_holds_and_no_byte_of_the_person_is_left(tmp_path: Path, keyring: Keyring) -> None:
    with fresh_store(tmp_path) as store:
        worlds.fill(store, keyring, 300)
        needle = worlds.NEEDLE.format(10)
        with store.reading() as tx:
            mine = leaves.pseudonym(keyring, 10)
            wrapped = tx.execute(
                select(person_keys.c.wrapped).where(
                    person_keys.c.person == mine, person_keys.c["use"] == KeyUse.CONTENT
                )
            ).scalar_one()
            sealed = (
                tx.execute(
                    select(ledger_bodies.c.sealed).where(
                        ledger_bodies.c.person == mine, ledger_bodies.c.under == KeyUse.CONTENT
                    )
                )
                .scalars()
                .all()
            )
            theirs = tx.execute(select(ledger_bodies.c.leaf).where(ledger_bodies.c.person == mine)).scalars().all()
        assert sealed
        assert any(needle in str(body(store, keyring, leaf)) for leaf in theirs)
        assert all(part in every_byte(tmp_path) for part in (wrapped, *sealed))

        worlds.shred(store, keyring, 10)
        worlds.sequence(store, keyring)

        outcome = verify(store, keyring=keyring)
        assert outcome.findings == []
        left = every_byte(tmp_path)
        assert needle.encode() not in left
        for part in (wrapped, *sealed):  # neither the closed key nor the closed words
            assert part not in left
            assert part[12:28] not in left


def every_byte(folder: Path) -> bytes:
    files = [path for path in folder.iterdir() if path.name.startswith("troth.db")]
    return b"".join(path.read_bytes() for path in files)


def test_a_body_that_is_not_the_bound_one_is_refused(store: Store, keyring: Keyring) -> None:
    one, other = write(store, keyring, say="no"), write(store, keyring, say="yes")
    with store.writing() as tx:
        tx.execute(
            text(
                "UPDATE ledger_bodies SET sealed = (SELECT sealed FROM ledger_bodies WHERE leaf = :other) WHERE leaf = :one"
            ),
            {"one": one, "other": other},
        )

    with pytest.raises(StoreError, match="not the one that the leaf is bound to"):
        body(store, keyring, one)


def test_a_body_moved_to_another_person_does_not_open(store: Store, keyring: Keyring) -> None:
    one, other = write(store, keyring, 17), write(store, keyring, 18)
    with store.writing() as tx:
        tx.execute(
            text(
                "UPDATE ledger_bodies SET sealed = (SELECT sealed FROM ledger_bodies WHERE leaf = :other) WHERE leaf = :one"
            ),
            {"one": one, "other": other},
        )

    with pytest.raises(KeyUnavailable, match="does not open"):
        body(store, keyring, one)


def test_a_sealed_body_needs_a_person(store: Store, keyring: Keyring) -> None:
    with pytest.raises(ValueError, match="needs the person"), store.writing() as tx:
        leaves.append(tx, keyring, "request.received", None, {}, NOON, sealed=WORDS)


def test_what_is_sealed_shows_in_no_repr() -> None:
    entry = leaves.Entry("request.received", 17, {}, NOON, WORDS)

    assert "ada" not in repr(entry).lower()
