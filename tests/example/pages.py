"""Deeds of Example Company to break on its pages and hosts: what visitors get, on the wire.

Each takes a copy of the company and a stack of what must be closed after the check.
"""

from __future__ import annotations

import datetime as dt
import re
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.example.proving import Answer, Change, Copy
from troth.example import certificates
from troth.example.company import HOST

Spoil = Change


def at(path: str, change: str, to: str) -> Spoil:
    """Other words on one page."""

    def spoil(here: str, answer: Answer) -> None:
        if here == path:
            answer.replace(change, to)

    spoil.__name__ = f"words of {path}"
    return spoil


def everywhere(name: str, value: str | None) -> Spoil:
    """Another header, or none, on every answer."""

    def spoil(_: str, answer: Answer) -> None:
        answer.header(name, value)

    spoil.__name__ = name
    return spoil


def bare_fields(path: str, answer: Answer) -> None:
    if path == "/privacy/centre":
        answer.body = re.sub(rb"</?label[^>]*>", b"", answer.body)


def open_console(path: str, answer: Answer) -> None:
    if path == "/console":
        answer.status, answer.body = 200, b"<!doctype html><title>Requests</title><h1>All requests</h1>"
        answer.header("location", None)
        answer.header("content-type", "text/html; charset=utf-8")


def scripted_cookie(path: str, answer: Answer) -> None:
    """The cookie of the log-in within reach of scripts."""
    if path == "/log-in":
        answer.headers = [(key, value.replace("HttpOnly; ", "")) for key, value in answer.headers]


def stray_cookie(path: str, answer: Answer) -> None:
    if path == "/":
        answer.headers.append(("set-cookie", "visitor=17; Max-Age=86400; Path=/; SameSite=Lax"))


def lasting_cookie(path: str, answer: Answer) -> None:
    if path == "/log-in":
        answer.headers = [
            (key, f"{value}; Max-Age=31536000" if key == "set-cookie" else value) for key, value in answer.headers
        ]


def cookie_wall(path: str, answer: Answer) -> None:
    if path == "/":
        answer.status = 403


def no_way_to_the_choice(path: str, answer: Answer) -> None:
    if path == "/sign-up":
        answer.replace('href="/privacy/centre"', 'href="/privacy"')


def endless_guessing(path: str, answer: Answer) -> None:
    """The shop's own refusal is lost on the way."""
    if path == "/log-in" and answer.status == 429:
        answer.status = 401
        answer.header("retry-after", None)


MAIL = "/privacy/centre/mail/"


def one_click_refused(path: str, answer: Answer) -> None:
    """What stands before troth lets no POST through that has no cookie."""
    if path.startswith(MAIL) and answer.body.startswith(b"Done"):
        answer.status, answer.body = 403, b"forbidden"


def one_click_forgotten(path: str, answer: Answer) -> None:
    """The click is thanked for, and the letters go on."""
    if path.startswith(MAIL):
        answer.body = answer.body.replace(b'data-state="stopped"', b'data-state="sent"')


def stopping_asks_why(path: str, answer: Answer) -> None:
    if path.startswith(MAIL):
        answer.body = answer.body.replace(
            b'<button class="first">Stop', b'<input name="reason" required><button class="first">Stop'
        )


# --- TLS ----------------------------------------------------------------------------------------------------------------


_SECURITY = b"Contact: mailto:security@example.com\nExpires: 2027-10-01T00:00:00Z\n"


@contextmanager
def host(context: ssl.SSLContext | None) -> Iterator[int]:
    """A host that says hello and asks for TLS from now on, itself with TLS by `context` or without; gives its port."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = _SECURITY if self.path == "/.well-known/security.txt" else b""
            self.send_response_only(200 if body or self.path == "/" else 404)
            self.send_header("Strict-Transport-Security", "max-age=31536000")
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Date", self.date_time_string())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: object, client_address: object) -> None:
            try:
                if context is not None:
                    request = context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
                super().finish_request(request, client_address)  # type: ignore[arg-type]
            except OSError:
                return  # a handshake that was refused: that is what is tested
            finally:
                request.close()  # type: ignore[attr-defined]

    with Server(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def speaking(
    copy: Copy, *, oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2, ciphers: str = "DEFAULT"
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(copy.folder / certificates.CERTIFICATE)
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are spoken here on purpose
        context.minimum_version = oldest
    return context


def without_tls(copy: Copy, stack: ExitStack) -> None:
    copy.doors[HOST] = stack.enter_context(host(None))


def with_old_tls(copy: Copy, stack: ExitStack) -> None:
    copy.doors[HOST] = stack.enter_context(host(speaking(copy, oldest=ssl.TLSVersion.TLSv1)))


def with_ciphers_that_show_no_certificate(copy: Copy, stack: ExitStack) -> None:
    copy.doors[HOST] = stack.enter_context(host(speaking(copy, ciphers="ALL")))


def with_sound_tls(copy: Copy, stack: ExitStack) -> None:
    """The same host with nothing wrong: what the others are held against."""
    copy.doors[HOST] = stack.enter_context(host(speaking(copy)))


def another_certificate(copy: Copy, name: str, *, now: dt.datetime) -> None:
    """By an authority of its own; the first one is trusted on, as others still show what it signed."""
    trusted = copy.folder / certificates.AUTHORITY
    before = trusted.read_bytes()
    certificates.make(copy.folder, name, now=now)
    trusted.write_bytes(trusted.read_bytes() + before)


def with_a_certificate_of_another_name(copy: Copy, stack: ExitStack) -> None:
    another_certificate(copy, "tea.example.org", now=dt.datetime.now(dt.UTC))
    copy.doors[HOST] = stack.enter_context(host(speaking(copy)))


def with_a_certificate_that_ran_out(copy: Copy, stack: ExitStack) -> None:
    another_certificate(copy, HOST, now=dt.datetime.now(dt.UTC) - dt.timedelta(days=366))
    copy.doors[HOST] = stack.enter_context(host(speaking(copy)))
