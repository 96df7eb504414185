"""The policy pages of a made-up company as the public gets them, and a store that is made once and copied."""

from __future__ import annotations

import asyncio
import atexit
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from tests.stores import fresh_store
from troth.foundation.clock import Clock
from troth.foundation.proof import Report
from troth.foundation.store import Store
from troth.foundation.web.pages import Frame, Link, Site
from troth.foundation.web.security import SecurityHeaders
from troth.foundation.web.static import PREFIX
from troth.policy.model import Policy
from troth.updates import centre

FRAME = Frame(
    "Example Company", "Privacy", (Link("Policy", "/privacy"), Link("Versions", "/privacy/versions")), home="/privacy"
)


@cache
def _templates() -> object:
    return Site(secret=b"s" * 16, clock=_NoClock(), packages=("troth.updates",)).templates


class _NoClock:
    def now(self):
        raise AssertionError


def application(policy: Policy, store: Store, clock: Clock, report: Report | None = None) -> SecurityHeaders:
    site = Site(secret=b"s" * 16, clock=clock)
    site.templates = _templates()  # compiling them once is enough
    routes = [Route(PREFIX + "{name}", site.serve_static)]
    for method, path, handler in centre.routes(lambda: policy, store, lambda: report):
        routes.append(Route(path, site.endpoint(handler, FRAME), methods=[method]))
    return SecurityHeaders(Starlette(routes=routes))


class Visitor:
    """Somebody without scripts and without cookies, asking in process; the answers are those of the socket."""

    def __init__(self, policy: Policy, store: Store, clock: Clock, report: Report | None = None) -> None:
        self._application = application(policy, store, clock, report)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._application)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example.com") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


@cache
def _pattern() -> Path:
    folder = Path(mkdtemp(prefix="troth-updates-"))
    atexit.register(shutil.rmtree, folder)
    with fresh_store(folder) as store:
        store.settle()
    return folder / "troth.db"


def new_store(folder: Path) -> Store:
    """A store of its own, as `fresh_store` makes it; the steps of the schema take longer than most tests."""
    shutil.copy(_pattern(), folder / "troth.db")
    return Store.open(f"sqlite:///{folder / 'troth.db'}")
