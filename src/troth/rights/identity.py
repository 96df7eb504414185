"""Who asks: settled before anything about a person is shown, changed or sent.

1. A one-time link goes to an address on file: one that the company's stores hold for the person, or one that troth
   knew before the request. An address that is given with a request and is not on file gets nothing.
2. Who stands in the privacy centre has shown who they are; for an erasure they follow a fresh link all the same.
3. After a change of address, whoever asks for data or for their deletion is looked at by staff first.
4. Whether we know somebody is found out after the answer has gone out (`settle`): known or not, it is the same
   answer, in the same time.
5. Proof is a word and a time in the request. No identity document is asked for or kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, update

from troth.errors import DeclarationFaults, MoveRefused, PersonAmbiguous, RecordsError, RequestError
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.records.subjects import Subject, find_subjects
from troth.policy.vocabulary import Right
from troth.rights import deadlines, letters, links, on_file, requests
from troth.rights.on_file import OnFile
from troth.rights.requests import HOUSE, PERSON, By, Request
from troth.rights.tables import requests as requests_table
from troth.rights.words import Actor, Channel, LinkUse, Proof, State
from troth.use import entrance

if TYPE_CHECKING:
    from troth.rights.desk import Desk

_AT_ONCE = frozenset({Right.RESTRICTION, Right.OBJECTION})
_TAKES_DATA = frozenset({Right.ACCESS, Right.PORTABILITY, Right.ERASURE})


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """A person who has shown that they are who they say, by what, and when."""

    number: PersonNumber
    proof: Proof
    at: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request whose link was followed: as it stands now, who it is, and the token of the session that it opened."""

    request: Request
    person: VerifiedPerson
    session: str = field(repr=False)


def subjects_of(desk: Desk, which: int | str) -> tuple[Subject, ...]:
    """The person of a request as each of the company's stores knows them; nothing once the request has ended.

    Raises: RequestUnknown; PersonAmbiguous; RecordsError when a store cannot be asked.
    """
    with desk.office.store.reading() as tx:
        known_by = requests.known_by_of(tx, desk.office, requests.load(tx, which))
    return find_subjects(desk.records, desk.datamap, known_by) if known_by else ()


def verified(request: Request) -> VerifiedPerson:
    """Whose request it is. Raises: RequestError while nobody has shown who they are."""
    if request.person is None or request.proof is None or request.confirmed_at is None:
        raise RequestError("nobody has shown yet who asks", where=f"request {request.number}")
    return VerifiedPerson(request.person, request.proof, request.confirmed_at)


# --- before the link ----------------------------------------------------------------------------------------------


def settle(desk: Desk, which: int | str, *, again: bool = False) -> Request:
    """Find out who asks, and let them go on, or mail them a link, or leave it to staff. Safe to repeat.

    Runs after the answer to whoever asked has gone out. `again` mails a new link where one was mailed before.
    Raises: RecordsError when a store cannot be asked: the request stays `received`, and is tried again later. A
    restriction or an objection of somebody who is known already does not wait for that.
    """
    office = desk.office
    with office.store.reading() as tx:
        request = requests.load(tx, which)
        known_by = requests.known_by_of(tx, office, request)
    if request.state is not State.RECEIVED and not (again and request.state is State.IDENTITY):
        return request
    try:
        found = on_file.find(desk, request, known_by)
    except PersonAmbiguous:
        return _leave_to_staff(desk, request, "ambiguous")
    except (RecordsError, DeclarationFaults):
        if request.person is None or request.right not in _AT_ONCE:
            raise
        mails = tuple(one.value for one in known_by if one.kind is Kind.EMAIL)
        found = OnFile(request.person, known_by, mails)
    if found is None:
        return _leave_to_staff(desk, request, "nobody-known")
    with office.deed() as tx:
        current = requests.hold_and_load(tx, request.id)
        requests.keep_identity(tx, office, current, known_by=found.known_by, addresses=found.addresses)
        changed = on_file.changed_lately(tx, desk, found.person, current)
        if changed is not None and current.right in _TAKES_DATA and _by_person(current):
            return requests.move(
                tx,
                office,
                current,
                State.IDENTITY,
                word="address-changed",
                person=found.person,
                frozen_until=changed,
                lapses_at=_lapses_at(desk, current),
            )
        proof = _standing_proof(current)
        if proof is not None:
            return confirm_in(tx, desk, current, found.person, proof, by=_asker(current))
        if not found.addresses:
            lapses_at = _lapses_at(desk, current)
            return requests.move(
                tx, office, current, State.IDENTITY, word="no-address", person=found.person, lapses_at=lapses_at
            )
        return _mail_link(tx, desk, current, found)


