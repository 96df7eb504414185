"""The door for the person: the six rights, with a login or without, and how each of their requests goes.

Whoever asks without a session is told the same, in the same time, whether we know them or not: who they are is found
out after the answer has gone out. Nothing is changed by GET, and nothing needs a script.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from troth.errors import AccessDenied, KeyReused, MoveRefused, PersonError, RequestError, TrothError, UnknownName
from troth.foundation import ids, people, throttling
from troth.foundation.people import Identifier
from troth.foundation.records.subjects import find_subjects
from troth.foundation.web.pages import Ask, Handler
from troth.policy.vocabulary import PURPOSES, Right
from troth.rights import deadlines, fulfilment, identity, letters, links, packages, picture, register, requests
from troth.rights.cards import CARDS, STEPS, says
from troth.rights.desk import Desk
from troth.rights.requests import PERSON, Intake, Request
from troth.rights.words import Channel, LinkUse, Proof, State
from troth.use import entrance, standing
from troth.use.entrance import Visitor
from troth.use.opening import Opened
from troth.use.words import Ground

log = logging.getLogger(__name__)

SOURCE_LIMIT = throttling.Limit(free=30)
"""Requests that one address of the network may file within a day before it has to wait between them."""

_AT_ONCE = frozenset({Right.RESTRICTION, Right.OBJECTION})
_STOPPABLE = frozenset({State.RECEIVED, State.IDENTITY, State.COOLING_OFF, State.APPROVAL})

Beside = Callable[[Ask, Visitor | None], Markup]


def routes(troth: Opened, desk: Callable[[], Desk]) -> tuple[tuple[str, str, Handler], ...]:
    """(method, path, handler) of every page, where the settings put the centre."""
    centre = Centre(desk, troth.instance.settings.site.centre)
    return tuple((method, centre.path + path, handler) for method, path, handler in centre.routes())


def beside(troth: Opened, desk: Callable[[], Desk]) -> Beside:
    """What stands on the first page of the centre: a card for each right, and the person's own requests."""
    return Centre(desk, troth.instance.settings.site.centre).beside


