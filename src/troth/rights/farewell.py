"""What happens to a person inside troth's own store when they are erased.

From the approval on they stand still: restricted, and with every way into the privacy centre ended. Once the erasure is
proven they go: identifiers, waiting letters, the key of what was sealed about them. What stays is a number without a
name, for which the accountability key still opens what proves the company's duty (consents, the erasure itself), for as
long as the policy says; and tombstones, which say nothing without troth's key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection, delete, select, update

from troth.errors import StoreError
from troth.foundation.ledger import shredding
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import PersonNumber
from troth.foundation.records.keys import Subject
from troth.foundation.store import Store
from troth.foundation.tables import identifiers, outbox, people
from troth.rights import packages
from troth.rights.tables import tombstones
from troth.rights.tombstones import hashes_of
from troth.use import restrictions
from troth.use.office import Office
from troth.use.tables import centre_links, centre_sessions, guardian_links, privacy_signals
from troth.use.words import Ground


def stand_still(tx: Connection, office: Office, person: PersonNumber) -> None:
    """Restrict the use of their data until they are gone, and end their links and sessions. Call it at the approval.

    Within a deed: when it is left, no decision permits what Art. 18(2) does not.
    """
    restrictions.place_in(tx, office, person, ground=Ground.ERASURE, method="erasure")
    for table in (centre_links, centre_sessions, guardian_links):
        tx.execute(delete(table).where(table.c.person == person))


def set_tombstones(
    tx: Connection, office: Office, erasure: int, person: PersonNumber | None, subjects: Sequence[Subject]
) -> int:
    """Remember who is gone, as hashes; gives how many tombstones there are."""
    found = {each for subject in subjects for each in hashes_of(office.keyring, subject)}
    if person is not None:
        rows = tx.execute(select(identifiers.c.kind, identifiers.c.hash).where(identifiers.c.person == person))
        found |= {(f"person {row.kind}", bytes(row.hash)) for row in rows}
    now = office.clock.now()
    rows_ = [{"kind": kind, "hash": hashed, "erasure": erasure, "at": now} for kind, hashed in sorted(found)]
    if rows_:
        tx.execute(tombstones.insert(), rows_)
    return len(rows_)


def part(tx: Connection, office: Office, person: PersonNumber, *, keep_letters_of: str) -> None:
    """Take everything about a person out of troth's own store but their number. Cannot be undone.

    Letters of the request `keep_letters_of` stay until they have gone: they tell the person that it is done.
    """
    now = office.clock.now()
    stand_still(tx, office, person)
    restrictions.lift_in(tx, office, person, ground=Ground.ERASURE, method="erasure")
    tx.execute(delete(identifiers).where(identifiers.c.person == person))
    tx.execute(update(people).where(people.c.number == person).values(key=os.urandom(16)))
    tx.execute(delete(outbox).where(outbox.c.person == person, outbox.c.reference != keep_letters_of))
    tx.execute(delete(privacy_signals).where(privacy_signals.c.person == person))
    packages.forget_in(tx, office, person)
    shredding.shred(tx, office.keyring, person, KeyUse.CONTENT, now)


def wipe(store: Store) -> None:
    """Take the bytes of what was deleted out of SQLite's files; when a reader hinders it, the next erasure does."""
    with suppress(StoreError):
        store.settle()
