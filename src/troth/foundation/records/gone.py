"""Keyed hashes by which somebody who is gone is known again: of each key and identifier, apart for its kind.

Without troth's key they say nothing about anybody.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from troth.foundation.records.keys import Subject, text_of

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.policy.datamap import PersonKind


def hashes_of(keyring: Keyring, subject: Subject) -> Iterator[tuple[str, bytes]]:
    """Kind and hash of each key and identifier of somebody, as a store knows them."""
    if subject.key:
        yield key_kind(subject.kind), hash_of(keyring, key_kind(subject.kind), key_text(subject.key))
    for name, values in subject.identifiers.items():
        for value in values:
            kind = identifier_kind(subject.kind.id, name)
            yield kind, hash_of(keyring, kind, evened(value))


def key_kind(kind: PersonKind) -> str:
    """The kind of a hash of such a person's key."""
    return f"key {kind.id}"


def identifier_kind(person: str, name: str) -> str:
    """The kind of a hash of one identifier of such a person."""
    return f"identifier {person} {name}"


def key_text(key: Sequence[Any]) -> str:
    """A key as the text that is hashed."""
    return "\x1f".join(map(text_of, key))


def evened(value: str) -> str:
    """An identifier in the one spelling that is hashed."""
    return unicodedata.normalize("NFC", value).strip().lower()


def hash_of(keyring: Keyring, kind: str, text: str) -> bytes:
    """The hash of a text under its kind."""
    return keyring.pseudonym("tombstone", f"{kind}\0{text}".encode("utf-8", "surrogatepass"))
