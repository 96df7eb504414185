"""Which key signs a ledger's heads from which size on, and how one key takes over from another.

1. A hand-over is the last entry under one head: `key.handed-over`, which names both public keys. That head is signed by
   both, so who trusts the key before finds the next one by themselves: signature, entry, path (`Handover.proof`).
2. Where the key before was lost, the entry is `key.replaced`, and only the new key signs. Nothing but the company's
   word, told by another way, leads from the one to the other.
3. Each head is signed by the key in force at its size, and the head of a hand-over by both. What the key before signs
   later counts for nothing: whoever took it cannot go on with the ledger.
4. Heads that a stolen key signs for *earlier* sizes cannot be told from real ones by their signature. The tree decides
   between them, and a head kept outside decides between two trees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from troth.errors import ProofInvalid, StoreError
from troth.foundation.ledger import checkpoints, leaves, merkle, notes, tiles
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.leaves import Entry
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.tables import ledger_checkpoints, ledger_handovers, ledger_leaves
from troth.foundation.ledger.words import KEY_HANDED_OVER, KEY_REPLACED


@dataclass(frozen=True, slots=True)
class Handover:
    """One key takes over from another with the head of `size`. `vouched`: the key before says so too."""

    size: int
    before: PublicKey
    after: PublicKey
    vouched: bool
    entry: bytes = field(repr=False)
    note: str = field(repr=False)
    path: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def signers(self) -> tuple[PublicKey, ...]:
        """Those who must have signed its head."""
        return (self.before, self.after) if self.vouched else (self.after,)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The keys of one ledger in their order. Says nothing of whom to trust: `followed` does."""

    first: PublicKey | None
    handovers: tuple[Handover, ...] = ()

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """Every key that ever signed, oldest first."""
        return (*((self.first,) if self.first is not None else ()), *(each.after for each in self.handovers))

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Each key with the sizes of the heads that it signs, for a file; `until` is None for the one in force."""
        starts = [1, *(each.size for each in self.handovers)]
        ends = [*(each.size for each in self.handovers), None]
        vouched = [None, *(each.vouched for each in self.handovers)]
        return [
            {"key": key.text, "from": start, "until": end, "vouched_for": said}
            for key, start, end, said in zip(self.keys, starts, ends, vouched, strict=False)
        ]

    def signers(self, size: int) -> tuple[PublicKey, ...]:
        """Who must have signed the head of this size."""
        passed = [each for each in self.handovers if each.size <= size]
        if passed and passed[-1].size == size:
            return passed[-1].signers
        return (passed[-1].after,) if passed else self.keys[:1]

    def in_force_from(self, public_key: bytes) -> int | None:
        """With the head of which size this key took over; None for the first one, and for one of another ledger."""
        return next((each.size for each in self.handovers if each.after.raw == public_key), None)

    @property
    def vouched(self) -> tuple[Handover, ...]:
        """The hand-overs that somebody who trusts an earlier key can follow."""
        return tuple(each for each in self.handovers if each.vouched)


def followed(trusted: Iterable[PublicKey], handovers: Iterable[Handover]) -> tuple[PublicKey, ...]:
    """The keys that somebody trusts who trusts these: each that a trusted one has handed over to, in their order."""
    found = list(dict.fromkeys(trusted))
    for each in handovers:
        if each.vouched and each.before in found and each.after not in found:
            found.append(each.after)
    return tuple(found)


def load(tx: Connection, *, paths: bool = False) -> Lineage:
    """The lineage as the store has it, unverified; with `paths`, each hand-over as a proof of its own.

    Raises: ProofInvalid when what it names is damaged; StoreError.
    """
    named = checkpoints.public_keys(tx)
    found = []
    for size in tx.execute(select(ledger_handovers.c.size).order_by(ledger_handovers.c.size)).scalars():
        leaf = tiles.leaf_at(tx, size - 1)
        content = tx.execute(select(ledger_leaves.c.content).where(ledger_leaves.c.id == leaf)).scalar_one_or_none()
        note = tx.execute(
            select(ledger_checkpoints.c.note).where(ledger_checkpoints.c.size == size)
        ).scalar_one_or_none()
        if content is None or note is None:
            raise ProofInvalid(f"the hand-over at {size} has no entry, or no head")
        path: tuple[bytes, ...] = ()
        if paths:
            try:
                path = merkle.inclusion_proof(tiles.reader(tx), size - 1, size)
            except ValueError as error:
                raise StoreError(f"the ledger is damaged: {error}", repair="Run `troth ledger verify`.") from None
        found.append(_handover(size, content, note, path))
    lineage = Lineage(named[0] if named else None, tuple(found))
    for before, each in zip(lineage.keys, found, strict=False):
        if each.before != before:
            raise ProofInvalid(f"the hand-over at {each.size} does not go on from the key before")
    return lineage


def read(note: str, entry: bytes, path: Sequence[bytes]) -> Handover:
    """The hand-over that a proof shows: everything in it fits, and the head is signed by whom it must be.

    Raises: ProofInvalid.
    """
    head = checkpoints.claimed(note)
    found = _handover(head.size, entry, note, tuple(path))
    _, signed = notes.signers(note, (found.before, found.after))
    if not signed.issuperset(found.signers):
        raise ProofInvalid(f"the hand-over at {head.size} is not signed by whom it must be", where=head.origin)
    if not merkle.verify_inclusion(merkle.leaf_hash(entry), head.size - 1, head.size, found.path, head.root):
        raise ProofInvalid(f"the hand-over at {head.size} is not in its head", where=head.origin)
    return found


def read_head(note: str, trusted: Iterable[PublicKey], line: Lineage) -> Checkpoint:
    """The head that `note` holds, once a trusted key has signed it, and every key that the lineage wants at its size.

    Raises: ProofInvalid.
    """
    known = tuple(trusted)
    text, signed = notes.signers(note, (*known, *line.keys))
    notes.require(signed, known)
    head = checkpoints.parse(text)
    if signed.issuperset(line.signers(head.size)):
        return head
    over = [each for each in line.handovers if each.before in signed and each.size < head.size]
    if over:
        raise ProofInvalid(f"it is signed by a key that had handed over at {over[-1].size}")
    raise ProofInvalid("it is not signed by the key that was in force at its size")


def append(
    tx: Connection, before: PublicKey, after: PublicKey, size: int, at: datetime, *, vouched: bool
) -> tuple[int, bytes]:
    """Write the entry with which `after` takes over, to be the last under the head of `size`; its id and hash.

    In the transaction that signs that head. Raises: StoreError.
    """
    kind = KEY_HANDED_OVER if vouched else KEY_REPLACED
    leaf = leaves.prepare(None, None, Entry(kind, None, {"before": before.text, "after": after.text}, at))
    tx.execute(ledger_handovers.insert().values(size=size))
    return leaves.write(tx, [leaf])[0], leaf.hash


def _handover(size: int, entry: bytes, note: str, path: tuple[bytes, ...]) -> Handover:
    try:
        said = json.loads(entry)
        kind, before, after = said["kind"], said["body"]["before"], said["body"]["after"]
        if kind in {KEY_HANDED_OVER, KEY_REPLACED} and isinstance(before, str) and isinstance(after, str):
            parsed = PublicKey.parse(before), PublicKey.parse(after)
            return Handover(size, *parsed, kind == KEY_HANDED_OVER, entry, note, path)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise ProofInvalid(f"the entry before {size} is no hand-over from one key to another")
