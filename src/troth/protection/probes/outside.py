"""Eyes for hosts, doors and files: what anybody meets who has no account, and what the file system lets others do.

They look and conclude nothing. No form is sent. A host that does not answer raises
NetworkUnreachable; each address is asked once a run.
"""

from __future__ import annotations

import datetime as dt
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from troth.errors import NetworkUnreachable
from troth.foundation import crawling

if TYPE_CHECKING:
    from troth.foundation.handshakes import TlsSeen
    from troth.foundation.markup import Form
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFUSALS = frozenset({401, 403})
_MOST_STEPS = 5
_AGE = re.compile(r'max-age\s*=\s*"?(\d+)', re.IGNORECASE)
_TELLING = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator", "via")
_VERSION = re.compile(r"\d+\.\d+")
_LINE = re.compile(r"^([A-Za-z-]+):[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Met:
    """What somebody without an account meets at `path`, after `steps` redirects on the same site.

    `refused`: the last answer says no, asks who comes, or sends to a place to sign in elsewhere.
    """

    path: str
    status: int
    refused: bool
    steps: int = 0


@dataclass(frozen=True, slots=True)
class CookieSet:
    """One cookie as an answer sets it; its value is not kept."""

    name: str
    http_only: bool
    secure: bool
    same_site: str | None


@dataclass(frozen=True, slots=True)
class SecurityText:
    """A `security.txt` (RFC 9116): whether it names a contact, and when it ends, as far as it says so once."""

    contacts: int
    expires: dt.datetime | None
    expires_lines: int


def shake_hands(seen: Observation, host: str) -> TlsSeen:
    """How `host` speaks TLS on port 443. Raises NetworkUnreachable, NothingToObserve."""
    return seen.once(("tls", host), lambda: seen.need_network().tls(host))


def front_page(seen: Observation, host: str) -> Page:
    """The answer of `https://host/`. Raises NetworkUnreachable, NothingToObserve."""
    url = f"https://{host}/"
    return seen.once(("page", url), lambda: seen.need_network().fetch(url))


def plain_page(seen: Observation, host: str) -> Page | None:
    """The answer of `http://host/`; None where nobody answers without TLS."""
    url = f"http://{host}/"
    try:
        return seen.once(("page", url), lambda: seen.need_network().fetch(url))
    except NetworkUnreachable:
        return None


def transport_age(page: Page) -> int | None:
    """The `max-age` of Strict-Transport-Security in seconds (RFC 6797); None without one."""
    match = _AGE.search(page.header("strict-transport-security") or "")
    return int(match[1]) if match else None


def leads_to_tls(page: Page, host: str) -> bool:
    """Whether an answer sends the visitor on to `https://` of the same host."""
    if page.status not in REDIRECTS:
        return False
    target = urlsplit(urljoin(page.url, page.header("location") or ""))
    return target.scheme == "https" and (target.hostname or "").lower() == host.lower()


def as_stranger(seen: Observation, path: str) -> Met:
    """What a visitor without an account meets at `path` of the site. Raises NetworkUnreachable, NothingToObserve."""
    for steps in range(_MOST_STEPS):
        page = seen.page(path)
        if page.status in REDIRECTS:
            target = crawling.on_site(seen.need_site().url, urljoin(page.url, page.header("location") or ""))
            if target is None:
                return Met(path, page.status, refused=True, steps=steps)
            path = target
            continue
        return Met(path, page.status, page.status in REFUSALS or bool(sign_in_forms(page)), steps)
    return Met(path, page.status, refused=False, steps=_MOST_STEPS)


def sign_in_forms(page: Page) -> tuple[Form, ...]:
    """The forms of a page that ask who comes: those with a password or an e-mail address to type in."""
    read = crawling.read(page)
    forms = read.forms if read is not None else ()
    return tuple(form for form in forms if any(field.kind in ("password", "email") for field in form.fields))


def cookies_set(page: Page) -> tuple[CookieSet, ...]:
    """The cookies that an answer sets, with what guards them (RFC 6265bis); those that it deletes are left out."""
    found = []
    for line in page.cookies:
        pair, *rest = line.split(";")
        name, _, value = pair.strip().partition("=")
        attributes = {key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)}
        if value and attributes.get("max-age") != "0":
            found.append(
                CookieSet(name, "httponly" in attributes, "secure" in attributes, attributes.get("samesite") or None)
            )
    return tuple(found)


def telling_headers(page: Page) -> tuple[str, ...]:
    """The names of the headers that tell visitors which version of which software answers."""
    return tuple(dict.fromkeys(name for name, value in page.headers if name in _TELLING and _VERSION.search(value)))


def security_text(page: Page) -> SecurityText | None:
    """The `security.txt` of an answer; None where it is none."""
    kind = (page.header("content-type") or "").lower()
    if page.status != 200 or not kind.startswith("text/plain"):
        return None
    fields = _LINE.findall(page.body.decode("utf-8", "replace"))
    ends = [value for name, value in fields if name.lower() == "expires"]
    contacts = sum(1 for name, _ in fields if name.lower() == "contact")
    return SecurityText(contacts, _instant(ends[0]) if len(ends) == 1 else None, len(ends))


def mode_of(path: Path) -> int | None:
    """The permission bits of a file; None where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _instant(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
