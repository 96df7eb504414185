"""The keys of people: 32 random bytes for one person and one use, closed with the sealing key of this controller.

What is sealed under such a key is unreadable everywhere, in every copy and backup of the store, once the key is
destroyed. What a backup can still open is what it holds the key row of: a restore is followed by
`troth restore-guard`, which destroys again. On PostgreSQL the bytes of a destroyed row leave the files with the next
`VACUUM FULL` of `person_keys`; until then they are closed with the sealing key.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, String, bindparam, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from troth.errors import KeyUnavailable
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.sealed_values import ID_BYTES

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HELD: Final = (
    select(person_keys.c.wrapped, person_keys.c.destroyed_at)
    .where(person_keys.c.person == bindparam("of"), person_keys.c.use == bindparam("under"))
    .with_for_update(read=True)
)


def key_for(tx: Connection, keyring: Keyring, person: bytes, use: KeyUse, at: datetime) -> bytes:
    """The key of the person whom the ledger calls `person`, made when they have none for this use.

    It cannot be destroyed by another transaction before this one ends. Raises: KeyUnavailable when it was destroyed:
    nothing is sealed for an erased person any more.
    """
    wrapped, destroyed = _row(tx, person, use)
    if wrapped is None and not destroyed:
        key = secrets.token_bytes(_KEY_BYTES)
        made = keyring.seal(key, context=_context(person, use))
        insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        row = insert(person_keys).values(person=person, use=use, wrapped=made, made_at=at, key_id=id_of(key))
        tx.execute(row.on_conflict_do_nothing(index_elements=[person_keys.c.person, person_keys.c.use]))
        wrapped, destroyed = _row(tx, person, use)  # somebody else may have been first
    if wrapped is None:
        raise KeyUnavailable(f"the {use} key of this person was destroyed; nothing was written")
    return unwrap(keyring, wrapped, person, use)


def find_key(tx: Connection, keyring: Keyring, person: bytes, use: KeyUse) -> bytes | None:
    """The person's key; None when it was destroyed or never made. Raises: KeyUnavailable for another root key."""
    statement = select(person_keys.c.wrapped).where(person_keys.c.person == person, person_keys.c.use == use)
    wrapped = tx.execute(statement).scalar_one_or_none()
    return None if wrapped is None else unwrap(keyring, wrapped, person, use)


def id_of(key: bytes) -> bytes:
    """What a key may be called by in what it closes: 8 bytes that say nothing of it, and stay when it is destroyed."""
    return hashlib.blake2b(key, digest_size=ID_BYTES, person=b"troth key id").digest()


def unwrap(keyring: Keyring, wrapped: bytes, person: bytes, use: KeyUse) -> bytes:
    """The key that `wrapped` closes. Raises: KeyUnavailable for another root key, another row, or altered bytes."""
    return keyring.unseal(wrapped, context=_context(person, use))


def destroy(tx: Connection, person: bytes, use: KeyUse, at: datetime) -> bool:
    """Destroy the key for good; gives whether it was still to be destroyed. Someone without a key gets none later."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    row = insert(person_keys).values(person=person, use=use, wrapped=None, made_at=at)
    tx.execute(row.on_conflict_do_nothing(index_elements=[person_keys.c.person, person_keys.c.use]))
    mine = person_keys.update().where(person_keys.c.person == person, person_keys.c.use == use)
    still = mine.where(person_keys.c.destroyed_at.is_(None))
    return tx.execute(still.values(wrapped=None, destroyed_at=at)).rowcount > 0


def rewrap(
    tx: Connection, keyring: Keyring, after: tuple[bytes, str], most: int
) -> tuple[int, tuple[bytes, str] | None]:
    """Close the next `most` keys after `after` by the newest sealing key; gives how many were not, and the last.

    The last is None when there are no more. Raises: KeyUnavailable when one does not open: it was changed.
    """
    columns = person_keys.c
    place = tuple_(columns.person, columns["use"]) > tuple_(literal(after[0]), literal(after[1], String))
    found = select(columns.person, columns["use"], columns.wrapped).where(columns.wrapped.is_not(None), place)
    rows = tx.execute(found.order_by(columns.person, columns["use"]).limit(most).with_for_update()).all()
    count = 0
    for row in rows:
        anew = keyring.resealed(row.wrapped, context=_context(row.person, row.use))
        if anew is not None:
            mine = person_keys.update().where(columns.person == row.person, columns["use"] == row.use)
            tx.execute(mine.values(wrapped=anew))
            count += 1
    return count, (rows[-1].person, rows[-1].use.value) if len(rows) == most else None


def count(tx: Connection) -> int:
    """How many keys of people stand, destroyed ones not counted."""
    return int(tx.execute(select(func.count()).where(person_keys.c.wrapped.is_not(None))).scalar_one())


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Close `plain` with AES-256-GCM under a person's key: nonce, then ciphertext and tag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """What was sealed. Raises: KeyUnavailable for another key, another context, or altered bytes."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise KeyUnavailable("the person's key does not open this: another key, or altered") from None


def _row(tx: Connection, person: bytes, use: KeyUse) -> tuple[bytes | None, bool]:
    row = tx.execute(_HELD, {"of": person, "under": use}).one_or_none()
    return (None, False) if row is None else (row.wrapped, row.destroyed_at is not None)


def _context(person: bytes, use: KeyUse) -> bytes:
    return b"person key|" + use.encode() + b"|" + person
