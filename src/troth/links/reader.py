"""Tell where pages lead, what they load from others, and what their addresses would carry along.

An eye over pages that were fetched already: no network, no verdict. Personal data found in an address is told by its
kind and never repeated.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from troth.foundation.markup import Markup, host_of

STRICT_REFERRERS = frozenset({"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"})
"""Policies that tell another site at most from which site the visitor comes, and nothing when TLS is lost."""

_REFERRERS = STRICT_REFERRERS | {"no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "unsafe-url"}
_MAIL = re.compile(r"[^\s@/?&=]{1,64}@[^\s@/?&=]+\.[A-Za-z]{2,}")
_TOKEN = re.compile(r"(?=[A-Za-z0-9_.~+/=-]*[0-9])(?=[A-Za-z0-9_.~+/=-]*[A-Za-z])[A-Za-z0-9_.~+/=-]{24,}\Z")
_TELLING = re.compile(
    r"(?:^|[_-])(?:e?mail|phone|tel|user(?:_?id|name)?|uid|session(?:_?id)?|sid|token|auth)\Z", re.IGNORECASE
)
_SWAPS = 4
"""A drawn value changes between letters and digits at least this often; words with a number at the end do not."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One link to another host: on which page it stands, where it leads, and what kind of personal thing it carries."""

    page: str
    host: str
    carries: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a page loads from another host by itself; `kind` as in `markup.Embed`, or `form`, which sends there."""

    page: str
    host: str
    kind: str


def outgoing(pages: Iterable[tuple[str, Markup]], own: frozenset[str]) -> tuple[Outgoing, ...]:
    """Every link from `pages` to a host that is not one of `own`, each (page, host, what it carries) once."""
    return tuple(dict.fromkeys(_outgoing(pages, own)))


def loaded(pages: Iterable[tuple[str, Markup]], own: frozenset[str]) -> tuple[Loaded, ...]:
    """What `pages` load from, or their forms send to, a host that is not one of `own`; each (page, host, kind) once."""
    found = (
        Loaded(path, host, embed.kind)
        for path, page in pages
        for embed in page.embeds
        if (host := host_of(embed.url)) and host not in own
    )
    sent = (
        Loaded(path, host, "form")
        for path, page in pages
        for url in page.sent_to
        if (host := host_of(url)) and host not in own
    )
    return tuple(dict.fromkeys((*found, *sent)))


def carried(url: str) -> str | None:
    """The kind of personal thing in an address: "a mail address", "a long token", "a personal value"; or None."""
    parts = urlsplit(url)
    if _MAIL.search(unquote(parts.path + "?" + parts.query)):
        return "a mail address"
    for name, value in parse_qsl(parts.query):
        if _TOKEN.match(value) and _is_drawn(value):
            return "a long token"
        if _TELLING.search(name):
            return "a personal value"
    return None


def referrer_policy(header: str, meta: str) -> str | None:
    """The policy in force: the last known word of the page's own `meta`, else of the header; None without one."""
    for said in (meta, header):
        known = [word for word in (part.strip().lower() for part in said.split(",")) if word in _REFERRERS]
        if known:
            return known[-1]
    return None


def _outgoing(pages: Iterable[tuple[str, Markup]], own: frozenset[str]) -> Iterator[Outgoing]:
    for path, page in pages:
        for link in page.links:
            host = host_of(link.url)
            if host and host not in own:
                yield Outgoing(path, host, carried(link.url))


def _is_drawn(value: str) -> bool:
    return sum(1 for one, next_one in itertools.pairwise(value) if one.isdigit() != next_one.isdigit()) >= _SWAPS
