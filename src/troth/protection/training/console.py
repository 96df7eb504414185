"""The door for staff: the course, its quiz, one's certificate, and who is trained.

Open to every account, trained or not: it shows no customer's data, and nobody could begin otherwise. The register is
shown to those who answer for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

from troth.errors import AccessDenied
from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.web.guarding import Guard, Guarded, StaffRoute, guarded
from troth.foundation.web.pages import Ask
from troth.protection.training import certificates, clearance, course, reading, register

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.staff import Caller
    from troth.foundation.store import Store
    from troth.policy.model import Policy
    from troth.protection.training.reading import Training


def routes(
    store: Store, keyring: Keyring, policy: Callable[[], Policy], path: str, guard: Guard
) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""
    return guarded(guard, Pages(store, keyring, policy, path).routes(), path)


_PLACES = frozenset("0123456789")
"""What an answer may be chosen by: its place among those shown."""
_NO_QUIZ = "You have no quiz of that number."
_NO_CERTIFICATE = "You have no certificate yet."
_TAKE_IT = "Pass the quiz of the course first."
_BEGIN = "Begin one on the page of the course."


@dataclass(frozen=True)
class Pages:
    """What the pages are made of."""

    store: Store
    keyring: Keyring
    policy: Callable[[], Policy]
    path: str

    def routes(self) -> tuple[StaffRoute, ...]:
        """(method, path below `path`, page, operation)."""
        take = Operation.TRAINING_TAKE
        return (
            ("GET", "", self.overview, take),
            ("GET", "/chapters/{chapter}", self.chapter, take),
            ("POST", "/quiz", self.begin, take),
            ("GET", "/quiz/{quiz}", self.quiz, take),
            ("POST", "/quiz/{quiz}", self.answer, take),
            ("GET", "/certificate", self.certificate, take),
            ("GET", "/certificate.json", self.signed, take),
        )

    def overview(self, ask: Ask, caller: Caller) -> Response:
        """Where one stands, the chapters, and the register for those who see it."""
        sees_all = operations.may(caller.role, Operation.TRAINING_SEE)
        with self.store.reading() as tx:
            everybody = reading.members(tx) if sees_all else ()
        return ask.page(
            "training/overview.html",
            title="Training",
            course=course.load(),
            until=caller.cleared_until,
            holds=clearance.holds(caller.cleared_until, ask.now),
            everybody=[(each, clearance.holds(each.cleared_until, ask.now)) for each in everybody],
            sees_all=sees_all,
            questions=course.QUESTIONS,
            percent=course.PASS_PERCENT,
            here=self.path,
        )

    def chapter(self, ask: Ask, caller: Caller) -> Response:  # noqa: ARG002 - everybody reads the same
        """One chapter."""
        chapters = course.load().chapters
        place = next((i for i, each in enumerate(chapters) if each.id == ask.request.path_params["chapter"]), None)
        if place is None:
            return ask.problem(404, "The course has no such chapter.", "The overview lists its chapters.")
        from markdown_it import MarkdownIt

        text = MarkdownIt("commonmark", {"html": False}).render(chapters[place].text)
        return ask.page(
            "training/chapter.html",
            title=chapters[place].title,
            number=place + 1,
            count=len(chapters),
            text=Markup(text),  # noqa: S704 - our own words, rendered without HTML in them
            following=chapters[place + 1] if place + 1 < len(chapters) else None,
            here=self.path,
        )

    def begin(self, ask: Ask, caller: Caller) -> Response:
        """Draw a quiz for the caller."""
        with self.store.writing() as tx:
            made = register.begin(tx, caller.id, course.load(), ask.now)
        return ask.go(f"{self.path}/quiz/{made.id}")

    def quiz(self, ask: Ask, caller: Caller) -> Response:
        """The questions of a quiz."""
        with self.store.reading() as tx:
            try:
                found = register.load(tx, ask.number("quiz"), caller.id, course.load(), ask.now)
            except AccessDenied as problem:
                return ask.problem(404, _NO_QUIZ, problem.repair or _BEGIN)
        known = course.load().questions()
        return ask.page(
            "training/quiz.html",
            title="Ten questions",
            asked=[(each, known[each.question]) for each in found.drawn],
            here=f"{self.path}/quiz/{found.id}",
            percent=course.PASS_PERCENT,
        )

    def answer(self, ask: Ask, caller: Caller) -> Response:
        """Judge what was answered, and say why."""
        taught, number, every = course.load(), ask.number("quiz"), clearance.every(self.policy())
        given = {name: int(value) for name, value in ask.form.items() if value in _PLACES}
        with self.store.writing() as tx:
            try:
                found = register.load(tx, number, caller.id, taught, ask.now)
                outcome = register.answer(tx, self.keyring, found, given, taught, every, ask.now)
            except AccessDenied as problem:
                return ask.problem(404, _NO_QUIZ, problem.repair or _BEGIN)
        known = taught.questions()
        wrong = [known[each.question] for each in found.drawn if course.right([each], given) == 0]
        return ask.page("training/outcome.html", title=_headline(outcome), outcome=outcome, wrong=wrong, here=self.path)

    def certificate(self, ask: Ask, caller: Caller) -> Response:
        """The caller's certificate, to print."""
        held = self._held(caller)
        if held is None:
            return ask.problem(404, _NO_CERTIFICATE, _TAKE_IT)
        return ask.page(
            "training/certificate.html",
            title="Certificate",
            company=self.policy().controller.name,
            holder=caller.name,
            training=held,
            key=self.keyring.signing_id,
            here=self.path,
        )

    def signed(self, ask: Ask, caller: Caller) -> Response:
        """The same as signed JSON."""
        held = self._held(caller)
        if held is None:
            return ask.problem(404, _NO_CERTIFICATE, _TAKE_IT)
        said = certificates.certificate(self.keyring, self.policy().controller.name, caller.name, held, course.load())
        headers = {"content-disposition": 'attachment; filename="certificate.json"', "cache-control": "no-store"}
        text = json.dumps(said, ensure_ascii=False, indent=2)
        return Response(text + "\n", media_type="application/json", headers=headers)

    def _held(self, caller: Caller) -> Training | None:
        with self.store.reading() as tx:
            found = reading.trainings_of(tx, caller.id)
        return max(found, key=lambda each: each.until, default=None)


def _headline(outcome: register.Outcome) -> str:
    return f"{outcome.right} of {outcome.asked} right" + (": passed" if outcome.training else ": not yet")
