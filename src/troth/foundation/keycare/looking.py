"""How this controller's key stands: whether it fits the store, since when it is in use, when it went into escrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, func, select

from troth.foundation import keys, keysource
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.store import Store
from troth.foundation.tables import key_acts


class Act(StrEnum):
    """What is done with a key and remembered."""

    ESCROWED = "escrowed"
    RESTORED = "restored"
    TURNED = "turned"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the key stands. `where` is the file or the variable. `findings` is what somebody has to see to."""

    id: str
    where: str
    turns: int
    turned_at: datetime | None
    escrowed_at: datetime | None
    findings: tuple[str, ...]


def look(store: Store, folder: Path, environ: Mapping[str, str]) -> Standing:
    """How the key of `folder` stands with its store.

    Raises: KeyUnavailable when there is none, others may read it, or the store was sealed with another.
    """
    text, where = keysource.read_text(folder, environ)
    keyring = Keyring.from_text(text, where=where)
    keys.confirm(store, keyring)
    with store.reading() as tx:
        sealed_with = keys.now_sealed_with(tx)
        turned, escrowed = last(tx, Act.TURNED, keyring.id), last(tx, Act.ESCROWED, keyring.id)
    findings = []
    if escrowed is None:
        findings.append("No copy of this key was put into escrow: when it is lost, what it sealed is lost.")
    if sealed_with != keyring.id:
        findings.append(f"A turn to this key is not finished (the store says {sealed_with}): run `troth key rotate`.")
    return Standing(keyring.id, where, keyring.turns, turned, escrowed, tuple(findings))


def last(tx: Connection, act: Act, key_id: str) -> datetime | None:
    """When this was last done with this key."""
    newest = select(func.max(key_acts.c.at, type_=key_acts.c.at.type))
    at: datetime | None = tx.execute(newest.where(key_acts.c.act == act, key_acts.c.key_id == key_id)).scalar_one()
    return at


def note(tx: Connection, act: Act, key_id: str, now: datetime, **facts: str | int) -> None:
    """Write down what was done with a key, in the table and in the ledger."""
    tx.execute(key_acts.insert().values(act=act, key_id=key_id, at=now))
    leaves.append(tx, None, f"key.{act}", None, {"key": key_id, **facts}, now)
