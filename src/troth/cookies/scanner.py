"""Read the cookies that servers set on a first visit, as a browser would keep them (RFC 6265bis).

An eye over answers that were fetched already. A cookie is told by name, life and party; its value is never kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from troth.foundation.crawling import Visit
from troth.policy.model import CookieItem
from troth.policy.periods import Duration


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie that an answer set. `ends` is None for a session cookie; `cross_site` means SameSite=None."""

    name: str
    page: str
    ends: dt.datetime | None
    domain: str
    cross_site: bool

    @property
    def session(self) -> bool:
        """Whether it goes when the browser is closed."""
        return self.ends is None


def cookies(visits: Iterable[Visit], now: dt.datetime) -> tuple[Cookie, ...]:
    """Every cookie set by the answers of a first visit, each name once with the longest life; removals are left out."""
    found: dict[str, Cookie] = {}
    for visit in visits:
        for line in visit.page.cookies:
            cookie = read(line, visit.path, visit.page.url, now)
            if cookie is None or (cookie.ends is not None and cookie.ends <= now):
                continue
            known = found.get(cookie.name)
            if known is None or (known.ends or now) < (cookie.ends or now):
                found[cookie.name] = cookie
    return tuple(found.values())


def read(line: str, page: str, url: str, now: dt.datetime) -> Cookie | None:
    """One Set-Cookie line; None when browsers would ignore it. Max-Age goes before Expires; the last of each counts."""
    pair, *attributes = line.split(";")
    name, equals, _ = pair.partition("=")
    if not equals:
        name = ""
    given: dict[str, str] = {}
    for attribute in attributes:
        key, _, value = attribute.partition("=")
        given[key.strip().lower()] = value.strip()
    if not equals and not pair.strip():
        return None
    return Cookie(
        name.strip(),
        page,
        _ends(given, now),
        given.get("domain", "").lstrip(".").lower() or (urlsplit(url).hostname or ""),
        given.get("samesite", "").lower() == "none",
    )


def item_of(cookie: Cookie, items: Iterable[CookieItem]) -> CookieItem | None:
    """The declared item that this cookie is: the same name, or the most exact pattern that it fits."""
    fitting = [item for item in items if item.kind == "cookie" and fnmatchcase(cookie.name, item.name)]
    return max(fitting, key=lambda item: (item.name == cookie.name, len(item.name)), default=None)


def outlives(cookie: Cookie, life: Duration | str, now: dt.datetime) -> bool:
    """Whether the cookie stays longer than declared; a minute is granted for clocks that differ."""
    if cookie.ends is None:
        return False
    if not isinstance(life, Duration):
        return True
    return cookie.ends > life.after(now) + dt.timedelta(minutes=1)


def _ends(given: dict[str, str], now: dt.datetime) -> dt.datetime | None:
    seconds = given.get("max-age", "")
    if seconds.lstrip("-").isdigit():
        # a browser keeps nothing longer than about 400 days; more than a century is the same promise
        return now + dt.timedelta(seconds=min(int(seconds[:12]), 3_155_760_000))
    if "expires" not in given:
        return None
    try:
        moment = parsedate_to_datetime(given["expires"].replace("-", " "))
    except (ValueError, TypeError):
        return None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
