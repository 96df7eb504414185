"""How this controller's key stands: whether it fits the store, since when it is in use, when it went into escrow."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from troth.foundation import keys, keysource
from troth.foundation.keycare import holdings
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves, lineage
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.store import Store
from troth.foundation.tables import key_acts


class Act(StrEnum):
    """What is done with a key and remembered."""

    ESCROWED = "escrowed"
    RESTORED = "restored"
    TURNED = "turned"
    REKEYED = "rekeyed"


OLD: Final = timedelta(days=365)
"""A key that is older is told: it should be turned once a year, and whenever somebody who knew it leaves."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the key stands. `where` is the file or the variable, `source` which of the three ways it came (`keysource`),
    `mode` that of the file. `signing` are the keys that signed the ledger, with the sizes of the heads that each signs.
    `holds` is what hangs on it: what, and how much. `findings` is what somebody has to see to.
    """

    id: str
    where: str
    source: str
    mode: str | None
    turns: int
    made_at: datetime | None
    turned_at: datetime | None
    escrowed_at: datetime | None
    age_days: int | None
    pseudonym_id: str
    signing_id: str
    signing: tuple[Mapping[str, Any], ...]
    people_keys: Mapping[str, int]
    holds: tuple[tuple[str, int], ...]
    findings: tuple[str, ...]


def look(
    store: Store, folder: Path, environ: Mapping[str, str], now: datetime | None = None, within: timedelta = timedelta()
) -> Standing:
    """How the key of `folder` stands with its store. What is older than a year, or will be `within`, is a finding.

    Raises: KeyUnavailable when there is none, others may read it, or the store was sealed with another.
    """
    text, where = keysource.read_text(folder, environ)
    keyring = Keyring.from_text(text, where=where)
    keys.confirm(store, keyring)
    moment = datetime.now(UTC) if now is None else now
    with store.reading() as tx:
        sealed_with = keys.now_sealed_with(tx)
        turned, escrowed = last(tx, Act.TURNED, keyring.id), last(tx, Act.ESCROWED, keyring.id)
        since = in_use_since(tx)
        line = lineage.load(tx)
        held, people = holdings.sealed_rows(tx), holdings.people_keys(tx)
    age = None if since is None else moment - since
    findings = []
    if escrowed is None:
        findings.append("No copy of this key was put into escrow: when it is lost, what it sealed is lost.")
    if sealed_with != keyring.id or keyring.former_public_key is not None:
        findings.append(f"A turn to this key is not finished (the store says {sealed_with}): run `troth key rotate`.")
    elif line.keys and line.keys[-1].raw != keyring.public_key:
        findings.append("The ledger is signed by another key than the one at hand: run `troth ledger verify`.")
    if age is not None and age + within > OLD:
        findings.append(f"The key is in use for {age.days} days: turn it (`troth key rotate`).")
    if keyring.turns >= keys.MOST_RETIRED:
        findings.append(f"The key was turned {keyring.turns} times, and cannot be turned once more.")
    path = folder / keysource.FILE
    source = keysource.source_of(folder, environ) or keysource.FILE
    return Standing(
        id=keyring.id,
        where=where,
        source=source,
        mode=f"{stat.S_IMODE(path.stat().st_mode):04o}" if source == keysource.FILE else None,
        turns=keyring.turns,
        made_at=since if turned is None else None,
        turned_at=turned,
        escrowed_at=escrowed,
        age_days=None if age is None else age.days,
        pseudonym_id=keyring.pseudonym_id,
        signing_id=keyring.signing_id,
        signing=tuple(line.spans),
        people_keys=people,
        holds=held,
        findings=tuple(findings),
    )


def in_use_since(tx: Connection) -> datetime | None:
    """Since when the key that the store is sealed with is in use: its turn, or the first entry; None before that."""
    of = keys.now_sealed_with(tx) or ""
    acts = (last(tx, act, of) for act in (Act.TURNED, Act.REKEYED))
    known = [at for at in acts if at is not None]
    if known:
        return max(known)
    first: datetime | None = tx.execute(
        select(ledger_leaves.c.at).order_by(ledger_leaves.c.id).limit(1)
    ).scalar_one_or_none()
    return first


def last(tx: Connection, act: Act, key_id: str) -> datetime | None:
    """When this was last done with this key."""
    newest = select(func.max(key_acts.c.at, type_=key_acts.c.at.type))
    at: datetime | None = tx.execute(newest.where(key_acts.c.act == act, key_acts.c.key_id == key_id)).scalar_one()
    return at


def note(tx: Connection, act: Act, key_id: str, now: datetime, **facts: str | int) -> None:
    """Write down what was done with a key, in the table and in the ledger."""
    tx.execute(key_acts.insert().values(act=act, key_id=key_id, at=now))
    leaves.append(tx, None, f"key.{act}", None, {"key": key_id, **facts}, now)
