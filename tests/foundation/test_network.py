from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from troth.errors import NetworkUnreachable, StoreError, UnreadableFile
from troth.foundation import addresses
from troth.foundation.handshakes import TlsSeen, TlsVersion
from troth.foundation.network import MAX_BODY, Network
from troth.foundation.store import Store


class Shop(http.server.BaseHTTPRequestHandler):
    """A site that can be told to misbehave by the path asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        act: Callable[[], None] = getattr(
            self, "at_" + self.path.strip("/").split("?")[0].replace("-", "_"), self.at_page
        )
        act()

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

    def at_page(self) -> None:
        self.answer(200, "<p>Grüße</p>".encode("latin-1"), {"Content-Type": "text/html; charset=latin-1"})

    def at_cookies(self) -> None:
        self.send_response(200)
        for line in ("a=1; Secure", "b=2; Expires=Sun, 22 Nov 2026 06:00:00 GMT"):
            self.send_header("Set-Cookie", line)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def at_echo(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.answer(
            200, f"{self.command} {self.headers['Host']} {self.headers['Sec-GPC']} {body.decode()}".encode(), {}
        )

    def at_here(self) -> None:
        self.answer(302, b"", {"Location": "/page"})

    def at_elsewhere(self) -> None:
        self.answer(302, b"", {"Location": "https://other.example.org/page"})

    def at_odd(self) -> None:
        self.answer(302, b"", {"Location": "gopher://shop.example.com/1"})

    def at_round(self) -> None:
        self.answer(302, b"", {"Location": f"/round?{time.monotonic_ns()}"})

    def at_large(self) -> None:
        self.answer(200, b"x" * (MAX_BODY + 10), {})

    def at_broken_off(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def at_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        try:
            for _ in range(200):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    def at_missing(self) -> None:
        self.answer(404, b"no", {})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = False  # the end of a test waits for every handler, so that none leaves its socket behind

    def handle_error(self, *_: object) -> None:
        return


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = Quiet(("127.0.0.1", 0), Shop)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def shop() -> Iterator[Network]:
    with serving() as port:
        yield Network(resolve={"Shop.example.com": ("127.0.0.1", port)})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


def offered(seen: TlsSeen) -> tuple[str, ...]:
    return tuple(version.value for version, answer in seen.offered.items() if answer)


def server_context(authority: trustme.CA, *names: str, **facts: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **facts).configure_cert(context)
    return context


# --- one page -------------------------------------------------------------------------------------------------


def test_a_page_comes_with_status_headers_text_and_address(shop: Network) -> None:
    page = shop.fetch("http://SHOP.example.com/")
    assert page.status == 200
    assert page.body.decode("latin-1") == "<p>Grüße</p>"
    assert page.header("Content-TYPE") == "text/html; charset=latin-1"
    assert page.header("nothing") is None
    assert page.address == "127.0.0.1"
    assert not page.truncated


def test_every_cookie_line_is_seen_as_it_was_sent(shop: Network) -> None:
    assert shop.fetch("http://shop.example.com/cookies").cookies == (
        "a=1; Secure",
        "b=2; Expires=Sun, 22 Nov 2026 06:00:00 GMT",
    )


def test_the_host_is_asked_by_its_name_with_the_caller_s_headers(shop: Network) -> None:
    page = shop.fetch("http://shop.example.com:81/echo", headers={"Sec-GPC": "1"})
    assert page.body == b"GET shop.example.com:81 1 "


def test_an_error_status_is_an_answer(shop: Network) -> None:
    assert shop.fetch("http://shop.example.com/missing").status == 404
    assert shop.fetch("http://shop.example.com/missing", method="HEAD").body == b""


@pytest.mark.parametrize("path", ["here", "elsewhere", "odd"])
def test_a_redirect_is_shown_and_not_followed(shop: Network, path: str) -> None:
    assert shop.fetch(f"http://shop.example.com/{path}").status == 302


def test_a_body_is_read_up_to_the_limit_and_says_so(shop: Network) -> None:
    page = shop.fetch("http://shop.example.com/large")
    assert len(page.body) == MAX_BODY
    assert page.truncated


def test_an_answer_that_breaks_off_is_no_answer(shop: Network) -> None:
    with pytest.raises(NetworkUnreachable, match="broke off"):
        shop.fetch("http://shop.example.com/broken-off")


@pytest.mark.parametrize("secure", [False, True])
def test_a_host_that_drips_is_cut_off_in_time(authority: trustme.CA, trust: Path, secure: bool) -> None:
    with serving(server_context(authority, "shop.example.com") if secure else None) as port:
        probe = Network({"shop.example.com": ("127.0.0.1", port)}, trust=trust, timeout_s=0.3)
        started = time.monotonic()
        with pytest.raises(NetworkUnreachable, match=r"did not answer in time"):
            probe.fetch(f"http{'s' if secure else ''}://shop.example.com/drip")
        assert time.monotonic() - started < 2


def test_a_host_that_never_answers_is_cut_off_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        probe = Network({"shop.example.com": silent.getsockname()}, timeout_s=0.3)
        with pytest.raises(NetworkUnreachable, match=r"^shop\.example\.com: it did not answer in time"):
            probe.fetch("http://shop.example.com/")
        with pytest.raises(NetworkUnreachable, match=r"did not answer in time"):
            probe.tls("shop.example.com")


def test_what_is_not_http_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:
        thread = threading.Thread(target=_say_hello, args=(odd,))
        thread.start()
        with pytest.raises(NetworkUnreachable, match="does not speak HTTP"):
            Network({"shop.example.com": odd.getsockname()}).fetch("http://shop.example.com/")
        thread.join()


def _say_hello(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(b"220 smtp ready\r\n")


# --- where a probe may go ---------------------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "localhost",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fec0::1]",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
]


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_that_is_not_public_is_refused_before_any_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: reached.append(address))
    probe = Network(timeout_s=2)
    with pytest.raises(NetworkUnreachable, match=r"inner address|no such host"):
        probe.fetch(f"http://{host}/latest/meta-data")
    with pytest.raises(NetworkUnreachable, match=r"inner address|no such host"):
        probe.tls(host.strip("[]"))
    assert reached == []


def test_a_name_with_one_inner_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: answer)
    with pytest.raises(NetworkUnreachable, match=r"inner address"):
        Network().fetch("http://rebinding.example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop",
        "file:///etc/passwd",
        "gopher://shop.example.com/",
        "//shop.example.com",
        "http://",
        "http://user:SECRET@shop.example.com/",
        "http://shop.example.com:0/",
        "http://shop.example.com:99999/",
        "http://[::1/",
        "http://" + "a" * 70 + ".example.com:x/",
        "http://ü" + "ü" * 80 + ".de/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(NetworkUnreachable) as caught:
        Network(timeout_s=1).fetch(url)
    assert "SECRET" not in "".join(traceback.format_exception_only(caught.value))


def test_an_unknown_name_is_told_with_the_host_only() -> None:
    with pytest.raises(NetworkUnreachable) as caught:
        Network(timeout_s=2).fetch("http://nobody.invalid/path?email=SECRET")
    assert str(caught.value).startswith("nobody.invalid: no such host")
    assert "SECRET" not in "".join(traceback.format_exception_only(caught.value))


def test_a_closed_port_is_told_with_the_host_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NetworkUnreachable, match=r"^shop\.example\.com: nothing listens there"):
        Network({"shop.example.com": ("127.0.0.1", port)}).fetch("http://shop.example.com/SECRET")


def test_a_header_or_path_with_a_line_break_is_not_sent(shop: Network) -> None:
    with pytest.raises((NetworkUnreachable, ValueError)):
        shop.fetch("http://shop.example.com/echo", headers={"Sec-GPC": "1\r\nX: y"})
    with pytest.raises(NetworkUnreachable):
        shop.fetch("http://shop.example.com/a b\x01")


# --- TLS --------------------------------------------------------------------------------------------------------


def test_a_valid_certificate_lets_the_page_through(authority: trustme.CA, trust: Path) -> None:
    with serving(server_context(authority, "shop.example.com")) as port:
        place = {"shop.example.com": ("127.0.0.1", port)}
        assert Network(place, trust=trust).fetch("https://shop.example.com/").status == 200
        with pytest.raises(NetworkUnreachable, match="certificate is not trusted"):
            Network(place).fetch("https://shop.example.com/")
        with pytest.raises(NetworkUnreachable, match="certificate is not trusted"):
            Network({"other.example.com": ("127.0.0.1", port)}, trust=trust).fetch("https://other.example.com/")


def test_each_version_is_tried_by_itself(authority: trustme.CA, trust: Path) -> None:
    context = server_context(authority, "shop.example.com")
    with serving(context) as port:
        seen = Network({"shop.example.com": ("127.0.0.1", port)}, trust=trust).tls("shop.example.com")
    assert offered(seen) == ("1.2", "1.3")
    assert seen.offered[TlsVersion.TLS_1_0] in {False, None}
    assert seen.trusted
    assert seen.fault is None
    assert seen.not_after is not None
    assert seen.not_after.tzinfo is UTC


@pytest.mark.parametrize("only", ["1.0", "1.1", "1.2", "1.3"])
def test_a_host_with_one_version_is_seen_with_that_version(authority: trustme.CA, trust: Path, only: str) -> None:
    version = {"1.0": "TLSv1", "1.1": "TLSv1_1", "1.2": "TLSv1_2", "1.3": "TLSv1_3"}[only]
    context = server_context(authority, "shop.example.com")
    if only != "1.3":
        context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion[version]
        context.minimum_version = ssl.TLSVersion[version]
    with serving(context) as port:
        seen = Network({"shop.example.com": ("127.0.0.1", port)}, trust=trust).tls("shop.example.com")
    if seen.offered[TlsVersion(only)] is None:
        pytest.skip(f"the TLS library here cannot speak TLS {only}")
    assert offered(seen) == (only,)


def test_an_expired_certificate_is_seen_with_its_date(authority: trustme.CA, trust: Path) -> None:
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    context = server_context(authority, "shop.example.com", not_before=ended - timedelta(days=90), not_after=ended)
    with serving(context) as port:
        seen = Network({"shop.example.com": ("127.0.0.1", port)}, trust=trust).tls("shop.example.com")
    assert not seen.trusted
    assert seen.fault == "certificate has expired"
    assert "1.3" in offered(seen)


def test_a_certificate_for_another_name_or_of_nobody_is_not_valid(authority: trustme.CA, trust: Path) -> None:
    with serving(server_context(authority, "other.example.com")) as port:
        place = {"shop.example.com": ("127.0.0.1", port)}
        wrong_name = Network(place, trust=trust).tls("shop.example.com")
        unknown = Network(place).tls("shop.example.com")
    assert not wrong_name.trusted
    assert "mismatch" in (wrong_name.fault or "")
    assert not unknown.trusted


def test_a_host_without_tls_offers_nothing(shop: Network) -> None:
    seen = shop.tls("shop.example.com")
    assert offered(seen) == ()
    assert not seen.trusted
    assert seen.not_after is None


# --- the rest ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_public(address: str) -> None:
    assert addresses.is_public(address)


def test_no_probe_goes_out_of_a_write_transaction(shop: Network, store: Store) -> None:
    with store.writing():
        for probe in (lambda: shop.fetch("http://shop.example.com/"), lambda: shop.tls("shop.example.com")):
            with pytest.raises(StoreError, match="network probe"):
                probe()


def test_one_host_may_be_named_by_port_and_another_without(shop: Network) -> None:
    with serving() as port:
        probe = Network({"shop.example.com:8080": ("127.0.0.1", port), "shop.example.com": ("127.0.0.1", 1)})
        assert probe.fetch("http://shop.example.com:8080/").status == 200
        with pytest.raises(NetworkUnreachable, match="nothing listens there"):
            probe.fetch("http://shop.example.com/")


def test_a_trust_file_without_certificates_is_told(tmp_path: Path, shop: Network) -> None:
    (tmp_path / "empty.pem").write_text("")
    probe = Network(dict(shop._resolve), trust=tmp_path / "empty.pem")
    with pytest.raises(UnreadableFile, match=r"empty\.pem: no certificates"):
        probe.fetch("https://shop.example.com/")


def test_mail_hosts_are_asked_of_the_resolver_at_hand() -> None:
    def lookup(domain: str) -> list[str]:
        if domain == "broken.example.com":
            raise OSError("resolver down at 10.0.0.1")
        return ["mx.example.com"] if domain == "example.com" else []

    assert Network(mail_lookup=lookup).mail_servers("example.com") == ("mx.example.com",)
    assert Network(mail_lookup=lookup).mail_servers("example.org") == ()
    with pytest.raises(NetworkUnreachable, match=r"^broken\.example\.com: it cannot be reached$"):
        Network(mail_lookup=lookup).mail_servers("broken.example.com")
    with pytest.raises(NetworkUnreachable, match="no resolver is at hand"):
        Network().mail_servers("example.com")
