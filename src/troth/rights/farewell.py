"""What happens to a person inside troth's own store when they are erased.

From the approval on they stand still: restricted, and with every way into the privacy centre ended. Once the erasure is
proven they go: identifiers, what else they had asked for, waiting letters, the key of what was sealed about them. What
stays is a number without a name, for which the accountability key still opens what proves the company's duty (consents,
the erasure itself), for as long as the policy says; and tombstones, which say nothing without troth's key, in the store
and in a file outside it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select, update

from troth.errors import StoreError
from troth.foundation import tombstone_file
from troth.foundation.ledger import leaves, shredding
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import PersonNumber
from troth.foundation.records.gone import hashes_of
from troth.foundation.store import Store, changes
from troth.foundation.tables import identifiers, outbox, people
from troth.rights import packages, register, requests, shredded, states
from troth.rights.tables import erasures, tombstones
from troth.rights.words import State
from troth.use import restrictions
from troth.use.office import Office
from troth.use.tables import centre_links, centre_sessions, guardian_links, messages_sent, privacy_signals
from troth.use.words import Ground

if TYPE_CHECKING:
    from troth.rights.desk import Desk
    from troth.rights.erasure import Erasure
    from troth.rights.remains import Remains


def stand_still(tx: Connection, office: Office, person: PersonNumber) -> None:
    """Restrict the use of their data until they are gone, and end their links and sessions. Call it at the approval.

    Within a deed: when it is left, no decision permits what Art. 18(2) does not.
    """
    restrictions.place_in(tx, office, person, ground=Ground.ERASURE, method="erasure")
    for table in (centre_links, centre_sessions, guardian_links):
        tx.execute(delete(table).where(table.c.person == person))


def set_tombstones(tx: Connection, desk: Desk, erasure: Erasure, known: Remains) -> int:
    """Remember who is gone, as hashes, in the store and in the file beside it; gives how many tombstones there are.

    Raises: StoreError where the file cannot be written.
    """
    office = desk.office
    found = {each for subject in known.subjects for each in hashes_of(office.keyring, subject)}
    found |= set(shredded.tombs(tx, desk, erasure.person, known))
    if erasure.person is not None:
        mine = select(identifiers.c.kind, identifiers.c.hash).where(identifiers.c.person == erasure.person)
        found |= {(f"person {row.kind}", bytes(row.hash)) for row in tx.execute(mine)}
    now = office.clock.now()
    rows = [{"kind": kind, "hash": hashed, "erasure": erasure.id, "at": now} for kind, hashed in sorted(found)]
    if rows:
        tx.execute(tombstones.insert(), rows)
        tombstone_file.add(desk.instance.tombstone_file, [tombstone_file.entry_of(erasure.name, now, found)])
    return len(rows)


def part(tx: Connection, office: Office, person: PersonNumber, *, keep_letters_of: str) -> None:
    """Take everything about a person out of troth's own store but their number. Cannot be undone.

    Letters of the request `keep_letters_of` stay until they have gone: they tell the person that it is done.
    """
    now = office.clock.now()
    stand_still(tx, office, person)
    restrictions.lift_in(tx, office, person, ground=Ground.ERASURE, method="erasure")
    _end_other_requests(tx, office, person)
    tx.execute(delete(identifiers).where(identifiers.c.person == person))
    tx.execute(update(people).where(people.c.number == person).values(key=os.urandom(16)))
    changes.note(tx, [person], naming=True)
    tx.execute(delete(outbox).where(outbox.c.person == person, outbox.c.reference != keep_letters_of))
    for table in (privacy_signals, messages_sent):
        tx.execute(delete(table).where(table.c.person == person))
    packages.forget_in(tx, office, person)
    shredding.shred(tx, office.keyring, person, KeyUse.CONTENT, now)


def _end_other_requests(tx: Connection, office: Office, person: PersonNumber) -> None:
    """What else they had asked for has nothing left to be about; what they said of themselves with it goes too.

    An erasure of theirs that has begun ends by itself, with nothing found.
    """
    for request in register.of_person(tx, person):
        if State.CANCELLED in states.allowed(request.right, request.state):
            requests.move(tx, office, request, State.CANCELLED, word="erased")


def end_accountability(desk: Desk) -> int:
    """Destroy the accountability keys of those whose erasure was proven longer ago than the settings allow to answer
    for; gives how many went. Each is an entry of the ledger. Safe to repeat; run it by schedule.
    """
    office, now = desk.office, desk.office.clock.now()
    latest = select(erasures.c.person, func.max(erasures.c.proven_at).label("at")).group_by(erasures.c.person)
    ended = 0
    with office.store.writing() as tx:
        gone = set(
            tx.execute(
                select(person_keys.c.person).where(
                    person_keys.c["use"] == KeyUse.ACCOUNTABILITY, person_keys.c.destroyed_at.is_not(None)
                )
            ).scalars()
        )
        for person, at in tx.execute(latest.where(erasures.c.person.is_not(None), erasures.c.proven_at.is_not(None))):
            over = desk.instance.settings.erasure.accountability.after(at) <= now
            if over and leaves.pseudonym(office.keyring, person) not in gone:
                ended += shredding.shred(tx, office.keyring, person, KeyUse.ACCOUNTABILITY, now) is not None
    if ended:
        wipe(office.store)
    return ended


def wipe(store: Store) -> None:
    """Take the bytes of what was deleted out of SQLite's files; when a reader hinders it, the next erasure does."""
    with suppress(StoreError):
        store.settle()
