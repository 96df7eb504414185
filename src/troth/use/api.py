"""The door for the company's own apps: decisions, choices and hand-over links as JSON over HTTP.

An app shows its token (`Authorization: Bearer ...`). A person is named in the body, never in an address, and no answer,
error or log repeats who. Errors are RFC 9457 problem details. `/access/v1` speaks AuthZEN 1.0, so that what asks other
decision points can ask here without new code.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from troth import errors
from troth.foundation import people
from troth.foundation.web.failing import Quietly
from troth.policy.usesettings import ConsentSettings
from troth.use import (
    api_reports,
    apps,
    authzen,
    consent,
    entrance,
    guardians,
    objections,
    repeats,
    restrictions,
    standing,
)
from troth.use.apibodies import Body, Data, Key, Person, Text
from troth.use.consent import Choice
from troth.use.decision import Reason
from troth.use.lease import Lease
from troth.use.office import Office
from troth.use.opening import Opened
from troth.use.words import Consent, Ground

log = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
MOST_PERSONS = 10_000

_STATUS: tuple[tuple[type[errors.TrothError], int], ...] = (
    (errors.AccessDenied, 403),
    (errors.Refused, 403),
    (errors.PersonUnknown, 404),
    (errors.RequestUnknown, 404),
    (errors.KeyReused, 409),
    (errors.MoveRefused, 409),
    (errors.PersonAmbiguous, 409),
    (errors.StoreConflict, 409),
    (errors.StoreError, 503),
    (errors.KeyUnavailable, 503),
    (errors.TrothError, 422),
)


class Question(Body):
    """Whether `data` of `person` may be used for `purpose`, and given to `recipient`."""

    person: Person
    purpose: Text
    data: Data
    recipient: Text | None = None


class ManyQuestions(Body):
    """The same question about many people."""

    persons: Annotated[list[Person], Field(max_length=MOST_PERSONS)]
    purpose: Text
    data: Data
    recipient: Text | None = None


class About(Body):
    """A person."""

    person: Person


class ConsentWord(Body):
    """What a person said about a purpose. Without `at` it was said now.

    `old_enough`: whether they may say so alone, where `[consent] ask_age` has people asked.
    """

    person: Person
    purpose: Text
    word: Literal[Consent.GIVEN, Consent.REFUSED, Consent.WITHDRAWN]
    language: Annotated[str, Field(max_length=35)] | None = None
    method: Annotated[str, Field(max_length=40)] = "form"
    at: datetime | None = None
    old_enough: bool | None = None


class ObjectionWord(Body):
    """An objection to a purpose, or to all with `*`; with `lift`, its end."""

    person: Person
    purpose: Text
    lift: bool = False
    method: Annotated[str, Field(max_length=40)] = "form"


class RestrictionWord(Body):
    """A restriction on a ground; with `lift`, its end."""

    person: Person
    ground: Ground = Ground.REQUEST
    lift: bool = False
    method: Annotated[str, Field(max_length=40)] = "form"


def routes(troth: Opened, more: Sequence[APIRouter] = ()) -> tuple[BaseRoute, ...]:
    """What to put among the routes of the site: `/v1`, `/access/v1` and the metadata of the latter.

    `more` are what other sections answer below `/v1`; they find the name of the app in `request.state.app`.
    """
    return _api(troth, more).routes()


def application(troth: Opened, more: Sequence[APIRouter] = ()) -> ASGIApp:
    """What answers below `/v1`, alone."""
    return _api(troth, more).application()


def _api(troth: Opened, more: Sequence[APIRouter]) -> Api:
    settings = troth.instance.settings
    reports = api_reports.router(troth.lease.office, settings.messages)
    site = settings.site
    address = site.url.rstrip("/")
    return Api(troth.lease, troth.instance.environ, settings.consent, address, site.centre, (reports, *more))


@dataclass(frozen=True, slots=True)
class Api:
    """What the answers are made of. `address` is the site as a browser reaches it, `centre` a path on it."""

    lease: Lease
    environ: Mapping[str, str]
    consents: ConsentSettings
    address: str
    centre: str = "/privacy/centre"
    more: tuple[APIRouter, ...] = ()

    def routes(self) -> tuple[BaseRoute, ...]:
        """What to put among the routes of the site."""
        questions = authzen.router(self.lease, [Depends(self._known_app)])
        standard = _application("troth, AuthZEN", questions, malformed=HTTPStatus.BAD_REQUEST)
        return (
            Mount("/v1", self.application()),
            Mount("/access/v1", standard),
            Route("/.well-known/authzen-configuration", self._metadata),
        )

    def application(self) -> ASGIApp:
        """What answers below `/v1`."""
        return _application("troth", self._own())

    def _known_app(self, request: Request) -> None:
        name = apps.app_of(self.lease.office.store, request.headers.get("authorization"), self.environ)
        if name is None:
            raise HTTPException(401, "No known token was sent.", {"WWW-Authenticate": "Bearer"})
        request.state.app = name

    def _metadata(self, _: Request) -> Response:
        return JSONResponse(authzen.metadata(self.address))

    def _own(self) -> APIRouter:
        router, lease = APIRouter(dependencies=[Depends(self._known_app)]), self.lease
        for each in self.more:
            router.include_router(each)

        @router.post("/decisions")
        def decide(asked: Question) -> dict[str, Any]:
            """One decision with its reason; where consent is missing, also where the person can give it."""
            decision = lease.may(asked.person, asked.purpose, asked.data, asked.recipient)
            answer = asdict(decision)
            if decision.reason in {Reason.CONSENT_NOT_GIVEN, Reason.CONSENT_WITHDRAWN}:
                answer["centre"] = self.address + self.centre
            return answer

        @router.post("/decisions/many")
        def decide_many(asked: ManyQuestions) -> dict[str, Any]:
            """The positions in `persons`, from 0, of those for whom the answer is yes."""
            answers = lease.answers(asked.purpose, asked.data, asked.persons, asked.recipient)
            return {"permitted": [number for number, permitted in enumerate(answers) if permitted]}

        @router.post("/people", status_code=201)
        def register(known_by: Annotated[dict[str, Text], Field(min_length=1, max_length=4)]) -> dict[str, Any]:
            """Make known who a person is; gives their key."""
            office = lease.office
            with office.deed() as tx:
                number = people.register(tx, office.keyring, standing.named(known_by), office.clock.now())
                return {"key": people.key_of(tx, number).text}

        @router.get("/consents")
        def wordings() -> dict[str, Any]:
            """What one can consent to: each purpose with the exact words of the policy in force."""
            found = consent.wordings(lease.office).values()
            rows = [
                {
                    "purpose": one.purpose,
                    "text": one.text,
                    "text_sha256": one.sha256.hex(),
                    "clause": one.clause,
                    "number": one.number,
                }
                for one in found
            ]
            return {
                "policy": lease.office.policy.sha256,
                "language": lease.office.policy.controller.languages[0],
                "consents": rows,
            }

        @router.post("/consents/show")
        def show(asked: About) -> dict[str, Any]:
            """Where a person stands on each purpose that rests on consent."""
            return {"consents": [asdict(choice) for choice in consent.show(lease.office, asked.person)]}

        @router.post("/consents", status_code=201)
        def say(word: ConsentWord, request: Request, key: Key = None) -> dict[str, Any]:
            """Record what a person said; when this answers, every decision obeys."""
            office = lease.office
            if word.word is Consent.GIVEN:
                guardians.require_old_enough(office.policy, self.consents, word.old_enough)
            try:
                with repeats.once(office, request.state.app, key, f"consents\n{word.model_dump_json()}"):
                    return asdict(_consent(office, word))
            except repeats.DoneBefore:
                choices = consent.show(office, word.person)
                return asdict(next(choice for choice in choices if choice.purpose == word.purpose))

        @router.post("/objections", status_code=201)
        def object_(word: ObjectionWord, request: Request, key: Key = None) -> dict[str, Any]:
            """Record an objection or its end; when this answers, every decision obeys."""
            deed, office = objections.lift if word.lift else objections.raise_, lease.office
            try:
                with repeats.once(office, request.state.app, key, f"objections\n{word.model_dump_json()}"):
                    return asdict(deed(office, word.person, word.purpose, method=word.method))
            except repeats.DoneBefore:
                return asdict(objections.about(office, word.person, word.purpose))

        @router.post("/restrictions", status_code=201)
        def restrict(word: RestrictionWord, request: Request, key: Key = None) -> dict[str, Any]:
            """Record a restriction or its end; when this answers, every decision obeys."""
            deed, office = restrictions.lift if word.lift else restrictions.place, lease.office
            try:
                with repeats.once(office, request.state.app, key, f"restrictions\n{word.model_dump_json()}"):
                    return asdict(deed(office, word.person, ground=word.ground, method=word.method))
            except repeats.DoneBefore:
                return asdict(restrictions.show(office, word.person))

        @router.post("/centre-links", status_code=201)
        def hand_over(asked: About) -> dict[str, Any]:
            """A link that takes a customer of the app into the privacy centre: once, within 5 minutes."""
            office, now = lease.office, lease.office.clock.now()
            token = entrance.hand_over(office, asked.person, now)
            return {"url": f"{self.address}{self.centre}/enter/{token}", "until": now + entrance.HAND_OVER_LIFE}

        return router


def _consent(office: Office, word: ConsentWord) -> Choice:
    if word.word is Consent.WITHDRAWN:
        return consent.withdraw(office, word.person, word.purpose, method=word.method, at=word.at)
    deed = consent.give if word.word is Consent.GIVEN else consent.refuse
    language = word.language or office.policy.controller.languages[0]
    return deed(office, word.person, word.purpose, language=language, method=word.method, at=word.at)


def _application(title: str, router: APIRouter, *, malformed: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> ASGIApp:
    """The routes with their own way of telling errors, and a limit on what is read.

    `malformed`: the status of a body that is not understood; AuthZEN 1.0 wants 400.
    """
    application = FastAPI(title=title, version="1", docs_url=None, redoc_url=None)
    application.include_router(router)
    application.add_exception_handler(errors.TrothError, _told)
    application.add_exception_handler(RequestValidationError, partial(_not_understood, malformed))
    application.add_exception_handler(StarletteHTTPException, _refused)
    application.add_exception_handler(Exception, _failed)
    return Quietly(_Limited(application))


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """RFC 9457 problem details; `type` is left out, so `title` is the phrase of the status."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body, status, kept, media_type="application/problem+json")


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.TrothError)
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("the API could not answer: %s", error)
        return problem(status, "troth cannot answer just now; nothing was done.", {"Retry-After": "5"})
    return problem(status, str(error))


