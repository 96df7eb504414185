"""Sealed fields in the copy that a person gets: opened, for a copy has to be intelligible (GDPR Art. 12(1), 15(3)).

Only with the person's own key, and only what was sealed for them in that very column: anything else stays as it stands
in the store. It is opened before other people in it are treated as the map says, never after.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.foundation.ledger import leaves, personkeys
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.records.keys import text_of
from troth.foundation.sealed_values import FORMAT, HEAD, ID_BYTES, NONCE_BYTES, place_of
from troth.rights.shredded import known_by
from troth.use import standing

if TYPE_CHECKING:
    from troth.foundation.people import PersonNumber
    from troth.foundation.records.copying import Opener, Row
    from troth.foundation.records.keys import Subject
    from troth.foundation.records.reach import ReachedTable
    from troth.rights.desk import Desk

_ID_END = len(FORMAT) + ID_BYTES
_BODY = _ID_END + NONCE_BYTES

_LIVING = person_keys.c["use"] == KeyUse.FIELDS, person_keys.c.wrapped.is_not(None)

_Cipher = Callable[[bytes, bytes, bytes], bytes]


def opener(desk: Desk, person: PersonNumber | None, subjects: Sequence[Subject]) -> Opener | None:
    """What opens the rows of these subjects (one person); None where nothing was ever sealed for them."""
    keys = _keys(desk, person, subjects)
    if not keys:
        return None
    texts = list(dict.fromkeys(text.encode("utf-8") for subject in subjects for text in _called(subject)))

    def of(table: ReachedTable, names: tuple[str, ...]) -> Callable[[Row], Row]:
        places = [place_of(f"{table.table.store}.{table.name}.{name}") for name in names]

        def opened(row: Row) -> Row:
            if not any(type(value) is str and value.startswith(HEAD) for value in row):
                return row
            return tuple(_opened(value, place, keys, texts) for value, place in zip(row, places, strict=True))

        return opened

    return of


def _keys(desk: Desk, person: PersonNumber | None, subjects: Sequence[Subject]) -> Mapping[bytes, _Cipher]:
    """How to decrypt, by the id of the key, with the keys of whoever these are. Destroyed ones are not among them."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    keyring = desk.office.keyring
    with desk.office.store.reading() as tx:
        if tx.execute(select(person_keys.c.key_id).where(*_LIVING).limit(1)).first() is None:
            return {}  # nothing is sealed here for anybody
        known = [each for subject in subjects for each in known_by(subject)]
        numbers = {person, *standing.find_many(tx, keyring, known)} - {None}
        called = [leaves.pseudonym(keyring, number) for number in numbers if number is not None]
        rows = tx.execute(select(person_keys).where(person_keys.c.person.in_(called), *_LIVING)).all()
    return {
        bytes(row.key_id): AESGCM(personkeys.unwrap(keyring, row.wrapped, row.person, KeyUse.FIELDS)).decrypt
        for row in rows
    }


def _called(subject: Subject) -> list[str]:
    """The texts by which a sealed column may name somebody: it stands in the column beside it."""
    key = [text_of(subject.key[0])] if len(subject.key) == 1 else []
    return [*key, *(value for values in subject.identifiers.values() for value in values)]


def _opened(value: Any, place: bytes, keys: Mapping[bytes, _Cipher], texts: Sequence[bytes]) -> Any:
    if type(value) is not str or not value.startswith(HEAD):
        return value
    from cryptography.exceptions import InvalidTag

    try:
        raw = a2b_base64(value, strict_mode=True)
    except ValueError:
        return value
    decrypt = keys.get(raw[len(FORMAT) : _ID_END])
    if decrypt is None:
        return value
    for text in texts:
        try:
            plain = decrypt(raw[_ID_END:_BODY], raw[_BODY:], place + text)
        except (InvalidTag, ValueError):
            continue
        try:
            return plain.decode("utf-8")
        except UnicodeDecodeError:
            return plain
    return value
