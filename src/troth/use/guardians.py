"""Consent of a child: who is too young to give it alone names a guardian, and the guardian confirms by mail.

1. The age is the highest that the laws of the policy name (`consent_age`), or the one under `[consent] age`, where a
   country has lowered it (GDPR Art. 8(1); the figure and its law stand in `policy/law/data`).
2. How old a person is, is asked and not kept: only that a guardian was asked.
3. The guardian gets one link, good for three days. To follow it changes nothing; its page has one button to agree and
   one to refuse. What is kept of the guardian is the keyed hash of their address, in the word that they said.
4. Until they agree nothing is permitted. A guardian's address that is the child's own is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, update

from troth.errors import PersonError, Refused, TrothError
from troth.foundation import ids, mail, people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.tables import identifiers
from troth.policy.law.laws import laws_of
from troth.policy.rendering.annexes import purpose_label
from troth.use import consent
from troth.use.agreements import Wording
from troth.use.consent import Choice
from troth.use.office import Office
from troth.use.tables import guardian_links
from troth.use.words import Consent

if TYPE_CHECKING:
    from troth.policy.model import Policy
    from troth.policy.usesettings import ConsentSettings

LINK_LIFE = timedelta(days=3)
MOST_A_DAY = 3
"""Guardians that may be asked for one person in a day; more would make us a tool to annoy somebody."""

METHOD = "guardian"


class AskedTooOften(TrothError):
    """Guardians of this person were asked often enough today; nothing was done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a guardian is asked: for which purpose, in which words."""

    person: PersonNumber
    purpose: str
    text: str
    guardian: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Age:
    """From which age a person consents alone, and what says so."""

    years: int
    source: str


def own_consent_from(policy: Policy, settings: ConsentSettings) -> Age | None:
    """The age from which one consents alone; None where no law of the policy names one and the settings do not."""
    if settings.age is not None:
        return Age(settings.age, "troth.toml [consent] age")
    named = [law for law in laws_of(policy.laws) if law.consent_age is not None]
    strictest = max(named, key=lambda law: law.consent_age or 0, default=None)
    return None if strictest is None or strictest.consent_age is None else Age(strictest.consent_age, strictest.short)


class TooYoung(Refused):
    """A consent that only a guardian can give; nothing was recorded."""


def require_old_enough(policy: Policy, settings: ConsentSettings, old_enough: bool | None) -> None:  # noqa: FBT001 - None is not said
    """Make sure that an app which brings a consent has asked for the age, where the company asks for it.

    Raises: TooYoung for one who is too young to give it alone; TrothError where the app does not say.
    """
    age = own_consent_from(policy, settings) if settings.ask_age else None
    if age is None or old_enough:
        return
    if old_enough is None:
        raise TrothError(
            "whoever brings a consent says whether its person is old enough to give it alone",
            where="[consent] ask_age in troth.toml",
            expected=f"`old_enough`: at least {age.years} years ({age.source})",
        )
    raise TooYoung(
        f"under {age.years} years a guardian gives this consent; nothing was recorded",
        where=age.source,
        repair="Ask their guardian: `ask_guardian` does, by mail.",
    )


def ask_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, guardian: str, *, address: str, method: str
) -> Choice:
    """Ask the guardian of `person`, within a deed of the caller's; the letter goes when that is committed.

    `address` is where the privacy centre stands, as a browser reaches it. Nothing is permitted by this.
    Raises: UnknownName for a purpose; PersonError for an address that is none, or the child's own; AskedTooOften.
    """
    who = people.identifier(Kind.EMAIL, guardian)
    if _is_own(tx, office, person, who):
        raise PersonError("a guardian has another address than the child")
    now = office.clock.now()
    lately = select(func.count()).where(
        guardian_links.c.person == person, guardian_links.c.made_at > now - timedelta(days=1)
    )
    if tx.execute(lately).scalar_one() >= MOST_A_DAY:
        raise AskedTooOften
    wording = consent.wording_of(office, purpose)
    hashed = office.keyring.pseudonym("guardian", who.value.encode("utf-8"))
    token = ids.random_token()
    choice = consent.write_in(
        tx, office, person, purpose, Consent.GUARDIAN_ASKED, language=_language(office), method=method
    )
    tx.execute(
        guardian_links.insert().values(
            token_hash=ids.token_hash(token),
            person=person,
            purpose=purpose,
            guardian=hashed,
            text_sha256=wording.sha256,
            made_at=now,
            ends_at=now + LINK_LIFE,
        )
    )
    mail.queue(tx, office.keyring, _letter(office, person, who.value, wording, f"{address}/guardian/{token}"), now)
    return choice


def find(tx: Connection, office: Office, token: str, now: datetime) -> Asked | None:
    """What the link of `token` asks; None for one that was used, has ended, or is about words that have changed."""
    if not ids.is_token(token):
        return None
    row = tx.execute(
        select(guardian_links).where(
            guardian_links.c.token_hash == ids.token_hash(token),
            guardian_links.c.used_at.is_(None),
            guardian_links.c.ends_at > now,
        )
    ).one_or_none()
    wording = None if row is None else consent.wordings(office).get(row.purpose)
    if row is None or wording is None or wording.sha256 != bytes(row.text_sha256):
        return None
    return Asked(row.person, row.purpose, wording.text, bytes(row.guardian))


def answer(office: Office, token: str, *, agrees: bool) -> Choice | None:
    """Write down what the guardian says, and use up the link; None where it asks nothing any more. Raises:
    StoreError.
    """
    now = office.clock.now()
    with office.deed() as tx:
        asked = find(tx, office, token, now)
        mine = guardian_links.c.token_hash == ids.token_hash(token)
        if (
            asked is None
            or not tx.execute(
                update(guardian_links).where(mine, guardian_links.c.used_at.is_(None)).values(used_at=now)
            ).rowcount
        ):
            return None
        last = consent.last_in(tx, asked.person, asked.purpose)
        if last is None or last.event is not Consent.GUARDIAN_ASKED:
            return None  # the child has said something since
        return consent.write_in(
            tx,
            office,
            asked.person,
            asked.purpose,
            Consent.GIVEN if agrees else Consent.REFUSED,
            language=_language(office),
            method=METHOD,
            guardian=asked.guardian,
        )


def _is_own(tx: Connection, office: Office, person: PersonNumber, who: Identifier) -> bool:
    query = select(identifiers.c.id).where(
        identifiers.c.person == person,
        identifiers.c.kind == Kind.EMAIL,
        identifiers.c.hash == people.hash_of(office.keyring, who),
        identifiers.c.until.is_(None),
    )
    return tx.execute(query.limit(1)).first() is not None


def _language(office: Office) -> str:
    return office.policy.controller.languages[0]


def _letter(office: Office, person: PersonNumber, to: str, wording: Wording, link: str) -> mail.Letter:
    name = office.policy.controller.name
    text = (
        f"A child named you as the one who decides for them. They would like to allow {name} this use of their data "
        f"({purpose_label(wording.purpose)}):\n\n"
        f'    "{wording.text}"\n\n'
        f"Agree or refuse here, within three days:\n\n{link}\n\n"
        "Do nothing, and nothing is done with their data for this. You can take it back at any time.\n"
    )
    return mail.Letter(to, f"A child asks you to decide, at {name}", text, reference="guardian asked", person=person)
