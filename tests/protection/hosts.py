"""Hosts for tests: real TLS on a free port of the loopback, with versions, certificate and headers as a test asks."""

from __future__ import annotations

import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from troth.foundation.network import Network

HOST = "shop.example.com"
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


@dataclass
class Host:
    """What a host is told to do. `plain` is what it does without TLS: redirect, serve, elsewhere, or nothing at all."""

    authority: trustme.CA
    folder: Path
    name: str = HOST
    days: int = 90
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: HSTS)
    plain: str | None = "redirect"
    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)

    @contextmanager
    def up(self) -> Iterator[Network]:
        """The host while the block runs, as a probe that trusts the authority reaches it."""
        pem = self.folder / "authority.pem"
        self.authority.cert_pem.write_to_path(pem)
        with ExitStack() as stack:
            secure = stack.enter_context(_serving(self._page, self._context()))
            resolve = {f"{HOST}:443": ("127.0.0.1", secure)}
            # a port that was free a moment ago: nobody listens there
            resolve[f"{HOST}:80"] = ("127.0.0.1", stack.enter_context(_serving(self._without_tls)) if self.plain else 9)
            yield Network(resolve, trust=pem, timeout_s=3)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        end = datetime.now(UTC) + timedelta(days=self.days, hours=1)
        self.authority.issue_cert(self.name, not_after=end).configure_cert(context)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are offered on purpose
            if self.ciphers is not None:
                context.set_ciphers(self.ciphers)
            elif self.oldest < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = self.oldest, self.newest
        return context

    def _page(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        status, kind, body = self.answers.get(path, (200 if path == "/" else 404, "text/html", b"<p>shop</p>"))
        return status, {"Content-Type": kind, **self.headers}, body

    def _without_tls(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        if self.plain == "serve":
            return 200, {"Content-Type": "text/html"}, b"<p>shop</p>"
        target = HOST if self.plain == "redirect" else "other.example.org"
        return 301, {"Location": f"https://{target}{path}"}, b""


@contextmanager
def _serving(page, context: ssl.SSLContext | None = None) -> Iterator[int]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = page(self.path)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Handshakes that a probe breaks off are no news."""

        def finish_request(self, request, client_address) -> None:
            # the handshake belongs to the thread of its own connection, not to the one that accepts
            if context is not None:
                request = context.wrap_socket(request, server_side=True)
            try:
                super().finish_request(request, client_address)
            finally:
                request.close()

    server = Quiet(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
