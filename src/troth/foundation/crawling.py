"""An eye for the company's site: its pages as somebody gets them who comes for the first time and has chosen nothing.

Starts at the pages that settings name and follows links to the same site, breadth first, at most 30 pages. Each page is
asked for once a run, without cookies, so that every check judges the same copy; nothing is sent, no form is used.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from troth.errors import NetworkUnreachable
from troth.foundation.proof import NothingToObserve

if TYPE_CHECKING:
    from troth.foundation.markup import Markup
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation

LIMIT = 30
_SAFE = "/%:@!$&'()*+,;=~-._?"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Visit:
    """One address of the site that answered. `markup` is None where the answer is not an HTML page of status 200."""

    path: str
    page: Page
    markup: Markup | None


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk. `named` are the paths that settings name, `silent` those that did not answer.

    `whole` says that every page that links lead to was asked for; otherwise the limit came first.
    """

    visits: tuple[Visit, ...]
    named: tuple[str, ...]
    silent: tuple[str, ...]
    whole: bool

    @property
    def pages(self) -> tuple[tuple[str, Markup], ...]:
        """Each HTML page with its path."""
        return tuple((visit.path, visit.markup) for visit in self.visits if visit.markup is not None)


def walk(seen: Observation, *, limit: int = LIMIT) -> Walk:
    """Walk the site, once a run. Raises NetworkUnreachable when no page answers, NothingToObserve without a site."""
    return seen.once(("walk", limit), lambda: _walk(seen, limit))


def site_host(seen: Observation) -> str:
    """The host of the company's site, as a cookie would name it."""
    return (urlsplit(seen.need_site().url).hostname or "").lower()


def header(page: Page, name: str) -> str:
    """The value of a header of the answer, several joined by commas; empty when there is none."""
    return ", ".join(value for key, value in page.headers if key.lower() == name.lower())


def read(page: Page) -> Markup | None:
    """The answer as a page; None when it is none, or when its status is not 200."""
    from troth.foundation import markup

    content_type = header(page, "content-type")
    if page.status != 200 or not markup.is_html(content_type):
        return None
    return markup.read(page.body, url=page.url, content_type=content_type)


def policy_page(seen: Observation) -> Markup:
    """The published policy as a page; raises NothingToObserve when the site answers with none, NetworkUnreachable."""
    path = seen.need_site().policy
    page = seen.page(path)
    if page.truncated:
        raise NothingToObserve("the policy page is longer than a probe reads (2 MiB)", where=path, repair="shorten it")
    read_page = _read_once(seen, page)
    if read_page is None:
        raise NothingToObserve(
            f"the policy page answers with status {page.status} and no HTML",
            where=path,
            repair="publish the policy there, or set `[site] policy` in troth.toml",
        )
    return read_page


def path_of(url: str) -> str:
    """Path and query of `url`, by which a page of the site is told in messages."""
    parts = urlsplit(url)
    return quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")


def on_site(site: str, url: str) -> str | None:
    """The path of `url` on the site whose address is `site`; None when it leads elsewhere."""
    try:
        here, there = urlsplit(site), urlsplit(url)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return None
    return path_of(url) if same else None


def _walk(seen: Observation, limit: int) -> Walk:
    site = seen.need_site()
    named = tuple(dict.fromkeys(path_of(urljoin(site.url, path)) for path in site.pages))
    waiting = deque(named)
    known = set(named)
    visits: list[Visit] = []
    silent: list[str] = []
    problem: NetworkUnreachable | None = None
    while waiting and len(visits) + len(silent) < limit:
        path = waiting.popleft()
        try:
            page = seen.page(path)
        except NetworkUnreachable as trouble:
            problem = trouble
            silent.append(path)
            continue
        visit = Visit(path, page, _read_once(seen, page))
        visits.append(visit)
        for target in _leads_to(visit):
            following = on_site(site.url, target)
            if following is not None and following not in known:
                known.add(following)
                waiting.append(following)
    if problem is not None and not visits:
        raise problem
    return Walk(tuple(visits), named, tuple(silent), not waiting)


def _read_once(seen: Observation, page: Page) -> Markup | None:
    """A page that several checks judge is read once a run, as it is fetched once."""
    return seen.once(("markup", page.url), lambda: read(page))


def _leads_to(visit: Visit) -> list[str]:
    if visit.page.status in _REDIRECTS:
        return [urljoin(visit.page.url, header(visit.page, "location"))]
    return [link.url for link in visit.markup.links] if visit.markup is not None else []
