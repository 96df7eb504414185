"""Restrictions placed and lifted, as a state that decisions obey at once (GDPR Art. 18).

1. While any ground stands, data are stored and otherwise used only as Art. 18(2) allows (`decision`, rule 7).
2. Each ground stands for itself: to lift the person's own wish does not lift that of an erasure under way.
3. To place or lift twice is to do it once. Each word is one row more and one ledger leaf, in one transaction.

Here is the state. The right, with its request, its proof of who asks and the notice before lifting (Art. 18(3)), is
the business of section 5, which places and lifts through these verbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from troth.errors import UnknownName
from troth.foundation.ledger import leaves
from troth.foundation.people import PersonNumber
from troth.foundation.store import changes, hold
from troth.policy.documents import nearest
from troth.use import standing
from troth.use.office import Office, known_method, said_at
from troth.use.standing import Person, Standing
from troth.use.tables import restrictions
from troth.use.words import Ground, Restriction


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether use of one person's data is restricted, on which grounds, and since when the first of them stands."""

    restricted: bool
    grounds: tuple[Ground, ...]
    since: datetime | None


def place(
    office: Office,
    person: Person,
    *,
    ground: Ground | str = Ground.REQUEST,
    method: str = "form",
    at: datetime | None = None,
) -> Pause:
    """Restrict the use of `person`'s data on `ground`; when this returns, only what the law lets pass is permitted.

    Raises: UnknownName for another ground; PersonUnknown, PersonAmbiguous; TrothError for a time in the future;
    StoreError. Then nothing was written.
    """
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return place_in(tx, office, number, ground=ground, method=method, at=at)


def lift(
    office: Office,
    person: Person,
    *,
    ground: Ground | str = Ground.REQUEST,
    method: str = "form",
    at: datetime | None = None,
) -> Pause:
    """Lift the restriction that stands on `ground`; others stay. Where the company lifts it, the person was told before
    (Art. 18(3)): the caller sees to that. Raises as `place`.
    """
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return lift_in(tx, office, number, ground=ground, method=method, at=at)


def show(office: Office, person: Person) -> Pause:
    """Whether use is restricted now. Raises: PersonUnknown, PersonAmbiguous; StoreError."""
    with office.store.reading() as tx:
        return pause(standing.load(tx, standing.load_person(tx, office.keyring, person)))


def pause(of: Standing) -> Pause:
    """The restriction in what a person said."""
    grounds = of.restricted_for
    return Pause(bool(grounds), grounds, min((of.restrictions[ground].at for ground in grounds), default=None))


def place_in(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    *,
    ground: Ground | str,
    method: str,
    at: datetime | None = None,
) -> Pause:
    """As `place`, within a deed of the caller's."""
    return _say(tx, office, person, _known(ground), Restriction.PLACED, method=method, at=at)


def lift_in(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    *,
    ground: Ground | str,
    method: str,
    at: datetime | None = None,
) -> Pause:
    """As `lift`, within a deed of the caller's."""
    return _say(tx, office, person, _known(ground), Restriction.LIFTED, method=method, at=at)


def _say(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    ground: Ground,
    event: Restriction,
    *,
    method: str,
    at: datetime | None,
) -> Pause:
    known_method(method)
    hold(tx, f"said by {person}")
    before = standing.load(tx, person)
    if (ground in before.restricted_for) is not (event is Restriction.PLACED):
        last = before.restrictions.get(ground)
        moment = said_at(office, at, None if last is None else last.at)
        now = office.clock.now()
        body = {"ground": ground, "at": moment, "policy": office.policy.sha256, "method": method}
        leaf = leaves.append(tx, office.keyring, f"restriction.{event}", person, body, now)
        row = {
            "person": person,
            "ground": ground,
            "event": event,
            "at": moment,
            "recorded_at": now,
            "method": method,
            "leaf": leaf,
        }
        tx.execute(restrictions.insert().values(row))
        changes.note(tx, [person])
    return pause(standing.load(tx, person))


def _known(ground: Ground | str) -> Ground:
    try:
        return Ground(ground)
    except ValueError:
        words = [*Ground]
        raise UnknownName(
            "this is not a ground for a restriction.",
            expected=f"one of: {', '.join(words)}",
            nearest=nearest(str(ground)[:60], words),
        ) from None
