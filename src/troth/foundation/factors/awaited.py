"""What was begun in a browser and is awaited back: a challenge to a passkey, a way through the company's provider.

It is kept by the browser, sealed, so that asking costs the store nothing; it says what it was begun for and when it
ends. What was answered is written down until then, so that nothing is answered twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from troth.errors import KeyUnavailable
from troth.foundation.keys import Keyring
from troth.foundation.tables import staff_answered

LIFE = timedelta(minutes=10)


def begin(keyring: Keyring, kind: str, facts: Mapping[str, Any], *, now: datetime) -> str:
    """What the browser keeps, for at most 10 minutes."""
    body = {**facts, "ends": (now + LIFE).timestamp()}
    sealed = keyring.seal(json.dumps(body).encode(), context=_context(kind))
    return base64.urlsafe_b64encode(sealed).decode("ascii")


def look(keyring: Keyring, kind: str, kept: str, *, now: datetime) -> Mapping[str, Any] | None:
    """What was begun; None for another kind, what has ended, and what is not ours."""
    try:
        body: dict[str, Any] = json.loads(keyring.unseal(_sealed(kept), context=_context(kind)))
    except (KeyUnavailable, ValueError, binascii.Error):
        return None
    return body if now.timestamp() < body["ends"] else None


def answered(tx: Connection, kept: str, *, now: datetime) -> bool:
    """Write down that it was answered; False when it was before, however it was spelled then. `look` comes first."""
    tx.execute(delete(staff_answered).where(staff_answered.c.ends_at <= now))
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {"hash": hashlib.sha256(_sealed(kept)).digest(), "ends_at": now + LIFE}
    statement = insert(staff_answered).values(**values).on_conflict_do_nothing().returning(staff_answered.c.hash)
    return tx.execute(statement).first() is not None


def _sealed(kept: str) -> bytes:
    """What was sealed. INVARIANT: known by this, not by its letters, of which base64 takes several for the same."""
    return base64.b64decode(kept.encode("ascii"), altchars=b"-_", validate=True)


def _context(kind: str) -> bytes:
    return f"staff awaited|{kind}".encode()