def _standing_proof(request: Request) -> Proof | None:
    """What had shown who asks when the request came; an erasure takes a fresh link, unless it came from the machine."""
    if request.right is Right.ERASURE and request.proof is not Proof.OPERATOR:
        return None
    return request.proof


def _by_person(request: Request) -> bool:
    return request.channel is not Channel.TERMINAL


def _leave_to_staff(desk: Desk, request: Request, word: str) -> Request:
    with desk.office.store.writing() as tx:
        return requests.move(tx, desk.office, request, State.IDENTITY, word=word, lapses_at=_lapses_at(desk, request))


def _mail_link(tx: Connection, desk: Desk, request: Request, found: OnFile) -> Request:
    """A link to each address on file; each works, and the first that is followed counts."""
    office, now = desk.office, desk.office.clock.now()
    recent = links.recent(tx, desk, request)
    tokens = []
    if recent < links.MOST * len(found.addresses):
        tokens = [
            links.make(tx, desk, request, LinkUse.CONFIRM, address, ends_at=now + links.LIFE)
            for address in found.addresses
        ]
        letters.send(
            tx,
            desk,
            request,
            "link",
            found.addresses,
            once=f"{recent} ",
            link=[links.address_of(desk, LinkUse.CONFIRM, token) for token in tokens],
            minutes=links.LIFE.seconds // 60,
        )
    body = {"links": len(tokens)}
    if request.state is State.IDENTITY:
        return requests.note(tx, office, request, "link-sent", body, person=found.person)
    lapses_at = _lapses_at(desk, request)
    return requests.move(
        tx, office, request, State.IDENTITY, body, word="link-sent", person=found.person, lapses_at=lapses_at
    )


def _lapses_at(desk: Desk, request: Request) -> datetime:
    """When a request that nobody confirmed is given up."""
    return desk.settings.confirm_within.after(request.received_at)


def lapse(desk: Desk, request: Request) -> Request:
    """Give up a request that nobody confirmed in time. Nobody is told: we do not know whose it was."""
    with desk.office.store.writing() as tx:
        return requests.move(tx, desk.office, request, State.CANCELLED, word="not-confirmed")


# --- with the link ------------------------------------------------------------------------------------------------


def confirm(desk: Desk, token: str) -> Confirmed | None:
    """Use up a link: the person of the request is who they say. Opens a session of theirs in the privacy centre.

    None for a link that was used, has ended or never was. Raises: StoreError.
    """
    office, now = desk.office, desk.office.clock.now()
    with office.deed() as tx:
        shown = links.use_up(tx, desk, token, LinkUse.CONFIRM)
        if shown is None:
            return None
        which, address = shown
        request = requests.hold_and_load(tx, which)
        if request.state is not State.IDENTITY or request.person is None:
            return None
        known_by = _proven(requests.known_by_of(tx, office, request), address)
        requests.keep_identity(tx, office, request, known_by=known_by)
        request = confirm_in(tx, desk, request, request.person, Proof.LINK, by=PERSON)
        who = verified(request)
        session = entrance.begin(tx, office, who.number, now, shown=address, known_by=known_by)
        return Confirmed(request, who, session)


def _proven(known_by: Sequence[Identifier], address: str) -> tuple[Identifier, ...]:
    """The same, with the address that the link went to as one that is proven to be theirs."""
    return tuple(
        replace(one, verified=True) if one.kind is Kind.EMAIL and one.value == address.lower() else one
        for one in known_by
    )


