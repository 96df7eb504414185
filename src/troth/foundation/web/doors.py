"""How a request becomes a call of a plain function, and its answer a response.

`page("/privacy/centre", show)` and `form("/privacy/centre/object", object_to)` make routes. A page changes nothing; a
form is read, shown to come from us, and only then given to its function. Functions run on a bounded pool of threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from troth.foundation.clock import Clock
from troth.foundation.web import forms
from troth.foundation.web.callers import Caller
from troth.foundation.web.forms import FIELD, Form
from troth.foundation.web.problems import Problem, Shield, problem_of, wants_json
from troth.foundation.web.security import SecurityHeaders
from troth.foundation.web.shell import Shell
from troth.foundation.web.visits import Answer, Page, Redirect, Visit

Door = Callable[[Visit], Answer]
WhoCalls = Callable[[Request], Caller]


@dataclass(frozen=True, slots=True)
class Doors:
    """Makes routes whose functions are given a `Visit`. `who` reads the caller off a request; it may look into the
    store.
    """

    shell: Shell
    clock: Clock
    who: WhoCalls

    def page(self, path: str, door: Door, *, name: str | None = None) -> Route:
        """A page to read, at GET and HEAD. It must change nothing."""

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._answer, request, door, Form())

        return Route(path, endpoint, methods=["GET"], name=name or _name(door))

    def form(self, path: str, door: Door, *, largest: int = forms.LARGEST_BODY, name: str | None = None) -> Route:
        """A form to send, at POST: refused unless it was filled in on a page of ours (see `forms`)."""

        async def endpoint(request: Request) -> Response:
            form = await forms.read(request.headers, request.receive, largest)
            binding = self.shell.binding(request)
            forms.require_own_form(self.shell.keyring, request.headers, binding, form.get(FIELD))
            return await run_in_threadpool(self._answer, request, door, form)

        return Route(path, endpoint, methods=["POST"], name=name or _name(door))

    def one_click(self, path: str, door: Door, *, name: str | None = None) -> Route:
        """A POST that mail programs send by themselves (RFC 8058): no token, no cookie, no caller. It may only
        withdraw.
        """

        async def endpoint(request: Request) -> Response:
            form = await forms.read(request.headers, request.receive, 10_000)
            visit = Visit(request, self.clock.now(), form=form)
            return await run_in_threadpool(lambda: self._rendered(visit, door(visit)))

        return Route(path, endpoint, methods=["POST"], name=name or _name(door))

    def _answer(self, request: Request, door: Door, form: Form) -> Response:
        visit = Visit(request, self.clock.now(), self.who(request), form)
        return self._rendered(visit, door(visit))

    def _rendered(self, visit: Visit, answer: Answer) -> Response:
        if isinstance(answer, Page):
            return self.shell.render(visit.request, answer, visit.caller)
        if isinstance(answer, Redirect):
            response = RedirectResponse(answer.to, 303)
            for cookie in answer.cookies:
                cookie.put_on(response, https=visit.https)
            return response
        return answer


def site(shell: Shell, routes: Sequence[BaseRoute]) -> Starlette:
    """The whole site: these routes and the static files, behind the headers and the shield. No debug, no traceback."""

    async def refused(request: Request, error: Exception) -> Response:
        return _told(shell, request, problem_of(error))

    served = Mount(shell.static.prefix, shell.static, name="static")
    shield = Middleware(Shield, show=shell.show_problem)
    return Starlette(
        routes=[*routes, served],
        middleware=[Middleware(SecurityHeaders), shield],
        exception_handlers={HTTPException: refused},
    )


def _told(shell: Shell, request: Request, problem: Problem) -> Response:
    return problem.as_json() if wants_json(request) else shell.show_problem(request, problem)


def _name(door: Callable[..., Awaitable[object] | object]) -> str:
    return getattr(door, "__name__", "door")
