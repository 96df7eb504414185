"""The page around every page: name, navigation, language, style; and the engine that fills templates.

Templates stand beside the doors that use them, in `troth/<section>/templates/`, and are called `<section>/<name>.html`;
those of the shell are called by their bare name (`base.html`, `parts.html`, `problem.html`). Everything is escaped,
and a fact that a template names and the door did not give is an error, not a blank.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from troth.foundation.keys import Keyring
from troth.foundation.web import locales
from troth.foundation.web.callers import Anyone, Caller
from troth.foundation.web.forms import ANONYMOUS, FIELD, form_token
from troth.foundation.web.problems import Problem
from troth.foundation.web.security import Cookie, cookie_name
from troth.foundation.web.static import StaticFiles
from troth.foundation.web.visits import Page

_PACKAGE = Path(__file__).parents[2]
_NAME = re.compile(r"(?:([a-z]+(?:/[a-z]+)?)/)?([a-z][a-z0-9-]*\.(?:html|svg|txt))")


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a navigation: what it says and where it leads."""

    text: str
    href: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the pages of one place (the public pages, the console) for one caller.

    `heading` names the place for screen readers; `aside` is the small print at the end of the head (who is signed in,
    other languages).
    """

    name: str
    home: str = "/"
    heading: str = "Privacy"
    links: Sequence[Link] = ()
    aside: Sequence[Link | str] = ()
    foot: Sequence[Link | str] = ()


@dataclass(frozen=True, slots=True)
class Shell:
    """Renders pages. `frame` gives what stands around a page, by the request and its caller."""

    keyring: Keyring = field(repr=False)
    static: StaticFiles
    frame: Callable[[Request, Caller], Frame]
    language: str = "en"
    zone: tzinfo = UTC
    session_cookies: tuple[str, ...] = ("troth_staff", "troth_person")
    environment: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        environment = Environment(
            loader=FunctionLoader(_template),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(static=self.static.url, form_field=FIELD)
        environment.filters.update(locales.filters(self.zone))
        object.__setattr__(self, "environment", environment)

    def render(self, request: Request, page: Page, caller: Caller | None = None) -> Response:
        """The answer that shows `page` to `caller`.

        A page that shows a form gives a visitor without a session a random cookie to bind it to; no other page sets
        one.
        """
        caller = caller if caller is not None else Anyone()
        planted: list[Cookie] = []

        def token() -> str:
            binding = self.binding(request)
            if binding is None:
                binding = planted[0].value if planted else secrets.token_urlsafe(24)
                planted[:] = [Cookie(ANONYMOUS, binding)]
            return form_token(self.keyring, binding)

        language = page.facts.get("language", self.language)
        facts: Mapping[str, Any] = {
            "frame": self.frame(request, caller),
            "caller": caller,
            "path": request.url.path,
            "language": language,
            "direction": locales.direction(language),
            "form_token": token,
            **page.facts,
        }
        html = self.environment.get_template(page.template).render(facts)
        response = HTMLResponse(html, page.status, page.headers)
        https = request.url.scheme == "https"
        for cookie in (*page.cookies, *planted):
            cookie.put_on(response, https=https)
        if planted:
            response.headers["Cache-Control"] = "no-store"
        return response

    def binding(self, request: Request) -> str | None:
        """What the forms of this visitor are bound to: their session, else the cookie that an earlier form set."""
        https = request.url.scheme == "https"
        for name in (*self.session_cookies, ANONYMOUS):
            value = request.cookies.get(cookie_name(name, https=https))
            if value:
                return value
        return None

    def show_problem(self, request: Request, problem: Problem) -> Response:
        """The page that tells a problem."""
        page = Page("problem.html", status=problem.status, headers=problem.headers, problem=problem)
        return self.render(request, page)


def _template(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """The source of a template by its name; None when there is none, or the name is not one of ours."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    section = _PACKAGE / parts[1] if parts[1] else Path(__file__).parent
    path = section / "templates" / parts[2]
    if not path.is_file():
        return None
    return path.read_text("utf-8"), str(path), lambda: True
