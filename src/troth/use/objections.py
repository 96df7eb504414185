"""Objections raised and lifted, as a state that decisions obey at once (GDPR Art. 21).

1. One can object to each use on legitimate interests or public task, and to marketing whatever its ground.
2. `*` objects to all of these. A later word about one purpose counts for that purpose.
3. To raise or lift twice is to do it once. Each word is one row more and one ledger leaf, in one transaction.

Whether compelling grounds override an objection (Art. 21(1)) is judged by people; an objection to marketing is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from troth.foundation.ledger import leaves
from troth.foundation.people import PersonNumber
from troth.foundation.store import changes, hold
from troth.use import standing
from troth.use.office import Office, known_method, said_at, unknown_purpose
from troth.use.standing import Person
from troth.use.tables import EVERY_PURPOSE, objections
from troth.use.words import Objection


@dataclass(frozen=True, slots=True)
class Stance:
    """Whether one person objects to one purpose, and since when; `since` is None when nothing was ever said."""

    purpose: str
    objects: bool
    since: datetime | None


def raise_(office: Office, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None) -> Stance:
    """Record that `person` objects to `purpose`, or to all with `*`; when this returns, no such use is permitted.

    Raises: UnknownName for a purpose that is not declared or cannot be objected to; PersonUnknown, PersonAmbiguous;
    TrothError for a time in the future; StoreError. Then nothing was written.
    """
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return raise_in(tx, office, number, purpose, method=method, at=at)


def lift(office: Office, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None) -> Stance:
    """Record that `person` no longer objects to `purpose`, or with `*` to anything. It gives no consent.

    Possible also for a purpose that has left the policy, if the person ever spoke of it. Raises as `raise_`.
    """
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return lift_in(tx, office, number, purpose, method=method, at=at)


def show(office: Office, person: Person) -> tuple[Stance, ...]:
    """Where `person` stands on each purpose that one may object to, in the order of the page. Raises as `lift`."""
    with office.store.reading() as tx:
        return stances(office, standing.load(tx, standing.load_person(tx, office.keyring, person)))


def about(office: Office, person: Person, purpose: str) -> Stance:
    """Where `person` stands on one purpose, or on everything with `*`. Raises: PersonUnknown, PersonAmbiguous."""
    with office.store.reading() as tx:
        return _stance(standing.load(tx, standing.load_person(tx, office.keyring, person)), purpose)


def stances(office: Office, of: standing.Standing) -> tuple[Stance, ...]:
    """The stance on each purpose that one may object to, from what the person said."""
    return tuple(_stance(of, purpose) for purpose in office.compiled.objection_bits)


def raise_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str, at: datetime | None = None
) -> Stance:
    """As `raise_`, within a deed of the caller's."""
    _require_objectable(office, purpose)
    return _say(tx, office, person, purpose, Objection.RAISED, method=method, at=at)


def carried_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str, at: datetime
) -> Stance:
    """As `raise_in`, for an objection that came with a business: it is kept for a purpose that is not declared, too."""
    return _say(tx, office, person, purpose, Objection.RAISED, method=method, at=at)


def lift_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str, at: datetime | None = None
) -> Stance:
    """As `lift`, within a deed of the caller's."""
    if standing.last_said(tx, objections, person, purpose) is None:
        _require_objectable(office, purpose)
    return _say(tx, office, person, purpose, Objection.LIFTED, method=method, at=at)


def _say(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    purpose: str,
    event: Objection,
    *,
    method: str,
    at: datetime | None,
) -> Stance:
    known_method(method)
    hold(tx, f"said by {person}")
    before = standing.load(tx, person)
    if _changes(before, purpose, event):
        # A word about one purpose must also be later than the one about everything, and the other way round.
        moment = said_at(office, at, max((word.at for word in before.objections.values()), default=None))
        now = office.clock.now()
        body = {"purpose": purpose, "at": moment, "policy": office.policy.sha256, "method": method}
        leaf = leaves.append(tx, office.keyring, f"objection.{event}", person, body, now)
        tx.execute(
            objections.insert().values(
                person=person,
                purpose=purpose,
                event=event,
                at=moment,
                recorded_at=now,
                method=method,
                policy_sha256=bytes.fromhex(office.policy.sha256),
                leaf=leaf,
            )
        )
        changes.note(tx, [person])
    return _stance(standing.load(tx, person), purpose)


def _changes(before: standing.Standing, purpose: str, event: Objection) -> bool:
    """Whether the word would change anything; what is said twice is written once."""
    if purpose != EVERY_PURPOSE:
        return before.objects_to(purpose) is not (event is Objection.RAISED)
    if event is Objection.LIFTED:
        return any(before.objects_to(about) for about in before.objections)
    return not before.objects_to(EVERY_PURPOSE) or any(not before.objects_to(about) for about in before.objections)


def _stance(of: standing.Standing, purpose: str) -> Stance:
    word = of.objection_about(purpose)
    return Stance(purpose, objects=of.objects_to(purpose), since=None if word is None else word.at)


def _require_objectable(office: Office, purpose: str) -> None:
    if purpose == EVERY_PURPOSE or purpose in office.compiled.objection_bits:
        return
    declared = purpose in office.compiled.purposes
    message = "rests on a ground that one cannot object to." if declared else "is not a purpose of this policy."
    raise unknown_purpose(office, purpose, message, tuple(office.compiled.objection_bits))
