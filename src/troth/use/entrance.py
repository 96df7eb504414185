"""Who stands in the privacy centre: one-time links that a person gets, and the session that a link opens.

1. A link works once, and for half an hour (5 minutes where the company's app hands its customer over).
2. To follow it changes nothing, since mail scanners follow links; the session opens when the person says so there.
3. A session ends after half an hour of silence, after 12 hours, or when the person leaves.
4. Only hashes of tokens are kept. The address that a session shows is sealed.
5. Whoever asks for a link is told the same, in the same time, whether we know the address or not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from troth.errors import PersonAmbiguous
from troth.foundation import ids
from troth.foundation.ledger import leaves
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.use import standing
from troth.use.office import Office
from troth.use.standing import Person
from troth.use.tables import centre_links, centre_sessions
from troth.use.words import Via

COOKIE = "privacy_session"
"""The cookie that holds the token of a session."""

LINK_LIFE = timedelta(minutes=30)
HAND_OVER_LIFE = timedelta(minutes=5)
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
MOST_MAILS = 3
"""Links that one person gets by mail within the life of a link; more are asked for by somebody else."""

_NOTED = timedelta(minutes=1)
_SEAL = b"centre, address shown"
_SEAL_KNOWN_BY = b"centre, how they were named"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person of a session, and what the page shows as their name; empty when the app did not say.

    `known_by` is how they were named when their link was made: by the address it went to, or as their app knows them.
    """

    number: PersonNumber
    shown: str = field(repr=False)
    known_by: tuple[Identifier, ...] = field(default=(), repr=False)


def link_by_mail(tx: Connection, office: Office, address: Identifier, now: datetime) -> tuple[PersonNumber, str] | None:
    """The person of an address on file and a token for a link to mail there; None for nobody, or after `MOST_MAILS`."""
    try:
        person = standing.find(tx, office.keyring, address)
    except PersonAmbiguous:
        return None
    if person is None:
        return None
    recent = (
        select(func.count())
        .select_from(centre_links)
        .where(
            centre_links.c.person == person, centre_links.c.via == Via.MAIL, centre_links.c.made_at > now - LINK_LIFE
        )
    )
    if tx.execute(recent).scalar_one() >= MOST_MAILS:
        return None
    return person, _link(tx, office, person, via=Via.MAIL, known_by=(address,), shown=address.value, now=now)


def link_by_app(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    now: datetime,
    *,
    shown: str = "",
    known_by: Sequence[Identifier] = (),
) -> str:
    """A token for a link that the company's app hands to the customer who is signed in there, and how it named them."""
    return _link(tx, office, person, via=Via.APP, known_by=known_by, shown=shown, now=now)


def hand_over(office: Office, person: Person, now: datetime) -> str:
    """A token for a link that takes `person`, who is signed in with the company's app: once, 5 minutes.

    Raises: PersonUnknown, PersonAmbiguous; StoreError.
    """
    known_by = standing.named(person)
    with office.store.writing() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return link_by_app(tx, office, number, now, known_by=known_by)


def is_open(office: Office, token: str, now: datetime) -> bool:
    """Whether the link of `token` would open a session now. Changes nothing."""
    if not ids.is_token(token):
        return False
    statement = select(centre_links.c.person).where(
        centre_links.c.token_hash == ids.token_hash(token),
        centre_links.c.used_at.is_(None),
        centre_links.c.ends_at > now,
    )
    with office.store.reading() as tx:
        return tx.execute(statement).first() is not None


