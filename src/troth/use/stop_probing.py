"""Try from outside whether letters can be stopped: look at the page of a link, send the one click, look again.

An eye that acts as a mail program would, at the company's own site, with a link for an address that nobody has: what it
stops is a made-up address for one minute. Each probe takes another, so that the page must turn from *sent* to *stopped*
before its eyes. It asks no deed; it reads the answers.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from troth.foundation import crawling

if TYPE_CHECKING:
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation

PROBE = "a made-up address"
_STATE = re.compile(rb'data-state="(sent|stopped)"')
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Tried:
    """What one try saw. States are `sent`, `stopped`, or empty where the page tells none.

    `asked` is how many things the page wants filled in before it stops; None where it has no form. `status` is that of
    the one click.
    """

    path: str
    before: str
    looked: str
    status: int
    after: str
    asked: int | None


def try_to_stop(seen: Observation, purpose: str) -> Tried:
    """One try for `purpose`, once a run. Raises NetworkUnreachable, and NothingToObserve without a site or a key."""
    return seen.once(("stop", purpose), lambda: _try(seen, purpose))


def _try(seen: Observation, purpose: str) -> Tried:
    site, keyring, network = seen.need_site(), seen.need_keyring(), seen.need_network()
    from troth.use.stopping import tokens  # loads the database library; a check of a policy alone comes not so far

    token = tokens.make(keyring, tokens.Stop(purpose, None, os.urandom(16), probe=True))
    path = f"{site.centre}/mail"
    url = urljoin(site.url, f"{path}/{token}")
    first = network.fetch(url)
    second = network.fetch(url)
    click = network.fetch(url, method="POST", headers=_FORM, body=b"List-Unsubscribe=One-Click")
    last = network.fetch(url)
    return Tried(path, _state(first), _state(second), click.status, _state(last), _asked(first))


def _state(page: Page) -> str:
    found = _STATE.search(page.body) if page.status == 200 else None
    return found[1].decode() if found else ""


def _asked(page: Page) -> int | None:
    read = crawling.read(page)
    if read is None or not read.forms:
        return None
    return max(sum(field.asks for field in form.fields) for form in read.forms)
