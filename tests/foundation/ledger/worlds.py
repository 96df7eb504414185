"""Ledgers to look at: written like real ones, sequenced in several batches, some leaves still waiting."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, leaves, sequencer, shredding
from troth.foundation.ledger.leaves import Entry
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEEDLE = "needle-of-person-{}-at-lilac-lane"


def entry(number: int) -> Entry:
    """One of many: most about a person, every seventh with a sealed body, some about nobody."""
    person = None if number % 10 == 0 else number % 23 + 1
    at = NOON + timedelta(seconds=number, microseconds=number * 7)
    kind = ("consent.given", "consent.withdrawn", "mail.sent", "request.received")[number % 4]
    body = {"purpose": f"purpose-{number % 5}", "number": number, "at": at, "policy": "ab" * 32}
    if person is None or number % 7:
        return Entry(kind, person, body, at)
    under = KeyUse.CONTENT if number % 2 else KeyUse.ACCOUNTABILITY
    return Entry(kind, person, body, at, {"words": f"{NEEDLE.format(person)} {number}"}, under)


def fill(store: Store, keyring: Keyring, count: int, *, start: int = 0, batch: int = 100) -> list[int]:
    """Write `count` entries, sequenced `batch` at a time."""
    ids: list[int] = []
    for first in range(start, start + count, batch):
        with store.writing() as tx:
            some = range(first, min(first + batch, start + count))
            ids += leaves.append_many(tx, keyring, [entry(number) for number in some])
        sequence(store, keyring)
    return ids


def sequence(store: Store, keyring: Keyring) -> None:
    while sequencer.sequence_once(store, keyring) is not None:
        pass


def wait(store: Store, keyring: Keyring, count: int) -> list[int]:
    """Write entries that wait for their place."""
    with store.writing() as tx:
        return leaves.append_many(tx, keyring, [entry(90_000 + number) for number in range(count)])


def shred(store: Store, keyring: Keyring, person: int, use: KeyUse = KeyUse.CONTENT) -> int | None:
    with store.writing() as tx:
        leaf = shredding.shred(tx, keyring, person, use, NOON)
    store.settle()
    return leaf


def note(store: Store) -> str:
    """The newest signed head, as somebody outside would keep it."""
    with store.reading() as tx:
        head = checkpoints.latest(tx)
    assert head is not None
    return head.note


def contents(store: Store) -> list[bytes]:
    """The bytes of every leaf, by id."""
    with store.reading() as tx:
        return list(tx.execute(select(ledger_leaves.c.content).order_by(ledger_leaves.c.id)).scalars())


def said(content: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(content)
    return found


def copy(store: Store, to: Path) -> Path:
    """The file of a SQLite store, whole, at another place."""
    assert store.path is not None
    store.settle()
    to.write_bytes(store.path.read_bytes())
    return to
