"""3.1a, letters: mail servers that are really greeted, and what a domain tells those who send to it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.policies import policy_of, said
from tests.protection.hosts import _serving
from tests.shopworld import own_verdict
from troth.errors import NetworkUnreachable
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.policy.settings import Settings
from troth.protection.checks import mail
from troth.protection.probes import mailhosts

DOMAIN, SERVER = "example.com", "mx.example.com"
POLICY = policy_of(
    """
    protection:
      number: "3"
      title: Protection
      tls: {text: Use TLS, measure: tls, hosts: [shop.example.com]}
    """
)
RULE = b"version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n"
RECORD = "v=STSv1; id=20261122;"


class _Mail:
    """A mail server, its domain's records and its policy, as a test asks for them."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        self.authority, self.folder = authority, folder
        self.secure, self.name, self.days = True, SERVER, 90
        self.servers: list[str] = [SERVER]
        self.records: list[str] = [RECORD]
        self.rule: tuple[int, str, bytes] = (200, "text/plain; charset=utf-8", RULE)

    @contextmanager
    def up(self) -> Iterator[Network]:
        pem = self.folder / "authority.pem"
        self.authority.cert_pem.write_to_path(pem)
        with ExitStack() as stack:
            context = self._context(self.name) if self.secure else None
            port = stack.enter_context(_smtp(context))
            pages = stack.enter_context(_serving(self._page, self._context(f"mta-sts.{DOMAIN}")))
            resolve = {f"{SERVER}:25": ("127.0.0.1", port), f"mta-sts.{DOMAIN}": ("127.0.0.1", pages)}
            resolve["mx9.example.com"] = ("127.0.0.1", 9)  # nobody listens there
            yield Network(
                resolve, trust=pem, timeout_s=3, mail_lookup=lambda _: self.servers, text_lookup=lambda _: self.records
            )

    def _context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        end = datetime.now(UTC) + timedelta(days=self.days, hours=1)
        self.authority.issue_cert(name, not_after=end).configure_cert(context)
        return context

    def _page(self, path: str) -> tuple[int, dict[str, str], bytes]:
        status, kind, body = self.rule
        return (status, {"Content-Type": kind}, body) if path == "/.well-known/mta-sts.txt" else (404, {}, b"")

    def judged(self) -> tuple[str, str]:
        with self.up() as network:
            return judged(network)


