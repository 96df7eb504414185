"""What a ledger stands for at one size, in a text that others keep: C2SP tlog-checkpoint.

Three lines (origin, size, root in base64) as a signed note. Whoever keeps one outside sees with it whether the ledger
still holds what it held: a ledger never signs two heads of which one does not go on from the other.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from troth.errors import ProofInvalid
from troth.foundation.keys import Keyring
from troth.foundation.ledger import notes
from troth.foundation.ledger.merkle import HASH
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.tables import ledger_checkpoints, ledger_state


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ledger's name, how many entries it had, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign(checkpoint: Checkpoint, keyring: Keyring, *, former: bool = False) -> str:
    """The checkpoint as a note, signed under the ledger's own name; with `former`, by the key of before too."""
    return notes.sign(checkpoint.text, checkpoint.origin, keyring, former=former)


def read(note: str, known: Iterable[PublicKey]) -> Checkpoint:
    """The checkpoint that `note` holds, once a signature holds. Raises: ProofInvalid."""
    return parse(notes.read(note, known))


def parse(text: str) -> Checkpoint:
    """The checkpoint of the signed text. Further lines are let be, as the format wants. Raises: ProofInvalid."""
    origin, size, root, *_ = [*text.split("\n"), "", "", ""]
    raw = notes.decoded(root)
    if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size or len(raw) != HASH:
        raise ProofInvalid("this is no checkpoint of a ledger", expected="three lines: name, size, root in base64")
    return Checkpoint(origin, int(size), raw)


def claimed(note: str) -> Checkpoint:
    """What `note` says, with no look at its signatures. Raises: ProofInvalid when it says nothing."""
    return parse(notes.split(note)[0])


def split_notes(text: str) -> tuple[str, ...]:
    """The notes of a file that holds one checkpoint or several, one after the other. Raises: ProofInvalid for none."""
    found: list[str] = []
    lines: list[str] = []
    signed = False
    for line in text.replace("\r\n", "\n").splitlines():
        if signed and not line.startswith("\u2014 "):
            found.append("\n".join(lines) + "\n")
            lines, signed = [], False
        if not line and not lines:
            continue
        lines.append(line)
        signed = line.startswith("\u2014 ")
    if lines:
        found.append("\n".join(lines) + "\n")
    if not found:
        raise ProofInvalid("there is no checkpoint in it", expected="a text that `troth ledger checkpoint` gave")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Head:
    """One signed head as the store keeps it."""

    size: int
    root: bytes
    note: str


def latest(tx: Connection) -> Head | None:
    """The newest signed head; None before the first."""
    row = tx.execute(select(ledger_checkpoints).order_by(ledger_checkpoints.c.size.desc()).limit(1)).one_or_none()
    return None if row is None else Head(row.size, row.root, row.note)


def public_keys(tx: Connection) -> tuple[PublicKey, ...]:
    """The keys that have signed heads of this ledger, oldest first, as the store names them. Raises: ProofInvalid."""
    return tuple(_keys(tx))


def _keys(tx: Connection) -> Iterator[PublicKey]:
    text = tx.execute(select(ledger_state.c["keys"])).scalar_one_or_none() or ""
    for line in text.splitlines():
        yield PublicKey.parse(line)
