"""Stop mail by a link out of that mail, and the headers that let a mail program do it with one click.

1. `headers` gives what the company's mailer puts into each letter (RFC 2369, RFC 8058). Its link tells nobody anything.
2. `stop` carries out what a link says: the person's consent ends, or they object; the address goes on the list of those
   that get no mail. Done once or a hundred times, it is the same.
3. It works for who was erased, or never had an account: then the address alone is what gets no mail.
4. `may_mail` answers for one address whether a letter may go: never to one on the list, and to a person only when
   the decision says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from troth.errors import PersonAmbiguous, StoreError
from troth.foundation import people
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.tables import identifiers
from troth.use import choices, standing
from troth.use.decision import Decision, Reason, is_marketing
from troth.use.lease import Lease
from troth.use.office import Office, unknown_purpose
from troth.use.standing import Person
from troth.use.stopping import suppression, tokens
from troth.use.stopping.suppression import ALL_MARKETING
from troth.use.stopping.tokens import Stop
from troth.use.words import Consent, Suppression

ONE_CLICK = "List-Unsubscribe=One-Click"
EMAIL = "contact.email"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a link stands at: for which purposes, and whether mail for all of them has stopped."""

    purposes: tuple[str, ...]
    stopped: bool


def headers(office: Office, address_of_site: str, person: Person, purpose: str) -> dict[str, str]:
    """The two headers of a letter to `person` for `purpose`; sign both with DKIM.

    `address_of_site` is where the privacy centre stands, as the reader reaches it. Name the person by their address too
    (`{"id": "17", "email": "..."}`), and the address gets no mail either, whoever it is once the account is gone; an
    address alone will do for who has no account.
    Raises: UnknownName for a purpose that is not declared, or that nobody can stop; PersonUnknown, PersonAmbiguous;
    StoreError.
    """
    stoppable(office, purpose)
    named = standing.named(person)
    address = next((one for one in named if one.kind is Kind.EMAIL), None)
    with office.store.reading() as tx:
        find = standing.load_person if address is None else standing.find
        number = find(tx, office.keyring, person)
    hashed = None if address is None else tokens.hash_of(office.keyring, address)
    token = tokens.make(office.keyring, Stop(purpose, number, hashed))
    return {"List-Unsubscribe": f"<{address_of_site}/mail/{token}>", "List-Unsubscribe-Post": ONE_CLICK}


def stoppable(office: Office, purpose: str) -> None:
    """Make sure that mail for `purpose` is something one can stop. Raises: UnknownName."""
    among = tuple(dict.fromkeys((*office.compiled.consent_bits, *office.compiled.objection_bits)))
    if purpose not in among:
        declared = purpose in office.compiled.purposes
        message = "is nothing that one can stop." if declared else "is not a purpose of this policy."
        raise unknown_purpose(office, purpose, message, among)


def purposes_of(office: Office, stop: Stop) -> tuple[str, ...]:
    """The purposes that a link is about: its own, or all marketing. One that has left the policy stays its own."""
    if stop.purpose != ALL_MARKETING:
        return (stop.purpose,)
    among = dict.fromkeys((*office.compiled.consent_bits, *office.compiled.objection_bits))
    return tuple(purpose for purpose in among if is_marketing(purpose))


def look(tx: Connection, office: Office, stop: Stop) -> Stopped:
    """Where a link stands. Changes nothing."""
    purposes = purposes_of(office, stop)
    person = _living(tx, stop.person)
    said = None if person is None else standing.load(tx, person)
    word = None if said is None else standing.word_of(office.compiled, said, office.clock.now())
    listed = {
        purpose
        for purpose in (*purposes, ALL_MARKETING)
        if stop.address_hash is not None and suppression.is_suppressed(tx, office, stop.address_hash, purpose)
    }
    stopped = all(
        purpose in listed or (word is not None and not suppression.wanted(office, word, purpose))
        for purpose in purposes
    ) and bool(purposes or ALL_MARKETING in listed)
    return Stopped(purposes, stopped)


def stop(office: Office, stop: Stop, *, method: str) -> Stopped:
    """Carry out a link: when this returns, no decision permits that mail. Raises: StoreError; then nothing was done."""
    with office.deed() as tx:
        if stop.address_hash is not None:
            reason = Suppression.PROBE if stop.probe else Suppression.OPT_OUT
            suppression.suppress_in(tx, office, stop.address_hash, stop.purpose, reason=reason)
        person = None if stop.probe else _living(tx, stop.person)
        if person is not None:
            word = standing.word_of(office.compiled, standing.load(tx, person), office.clock.now())
            for purpose in purposes_of(office, stop):
                if suppression.wanted(office, word, purpose):
                    choices.refuse(tx, office, person, purpose, method=method)
        return look(tx, office, stop)


def may_mail(lease: Lease, address: str, purpose: str) -> Decision:
    """Whether a letter for `purpose` may go to `address` now. False in an `if` when not.

    Refused where the address is on the list, unless its person has agreed to this purpose since: the later word counts.
    Where it leads to a person, the decision about their address counts; an address of nobody known gets nothing.
    Raises: PersonError for what is no address. Never raises for what cannot be read: that is a no.
    """
    office = lease.office
    who = people.identifier(Kind.EMAIL, address)
    try:
        with office.store.reading() as tx:
            since = suppression.listed_since(tx, office, tokens.hash_of(office.keyring, who), purpose)
            again = since is not None and _agreed_after(tx, office, who, purpose, since)
    except StoreError:
        return Decision(False, Reason.STANDING_UNKNOWN)
    if since is not None and not again:
        uses = office.compiled.purposes.get(purpose)
        use = uses[0] if uses else None
        return Decision(False, Reason.OBJECTION_STANDS, use.clause_id if use else None, use.number if use else None)
    return lease.may(who, purpose, EMAIL)


def _agreed_after(tx: Connection, office: Office, who: Identifier, purpose: str, since: datetime) -> bool:
    """Whether the person of an address gave their consent to `purpose` later than `since`, and it still stands."""
    try:
        person = people.find(tx, office.keyring, who)
    except PersonAmbiguous:
        return False
    word = None if person is None else standing.load(tx, person).consents.get(purpose)
    return word is not None and word.word is Consent.GIVEN and word.at > since


def _living(tx: Connection, person: PersonNumber | None) -> PersonNumber | None:
    """The person, while anything leads to them: of who was erased, a number without a name is left."""
    if person is None:
        return None
    led = select(identifiers.c.person).where(identifiers.c.person == person, identifiers.c.until.is_(None)).limit(1)
    found: PersonNumber | None = tx.execute(led).scalar_one_or_none()
    return found


def link_to_stop(office: Office, address: str) -> tuple[str, PersonNumber | None]:
    """A token that stops all marketing to `address`, and whose address it is; None for nobody we know, or for several.

    Raises: PersonError; StoreError.
    """
    who = people.identifier(Kind.EMAIL, address)
    with office.store.reading() as tx:
        try:
            person = people.find(tx, office.keyring, who)
        except PersonAmbiguous:
            person = None
    return tokens.make(office.keyring, Stop(ALL_MARKETING, person, tokens.hash_of(office.keyring, who))), person
