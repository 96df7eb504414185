"""Websites for tests: a real HTTP server on a free port of the loopback, whose pages the test writes as it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from troth.foundation.network import Lookup, Network
from troth.foundation.observation import Observation
from troth.policy.settings import SiteSettings
from troth.testing import FixedClock

HOST = "shop.example.com"
STRICT = {"Referrer-Policy": "strict-origin-when-cross-origin"}


class LocalSite:
    """One server. `put` writes a page, `answers` are (status, headers, body) by path; every other path answers 404."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}
        self.asked: list[str] = []

    def put(
        self,
        path: str,
        html: str | bytes,
        *,
        status: int = 200,
        cookies: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        kind: str = "text/html; charset=utf-8",
    ) -> None:
        body = html if isinstance(html, bytes) else html.encode()
        given = [("Content-Type", kind), *(STRICT if headers is None else headers).items()]
        self.answers[path] = (status, [*given, *(("Set-Cookie", line) for line in cookies)], body)

    def network(self, *others: str, mail: Lookup | None = None, timeout_s: float = 2) -> Network:
        """A probe that reaches this server as shop.example.com, and as each of `others`."""
        resolve = dict.fromkeys((HOST, *others), ("127.0.0.1", self.port))
        return Network(resolve, mail_lookup=mail, timeout_s=timeout_s)

    def settings(self, **more: object) -> SiteSettings:
        return SiteSettings.model_validate({"url": f"http://{HOST}", **more})


@contextmanager
def serving() -> Iterator[LocalSite]:
    """A server on a free port, gone at the end of the block."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            missing = (404, [("Content-Type", "text/html")], b"<h1>no such page</h1>")
            status, headers, body = site.answers.get(self.path, missing)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    site = LocalSite(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with serving() as running:
        yield running


def observation(policy, folder: Path, site: LocalSite | None = None, *others: str, **more: object) -> Observation:
    """What a check looks through: the policy, and the site where one is given, on 22 November 2026."""
    seen = Observation(policy, FixedClock().now(), folder)
    if site is not None:
        seen.network, seen.site = site.network(*others), site.settings()
    for name, value in more.items():
        setattr(seen, name, value)
    return seen