@contextmanager
def _smtp(context: ssl.SSLContext | None) -> Iterator[int]:
    class Quick(Controller):
        def factory(self) -> SMTP:
            return SMTP(self.handler, hostname="mx", tls_context=context, timeout=5)

    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Quick(object(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def judged(network: Network | None, domains: tuple[str, ...] = (DOMAIN,)) -> tuple[str, str]:
    settings = Settings.model_validate({"protection": {"mail_domains": domains}})
    seen = Observation(POLICY, datetime.now(UTC), Path(), network=network, settings=settings)
    found = run_checks(POLICY, [mail.unencrypted_delivery], seen).of("3a")
    return own_verdict(found), said(found)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def post(authority: trustme.CA, tmp_path: Path) -> _Mail:
    return _Mail(authority, tmp_path)


def test_letters_that_come_in_over_tls_only_are_kept(post: _Mail) -> None:
    verdict, told = post.judged()

    assert verdict == "kept"
    assert "mx.example.com, mail server of example.com: offers STARTTLS; its certificate holds until" in told
    assert "example.com: senders are to send nothing in clear, for 7 days" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secure": False}, "takes letters in clear only"),
        ({"name": "other.example.com"}, "its certificate does not hold: Hostname mismatch"),
        ({"days": 10}, "its certificate ends on"),
        ({"rule": (404, "text/plain", b"")}, "announces an MTA-STS policy that cannot be read"),
        ({"rule": (200, "text/html", RULE)}, "announces an MTA-STS policy that cannot be read"),
        ({"rule": (200, "text/plain", RULE.replace(b"enforce", b"always"))}, "announces an MTA-STS policy that cannot be read"),
        ({"rule": (200, "text/plain", RULE.replace(b"max_age: 604800", b""))}, "announces an MTA-STS policy that cannot be read"),
        ({"rule": (200, "text/plain", RULE.replace(b"*.example.com", b"mx2.example.com"))}, "does not name mx.example.com"),
        ({"rule": (200, "text/plain", RULE.replace(b"*.example.com", b"*.com"))}, "does not name mx.example.com"),
    ],
)  # fmt: skip
def test_letters_that_may_come_in_clear_break_the_sentence(post: _Mail, change: dict[str, Any], words: str) -> None:
    vars(post).update(change)

    verdict, told = post.judged()

    assert verdict == "broken"
    assert words in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"records": []}, "tells no sender that TLS is a must"),
        ({"records": [RECORD, RECORD]}, "tells no sender that TLS is a must"),
        ({"records": ["v=STSv1"]}, "tells no sender that TLS is a must"),
        ({"rule": (200, "text/plain", RULE.replace(b"enforce", b"testing"))}, "lets letters come in clear (mode testing)"),
        ({"servers": []}, "takes no mail"),
        ({"servers": ["mx9.example.com"]}, "mx9.example.com: nothing listens there"),
    ],
)  # fmt: skip
def test_what_nobody_demands_or_nobody_reached_is_unproven(post: _Mail, change: dict[str, Any], words: str) -> None:
    vars(post).update(change)

    verdict, told = post.judged()

    assert verdict == "unproven"
    assert words in told


def test_without_a_resolver_nothing_is_known_of_mail() -> None:
    verdict, told = judged(Network())

    assert verdict == "unproven"
    assert "no resolver is at hand" in told


def test_without_domains_in_the_settings_nothing_is_said_of_letters() -> None:
    assert judged(None, ())[1] == ""


@contextmanager
def answering(*said: bytes) -> Iterator[int]:
    """A server that says these things, one for each line that it gets, the first unasked."""

    def serve() -> None:
        caller, _ = door.accept()
        with caller:
            for each in said:
                caller.sendall(each)
                caller.recv(1024)

    with create_server(("127.0.0.1", 0)) as door:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1]


def greeted(port: int) -> mailhosts.ServerSeen:
    return mailhosts.look(Network({SERVER: ("127.0.0.1", port)}, timeout_s=2), SERVER)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((b"SSH-2.0-OpenSSH_9\r\n",), "it does not speak SMTP"),
        ((b"554 go away\r\n",), "it does not speak SMTP"),
        ((b"220 mx\r\n", b"502 what\r\n"), "it does not answer a greeting"),
        ((b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"), "it says more than it was asked"),
        ((b"220-" + b"x" * 9000,), "it does not speak SMTP"),
    ],
)  # fmt: skip
def test_what_speaks_no_smtp_is_not_reached(words: tuple[bytes, ...], message: str) -> None:
    with answering(*words) as port, pytest.raises(NetworkUnreachable, match=message):
        greeted(port)


def test_a_server_that_offers_tls_and_then_refuses_it_offers_none() -> None:
    with answering(b"220 mx\r\n", b"250-mx\r\n250-SIZE 1000\r\n250 starttls\r\n", b"454 not now\r\n") as port:
        assert not greeted(port).offers


@pytest.mark.parametrize(
    ("patterns", "server", "named"),
    [
        (("mx.example.com",), "MX.example.com.", True),
        (("*.example.com",), "mx.example.com", True),
        (("*.example.com",), "a.mx.example.com", False),
        (("*.example.com",), "example.com", False),
    ],
)
def test_a_star_stands_for_one_label(patterns: tuple[str, ...], server: str, named: bool) -> None:
    assert mailhosts.Rule(mailhosts.Mode.ENFORCE, patterns, 86_400).names(server) is named
