"""Eyes for what guessing meets: a log-in form that is sent wrong passwords, servers with the passwords they came with.

The account that is tried at a form does not exist and cannot: its name is made up anew each time, in a domain that is
reserved for that. Nothing is tried unless the settings say so.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from html.parser import HTMLParser
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from troth.foundation import crawling
from troth.foundation.proof import NothingToObserve

if TYPE_CHECKING:
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation

SLOWED_S = 2.0
"""A try that has to wait this long, and several times as long as the first, is slowed down."""

_TIMES = 4
REFUSED = frozenset({423, 429})
_TYPED = frozenset({"text", "email", "password", "tel", "search"})

DEFAULTS = (
    ("postgres", "postgres"),
    ("postgres", "password"),
    ("postgres", "admin"),
    ("root", ""),
    ("root", "root"),
    ("root", "password"),
    ("root", "mysql"),
    ("admin", "admin"),
)
"""What servers of databases come with, or are given first by those who follow a page on the web."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """What became of the tries: after how many they were refused or slowed down (None: never), and the last status."""

    made: int
    stopped_after: int | None
    status: int


def guess(seen: Observation, path: str, most: int) -> Guesses:
    """Try at most `most` wrong passwords for one account that does not exist, on the form of the page at `path`.

    Raises NetworkUnreachable; NothingToObserve where the page has no form with a password that can be sent.
    """
    network, url = seen.need_network(), urljoin(seen.need_site().url, path)
    name = f"nobody-{secrets.token_hex(6)}@probe.invalid"
    first = 0.0
    status = 0
    for tried in range(1, most + 1):
        page = network.fetch(url)
        action, fields = _filled(page, name)
        target = urljoin(url, action)
        if crawling.on_site(url, target) is None:
            raise NothingToObserve("the log-in form leads to another site", repair="correct `[site] login`")
        origin = urlsplit(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{origin.scheme}://{origin.netloc}",
            "Cookie": "; ".join(line.partition(";")[0] for line in page.cookies),
        }
        begun = monotonic()
        answer = network.fetch(target, method="POST", body=urlencode(fields).encode(), headers=headers)
        took = monotonic() - begun
        first, status = first or took, answer.status
        if status in REFUSED or answer.header("retry-after") is not None:
            return Guesses(tried, tried, status)
        if took >= SLOWED_S and took >= _TIMES * first:
            return Guesses(tried, tried, status)
    return Guesses(most, None, status)


def _filled(page: Page, name: str) -> tuple[str, list[tuple[str, str]]]:
    """Where the form with a password is sent, and what: the hidden values as they are, the rest made up."""
    reader = _LogIn()
    reader.feed(page.body.decode("utf-8", "replace"))
    for action, fields in reader.forms:
        if any(kind == "password" for kind, _, _ in fields):
            made_up = {"password": secrets.token_urlsafe(12)}
            return action or page.url, [
                (field, made_up.get(kind, name) if kind in _TYPED else value) for kind, field, value in fields
            ]
    raise NothingToObserve("the log-in page has no form with a password", repair="correct `[site] login` in troth.toml")


class _LogIn(HTMLParser):
    """The forms of a page that are sent by POST: where to, and (kind, name, value) of each field."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str, str]]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._inside = given.get("method", "get").lower() == "post"
            if self._inside:
                self.forms.append((given.get("action", ""), []))
        elif tag == "input" and self._inside and given.get("name"):
            kind = given.get("type", "text").lower()
            if kind not in ("submit", "button", "image", "reset", "file", "checkbox", "radio"):
                self.forms[-1][1].append((kind, given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
