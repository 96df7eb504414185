"""Put a disclosure on record before the data leave, and its end after. Each with its ledger entry, in one transaction.

Between the two, a crash leaves a disclosure that is begun. `settle` looks at what can be seen of it and ends it: done
where the file stands at its place, stopped where it never got there, uncertain where nobody can tell.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection, select, update

from troth.errors import GateClosed
from troth.foundation.guards import pausing
from troth.foundation.ledger import leaves
from troth.policy.noise import Noise
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import disclosures as record
from troth.sharing import noise, subtraction
from troth.sharing.disclosures import Disclosure, HeldBack
from troth.sharing.spool import clear, part_of
from troth.sharing.subtraction import Telling
from troth.sharing.tables import disclosures
from troth.sharing.words import ENDED_AS, Form, State

if TYPE_CHECKING:
    from troth.use.office import Office

PATIENCE = dt.timedelta(minutes=10)
"""A disclosure that is begun for longer than this has lost whoever was carrying it out."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """All that is known of a batch that is ready and has not left."""

    recipient: str
    purpose: str
    reason: Circumstance
    safeguard: Safeguard | None
    destination: str
    token: str
    form: Form
    rows: int
    people: BitMap
    categories: dict[str, str]
    held_back: HeldBack
    size: int
    sha256: bytes
    demand: int | None = None
    telling: Telling | None = None
    noise: Noise | None = None


def begin(tx: Connection, office: Office, leaving: Leaving) -> int:
    """Record that this batch is about to leave; gives the number of the disclosure.

    What a batch with noise kept back stays in the record; the ledger, which others read, holds nothing exact of it.
    Raises: WritingPaused, GateClosed-family errors and StoreError, and then nothing may leave.
    """
    if pausing.brake(tx).paused:
        raise GateClosed("sharing is paused; nothing has left", repair="Run `troth resume` when it may go on.")
    noisy = leaving.noise is not None
    if leaving.noise is not None:
        noise.spend(tx, leaving.recipient, leaving.noise)
    now = office.clock.now()
    people = leaving.people.serialize()
    cost = None if leaving.noise is None else {"epsilon": leaving.noise.epsilon, "delta": noise.DELTA}
    back: dict[str, Any] = {
        "columns": sorted(leaving.held_back.columns),
        "refused": dict(sorted(leaving.held_back.refused.items())),
        "small_groups": leaving.held_back.small_groups,
        "near_groups": leaving.held_back.near_groups,
    }
    body = {
        "recipient": leaving.recipient,
        "purpose": leaving.purpose,
        "reason": leaving.reason.value,
        "safeguard": leaving.safeguard.value if leaving.safeguard else None,
        "categories": sorted(set(leaving.categories.values())),
        "rows": leaving.rows,
        "people": {
            "count": None if noisy else len(leaving.people),
            "sha256": record.mark_of(people, leaving.token if noisy else None),
        },
        "held_back": {"columns": len(back["columns"])} | ({} if noisy else _counts(back)),
        "noise": cost,
        "sha256": leaving.sha256.hex(),
        "demand": leaving.demand,
        "policy": office.policy.sha256,
    }
    leaf = leaves.append(tx, office.keyring, "data.disclosing", None, body, now)
    made = tx.execute(
        disclosures.insert().values(
            recipient=leaving.recipient,
            purpose=leaving.purpose,
            reason=leaving.reason,
            safeguard=leaving.safeguard,
            state=State.BEGUN,
            at=now,
            destination=leaving.destination,
            token=leaving.token,
            form=leaving.form.value,
            rows=leaving.rows,
            people=people,
            people_count=len(leaving.people),
            categories=json.dumps(leaving.categories, ensure_ascii=False),
            held_back=json.dumps(back, ensure_ascii=False),
            size=leaving.size,
            sha256=leaving.sha256,
            policy_sha256=bytes.fromhex(office.policy.sha256),
            demand=leaving.demand,
            epsilon=cost and cost["epsilon"],
            delta=cost and cost["delta"],
            leaf=leaf,
        )
    )
    key: Any = made.inserted_primary_key
    if leaving.telling is not None:
        subtraction.remember(tx, int(key[0]), leaving.recipient, leaving.telling)
    return int(key[0])


def _counts(back: dict[str, Any]) -> dict[str, Any]:
    return {name: back[name] for name in ("refused", "small_groups", "near_groups")}


def end(tx: Connection, office: Office, number: int, state: State) -> bool:
    """Record how a disclosure ended; gives whether it did so now. One that has ended stays as it is."""
    now = office.clock.now()
    open_ = disclosures.c.id == number, disclosures.c.state == State.BEGUN
    if tx.execute(select(disclosures.c.id).where(*open_).with_for_update()).first() is None:
        return False
    leaf = leaves.append(tx, office.keyring, ENDED_AS[state], None, {"disclosure": number}, now)
    tx.execute(update(disclosures).where(*open_).values(state=state, ended_at=now, outcome=leaf))
    return True


def settle(office: Office, folder: Path) -> tuple[Disclosure, ...]:
    """End what was begun and left lying by a crash; gives those that were. Sends nothing; clears unfinished files."""
    with office.store.reading() as tx:
        lying = record.begun(tx, office.clock.now() - PATIENCE)
        tokens = {row.id: row.token for row in tx.execute(select(disclosures.c.id, disclosures.c.token))}
    settled = []
    for each in lying:
        state = _seen(each, tokens[each.id], folder)
        with office.deed() as tx:
            end(tx, office, each.id, state)
            found = record.find(tx, each.id)
        if found is not None:
            settled.append(found)
    for place in {folder, *(folder / each.destination.partition(":")[2] for each in settled)}:
        clear(place if place.is_dir() else place.parent)
    return tuple(settled)


def _seen(each: Disclosure, token: str, folder: Path) -> State:
    """What can be seen of a disclosure that nobody ended. Its unfinished file, if there is one, is taken away."""
    kind, _, place = each.destination.partition(":")
    if kind != "file":
        return State.UNCERTAIN
    path = folder / place
    part = part_of(path, token)
    if part.exists():
        part.unlink()
        return State.STOPPED
    try:
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == each.sha256
    except OSError:
        same = False
    return State.DONE if same else State.UNCERTAIN
