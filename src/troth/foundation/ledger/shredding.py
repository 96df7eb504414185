"""Read a sealed body, and destroy the key of a person so that none of theirs is ever read again.

Destroying writes its own leaf (`key.destroyed`): whoever verifies the ledger then knows why bodies are missing, and
that nobody took them away in silence. The leaves themselves stay, and with them the proof that something happened.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from troth.errors import StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves, personkeys
from troth.foundation.ledger.tables import ledger_bodies, ledger_leaves, person_keys
from troth.foundation.ledger.words import KEY_DESTROYED, KeyUse
from troth.foundation.store import changes


def find_body(tx: Connection, keyring: Keyring, leaf: int) -> dict[str, Any] | None:
    """What was sealed with the leaf; None where there is nothing sealed, or its key was destroyed.

    Raises: StoreError when it is not what the leaf is bound to; KeyUnavailable when the key does not open it.
    """
    statement = select(ledger_bodies, ledger_leaves.c.content).join(ledger_leaves)
    row = tx.execute(statement.where(ledger_bodies.c.leaf == leaf)).one_or_none()
    if row is None:
        return None
    key = personkeys.find_key(tx, keyring, row.person, row.under)
    if key is None:
        return None
    plain = personkeys.unseal(key, row.sealed, leaves.sealing_context(row.under, row.person))
    bound = json.loads(row.content).get("sealed", {}).get("commitment", "")
    if not hmac.compare_digest(leaves.commitment_of(plain).hex(), bound):
        raise StoreError(f"the sealed body of leaf {leaf} is not the one that the leaf is bound to")
    found: dict[str, Any] = json.loads(plain[leaves.SALT_BYTES :])
    return found


def shred(tx: Connection, keyring: Keyring, person: int, use: KeyUse, at: datetime) -> int | None:
    """Destroy the person's key of this use and the bodies under it, and record it; cannot be undone.

    Gives the leaf that records it; None when it was done before. Nothing can be sealed under that key any more, by
    anybody. Call `store.settle()` after the commit, so that the bytes stand in no file of SQLite. Raises: StoreError.
    """
    called = leaves.pseudonym(keyring, person)
    if not personkeys.destroy(tx, called, use, at):
        return None
    if use is KeyUse.FIELDS:
        changes.note(tx, [person])  # who holds such a key in memory lets it go before this is acknowledged
    gone = tx.execute(delete(ledger_bodies).where(ledger_bodies.c.person == called, ledger_bodies.c.under == use))
    return leaves.append(tx, keyring, KEY_DESTROYED, person, {"use": use, "bodies": gone.rowcount}, at)


def shred_fields(tx: Connection, keyring: Keyring, key_id: bytes, at: datetime) -> int | None:
    """As `shred`, for the key of sealed fields of that id, whosever it is. Gives None where none such is left."""
    mine = person_keys.c.key_id == key_id, person_keys.c["use"] == KeyUse.FIELDS
    called = tx.execute(select(person_keys.c.person).where(*mine)).scalar_one_or_none()
    if called is None or not personkeys.destroy(tx, called, KeyUse.FIELDS, at):
        return None
    changes.note(tx, None)
    return leaves.append(tx, keyring, KEY_DESTROYED, None, {"use": KeyUse.FIELDS, "key": key_id.hex()}, at)