def confirm_in(
    tx: Connection, desk: Desk, request: Request, person: PersonNumber, proof: Proof, *, by: By = HOUSE, note: str = ""
) -> Request:
    """Note that `person` has shown who they are, and send the request on its way: see `after_confirmation`.

    The legal day is counted anew where a law counts from proof of identity. Raises: MoveRefused.
    """
    office, now = desk.office, desk.office.clock.now()
    due = deadlines.answer_due(
        office.policy.laws,
        request.right,
        request.received_at,
        calendar=desk.calendar,
        confirmed=now,
        paused=requests.pauses_of(tx, request, now),
    )
    to = after_confirmation(desk, request)
    facts = {
        "person": person,
        "proof": proof,
        "confirmed_at": now,
        "due": due.day,
        "due_at": due.ends(),
        "law": due.law,
        "article": due.article,
        "frozen_until": None,
        "lapses_at": None,
    }
    if to is State.COOLING_OFF:
        facts["cooling_until"] = desk.settings.cooling_off.after(now)
    tx.execute(update(requests_table).where(requests_table.c.id == request.id).values(person=person))
    moved = requests.move(tx, office, request, to, {"proof": proof}, by=by, word="confirmed", note=note, **facts)
    _tell(tx, desk, moved)
    return moved


def after_confirmation(desk: Desk, request: Request) -> State:
    """Where a request goes once we know who asks: an erasure waits, unless it came from the machine itself."""
    if request.right is not Right.ERASURE:
        return State.WORKING
    if request.channel is not Channel.TERMINAL and desk.settings.cooling_off.count > 0:
        return State.COOLING_OFF
    return after_cooling(desk)


def after_cooling(desk: Desk) -> State:
    """Where an erasure goes once its waiting time is over."""
    return State.APPROVAL if desk.settings.approval or desk.settings.four_eyes else State.WORKING


def cancel(desk: Desk, token: str) -> Request | None:
    """Use up a link that stops an erasure in its waiting time; None for a link that does not work any more.

    Whoever of the addresses on file follows theirs is enough. Raises: StoreError.
    """
    with desk.office.deed() as tx:
        used = links.use_up(tx, desk, token, LinkUse.CANCEL)
        if used is None:
            return None
        request = requests.load(tx, used[0])
        try:
            return cancel_in(tx, desk, request, by=PERSON)
        except MoveRefused:
            return None


def cancel_in(tx: Connection, desk: Desk, request: Request, *, by: By) -> Request:
    """Cancel a request and tell every address on file. Raises: MoveRefused once it has begun or ended."""
    addresses = requests.addresses_of(tx, desk.office, request)
    moved = requests.move(tx, desk.office, request, State.CANCELLED, by=by)
    letters.send(tx, desk, moved, "cancelled", addresses)
    return moved


# --- inside -------------------------------------------------------------------------------------------------------


def _tell(tx: Connection, desk: Desk, request: Request) -> None:
    """Tell every address on file that a request was taken in; for an erasure that waits, with a link that stops it."""
    addresses = requests.addresses_of(tx, desk.office, request)
    if request.state is not State.COOLING_OFF:
        if request.channel is not Channel.TERMINAL:
            letters.send(tx, desk, request, "received", addresses)
        return
    until = request.cooling_until
    assert until is not None
    tokens = [links.make(tx, desk, request, LinkUse.CANCEL, address, ends_at=until) for address in addresses]
    day = letters.day(desk.calendar.day_of(until), letters.language_of(desk.office.policy))
    stops = [links.address_of(desk, LinkUse.CANCEL, token) for token in tokens]
    letters.send(tx, desk, request, "cooling", addresses, link=stops, until=day)


def _asker(request: Request) -> By:
    actors = {Channel.TERMINAL: Actor.OPERATOR, Channel.API: Actor.APP, Channel.CONSOLE: Actor.STAFF}
    return By(actors.get(request.channel, Actor.PERSON))
