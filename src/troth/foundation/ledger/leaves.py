"""Write into the ledger what was done: one leaf for one deed, in the transaction of the deed itself.

A leaf is the canonical JSON (RFC 8785) of what happened, and its hash as RFC 6962 has it, SHA-256 over a zero byte
and the stored bytes. It names no one: the person is a keyed pseudonym, the body holds ids, hashes and words of the
policy. The pseudonym is not anonymous; who holds the key can recompute it. Order in the tree, and signatures over
it, come from the sequencer, which reads these rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from troth.errors import StoreError
from troth.foundation.canonical import canonical_json
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves

VERSION = 1
_LONGEST_WORD = 300
_LEAF = b"\x00"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: the kind (`consent.given`), whom it is about, what happened, and when troth did it."""

    kind: str
    person: int | None
    body: Mapping[str, Any]
    at: datetime


def append(  # noqa: PLR0917 - the parts of an entry, in their order
    tx: Connection, keyring: Keyring, kind: str, person: int | None, body: Mapping[str, Any], at: datetime
) -> int:
    """Write one leaf in the caller's transaction and give its id. If it cannot be written, the deed is undone with it.

    `body` must hold no personal data; text with `@`, or longer than 300 letters, is refused as a fault of the program.
    Raises: StoreError; ValueError or TypeError for a body without canonical JSON; NaiveTimeError.
    """
    return append_many(tx, keyring, [Entry(kind, person, body, at)])[0]


def append_many(tx: Connection, keyring: Keyring, entries: Iterable[Entry]) -> list[int]:
    """As `append` for each in turn; their ids in the same order."""
    rows = [_row(keyring, entry) for entry in entries]
    if not rows:
        return []
    statement = ledger_leaves.insert().returning(ledger_leaves.c.id, sort_by_parameter_order=True)
    return list(tx.execute(statement, rows).scalars())


def leaf_hash(content: bytes) -> bytes:
    """The hash that stands for `content` in the tree: SHA-256 over 0x00 and the bytes (RFC 6962 section 2.1)."""
    return hashlib.sha256(_LEAF + content).digest()


def pseudonym(keyring: Keyring, person: int) -> bytes:
    """How the ledger calls a person: 16 bytes, the same in every leaf, meaningless without the key."""
    return keyring.pseudonym("ledger person", person.to_bytes(8, "big"))


def _row(keyring: Keyring, entry: Entry) -> dict[str, Any]:
    _refuse_free_text(entry.body, entry.kind)
    person = None if entry.person is None else pseudonym(keyring, entry.person)
    content = canonical_json(
        {
            "troth": VERSION,
            "kind": entry.kind,
            "at": entry.at,
            "person": None if person is None else person.hex(),
            "body": entry.body,
        }
    )
    return {"kind": entry.kind, "at": entry.at, "person": person, "content": content, "hash": leaf_hash(content)}


def _refuse_free_text(value: Any, kind: str) -> None:
    if isinstance(value, str):
        if "@" in value or len(value) > _LONGEST_WORD:
            raise StoreError(f"a ledger entry of kind {kind} would have held free text; nothing was written")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            _refuse_free_text(name, kind)
            _refuse_free_text(each, kind)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _refuse_free_text(each, kind)
