"""Carry a request on, from wherever it stands, as far as the house can by itself.

Every step is safe to repeat: a job may run twice, and be killed anywhere. Restrictions and objections are carried out
here and at once. What a machine can't do yet is done by staff, and the request says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from troth.errors import ErasureRefused, ErasureUnsettled, GuardClosed, LimitPassed, PlanChanged, TrothError
from troth.foundation import jobs, mail
from troth.policy.vocabulary import Right
from troth.rights import identity, letters, requests
from troth.rights import register as register_
from troth.rights.desk import Desk
from troth.rights.requests import Request
from troth.rights.tables import request_approvals
from troth.rights.words import Channel, ErasureState, State
from troth.use import objections, restrictions
from troth.use.tables import EVERY_PURPOSE
from troth.use.words import Ground

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from troth.foundation.store import Store
    from troth.rights.erasure import Erasure

JOB = "request"
"""What the work on requests is called; it runs under a request's number."""

_MOST_STEPS = 8


def go_on(desk: Desk, which: int | str) -> State:
    """Take the request as far as it goes now without a person: settle who asks, end a waiting time, carry it out.

    Gives where it stands then. Raises: RequestUnknown; RecordsError when a store cannot be asked, and the request
    stays where it was, to be tried again.
    """
    office = desk.office
    for _ in range(_MOST_STEPS):
        with office.store.reading() as tx:
            request = requests.load(tx, which)
        before, now = request.state, office.clock.now()
        if before is State.RECEIVED:
            after = identity.settle(desk, request.id).state
        elif before is State.IDENTITY and request.lapses_at is not None and request.lapses_at <= now:
            after = identity.lapse(desk, request).state
        elif before is State.COOLING_OFF and request.cooling_until is not None and request.cooling_until <= now:
            after = _end_waiting(desk, request).state
        elif before is State.WORKING:
            after = fulfil(desk, request.id)
        else:
            return before
        if after is before:
            return after
    return after


def fulfil(desk: Desk, which: int | str) -> State:
    """Carry out a request that is `working`, and give where it stands then; anything else is left as it is.

    Idempotent, and safe to kill anywhere. Raises: RequestUnknown; RecordsError, StoreError: try again.
    """
    with desk.office.store.reading() as tx:
        request = requests.load(tx, which)
    if request.state is not State.WORKING:
        return request.state
    identity.verified(request)
    if request.right in requests.BY_HAND:
        return request.state
    return _DEEDS[request.right](desk, request)


def begin(desk: Desk, which: int | str) -> None:
    """See to it that the request goes on: by a worker where one runs, else here and now.

    Call it after the commit, and after the answer. What fails here is picked up by the next worker's round.
    Raises: as `go_on`.
    """
    store = desk.office.store
    with store.reading() as tx:
        request = requests.load(tx, which)
        turn = register_.turn_of(tx, request)
    known = JOB in jobs.registered()
    if not known or jobs.start(store, JOB, request.number, turn) is jobs.Started.LATER:
        go_on(desk, request.id)
    deliver(desk)


def register(desk_now: Callable[[], Desk]) -> None:
    """Say what the job of a request does, in this process."""

    def work(number: str) -> None:
        desk = desk_now()
        go_on(desk, number)
        deliver(desk)

    jobs.register(JOB, work)


def waiting(store: Store, now: datetime) -> Iterator[jobs.Work]:
    """The work that the store says is to be done now, whether it was ever begun or not."""
    with store.reading() as tx:
        due = register_.waiting(tx, now)
    for request, turn in due:
        yield jobs.Work(JOB, request.number, turn)


def deliver(desk: Desk) -> mail.Delivery:
    """Send what waits in the outbox."""
    return mail.deliver(desk.office.store, desk.office.keyring, desk.instance.settings.mail, clock=desk.office.clock)


# --- each right ---------------------------------------------------------------------------------------------------


def _restrict(desk: Desk, request: Request) -> State:
    assert request.person is not None
    with desk.office.deed() as tx:
        restrictions.place_in(tx, desk.office, request.person, ground=Ground.REQUEST, method=request.channel)
        return _done(tx, desk, request)


def _object(desk: Desk, request: Request) -> State:
    assert request.person is not None
    with desk.office.deed() as tx:
        purpose = request.purpose or EVERY_PURPOSE
        objections.raise_in(tx, desk.office, request.person, purpose, method=request.channel)
        return _done(tx, desk, request)


def _give_copy(desk: Desk, request: Request) -> State:
    """Make the copy, unless staff have to look at it first; it is answered once it can be fetched."""
    from troth.rights import packages

    provided = packages.provide(desk, request.id)
    package = provided.package
    with desk.office.store.writing() as tx:
        if package is None:
            body = {"undecided": provided.undecided}
            return requests.move(tx, desk.office, request, State.RELEASE, body).state
        until = letters.day(desk.calendar.day_of(package.ends_at), letters.language_of(desk.office.policy))
        return _done(tx, desk, request, until=until)


