"""Text that is signed so that anybody can check it with the public key alone: C2SP signed-note, Ed25519.

A note is its text, an empty line, and a line for each signature: an em dash, the name of the key, and base64 of the
key's id (4 bytes) and the signature. A public key is handed out as one line, `name+id+base64` (in Go's `note` package:
a verifier key). Pure but for the signing itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from troth.errors import ProofInvalid
from troth.foundation import keys
from troth.foundation.keys import Keyring

_ED25519 = b"\x01"
_DASH = "\u2014"
_MOST_SIGNATURES = 100
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key that signs notes, with its name. May be published."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that say which key signed; computed from name and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """The key as one line, as others read it."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def of(cls, keyring: Keyring, name: str) -> PublicKey:
        """The public key that `keyring` signs with under `name`."""
        return cls(name, keyring.public_key)

    @classmethod
    def former_of(cls, keyring: Keyring, name: str) -> PublicKey | None:
        """The public key that `keyring` signed with before, in the middle of a turn; else None."""
        raw = keyring.former_public_key
        return None if raw is None else cls(name, raw)

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read the line that `text` gives. Raises: ProofInvalid when it is none, or its id is not that of its key."""
        name, _, rest = text.strip().partition("+")
        claimed, _, encoded = rest.partition("+")
        raw = decoded(encoded)
        if is_name(name) and len(raw) == 33 and raw[:1] == _ED25519:
            key = cls(name, raw[1:])
            if key.id.hex() == claimed:
                return key
        raise ProofInvalid("this is no public key of a ledger", expected="one line: name+id+base64, of type Ed25519")


def is_name(text: str) -> bool:
    """Whether `text` may name a key: not empty, no blanks, no plus, nothing that is not printed."""
    return bool(text) and text.isprintable() and "+" not in text and not any(letter.isspace() for letter in text)


def sign(text: str, name: str, keyring: Keyring, *, former: bool = False) -> str:
    """`text` as a note, signed by the signing key under `name`; with `former`, first by the one of before.

    `text` ends with a line break.
    """
    assert text.endswith("\n")
    assert is_name(name)
    lines = []
    before = PublicKey.former_of(keyring, name) if former else None
    if before is not None:
        lines.append(before.id + keyring.sign_as_former(text.encode()))
    lines.append(PublicKey.of(keyring, name).id + keyring.sign(text.encode()))
    return text + "\n" + _signed(name, lines)


def sign_as_former(text: str, name: str, keyring: Keyring) -> str:
    """As `sign`, by the signing key of before alone: a ledger is its until it has passed to the new one."""
    before = PublicKey.former_of(keyring, name)
    assert before is not None
    return text + "\n" + _signed(name, [before.id + keyring.sign_as_former(text.encode())])


def read(note: str, known: Iterable[PublicKey]) -> str:
    """The text of `note`, once a signature of a key of `known` holds. Signatures of other keys are not looked at.

    Raises: ProofInvalid when no known key signed it, or a signature of one does not hold.
    """
    trusted = tuple(known)
    text, held = signers(note, trusted)
    require(held, trusted)
    return text


def require(signed: Collection[PublicKey], trusted: Collection[PublicKey]) -> None:
    """Make sure that a trusted key is among those who signed. Raises: ProofInvalid."""
    if not any(key in signed for key in trusted):
        names = ", ".join(sorted({key.name for key in trusted})) or "no key at all"
        raise ProofInvalid("no key that is trusted has signed the note", expected=f"a signature of {names}")


def signers(note: str, known: Iterable[PublicKey]) -> tuple[str, frozenset[PublicKey]]:
    """The text of `note`, and which keys of `known` have signed it. Raises: ProofInvalid when a signature of one of
    them does not hold, or this is no note.
    """
    text, signatures = split(note)
    by = {(key.name, key.id): key for key in known}
    held = set()
    for name, identity, signature in signatures:
        key = by.get((name, identity))
        if key is None:
            continue
        if not keys.verify(key.raw, signature, text.encode()):
            raise ProofInvalid("the signature of the note does not hold: it was altered", where=name)
        held.add(key)
    return text, frozenset(held)


def split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text and signatures (name, id of the key, signature) of `note`, unverified. Raises: ProofInvalid."""
    text, empty, lines = note.rpartition("\n\n")
    text += "\n"
    signatures = []
    if not empty or not lines.endswith("\n") or len(note) > _LONGEST or _has_controls(note):
        raise _no_note()
    for line in lines[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        raw = decoded(encoded)
        if dash != _DASH or not is_name(name) or len(raw) < 5:
            raise _no_note()
        signatures.append((name, raw[:4], raw[4:]))
    if len(signatures) > _MOST_SIGNATURES:
        raise _no_note()
    return text, signatures


def _signed(name: str, signatures: Iterable[bytes]) -> str:
    return "".join(f"{_DASH} {name} {base64.b64encode(each).decode()}\n" for each in signatures)


def _no_note() -> ProofInvalid:
    return ProofInvalid("this is no signed note", expected="text, an empty line, and lines of signatures")


def _has_controls(text: str) -> bool:
    return any(letter < " " and letter != "\n" for letter in text)


def decoded(text: str) -> bytes:
    """The bytes of base64 in its one right spelling; none for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
