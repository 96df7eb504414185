"""The company's doors on a real socket: the API for its apps and the privacy centre."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from tests.use.company import Company
from troth.foundation.mail import Letter
from troth.foundation.tables import outbox
from troth.foundation.web.pages import Frame, Link, Site
from troth.foundation.web.security import SecurityHeaders
from troth.use import api, apps, centre
from troth.use.stopping import centre as stopping
from troth.use.stopping.signals import GlobalPrivacyControl

ADDRESS = "https://shop.example.com"
FRAME = Frame(
    "Example Company", "Privacy", (Link("Policy", "/privacy"), Link("Your data and choices", "/privacy/centre"))
)


@dataclass
class Served:
    """The running doors, the token of an app called `shop`, and the mail that was queued."""

    company: Company
    base: str
    token: str

    def app(self) -> httpx.Client:
        """The company's app, as it calls the API."""
        return httpx.Client(base_url=self.base, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    def browser(self) -> httpx.Client:
        """A browser without scripts; it keeps cookies and follows nothing by itself."""
        return httpx.Client(base_url=self.base, timeout=60)

    @property
    def letters(self) -> list[Letter]:
        """What waits in the outbox, oldest first."""
        found = []
        for row in self.company.rows(outbox):
            to, subject, text = json.loads(
                self.company.office.keyring.unseal(row.sealed, context=row.message_id.encode())
            )
            found.append(Letter(to, subject, text, row.reference, person=row.person))
        return found

    def wait_for_letter(self, count: int = 1) -> Letter:
        deadline = time.monotonic() + 10
        while len(self.letters) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.letters[count - 1]


@contextmanager
def serve(company: Company) -> Iterator[Served]:
    site = Site(secret=b"x" * 32, clock=company.clock, packages=("troth.use",))
    pages = [
        Route(path, site.endpoint(handler, FRAME), methods=[method])
        for method, path, handler in (*centre.routes(company.troth), *stopping.routes(company.troth))
    ]
    pages += stopping.open_routes(company.troth)
    static = Route("/static/{name:path}", site.serve_static)
    application: Any = Starlette(
        routes=[*api.routes(company.troth), *pages, static], middleware=[Middleware(SecurityHeaders)]
    )
    if company.troth.instance.settings.site.gpc is not None:
        application = GlobalPrivacyControl(application, lambda: company.office)
    token = apps.create_app_token(company.office.store, "shop", company.clock.now())
    with listening(application) as base:
        yield Served(company, base, token)


@contextmanager
def listening(application: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", lifespan="off"))
    server.capture_signals = _nothing  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def hidden_token(page: str) -> str:
    """The hidden field of the first form on a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, "the page has no form"
    return found[1]


def path_in(letter: Letter) -> str:
    """The path of the link in a letter."""
    found = re.search(rf"{re.escape(ADDRESS)}(\S+)", letter.text)
    assert found, "the letter has no link"
    return found[1]
