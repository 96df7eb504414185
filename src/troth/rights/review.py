"""What staff decide about a request, and what the person is told of it.

Who may do what stands in the matrix (`foundation.operations`); each deed here asks it, whichever door was used.
Under four eyes an erasure is approved by two different people, one of them the DPO. Whoever typed a request in does
not count as an eye on it. Every act is a move with its leaf, under the name of who did it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from troth.errors import MoveRefused, RequestError
from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.roles import Role
from troth.foundation.tables import staff as accounts
from troth.policy.law.deadlines import Due
from troth.rights import deadlines, identity, letters, requests
from troth.rights.requests import By, Request
from troth.rights.tables import request_approvals, request_moves, request_pauses
from troth.rights.words import Actor, Proof, RefusalGround, State

if TYPE_CHECKING:
    from troth.foundation.staff import Caller
    from troth.rights.desk import Desk


class Act(StrEnum):
    """What staff can do about requests, in the words of a page."""

    SEE = "see"
    READ = "read"
    FILE = "file"
    CONFIRM = "confirm"
    ASK = "ask"
    ANSWER = "answer"
    RELEASE = "release"
    APPROVE = "approve"
    REFUSE = "refuse"
    EXTEND = "extend"

    @property
    def operation(self) -> Operation:
        """Its row of the matrix."""
        return Operation.ERASURE_APPROVE if self is Act.APPROVE else Operation(f"requests.{self}")


MAY: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {role: frozenset(act for act in Act if operations.may(role, act.operation)) for role in Role}
)
"""What each role may do, as the matrix says it."""

_HASH = re.compile(r"[0-9a-f]{64}")
_UNCONFIRMED = frozenset({State.RECEIVED, State.IDENTITY})


def require(caller: Caller, act: Act) -> By:
    """The caller as who does it. Raises: AccessDenied where their role does not allow it."""
    operations.require(caller.role, act.operation)
    return By(Actor.STAFF, caller.id)


def confirm(desk: Desk, number: str, caller: Caller, how: str) -> Request:
    """Answer by name for who the person is, having made sure of it; `how` says in words by what.

    For people whom a link can't reach. Raises: AccessDenied, RequestUnknown; RequestError where nobody is known by
    what they said, or `how` is empty; MoveRefused.
    """
    by = require(caller, Act.CONFIRM)
    _require_words(number, how, "how you made sure who it is")
    with desk.office.deed() as tx:
        request = requests.hold_and_load(tx, number)
        if request.person is None:
            raise RequestError(
                "nobody is known by what was given",
                where=f"request {number}",
                repair="Ask the person for another identifier, and file the request under it.",
            )
        if request.state is not State.IDENTITY:
            raise MoveRefused(where=f"request {number}", expected=State.IDENTITY)
        return identity.confirm_in(tx, desk, request, request.person, Proof.STAFF, by=by, note=how)


def approve(desk: Desk, number: str, caller: Caller, plan_sha256: str) -> Request:
    """Approve an erasure whose plan was looked at; it begins once enough people have.

    `plan_sha256` is the hash of the plan that was shown; approvals of another plan do not count together, and nobody
    approves what was not shown. Raises: AccessDenied, RequestUnknown; MoveRefused.
    """
    by, now = require(caller, Act.APPROVE), desk.office.clock.now()
    if not _HASH.fullmatch(plan_sha256):
        raise MoveRefused(where=f"request {number}", repair="Look at its plan, and approve that one.")
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        if request.state is not State.APPROVAL:
            raise MoveRefused(where=f"request {number}", expected=State.APPROVAL)
        if desk.settings.four_eyes:
            operations.require_apart(Operation.ERASURE_APPROVE, caller.id, first=_typed_in_by(tx, request))
        seen = (request_approvals.c.request == request.id, request_approvals.c.staff == caller.id)
        if tx.execute(select(request_approvals.c.at).where(*seen)).first() is None:
            tx.execute(
                request_approvals.insert().values(request=request.id, staff=caller.id, at=now, plan_sha256=plan_sha256)
            )
            request = requests.note(tx, desk.office, request, "approved", {"plan": plan_sha256}, by=by)
        else:
            tx.execute(update(request_approvals).where(*seen).values(at=now, plan_sha256=plan_sha256))
        if not _enough(tx, desk, request, plan_sha256):
            return request
        return requests.move(
            tx, desk.office, request, State.WORKING, {"plan": plan_sha256}, by=by, plan_sha256=plan_sha256
        )


def release(desk: Desk, number: str, caller: Caller) -> Request:
    """Let a copy go that was looked at because other people are in it. Raises: AccessDenied, MoveRefused."""
    by, now = require(caller, Act.RELEASE), desk.office.clock.now()
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        if request.state is not State.RELEASE:
            raise MoveRefused(where=f"request {number}", expected=State.RELEASE)
        return requests.move(tx, desk.office, request, State.WORKING, by=by, word="released", released_at=now)


def refuse(desk: Desk, number: str, caller: Caller, ground: RefusalGround, reason: str) -> Request:
    """Refuse a request on a ground of the law, with the reason in words; the person is told of both, and where they can
    complain (GDPR Art. 12(4)).

    Raises: AccessDenied, RequestUnknown; RequestError for no reason; MoveRefused for an erasure that has begun.
    """
    by = require(caller, Act.REFUSE)
    _require_words(number, reason, "the reason")
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        addresses = requests.addresses_of(tx, desk.office, request)
        moved = requests.move(
            tx, desk.office, request, State.REFUSED, {"ground": ground}, by=by, note=reason, ground=ground
        )
        words = letters.wording(letters.language_of(desk.office.policy))["grounds"]
        letters.send(tx, desk, moved, "refused", addresses, ground=words[ground], note=f"\n{reason}\n")
        return moved


def extend(desk: Desk, number: str, caller: Caller, reason: str) -> Request:
    """Take longer, where every law that sets a day allows it, and tell the person so with the reason.

    Raises: AccessDenied, RequestUnknown; RequestError for no reason, or where no later day can be had now; MoveRefused.
    """
    by, now = require(caller, Act.EXTEND), desk.office.clock.now()
    _require_words(number, reason, "the reason")
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        if not request.open or request.extended_at is not None:
            raise MoveRefused("it was extended before, or has ended", where=f"request {number}")
        due = longer(tx, desk, request, now)
        if due is None:
            raise RequestError(
                "no law that governs this request gives a later day now",
                where=f"request {number}",
                repair=f"Answer it by {request.due.isoformat()} ({request.article}).",
            )
        facts: dict[str, Any] = {"due": due.day, "due_at": due.ends(), "law": due.law, "article": due.article}
        body = {"due": due.day.isoformat(), "law": due.article}
        told = requests.note(tx, desk.office, request, "extended", body, by=by, text=reason, extended_at=now, **facts)
        letters.send(tx, desk, told, "extended", requests.addresses_of(tx, desk.office, told), note=reason)
        return told


def _due_now(tx: Connection, desk: Desk, request: Request, now: datetime) -> Due:
    """The day of the answer with the times in which the person was awaited, and with an extension they were told of."""
    laws, received, paused = desk.office.policy.laws, request.received_at, requests.pauses_of(tx, request, now)
    confirmed, calendar = request.confirmed_at, desk.calendar
    plain = deadlines.answer_due(laws, request.right, received, calendar=calendar, confirmed=confirmed, paused=paused)
    if request.extended_at is None:
        return plain
    told = request.extended_at
    extended = deadlines.extended_due(
        laws, request.right, received, told=told, calendar=calendar, confirmed=confirmed, paused=paused
    )
    return extended or plain


def longer(tx: Connection, desk: Desk, request: Request, now: datetime) -> Due | None:
    """The day that an extension told of now would give; None where there is none."""
    return deadlines.extended_due(
        desk.office.policy.laws,
        request.right,
        request.received_at,
        told=now,
        calendar=desk.calendar,
        confirmed=request.confirmed_at,
        paused=requests.pauses_of(tx, request, now),
    )


def answer(desk: Desk, number: str, caller: Caller, what: str) -> Request:
    """Say that a request which staff carry out by hand is done, and what was done; the person is told.

    Raises: AccessDenied, RequestUnknown; RequestError for no words, or a right that the house carries out itself;
    MoveRefused before anybody has shown who they are.
    """
    by = require(caller, Act.ANSWER)
    _require_words(number, what, "what was done")
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        if request.right not in requests.BY_HAND:
            raise RequestError(f"troth carries out {request.right} itself", where=f"request {number}")
        if request.state in _UNCONFIRMED:
            raise MoveRefused("nobody has shown yet who asks", where=f"request {number}", expected=State.WORKING)
        addresses = requests.addresses_of(tx, desk.office, request)
        moved = requests.move(tx, desk.office, request, State.DONE, by=by, word="by-hand", note=what)
        letters.send(tx, desk, moved, f"done-{request.right}", addresses, note=f"\n{what}\n")
        return moved


def ask_back(desk: Desk, number: str, caller: Caller) -> Request:
    """Note that an answer which is needed was asked of the person: some laws stop their clock until it comes.

    Raises: AccessDenied, RequestUnknown; MoveRefused where one is awaited already, or the request has ended.
    """
    by, now = require(caller, Act.ASK), desk.office.clock.now()
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        if not request.open or awaited(tx, request):
            raise MoveRefused("an answer is awaited already, or it has ended", where=f"request {number}")
        tx.execute(request_pauses.insert().values(request=request.id, begun_at=now))
        return requests.note(tx, desk.office, request, "asked", by=by)


def answered(desk: Desk, number: str, caller: Caller) -> Request:
    """Note that the person has answered; the day is counted anew, later only where a law stops its clock.

    Raises: AccessDenied, RequestUnknown; MoveRefused where no answer was awaited.
    """
    by, now = require(caller, Act.ASK), desk.office.clock.now()
    with desk.office.store.writing() as tx:
        request = requests.hold_and_load(tx, number)
        going_on = (request_pauses.c.request == request.id, request_pauses.c.ended_at.is_(None))
        if tx.execute(update(request_pauses).where(*going_on).values(ended_at=now)).rowcount == 0:
            raise MoveRefused("no answer was awaited", where=f"request {number}")
        due = _due_now(tx, desk, request, now)
        body = {"due": due.day.isoformat()}
        return requests.note(
            tx, desk.office, request, "answered", body, by=by, due=due.day, due_at=due.ends(), article=due.article
        )


def awaited(tx: Connection, request: Request) -> bool:
    """Whether an answer of the person is awaited now."""
    statement = select(request_pauses.c.id).where(
        request_pauses.c.request == request.id, request_pauses.c.ended_at.is_(None)
    )
    return tx.execute(statement).first() is not None


def approvals(tx: Connection, request: Request) -> tuple[tuple[str, datetime], ...]:
    """Who of staff approved the request, and when."""
    rows = tx.execute(
        select(accounts.c.name, request_approvals.c.at)
        .join(accounts, accounts.c.id == request_approvals.c.staff)
        .where(request_approvals.c.request == request.id)
        .order_by(request_approvals.c.at)
    )
    return tuple((row.name, row.at) for row in rows)


def _enough(tx: Connection, desk: Desk, request: Request, plan_sha256: str) -> bool:
    rows = tx.execute(
        select(accounts.c.role)
        .join(request_approvals, request_approvals.c.staff == accounts.c.id)
        .where(
            request_approvals.c.request == request.id,
            request_approvals.c.plan_sha256 == plan_sha256,
        )
    )
    roles = [row.role for row in rows]
    return len(roles) >= 2 and Role.DPO in roles if desk.settings.four_eyes else bool(roles)


def _typed_in_by(tx: Connection, request: Request) -> int | None:
    statement = select(request_moves.c.staff).where(
        request_moves.c.request == request.id, request_moves.c.before.is_(None)
    )
    found: int | None = tx.execute(statement).scalar_one_or_none()
    return found


def _require_words(number: str, text: str, what: str) -> None:
    if not text.strip() or len(text) > requests.LONGEST_WISH:
        raise RequestError(f"{what} is missing, or too long", where=f"request {number}", expected="a few sentences")