def _erase(desk: Desk, request: Request) -> State:
    """Erase, ask again, sweep; only what is proven is done. What stands in the way is written down for staff, and what
    a legal hold keeps of it is told to the person: the rest goes when the hold is lifted.

    Raises: as `erasure.execute`; the request stays `working` and is tried again.
    """
    from troth.rights import erasure

    try:
        erased = erasure.execute(desk, request.id)
        if erased.held:
            return _held(desk, request, erased)
        proven = erasure.prove(desk, request.id)
    except PlanChanged as changed:
        return _blocked(desk, request, changed, State.APPROVAL)
    except (GuardClosed, ErasureRefused, ErasureUnsettled, LimitPassed) as problem:
        _let_rest(desk, request)
        _blocked(desk, request, problem, State.WORKING)
        raise
    if proven.state is not ErasureState.PROVEN:
        return State.WORKING
    with desk.office.store.writing() as tx:
        note = _kept(desk, proven.plan)
        return _done(tx, desk, requests.load(tx, request.id), note=note, entry=proven.proof or proven.intent)


def _held(desk: Desk, request: Request, erasure: Erasure) -> State:
    """Tell once what was erased and what stays for now (GDPR Art. 12(4)); the request waits for the rest."""
    from troth.rights import held_back

    with desk.office.store.writing() as tx:
        kept = held_back.told(tx, erasure.held)
        note = _kept(desk, {"kept": kept}, "held")
        steps = register_.history(tx, desk.office, request)
        if any((step.word, step.note) == ("held", note.strip()) for step in steps):
            return request.state
        requests.note(tx, desk.office, request, "held", {"rows": sum(each["n"] for each in kept)}, text=note.strip())
        if request.channel is not Channel.TERMINAL:
            addresses = requests.addresses_of(tx, desk.office, request)
            letters.send(tx, desk, request, "held-erasure", addresses, once=f"{erasure.outcome} ", note=note)
        return request.state


def _let_rest(desk: Desk, request: Request) -> None:
    """What is to be erased and cannot go yet is not used meanwhile (GDPR Art. 18; the approval is what counts)."""
    from troth.rights import farewell

    if request.person is not None:
        with desk.office.deed() as tx:
            farewell.stand_still(tx, desk.office, request.person)


def _kept(desk: Desk, plan: Mapping[str, Any], word: str = "kept") -> str:
    """What a law makes the company keep, in a line each, for the letter."""
    from troth.rights import picture

    language = letters.language_of(desk.office.policy)
    words, kept = letters.wording(language)[word], [each for each in plan.get("kept", ()) if each["n"]]
    lines = [
        words["line"].format_map(
            {
                "where": picture.title(each["where"]),
                "n": each["n"],
                "ground": each["ground"].replace("-", " "),
                "until": letters.until(each["until"], language),
            }
        )
        for each in kept
    ]
    return "\n".join(["", words["head"], *lines, ""]) if lines else ""


def _blocked(desk: Desk, request: Request, problem: TrothError, to: State) -> State:
    """Write down once what stands in the way; a plan that has changed is looked at again."""
    with desk.office.store.writing() as tx:
        if to is State.APPROVAL:
            moved = requests.move(tx, desk.office, request, to, word="plan-changed", plan_sha256=None)
            tx.execute(delete(request_approvals).where(request_approvals.c.request == request.id))
            return moved.state
        steps = register_.history(tx, desk.office, request)
        if (steps[-1].word, steps[-1].note) != ("blocked", str(problem)):
            requests.note(tx, desk.office, request, "blocked", {"error": type(problem).__name__}, text=str(problem))
        return request.state


def _done(tx: Connection, desk: Desk, request: Request, **facts: Any) -> State:
    """The request has been answered: told to every address on file, which is then forgotten with the rest."""
    addresses = requests.addresses_of(tx, desk.office, request)
    moved = requests.move(tx, desk.office, request, State.DONE)
    facts = {"until": "", "note": "", "entry": "", **facts}
    if request.channel is not Channel.TERMINAL:
        letters.send(tx, desk, moved, f"done-{request.right}", addresses, **facts)
    return moved.state


def _end_waiting(desk: Desk, request: Request) -> Request:
    with desk.office.store.writing() as tx:
        return requests.move(tx, desk.office, request, identity.after_cooling(desk), word="waited")


_DEEDS: dict[Right, Callable[[Desk, Request], State]] = {
    Right.ACCESS: _give_copy,
    Right.ERASURE: _erase,
    Right.RESTRICTION: _restrict,
    Right.OBJECTION: _object,
}
