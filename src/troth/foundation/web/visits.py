"""What a door is given, and what it gives back: a `Visit` in; a `Page`, a `Redirect` or a ready response out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from troth.foundation.web.callers import Anyone, Caller
from troth.foundation.web.forms import Form
from troth.foundation.web.security import Cookie, cookie_name


@dataclass(frozen=True, slots=True)
class Visit:
    """One request as a door sees it: plain facts, no machinery.

    `path`: the parts of the path that the route names; `query`: each key once, the last value; `source`: the address
    the request came from, for throttling only; `now`: the instant at which it arrived.
    """

    request: Request = field(repr=False)
    now: datetime
    caller: Caller = field(default_factory=Anyone)
    form: Form = field(default_factory=Form)

    @property
    def path(self) -> Mapping[str, Any]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def source(self) -> str:
        return self.request.client.host if self.request.client else ""

    @property
    def https(self) -> bool:
        return self.request.url.scheme == "https"

    def cookie(self, name: str) -> str | None:
        """The value of a cookie of ours, by its plain name."""
        return self.request.cookies.get(cookie_name(name, https=self.https))


class Page:
    """A page to show: a template, and the facts it shows. `Page("rights/received.html", number=..., due=...)`.

    `status`, `headers` and `cookies` are of the answer; every other keyword is a fact for the template.
    """

    __slots__ = ("cookies", "facts", "headers", "status", "template")

    def __init__(
        self,
        template: str,
        /,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[Cookie] = (),
        **facts: Any,
    ) -> None:
        self.template = template
        self.status = status
        self.headers = dict(headers or {})
        self.cookies = tuple(cookies)
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Redirect:
    """After something was done: go and look at the page that shows it (303). To a path of this site only."""

    to: str
    cookies: tuple[Cookie, ...] = ()

    def __post_init__(self) -> None:
        if not is_local(self.to):
            raise ValueError("a redirect leads to a path of this site")


Answer = Page | Redirect | Response


def is_local(path: str) -> bool:
    """Whether `path` is one of this site whatever a browser makes of it: no other host, no scheme, no backslash."""
    return path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
