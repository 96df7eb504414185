"""Handlers, templates and the frame around them.

`Site` knows the company's name, the navigation and the templates; `Site.endpoint(handler)` makes a Starlette endpoint
of a plain function. The handler gets an `Ask` and returns a response, mostly by `ask.page("template.html", ...)`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from troth.errors import AccessDenied, TrothError
from troth.foundation import throttling
from troth.foundation.clock import Clock
from troth.foundation.web import forms
from troth.foundation.web.afterwards import Afterwards
from troth.foundation.web.failing import place_of
from troth.foundation.web.static import PREFIX, StaticFiles
from troth.policy.vocabulary import CATEGORIES

log = logging.getLogger(__name__)

CHANGING_AT_ONCE = 20
"""Pages that change something, at most, in one server; further ones wait for their turn."""

_CHANGING: RunVar[CapacityLimiter] = RunVar("pages that change something")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DIGITS = 9
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation, current on the page at `path` and on those below; or a group of such, `below`."""

    label: str
    path: str
    below: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page: whose it is, and its navigation."""

    name: str
    label: str
    links: tuple[Link, ...]
    home: str = "/"

    def standing(self, path: str) -> tuple[Link | None, Link | None]:
        """The entry under which the page at `path` stands, and the entry of its group that leads there."""
        found = ((first, second) for first in self.links for second in first.below or (first,))
        holding = [pair for pair in found if self._holds(pair[1].path, path)]
        return max(holding, key=lambda pair: len(pair[1].path), default=(None, None))

    def _holds(self, place: str, path: str) -> bool:
        return path == place or (place != self.home and path.startswith(f"{place.rstrip('/')}/"))


@dataclass(slots=True)
class Ask:
    """One request. A `form` that changes things is checked already; `cookies` collects what the answer sets.

    `files` are those that came with the form, where the page takes one (`forms.takes_file`).
    """

    site: Site
    request: Request
    form: Mapping[str, str]
    now: datetime
    frame: Frame
    signed_in: str | None = None
    leave: str | None = None
    cookies: dict[str, str | None] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def language(self) -> str:
        return self.site.language

    @property
    def source(self) -> str:
        """The network that the request came from, by which tries are counted; empty where that is not known."""
        client = self.request.client
        return throttling.source_of(client.host) if client else ""

    def number(self, name: str) -> int:
        """The number that the path gives as `name`; 0, which nothing is numbered by, for what is none or too long."""
        text = str(self.request.path_params.get(name, ""))
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0

    def form_token(self) -> str:
        """The hidden field of a form on this page; asking for it sets the form cookie where there is none."""
        cookie = self.cookies.get(forms.COOKIE) or self.request.cookies.get(forms.COOKIE)
        if not cookie:
            cookie = self.site.guard.fresh_cookie()
            self.cookies[forms.COOKIE] = cookie
        return self.site.guard.token(cookie)

    def page(self, template: str, *, status: int = 200, title: str, **facts: Any) -> Response:
        """Render `template` inside the frame. A name it uses and was not given is a fault, not an empty text."""
        text = self.site.templates.get_template(template).render(
            ask=self,
            frame=self.frame,
            title=title,
            path=self.request.url.path,
            language=self.language,
            direction="rtl" if self.language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr",
            static=self.site.static.path,
            **facts,
        )
        return HTMLResponse(text, status_code=status)

    def afterwards(self, act: Callable[[], object]) -> None:
        """Leave something to be done after the answer, at a moment that says nothing of how much it is."""
        self.site.afterwards.put(act)

    def go(self, path: str) -> Response:
        """Send the browser to `path` of this site after a form was carried out (303)."""
        return RedirectResponse(path, status_code=303)

    def problem(self, status: int, message: str, repair: str = "") -> Response:
        """A page that says what went wrong and what to do, without anything from inside."""
        title = _TITLES.get(status, "Something went wrong")
        return self.page("problem.html", status=status, title=title, message=message, repair=repair)


NOWHERE = ("Nothing stands at this address.", "The links at the top lead to every page.")
"""What is told, and what to do, where no page stands."""

_TITLES = {
    401: "Please sign in",
    403: "This was not done",
    404: "There is no such page",
    405: "This cannot be done here",
    409: "This was not done",
    410: "This link has ended",
    413: "That is too large",
    422: "Something is missing",
    429: "Too many attempts",
    503: "Not available right now",
}

Handler = Callable[[Ask], Response]


class Site:
    """One instance's pages. `secret` keys the form tokens; the `templates` of `packages` are searched.

    `afterwards` takes what handlers leave for after their answer; who made it closes it.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        clock: Clock,
        packages: Sequence[str] = (),
        language: str = "en",
        cookie_path: str = "/",
        afterwards: Afterwards | None = None,
    ) -> None:
        self.afterwards = afterwards or Afterwards()
        self.guard = forms.Guard(secret)
        self.clock = clock
        self.language = language
        self.static = StaticFiles()
        self.cookie_path = cookie_path
        self.templates = templates(*packages)

    def endpoint(self, handler: Handler, frame: Frame) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that reads and guards the form, runs `handler` in a thread, and sets cookies on its answer."""

        async def answer(request: Request) -> Response:
            ask = Ask(self, request, {}, self.clock.now(), frame)
            # No name of anything holds a NUL, and a database would refuse to look for it.
            asked: Handler = _lost if "\0" in request.scope["path"] else handler
            try:
                sent = await forms.read(request, file_of=getattr(getattr(handler, "page", handler), "takes_file", 0))
                ask.form, ask.files = sent.fields, sent.files
                if request.method not in _SAFE:
                    self.guard.require(request, ask.form)
                response = await to_thread.run_sync(asked, ask, limiter=_turns(request.method))
            except ClientDisconnect:
                return Response(status_code=400)
            except AccessDenied as problem:
                response = ask.problem(403, problem.message, problem.repair or "")
            except forms.FormTooLarge as problem:
                response = ask.problem(413, problem.message)
            except TrothError as problem:
                # its message was written for an operator; a visitor gets that it failed, the log gets what
                log.warning("%s: %s", _name(handler), problem)
                response = ask.problem(503, "Something on our side does not work right now; nothing was done.", _LATER)
            except Exception as problem:  # noqa: BLE001 - a fault of ours: the log gets kind and place, never a value
                log.error("%s failed with %s at %s", _name(handler), type(problem).__name__, place_of(problem))  # noqa: TRY400
                response = ask.problem(
                    500, "Something on our side failed.", _LATER if request.method in _SAFE else _LOOK
                )
            for name, value in ask.cookies.items():
                self._set(response, request, name, value)
            return response

        return answer

    def _set(self, response: Response, request: Request, name: str, value: str | None) -> None:
        secure = request.url.scheme == "https"
        if value is None:
            response.delete_cookie(name, path=self.cookie_path, secure=secure, httponly=True, samesite="lax")
        else:
            response.set_cookie(name, value, path=self.cookie_path, secure=secure, httponly=True, samesite="lax")

    async def serve_static(self, request: Request) -> Response:
        """A static file by its hashed name."""
        found = self.static.find(PREFIX + request.path_params["name"])
        if found is None:
            return Response("no such file", status_code=404, media_type="text/plain")
        headers = {"cache-control": "public, max-age=31536000, immutable", "content-type": found.content_type}
        return Response(found.body, headers=headers)


def _turns(method: str) -> CapacityLimiter | None:
    """Whose turn it is: pages that change things have threads of their own, for they wait for each other, and whoever
    only reads would wait for all of them. None: the threads of everything else.
    """
    if method in _SAFE:
        return None
    try:
        return _CHANGING.get()
    except LookupError:
        made = CapacityLimiter(CHANGING_AT_ONCE)
        _CHANGING.set(made)
        return made


def templates(*packages: str) -> Environment:
    """The templates of the house and of `packages`, all escaping, with the filters that pages use."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in ("troth.foundation.web", *packages)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"instant": _instant, "day": _day, "brief": _brief, "code": _code, "moment": _moment}
    made.filters |= {"country": _country, "purpose": _purpose, "category": _category}
    return made