@dataclass(frozen=True, slots=True)
class Centre:
    """What the pages are made of. `desk` gives what is in force now, `path` is where the centre stands."""

    desk: Callable[[], Desk]
    path: str = "/privacy/centre"

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """(method, path below `path`, handler) of every page."""
        return (
            ("GET", "/ask/{right}", self.form),
            ("POST", "/ask/{right}", self.file),
            ("GET", "/confirm/{token}", self.look_at_link),
            ("POST", "/confirm/{token}", self.confirm),
            ("GET", "/cancel/{token}", self.look_at_link),
            ("POST", "/cancel/{token}", self.stop_by_link),
            ("GET", "/requests/{number}", self.show),
            ("POST", "/requests/{number}/stop", self.stop),
            ("POST", "/requests/{number}/copy", self.copy),
        )

    def beside(self, ask: Ask, visitor: Visitor | None) -> Markup:
        """The cards, and for a visitor their requests, as a piece of a page."""
        mine: tuple[Request, ...] = ()
        ready: frozenset[int] = frozenset()
        paused = False
        if visitor is not None:
            desk = self.desk()
            with desk.office.store.reading() as tx:
                mine = register.of_person(tx, visitor.number)
                found = [(each.id, packages.find(tx, each.id)) for each in mine if each.right is Right.ACCESS]
                paused = Ground.REQUEST in standing.load(tx, visitor.number).restricted_for
            ready = frozenset(key for key, one in found if one is not None and one.live(ask.now))
        template = ask.site.templates.get_template("rights/beside.html")
        facts: dict[str, Any] = {"cards": CARDS, "mine": mine, "ready": ready, "visitor": visitor, "centre": self.path}
        facts |= {"paused": paused} | self._ways_to_complain(self.desk())
        return Markup(template.render(ask=ask, language=ask.language, says=says, **facts))  # noqa: S704 - from a template

    # --- asking -----------------------------------------------------------------------------------------------------

    def form(self, ask: Ask) -> Response:
        """The form of one right; for an erasure by somebody who is signed in, what would be deleted."""
        right = _right(ask)
        if right is None:
            return ask.problem(404, "There is no such right here.", "The privacy centre shows those that there are.")
        return self._form(ask, right, self._visitor(ask))

    def file(self, ask: Ask) -> Response:
        """Take a request in. Without a session the answer is the same for everybody."""
        right, visitor = _right(ask), self._visitor(ask)
        if right is None:
            return ask.problem(404, "There is no such right here.", "The privacy centre shows those that there are.")
        desk, typed = self.desk(), ask.form.get("email", "")
        try:
            known_by: tuple[Identifier, ...] = (
                (people.identifier("email", typed),) if visitor is None else visitor.known_by
            )
        except PersonError:
            error = "This is not an e-mail address. Write it as name@example.org."
            return self._form(ask, right, visitor, status=422, error=error)
        if visitor is None and not self._may_file(desk, ask):
            return ask.problem(
                429, "Many requests came from your network; nothing was done.", "Wait a few minutes and try again."
            )
        intake = Intake(
            right,
            Channel.CENTRE,
            known_by,
            person=None if visitor is None else visitor.number,
            proof=None if visitor is None else Proof.SESSION,
            purpose=ask.form.get("purpose") or None if right is Right.OBJECTION else None,
            wish=ask.form.get("wish", "").strip(),
            key=ask.form.get("key") or None,
        )
        try:
            filed = requests.file(desk, intake)
        except KeyReused:
            return ask.problem(
                409, "This form was sent before with other words; nothing was done.", "Open the form anew."
            )
        except (RequestError, UnknownName):
            error = "This is too long, or there is no such choice. Please write less, or choose again."
            return self._form(ask, right, visitor, status=422, error=error)
        request = filed.request
        if visitor is None:
            if filed.new:  # a repeat goes on where the first does
                ask.afterwards(partial(self._go_on, request.id))
            return self._received(ask, request)
        answer = ask.go(f"{self.path}/requests/{request.number}")
        if right in _AT_ONCE:
            self._go_on(request.id, fulfilment.go_on)  # what fails here is taken in all the same, and is done later
        else:
            answer.background = BackgroundTask(self._go_on, request.id)
        return answer

    # --- by a link ----------------------------------------------------------------------------------------------------

    def look_at_link(self, ask: Ask) -> Response:
        """Where a link leads: what it does, and one button. It changes nothing: mail scanners follow links."""
        use = LinkUse.CANCEL if "/cancel/" in ask.request.url.path else LinkUse.CONFIRM
        request = links.opened_by(self.desk(), ask.request.path_params["token"], use)
        if request is None:
            return self._ended(ask)
        title = "Stop the deletion" if use is LinkUse.CANCEL else "Was it you?"
        return ask.page("rights/link.html", title=title, use=use, request=request, card=CARDS[request.right])

    def confirm(self, ask: Ask) -> Response:
        """The person says that it was they who asked; they are signed in by it."""
        desk = self.desk()
        confirmed = identity.confirm(desk, ask.request.path_params["token"])
        if confirmed is None:
            return self._ended(ask)
        entrance.leave(desk.office, ask.request.cookies.get(entrance.COOKIE))
        ask.cookies[entrance.COOKIE] = confirmed.session
        answer = ask.go(f"{self.path}/requests/{confirmed.request.number}")
        answer.background = BackgroundTask(self._go_on, confirmed.request.id)
        return answer

    def stop_by_link(self, ask: Ask) -> Response:
        """The person, or whoever reads mail at an address of theirs, stops an erasure in its waiting time."""
        desk = self.desk()
        request = identity.cancel(desk, ask.request.path_params["token"])
        if request is None:
            return self._ended(ask)
        answer = ask.page("rights/stopped.html", title="It was stopped", request=request, centre=self.path)
        answer.background = BackgroundTask(self._deliver)
        return answer

    # --- one's own requests -----------------------------------------------------------------------------------------

    def show(self, ask: Ask) -> Response:
        """How one request of the person goes; for anybody else it does not exist."""
        visitor, desk = self._visitor(ask), self.desk()
        if visitor is None:
            return ask.go(f"{self.path}?done=out")
        request = self._mine(desk, ask, visitor)
        if request is None:
            return self._none(ask)
        with desk.office.store.reading() as tx:
            steps = register.history(tx, desk.office, request)
            package = packages.find(tx, request.id)
        words = letters.wording(letters.language_of(desk.office.policy))
        return ask.page(
            "rights/request.html",
            title=f"Your request {request.number}",
            request=request,
            card=CARDS[request.right],
            says=says(request, steps[-1].word),
            steps=[(step.at, STEPS[step.word]) for step in steps if step.word in STEPS],
            package=package if package is not None and package.live(ask.now) else None,
            ground=words["grounds"][request.ground] if request.ground else "",
            reason=steps[-1].note if request.state is State.REFUSED else "",
            **self._ways_to_complain(desk),
            stoppable=request.state in _STOPPABLE,
            centre=self.path,
        )

    def stop(self, ask: Ask) -> Response:
        """The person calls their request off before it has begun."""
        visitor, desk = self._require_visitor(ask), self.desk()
        request = self._mine(desk, ask, visitor)
        if request is None:
            return self._none(ask)
        if request.state not in _STOPPABLE:
            return ask.problem(409, "It has begun or ended already; it cannot be stopped any more.")
        try:
            with desk.office.store.writing() as tx:
                identity.cancel_in(tx, desk, request, by=PERSON)
        except MoveRefused:
            return ask.problem(409, "It has begun or ended already; it cannot be stopped any more.")
        answer = ask.go(f"{self.path}/requests/{request.number}")
        answer.background = BackgroundTask(self._deliver)
        return answer

    def copy(self, ask: Ask) -> Response:
        """Hand the copy over, to its person only. For anybody else it does not exist."""
        visitor = self._require_visitor(ask)
        download = packages.open_stream(self.desk(), ask.request.path_params["number"], visitor.number)
        if download is None:
            return self._none(ask)
        return StreamingResponse(download.chunks, headers=dict(download.headers))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _form(self, ask: Ask, right: Right, visitor: Visitor | None, *, status: int = 200, error: str = "") -> Response:
        desk = self.desk()
        plan = self._plan(desk, visitor) if right is Right.ERASURE and visitor is not None else None
        return ask.page(
            "rights/ask.html",
            status=status,
            title=CARDS[right].title,
            right=right,
            card=CARDS[right],
            visitor=visitor,
            typed=ask.form.get("email", ""),
            wish=ask.form.get("wish", ""),
            purposes=[(name, _label(name)) for name in desk.office.compiled.objection_bits],
            error=error,
            plan=plan,
            waits=desk.settings.cooling_off,
            at_once=visitor is not None and right in _AT_ONCE,
            due=deadlines.answer_due(desk.office.policy.laws, right, ask.now, calendar=desk.calendar),
            **self._ways_to_complain(desk),
            key=ids.random_token(),
            centre=self.path,
        )

    def _plan(self, desk: Desk, visitor: Visitor) -> picture.Picture | None:
        """What would be deleted, changed and kept; None where that cannot be told now."""
        from troth.rights import erasure

        try:
            subjects = find_subjects(desk.records, desk.datamap, visitor.known_by)
            return picture.of_plan(erasure.plan_for(desk, subjects))
        except TrothError as problem:
            log.warning("the plan of an erasure cannot be shown: %s", problem)
            return None

    def _received(self, ask: Ask, request: Request) -> Response:
        return ask.page(
            "rights/received.html",
            title="We have your request",
            request=request,
            card=CARDS[request.right],
            minutes=links.LIFE.seconds // 60,
            days=self.desk().settings.confirm_within,
            **self._ways_to_complain(self.desk()),
            centre=self.path,
        )

    def _ways_to_complain(self, desk: Desk) -> dict[str, Any]:
        policy = desk.office.policy
        return {"contact": letters.contact_of(policy), "authorities": letters.authorities(policy).splitlines()}

    def _may_file(self, desk: Desk, ask: Ask) -> bool:
        with desk.office.store.writing() as tx:
            return throttling.take(tx, desk.office.keyring, "request", ask.source, limit=SOURCE_LIMIT, now=ask.now)

    def _mine(self, desk: Desk, ask: Ask, visitor: Visitor) -> Request | None:
        with desk.office.store.reading() as tx:
            found = requests.find(tx, ask.request.path_params["number"])
        return found if found is not None and found.person == visitor.number else None

    def _visitor(self, ask: Ask) -> Visitor | None:
        visitor = entrance.visitor_of(self.desk().office, ask.request.cookies.get(entrance.COOKIE), ask.now)
        if visitor is not None:
            ask.signed_in = f"Signed in as {visitor.shown}" if visitor.shown else "Signed in"
            ask.leave = f"{self.path}/leave"
        return visitor

    def _require_visitor(self, ask: Ask) -> Visitor:
        visitor = self._visitor(ask)
        if visitor is None:
            raise AccessDenied(
                "You are not signed in any more; nothing was done.", repair="Ask for a new link in the privacy centre."
            )
        return visitor

    def _none(self, ask: Ask) -> Response:
        return ask.problem(404, "You have no such request.", "The privacy centre lists those that you have.")

    def _ended(self, ask: Ask) -> Response:
        return ask.problem(
            410, "This link was used already, or its time is over.", "Ask for a new one in the privacy centre."
        )

    def _go_on(self, which: int, how: Callable[[Desk, int], object] = fulfilment.begin) -> None:
        try:
            how(self.desk(), which)
        except TrothError as problem:
            log.warning("request %d waits: %s", which, problem)

    def _deliver(self) -> None:
        try:
            fulfilment.deliver(self.desk())
        except TrothError as problem:
            log.warning("letters wait: %s", problem)


def _right(ask: Ask) -> Right | None:
    name = ask.request.path_params["right"]
    return Right(name) if name in {*Right} else None


def _label(purpose: str) -> str:
    return PURPOSES[purpose].label if purpose in PURPOSES else purpose.replace(".", ", ")
