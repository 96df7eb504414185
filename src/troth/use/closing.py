"""Accounts closed and opened again: once an account is closed and its time is up, its contract carries no use.

1. The time is what the policy gives at the ground "contract" (`closing: 14 days`); without it, it is up at once.
2. To close twice is to close once. Each word is one row and one ledger leaf, in one transaction, and decisions obey it.
3. `follow` reads from the data map who has closed (`starts: {account-closed: closed_at}`), for a company whose software
   does not say so. Who is open again there is open here; what the software itself said is left alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from troth.foundation.ledger import leaves
from troth.foundation.observation import Observation
from troth.foundation.people import Kind, PersonNumber
from troth.foundation.records import instants
from troth.foundation.store import changes, hold
from troth.policy.vocabulary import LegalBasis
from troth.use import log_reading, standing
from troth.use.office import Office, known_method, said_at
from troth.use.standing import ACCOUNT, Person
from troth.use.tables import closings
from troth.use.words import Closing

if TYPE_CHECKING:
    from troth.use.company import Company

TRIGGER = "account-closed"
"""The trigger of `starts:` that says when an account was closed."""
FOLLOWED = "data-map"
"""The method of what was read from the company's store."""
_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whether one person's account is closed, since when, and until when the contract still carries a use."""

    closed: bool
    since: datetime | None
    until: datetime | None


def close(office: Office, person: Person, *, method: str = "app", at: datetime | None = None) -> Account:
    """Record that the account of `person` is closed. Raises: PersonUnknown, PersonAmbiguous; TrothError; StoreError."""
    return _deed(office, person, Closing.CLOSED, method, at)


def reopen(office: Office, person: Person, *, method: str = "app", at: datetime | None = None) -> Account:
    """Record that the account of `person` is open again. Raises as `close`."""
    return _deed(office, person, Closing.REOPENED, method, at)


def show(office: Office, person: Person) -> Account:
    """Whether the account of `person` is closed now. Raises: PersonUnknown, PersonAmbiguous; StoreError."""
    with office.store.reading() as tx:
        return _as_it_is(tx, standing.load_person(tx, office.keyring, person))


def follow(stores: Company) -> int:
    """Close and open accounts as the company's tables have them now; gives how many changed. Raises: RecordsError."""
    office, changed = stores.office, 0
    seen = Observation(
        office.policy,
        office.clock.now(),
        stores.instance.folder,
        datamap=stores.datamap,
        records=stores.records,
        store=office.store,
        keyring=office.keyring,
    )
    for kind in stores.datamap.people().values():
        table = stores.datamap.stores[kind.store].tables.get(kind.table)
        if table is None or TRIGGER not in table.starts or len(kind.key) != 1:
            continue
        made = stores.records.table(kind.store, kind.table)
        key, closed = made.c[kind.key[0]], made.c[table.starts[TRIGGER]]
        rows = {row[0]: instants.read(row[1]) for row in stores.records.execute(kind.store, select(key, closed))}
        numbers = log_reading.who_is_who(seen, Kind.ID, set(rows))
        changed += _follow(office, {numbers[each]: at for each, at in rows.items() if each in numbers})
    return changed


def keep_following(stores_now: Callable[[], Company], stop: threading.Event) -> None:
    """Follow every ten minutes until `stop` is set."""
    while not stop.is_set():
        follow(stores_now())
        stop.wait(_EVERY_S)


def _follow(office: Office, there: dict[PersonNumber, datetime | None]) -> int:
    with office.store.reading() as tx:
        statement = select(closings).order_by(closings.c.person, closings.c.at, closings.c.id)
        last = {row.person: row for row in tx.execute(statement)}
    changed = 0
    for number, at in there.items():
        known = last.get(number)
        is_closed = known is not None and known.event is Closing.CLOSED
        if at is not None and not is_closed:
            event = Closing.CLOSED
        elif at is None and is_closed and known is not None and known.method == FOLLOWED:
            event = Closing.REOPENED
        else:
            continue
        with office.deed() as tx:
            _say(tx, office, number, event, FOLLOWED, None if at is None else min(at, office.clock.now()))
        changed += 1
    return changed


def _deed(office: Office, person: Person, event: Closing, method: str, at: datetime | None) -> Account:
    known_method(method)
    with office.deed() as tx:
        return _say(tx, office, standing.load_person(tx, office.keyring, person), event, method, at)


def _say(  # noqa: PLR0917 - who said what when
    tx: Connection, office: Office, person: PersonNumber, event: Closing, method: str, at: datetime | None
) -> Account:
    hold(tx, f"said by {person}")
    before = standing.load(tx, person).closings.get(ACCOUNT)
    if (before is not None and before.word is Closing.CLOSED) is not (event is Closing.CLOSED):
        moment = said_at(office, at, None if before is None else before.at)
        if before is not None:
            moment = max(moment, before.at)
        until = _ends(office, moment) if event is Closing.CLOSED else None
        body = {"at": moment, "until": until, "policy": office.policy.sha256, "method": method}
        now = office.clock.now()
        leaf = leaves.append(tx, office.keyring, f"account.{event}", person, body, now)
        tx.execute(
            closings.insert().values(
                person=person, event=event, at=moment, until=until, recorded_at=now, method=method, leaf=leaf
            )
        )
        changes.note(tx, [person])
    return _as_it_is(tx, person)


def _as_it_is(tx: Connection, person: PersonNumber) -> Account:
    word = standing.load(tx, person).closings.get(ACCOUNT)
    closed = word is not None and word.word is Closing.CLOSED
    return Account(closed, word.at if word and closed else None, word.until if word and closed else None)


def _ends(office: Office, closed: datetime) -> datetime:
    """From when on the contract carries nothing: the closing, and the longest period that the policy gives."""
    grounds = [
        sentence.meaning for sentence in office.policy.sentences if sentence.meaning.basis is LegalBasis.CONTRACT
    ]
    return max((each.closing.after(closed) for each in grounds if each.closing is not None), default=closed)
