"""The proof that one entry is in the ledger, whole in itself: entry, place, path to a signed head. It verifies offline.

As JSON (`Receipt.json`), or as the text that other tools read (C2SP tlog-proof, `Receipt.tlog_proof`).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from troth.errors import ProofInvalid, StoreError
from troth.foundation.ledger import checkpoints, lineage, merkle, notes, tiles
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.lineage import Handover
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.store import Store

SCHEMA = 1
_LONGEST = 200_000
_LONGEST_PATH = 64
_MOST_HANDOVERS = 100
_LOOK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Receipt:
    """One entry and its proof. `key` is the ledger's public key for convenience; trust the one you were told before."""

    entry: bytes = field(repr=False)
    index: int
    path: tuple[bytes, ...] = field(repr=False)
    checkpoint: str = field(repr=False)
    key: str
    handovers: tuple[Handover, ...] = field(default=(), repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The receipt for a file: `entry` is the text of the leaf, letter by letter what was hashed. `handovers` lead
        from a key that signed before to the one that signs now, where there were any.
        """
        said = [
            {"entry": each.entry.decode(), "path": [_written(one) for one in each.path], "checkpoint": each.note}
            for each in self.handovers
        ]
        return ({"handovers": said} if said else {}) | {
            "schema": SCHEMA,
            "entry": self.entry.decode(),
            "index": self.index,
            "path": [_written(one) for one in self.path],
            "checkpoint": self.checkpoint,
            "key": self.key,
        }

    @property
    def tlog_proof(self) -> str:
        """The proof as C2SP tlog-proof; its extra data is the entry."""
        lines = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(self.entry).decode()}", f"index {self.index}"]
        lines += [_written(one) for one in self.path]
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    @classmethod
    def read(cls, text: str) -> Receipt:
        """The receipt in a file, of either form; nothing is verified yet. Raises: ProofInvalid."""
        if len(text) > _LONGEST:
            raise _no_receipt()
        try:
            return cls._of_proof(text) if text.startswith("c2sp.org/tlog-proof@v1\n") else cls._of(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _no_receipt() from None

    @classmethod
    def _of(cls, value: Mapping[str, Any]) -> Receipt:
        index, key, note = value["index"], value["key"], value["checkpoint"]
        if value["schema"] != SCHEMA or type(index) is not int or not isinstance(key, str) or not isinstance(note, str):
            raise _no_receipt()
        if len(handed := value.get("handovers", [])) > _MOST_HANDOVERS:
            raise _no_receipt()
        passed = tuple(lineage.read(each["checkpoint"], each["entry"].encode(), _path(each["path"])) for each in handed)
        return cls(value["entry"].encode(), index, _path(value["path"]), note, key, passed)

    @classmethod
    def _of_proof(cls, text: str) -> Receipt:
        head, _, note = text.partition("\n\n")
        _, extra, index, *path = head.split("\n")
        entry = notes.decoded(extra.removeprefix("extra "))
        number = index.removeprefix("index ")
        if not extra.startswith("extra ") or not index.startswith("index ") or str(int(number)) != number:
            raise _no_receipt()
        return cls(entry, int(number), _path(path), note, "")


def find_receipt(tx: Connection, leaf: int) -> Receipt | None:
    """The proof that the leaf is in the newest signed head; None while it waits for its place.

    Raises: StoreError when there is no such leaf.
    """
    content = tx.execute(select(ledger_leaves.c.content).where(ledger_leaves.c.id == leaf)).scalar_one_or_none()
    if content is None:
        raise StoreError(f"the ledger has no leaf {leaf}")
    place = tiles.find_place(tx, leaf)
    head = checkpoints.latest(tx)
    if place is None or head is None or head.size <= place:
        return None
    try:
        path = merkle.inclusion_proof(tiles.reader(tx), place, head.size)
    except ValueError as error:
        raise StoreError(f"the ledger is damaged: {error}", repair="Run `troth ledger verify`.") from None
    try:
        line = lineage.load(tx, paths=True)
    except ProofInvalid as damaged:
        raise StoreError(f"the ledger is damaged: {damaged.message}", repair="Run `troth ledger verify`.") from None
    key = line.signers(head.size)[-1].text if line.keys else ""
    return Receipt(content, place, path, head.note, key, line.vouched)


def receipt(store: Store, leaf: int, *, wait_s: float = 10.0) -> Receipt:
    """As `find_receipt`, and waits at most `wait_s` seconds until the sequencer has placed the leaf.

    Raises: StoreError when it was not placed in time, and then it is not lost; or when there is no such leaf.
    """
    deadline = time.monotonic() + wait_s
    while True:
        with store.reading() as tx:
            found = find_receipt(tx, leaf)
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise StoreError(
                f"leaf {leaf} has no place in the ledger after {wait_s:g} s",
                where=store.where,
                repair="See that `troth serve` or `troth worker` runs, or run `troth ledger checkpoint`.",
            )
        time.sleep(_LOOK_AGAIN_S)


def verify_receipt(found: Receipt, known: Iterable[PublicKey]) -> Checkpoint:
    """The signed head that the entry is proven to be in. `known`: keys that are trusted; those that they handed over
    to, as the receipt shows, are as well. Raises: ProofInvalid.
    """
    head = checkpoints.read(found.checkpoint, lineage.followed(known, found.handovers))
    if not merkle.verify_inclusion(merkle.leaf_hash(found.entry), found.index, head.size, found.path, head.root):
        raise ProofInvalid(
            "the path does not lead from the entry to the signed head: entry, place or path were altered",
            where=head.origin,
        )
    return head


def _written(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()


def _path(texts: Iterable[str]) -> tuple[bytes, ...]:
    path = tuple(notes.decoded(text) for text in texts)
    if len(path) > _LONGEST_PATH or any(len(one) != merkle.HASH for one in path):
        raise _no_receipt()
    return path


def _no_receipt() -> ProofInvalid:
    return ProofInvalid("this is no receipt of a ledger", expected="what `troth ledger prove` gave")
