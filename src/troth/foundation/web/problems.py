"""When something goes wrong: the same facts as a designed page for people and as RFC 9457 problem details for programs.

A visitor sees what is wrong and what to do; never a traceback, and never more than `TrothError` says, which holds no
personal data. What was not foreseen gets a reference number; the log holds the number, the kind of error and the place
in the code, not its message, since a message can hold what somebody typed.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from troth import errors

if TYPE_CHECKING:
    from types import TracebackType

log = logging.getLogger("troth.web")

_STATUS: tuple[tuple[type[errors.TrothError], int], ...] = (
    (errors.AccessDenied, 403),
    (errors.Refused, 403),
    (errors.PersonUnknown, 404),
    (errors.PersonAmbiguous, 409),
    (errors.StoreConflict, 409),
    (errors.PersonError, 422),
    (errors.UnknownName, 422),
    (errors.NaiveTimeError, 422),
    (errors.StoreError, 503),
    (errors.RecordsError, 503),
    (errors.KeyUnavailable, 503),
    (errors.NetworkUnreachable, 503),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one request. `title` is a short sentence, `detail` what is wrong and what to do."""

    status: int
    title: str
    detail: str | None = None
    reference: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JSONResponse:
        """RFC 9457 problem details; `type` is `about:blank`, so `title` is the phrase of the status."""
        body = {
            "type": "about:blank",
            "title": _phrase(self.status),
            "status": self.status,
            "detail": self.detail or self.title,
        }
        if self.reference:
            body["instance"] = f"urn:troth:incident:{self.reference}"
        return JSONResponse(body, self.status, dict(self.headers), media_type="application/problem+json")


def problem_of(error: Exception) -> Problem:
    """What a visitor may know of an error. One that nobody foresaw is logged under a reference and told as such."""
    if isinstance(error, HTTPException):
        known = error.detail != _phrase(error.status_code)
        return Problem(
            error.status_code, _title(error.status_code), error.detail if known else None, headers=error.headers or {}
        )
    if isinstance(error, errors.TrothError):
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return Problem(status, _title(status), str(error))
    reference = secrets.token_hex(4)
    log.error("incident %s: %s at %s", reference, type(error).__name__, _place(error.__traceback__))
    return Problem(500, _title(500), f"It has been noted under the reference {reference}.", reference)


def wants_json(request: Request) -> bool:
    """Whether the caller is a program: it asks for JSON and not for HTML, or uses one of the programs' paths."""
    accepted = request.headers.get("accept", "")
    return "text/html" not in accepted and ("json" in accepted or request.url.path.startswith(("/v1/", "/access/")))


class Shield:
    """ASGI middleware: no error passes it. `show` makes the page for people; programs get problem details."""

    def __init__(self, app: ASGIApp, show: Callable[[Request, Problem], Response]) -> None:
        self._app = app
        self._show = show

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last place before the server, which would log the message
            problem = problem_of(error)
            if not begun:
                await self._answer(Request(scope), problem)(scope, receive, send)

    def _answer(self, request: Request, problem: Problem) -> Response:
        if wants_json(request):
            return problem.as_json()
        try:
            return self._show(request, problem)
        except Exception as error:  # noqa: BLE001 - a broken error page must still answer
            log.error("incident %s: the error page failed: %s", problem.reference, type(error).__name__)  # noqa: TRY400
            return PlainTextResponse(problem.title, problem.status)


_TITLES = {
    400: "We could not read this",
    401: "Please sign in",
    403: "This is not open to you",
    404: "There is no such page",
    405: "This cannot be done here",
    409: "This cannot be done as it stands",
    410: "This has ended",
    413: "This is too large",
    422: "Something is not right yet",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "We cannot do this just now",
}


def _title(status: int) -> str:
    return _TITLES.get(status, _phrase(status))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