def enter(office: Office, token: str, now: datetime) -> str | None:
    """Use up a link and open a session; gives its token, or None for a link that was used, has ended or never was."""
    if not ids.is_token(token):
        return None
    hashed = ids.token_hash(token)
    live = (centre_links.c.token_hash == hashed) & centre_links.c.used_at.is_(None) & (centre_links.c.ends_at > now)
    with office.store.writing() as tx:
        if tx.execute(update(centre_links).where(live).values(used_at=now)).rowcount != 1:
            return None
        link = tx.execute(select(centre_links).where(centre_links.c.token_hash == hashed)).one()
        tx.execute(delete(centre_sessions).where(centre_sessions.c.ends_at <= now))
        tx.execute(delete(centre_links).where(centre_links.c.ends_at <= now - LINK_LIFE))
        return _begin(tx, office, link.person, {"shown": link.shown, "known_by": link.known_by}, via=link.via, now=now)


def begin(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    now: datetime,
    *,
    shown: str = "",
    known_by: Sequence[Identifier] = (),
) -> str:
    """Open a session for a person who has just followed a link that was mailed to an address on file; gives its token.

    For doors whose own link proved as much as one made here.
    """
    sealed = {"shown": _sealed_shown(office, shown), "known_by": _sealed_known_by(office, known_by)}
    return _begin(tx, office, person, sealed, via=Via.MAIL, now=now)


def visitor_of(office: Office, session: str | None, now: datetime) -> Visitor | None:
    """The person of a session that is still open; None otherwise. Notes at most once a minute that they are there."""
    if session is None or not ids.is_token(session):
        return None
    hashed = ids.token_hash(session)
    with office.store.reading() as tx:
        row = tx.execute(select(centre_sessions).where(centre_sessions.c.token_hash == hashed)).one_or_none()
    if row is None or row.ends_at <= now or row.seen_at <= now - IDLE:
        return None
    if row.seen_at <= now - _NOTED:
        with office.store.writing() as tx:
            tx.execute(update(centre_sessions).where(centre_sessions.c.token_hash == hashed).values(seen_at=now))
    shown = "" if row.shown is None else office.keyring.unseal(row.shown, context=_SEAL).decode("utf-8")
    return Visitor(row.person, shown, _known_by(office, row.known_by))


def leave(office: Office, session: str | None) -> None:
    """End a session. One that is not there is ended already."""
    if session is not None and ids.is_token(session):
        with office.store.writing() as tx:
            tx.execute(delete(centre_sessions).where(centre_sessions.c.token_hash == ids.token_hash(session)))


def _begin(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    sealed: Mapping[str, bytes | None],
    *,
    via: Via,
    now: datetime,
) -> str:
    session = ids.random_token()
    times = {"begun_at": now, "seen_at": now, "ends_at": now + LONGEST}
    tx.execute(centre_sessions.insert().values(token_hash=ids.token_hash(session), person=person, **times, **sealed))
    leaves.append(tx, office.keyring, "centre.entered", person, {"via": via}, now)
    return session


def _link(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    *,
    via: Via,
    known_by: Sequence[Identifier],
    shown: str,
    now: datetime,
) -> str:
    token = ids.random_token()
    tx.execute(
        centre_links.insert().values(
            token_hash=ids.token_hash(token),
            person=person,
            via=via,
            shown=_sealed_shown(office, shown),
            known_by=_sealed_known_by(office, known_by),
            made_at=now,
            ends_at=now + (LINK_LIFE if via is Via.MAIL else HAND_OVER_LIFE),
        )
    )
    return token


def _sealed_shown(office: Office, shown: str) -> bytes | None:
    return office.keyring.seal(shown.encode("utf-8"), context=_SEAL) if shown else None


def _sealed_known_by(office: Office, known_by: Sequence[Identifier]) -> bytes | None:
    pairs = [(one.kind.value, one.value) for one in known_by]
    return office.keyring.seal(json.dumps(pairs).encode("utf-8"), context=_SEAL_KNOWN_BY) if pairs else None


def _known_by(office: Office, sealed: bytes | None) -> tuple[Identifier, ...]:
    if sealed is None:
        return ()
    pairs = json.loads(office.keyring.unseal(sealed, context=_SEAL_KNOWN_BY))
    return tuple(Identifier(Kind(kind), value) for kind, value in pairs)