async def _not_understood(status: HTTPStatus, _: Request, error: Exception) -> Response:
    """What was sent is never repeated: it may be a person's."""
    assert isinstance(error, RequestValidationError)
    faults = [{"at": "/".join(_shown(part) for part in fault["loc"]), "is": fault["type"]} for fault in error.errors()]
    return problem(status, "The body is not what this address takes.", faults=faults[:20])


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return problem(error.status_code, str(error.detail), error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    log.error("the API failed with %s", type(error).__name__)
    return problem(500, "Something failed on this side; nothing was done.")


def _shown(part: object) -> str:
    """A part of a place in the body; a name that is not one of ours may be anything, and is not repeated."""
    return str(part) if isinstance(part, int) or part in _OURS else "..."


_OURS = {
    "body",
    *(
        name
        for model in (Question, ManyQuestions, ConsentWord, ObjectionWord, RestrictionWord, *api_reports.BODIES)
        for name in model.model_fields
    ),
}


class _Limited:
    """Refuses a body above the limit before it is read to its end."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if "\0" in scope["path"]:  # no name of anything, and a database would refuse to look for it
            await problem(HTTPStatus.NOT_FOUND, "Not Found")(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST_BODY:
                raise HTTPException(413, "The body is larger than 1 MiB.")
            return message

        await self._application(scope, counted, send)