def _lost(ask: Ask) -> Response:
    return ask.problem(404, *NOWHERE)


_LATER = "Please try again later."
_LOOK = "See whether it was done before you send it again."


def _name(handler: Handler) -> str:
    """What a log calls a page: its handler, as a path can hold a one-time token."""
    handler = getattr(handler, "page", handler)
    return f"{handler.__module__}.{getattr(handler, '__qualname__', type(handler).__name__)}"


def _day(value: Any, language: str = "en") -> str:
    """A date as people of that language write it."""
    from babel.dates import format_date

    return format_date(value, "long", locale=language)


def _brief(value: Any, language: str = "en") -> str:
    """A date without its year, where there is little room and the whole date stands near."""
    from babel.dates import format_skeleton

    return format_skeleton("MMMd", value, locale=language)


def _instant(value: datetime, language: str = "en") -> str:
    """An instant as people of that language write it, with its zone."""
    from babel.dates import format_time

    return f"{_day(value, language)}, {format_time(value, 'HH:mm', locale=language)} UTC"


def _moment(text: str) -> datetime:
    """The instant or the day that a text in ISO 8601 means."""
    return datetime.fromisoformat(text)


def _country(code: str) -> str:
    """A country by its two letters, in words."""
    from troth.policy.rendering.annexes import country_name

    return country_name(code)


def _purpose(name: str) -> str:
    from troth.policy.rendering.annexes import purpose_label

    return purpose_label(name)


def _category(name: str) -> str:
    known = CATEGORIES.get(name)
    return known.label if known else name


def _code(text: str) -> Markup:
    """The text with what stands between `backticks` as code; a backtick without a partner stays one."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))
