"""Tell recipients that somebody no longer agrees, and keep the receipt (GDPR Art. 7(3), 19).

Where a recipient is told stands under `[sharing.notices]`: an `https://` address, to which one JSON object is posted,
or `mailto:`. It names the person as the recipient knows them: by the name under which the gate gave their rows.

    {"purpose": "partners", "person": "bdfg...", "withdrawn": "2026-11-22T06:00:00+00:00", "controller": "..."}

A notice stays until it is taken; who never got anything of theirs needs none. Each end has its ledger entry.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from typing import TYPE_CHECKING

from sqlalchemy import update

from troth.errors import NetworkUnreachable
from troth.foundation import mail
from troth.foundation.ledger import leaves
from troth.sharing import notices
from troth.sharing.gate import pseudonym
from troth.use.tables import withdrawal_notices
from troth.use.words import Notice

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.policy.settings import Instance
    from troth.sharing.notices import Told
    from troth.use.office import Office

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0


def tell(office: Office, instance: Instance) -> tuple[int, int]:
    """Tell everybody who waits to be told; gives how many are done and how many still wait. Safe to repeat."""
    with office.store.reading() as tx:
        waiting = [(each, notices.had(tx, each)) for each in notices.every(tx, Notice.WAITING)]
    done = 0
    for each, had in waiting:
        if not had:
            with office.deed() as tx:
                done += _end(tx, office, each, Notice.NEEDLESS, None)
            continue
        done += _tell(office, instance, each)
    return done, len(waiting) - done


def body_of(office: Office, each: Told) -> bytes:
    """What the recipient reads."""
    assert each.person is not None
    told = {
        "purpose": each.purpose,
        "person": pseudonym(office, each.recipient, each.person),
        "withdrawn": each.queued_at.isoformat(),
        "controller": office.policy.controller.name,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def _tell(office: Office, instance: Instance, each: Told) -> bool:
    address = instance.settings.sharing.notices.get(each.recipient, "")
    body = body_of(office, each)
    if address.startswith("mailto:"):
        reference = f"withdrawal {each.id}"
        text = f"Please stop using and delete what you have of this person for this purpose:\n\n{body.decode()}\n"
        letter = mail.Letter(address.removeprefix("mailto:"), "Consent withdrawn", text, reference, reference)
        with office.deed() as tx:
            if mail.queue(tx, office.keyring, letter, office.clock.now()) is mail.MailState.WITHHELD:
                return False
            return _end(tx, office, each, Notice.TOLD, body)
    if not address.startswith("https://"):
        log.warning("notice %d: nobody has said where %s is told", each.id, each.recipient)
        return False
    from troth.foundation.network import Network

    network = Network.of(instance, timeout_s=_PATIENCE_S)
    try:
        status = network.send(address, io.BytesIO(body), len(body), headers={"Content-Type": "application/json"})
    except (NetworkUnreachable, ConnectionError):
        log.warning("notice %d: %s was not reached", each.id, each.recipient)
        return False
    if not 200 <= status < 300:
        log.warning("notice %d: %s answered with status %d", each.id, each.recipient, status)
        return False
    with office.deed() as tx:
        return _end(tx, office, each, Notice.TOLD, body)


def _end(tx: Connection, office: Office, each: Told, state: Notice, body: bytes | None) -> bool:
    now = office.clock.now()
    receipt = None if body is None else hashlib.sha256(body).digest()
    waiting = withdrawal_notices.c.id == each.id, withdrawal_notices.c.state == Notice.WAITING
    changed = tx.execute(update(withdrawal_notices).where(*waiting).values(state=state, told_at=now, receipt=receipt))
    if not changed.rowcount:
        return False
    said = {"notice": each.id, "recipient": each.recipient, "receipt": None if receipt is None else receipt.hex()}
    leaf = leaves.append(tx, office.keyring, f"recipient.{state.value}", each.person, said, now)
    tx.execute(update(withdrawal_notices).where(withdrawal_notices.c.id == each.id).values(outcome=leaf))
    return True
