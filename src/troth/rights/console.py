"""The door for staff: every request with its day, the plan of an erasure, and what they decide.

What a role may do stands in the matrix (`foundation.operations`); a page shows the acts that its reader may do now, and
each act asks again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import Response

from troth.errors import AccessDenied, PersonError, RequestError, RequestUnknown, TrothError, UnknownName
from troth.foundation import people, staff
from troth.foundation.operations import Operation
from troth.foundation.staff import Caller
from troth.foundation.web.guarding import Guard, Guarded, StaffPage, StaffRoute, entries_of, guarded
from troth.foundation.web.pages import Ask
from troth.policy.vocabulary import Right
from troth.rights import (
    fulfilment,
    identity,
    labels,
    letters,
    lists,
    packages,
    picture,
    register,
    releases,
    requests,
    review,
)
from troth.rights.desk import Desk
from troth.rights.requests import Intake, Request
from troth.rights.review import MAY, Act
from troth.rights.words import Channel, RefusalGround, Release, State

log = logging.getLogger(__name__)

_AT_A_TIME = 100
"""Values that are decided about on one page; `forms.MOST_FIELDS` is above it."""

_NO_NUMBER = "No request has that number. A number looks like 2026-000012."
_NOT_NAMED = "Name the person in one of the four ways."
_FAR = {
    State.RECEIVED: 5,
    State.IDENTITY: 15,
    State.COOLING_OFF: 35,
    State.APPROVAL: 45,
    State.WORKING: 70,
    State.RELEASE: 85,
}


def routes(desk: Callable[[], Desk], path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    pages = Pages(desk, path)
    return guarded(guard, pages.routes(), path)


@dataclass(frozen=True, slots=True)
class Lamp:
    """How a request stands to its day: a word, one of the three colours, and the days left (negative: late)."""

    word: str
    colour: str
    days: int


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages are made of."""

    desk: Callable[[], Desk]
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        return (
            ("GET", "", self.list, Operation.REQUESTS_SEE),
            ("GET", "/list.csv", self.export, Operation.REQUESTS_SEE),
            ("POST", "/find", self.search, Operation.REQUESTS_READ),
            ("GET", "/new", self.new, Operation.REQUESTS_FILE),
            ("POST", "/new", self.file, Operation.REQUESTS_FILE),
            ("GET", "/{number}", self.one, Operation.REQUESTS_SEE),
            *(
                ("POST", f"/{{number}}/{word}", self.deciding(deed), act.operation)
                for word, (act, deed) in _ACTS.items()
            ),
        )

    def list(self, ask: Ask, caller: Caller) -> Response:
        """Requests, a page at a time: the open ones with the one due first at the top, or those that were asked for.

        Whoever gives the number of one is led to it.
        """
        review.require(caller, Act.SEE)
        asked, number = lists.wanted(ask.request.query_params), ask.request.query_params.get("number", "").strip()
        with self.desk().office.store.reading() as tx:
            one = requests.find(tx, number) if number else None
            found = lists.find(tx, asked, ask.now)
        if one is not None:
            return ask.go(f"{self.path}/{one.number}")
        return self._list(ask, caller, asked, found, note=_NO_NUMBER if number else "")

    def search(self, ask: Ask, caller: Caller) -> Response:
        """The requests of one person, who is named in a form and so in no address."""
        review.require(caller, Act.READ)
        asked, found, note = lists.Wanted(), lists.Found((), 0), ""
        try:
            who = people.identifier(ask.form.get("kind", ""), ask.form.get("who", ""))
            with self.desk().office.store.reading() as tx:
                person = people.find(tx, self.desk().office.keyring, who)
                found = lists.of_person(tx, person) if person is not None else found
        except (ValueError, PersonError) as problem:
            note = problem.message if isinstance(problem, PersonError) else _NOT_NAMED
        return self._list(ask, caller, asked, found, note=note, somebody=True)

    def export(self, ask: Ask, caller: Caller) -> Response:
        """The list as CSV, all its pages. It names nobody."""
        review.require(caller, Act.SEE)
        asked, desk = lists.wanted(ask.request.query_params), self.desk()
        with desk.office.store.reading() as tx:
            text = "".join(lists.as_csv(tx, asked, ask.now, lambda each: lamp(each, ask.now, desk).word))
        name = f"requests-{asked.show}-{ask.now:%Y-%m-%d}.csv"
        return Response(text, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def new(self, ask: Ask, caller: Caller) -> Response:
        """The form by which staff take in what came by letter, phone or at the counter."""
        review.require(caller, Act.FILE)
        return self._new(ask)

    def file(self, ask: Ask, caller: Caller) -> Response:
        """Take in a request for somebody; they are asked to confirm it themselves."""
        by = review.require(caller, Act.FILE)
        try:
            right = Right(ask.form.get("right", ""))
            who = people.identifier(ask.form.get("kind", ""), ask.form.get("who", ""))
        except (ValueError, PersonError):
            return self._new(ask, status=422, error="Say which right, and name the person in one of the four ways.")
        desk = self.desk()
        intake = Intake(
            right,
            Channel.CONSOLE,
            (who,),
            wish=ask.form.get("wish", "").strip(),
            key=ask.form.get("key") or None,
            staff=by.staff,
        )
        try:
            request = requests.file(desk, intake).request
        except (RequestError, UnknownName) as problem:
            return self._new(ask, status=422, error=str(problem))
        return self._then_go_on(ask, request)

    def one(self, ask: Ask, caller: Caller) -> Response:
        """One request: where it stands, its plan, what can be done now, and its history."""
        review.require(caller, Act.SEE)
        return self._one(ask, caller)

    def deciding(self, deed: Deed) -> StaffPage:
        """The page that carries out one decision of staff about a request."""

        def act(ask: Ask, caller: Caller) -> Response:
            number = ask.request.path_params["number"]
            try:
                request = deed(self.desk(), number, caller, ask.form)
            except RequestUnknown:
                return ask.problem(404, "There is no request of that number.", "The list shows those that there are.")
            except AccessDenied:
                raise
            except (RequestError, UnknownName) as problem:
                return self._one(ask, caller, status=422, error=str(problem))
            return self._then_go_on(ask, request)

        return act

    # --- inside -------------------------------------------------------------------------------------------------------

    def _list(
        self, ask: Ask, caller: Caller, asked: lists.Wanted, found: lists.Found, *, note: str, somebody: bool = False
    ) -> Response:
        desk = self.desk()
        with desk.office.store.reading() as tx:
            counts = lists.count(tx, ask.now)
        return ask.page(
            "rights/console-list.html",
            title="Requests",
            found=[(each, lamp(each, ask.now, desk), _FAR.get(each.state, 100)) for each in found.requests],
            total=found.total,
            pages=found.pages,
            asked=asked,
            counts=counts,
            note=note,
            somebody=somebody,
            may_file=Act.FILE in MAY[caller.role],
            may_search=Act.READ in MAY[caller.role],
            rights=labels.RIGHTS,
            stands=labels.of,
            here=self.path,
        )

    def _new(self, ask: Ask, *, status: int = 200, error: str = "") -> Response:
        from troth.foundation import ids

        return ask.page(
            "rights/console-new.html",
            status=status,
            title="A request that came by another way",
            rights=labels.RIGHTS,
            error=error,
            typed=ask.form,
            key=ids.random_token(),
            here=self.path,
        )

    def _one(self, ask: Ask, caller: Caller, *, status: int = 200, error: str = "") -> Response:
        desk, may = self.desk(), MAY[caller.role]
        with desk.office.store.reading() as tx:
            request = requests.find(tx, ask.request.path_params["number"])
            if request is None:
                return ask.problem(404, "There is no request of that number.", "The list shows those that there are.")
            steps = register.history(tx, desk.office, request)
            names = {account.id: account.name for account in staff.list_(tx)}
            reads = Act.READ in may
            facts: dict[str, Any] = {
                "wish": requests.wish_of(tx, desk.office, request) if reads else "",
                "addresses": requests.addresses_of(tx, desk.office, request) if reads else (),
                "approvals": review.approvals(tx, request),
                "awaited": review.awaited(tx, request),
                "longer": review.longer(tx, desk, request, ask.now) if request.open else None,
                "package": packages.find(tx, request.id),
            }
        plan, trouble = _plan(desk, request)
        asked, more = self._questions(desk, request) if reads else ((), "")
        words = letters.wording(letters.language_of(desk.office.policy))
        return ask.page(
            "rights/console-request.html",
            status=status,
            title=f"Request {request.number}",
            request=request,
            labels=labels,
            lamp=lamp(request, ask.now, desk),
            steps=[(step, names.get(step.by.staff or 0, labels.ACTORS[step.by.actor])) for step in reversed(steps)],
            reads=reads,
            plan=plan,
            trouble=trouble or more,
            questions=asked[:_AT_A_TIME],
            unasked=max(0, len(asked) - _AT_A_TIME),
            can={act for act in may if _open_to(request, act, facts)},
            grounds=words["grounds"],
            entries=entries_of(self.path.rpartition("/")[0], caller.role),
            typed=ask.form,
            tried=ask.request.url.path.rpartition("/")[2],
            error=error,
            here=self.path,
            **facts,
        )

    def _questions(self, desk: Desk, request: Request) -> tuple[tuple[releases.Question, ...], str]:
        """What staff decide about before a copy goes: values that also speak of somebody else."""
        if request.state is not State.RELEASE:
            return (), ""
        try:
            return packages.questions(desk, request.id), ""
        except TrothError as problem:
            return (), str(problem)

    def _then_go_on(self, ask: Ask, request: Request) -> Response:
        answer = ask.go(f"{self.path}/{request.number}")
        answer.background = BackgroundTask(self._go_on, request.id)
        return answer

    def _go_on(self, which: int) -> None:
        try:
            fulfilment.begin(self.desk(), which)
        except TrothError as problem:
            log.warning("request %d waits: %s", which, problem)


def lamp(request: Request, now: dt.datetime, desk: Desk) -> Lamp:
    """How a request stands to its day: in time, due soon (within `[requests] remind`), or late."""
    today = desk.calendar.day_of(request.closed_at or now)
    days = (request.due - today).days
    if request.is_late(now):
        return Lamp("late", "broken", days)
    soon = request.open and desk.settings.remind.after(now) >= request.due_at
    return Lamp("due soon", "unproven", days) if soon else Lamp("in time", "kept", days)


def _plan(desk: Desk, request: Request) -> tuple[picture.Picture | None, str]:
    """The plan of an erasure: as carried out where it has begun, else as it would be now; and why there is none."""
    if request.right is not Right.ERASURE:
        return None, ""
    from troth.rights import erasure, held_back

    with desk.office.store.reading() as tx:
        begun = erasure.find(tx, request.id)
        held = held_back.told(tx, begun.held) if begun is not None else []
    if begun is not None:
        return picture.of_steps(begun.plan.get("steps", ()), [*begun.plan.get("kept", ()), *held]), ""
    if not request.open or request.person is None:
        return None, ""
    try:
        return picture.of_plan(erasure.plan_for(desk, identity.subjects_of(desk, request.id))), ""
    except TrothError as problem:
        return None, str(problem)


def _open_to(request: Request, act: Act, facts: Mapping[str, Any]) -> bool:
    """Whether a form for that act is shown: where the request stands and what it is. The act itself asks again."""
    state = request.state
    return {
        Act.CONFIRM: state is State.IDENTITY,
        Act.ASK: request.open,
        Act.ANSWER: request.right in requests.BY_HAND and state is State.WORKING,
        Act.RELEASE: state is State.RELEASE,
        Act.APPROVE: state is State.APPROVAL,
        Act.REFUSE: State.REFUSED in requests.allowed(request.right, state),
        Act.EXTEND: request.open and request.extended_at is None and facts["longer"] is not None,
    }.get(act, False)


def _decide(desk: Desk, number: str, caller: Caller, form: Mapping[str, str]) -> Request:
    """Decide about values of a copy that also speak of somebody else: those for which something was chosen."""
    by = review.require(caller, Act.RELEASE)
    chosen = {name[2:]: value for name, value in form.items() if name.startswith("q-")}
    if not chosen or not set(chosen.values()) <= {*Release}:
        raise RequestError("nothing was chosen; nothing was done")
    for question, value in chosen.items():
        releases.decide(desk, number, question, Release(value), by=by)
    with desk.office.store.reading() as tx:
        return requests.load(tx, number)


def _refuse(desk: Desk, number: str, caller: Caller, form: Mapping[str, str]) -> Request:
    if form.get("ground") not in {*RefusalGround}:
        raise RequestError("a ground of the law is needed; nothing was done")
    return review.refuse(desk, number, caller, RefusalGround(form["ground"]), form.get("words", ""))


def _link(desk: Desk, number: str, caller: Caller, _: Mapping[str, str]) -> Request:
    review.require(caller, Act.CONFIRM)
    return identity.settle(desk, number, again=True)


Deed = Callable[[Desk, str, Caller, Mapping[str, str]], Request]

_ACTS: Mapping[str, tuple[Act, Deed]] = {
    "confirm": (
        Act.CONFIRM,
        lambda desk, number, caller, form: review.confirm(desk, number, caller, form.get("words", "")),
    ),
    "link": (Act.CONFIRM, _link),
    "ask": (Act.ASK, lambda desk, number, caller, _: review.ask_back(desk, number, caller)),
    "answered": (Act.ASK, lambda desk, number, caller, _: review.answered(desk, number, caller)),
    "answer": (
        Act.ANSWER,
        lambda desk, number, caller, form: review.answer(desk, number, caller, form.get("words", "")),
    ),
    "decide": (Act.RELEASE, _decide),
    "release": (Act.RELEASE, lambda desk, number, caller, _: review.release(desk, number, caller)),
    "approve": (
        Act.APPROVE,
        lambda desk, number, caller, form: review.approve(desk, number, caller, form.get("plan", "")),
    ),
    "refuse": (Act.REFUSE, _refuse),
    "extend": (
        Act.EXTEND,
        lambda desk, number, caller, form: review.extend(desk, number, caller, form.get("words", "")),
    ),
}
