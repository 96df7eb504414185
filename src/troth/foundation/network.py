"""The eyes that look at the company from outside: pages, TLS, mail servers.

They reach only hosts that the caller names. A name that leads to this machine or to a private address is not looked
at unless `resolve` says so: a policy file must not make troth knock at the inside of somebody's network. A redirect is
seen, not followed. A host that cannot be reached, or does not answer whole and in time, raises `NetworkUnreachable`;
nothing is concluded from silence. Errors name the host, never the path, the query or an address.
"""

from __future__ import annotations

import datetime as dt
import http.client
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self
from urllib.parse import SplitResult, urlsplit

from troth.errors import NetworkUnreachable, UnreadableFile
from troth.foundation import addresses
from troth.foundation.store.guard import refuse_inside_writing

if TYPE_CHECKING:
    from troth.policy.settings import Instance

_WEAK = "eNULL:aNULL:EXPORT:RC4:DES:3DES:MD5:@SECLEVEL=0"
MAX_BODY = 2 * 1024 * 1024
USER_AGENT = "troth (a probe of the site's own owner)"
SENDER = "troth"
_NAME_IT = "Start it, correct the name, or name it under [site.resolve]."


class TlsVersion(StrEnum):
    """The versions of TLS that a host may offer (RFC 8996 retires the first two)."""

    TLS_1_0 = "1.0"
    TLS_1_1 = "1.1"
    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


_VERSIONS = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a host. `headers` keeps order and repetition, names in lower case; `body` is at most 2 MiB."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    address: str
    truncated: bool = False

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def cookies(self) -> tuple[str, ...]:
        """Every Set-Cookie line as it was sent."""
        return tuple(value for key, value in self.headers if key == "set-cookie")


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """How a host speaks TLS. `offered[version]` is None where this machine cannot speak that version to ask.

    `trusted` says whether the chain leads to an authority this machine (or `trust`) knows and the name fits;
    `not_after` is None when the chain is not trusted, `fault` then says why. `weak` is the cipher that it took of those
    that are weak, as far as this machine knows them; None when it took none.
    """

    host: str
    offered: Mapping[TlsVersion, bool | None]
    trusted: bool
    not_after: dt.datetime | None
    fault: str | None
    weak: str | None = None


MailLookup = Callable[[str], Sequence[str]]
"""Mail servers of a domain, best first; empty when it takes no mail. Raises OSError when nobody answers."""


class Network:
    """A probe. `resolve` maps a host, or `host:port`, to (address, port); `trust` adds authorities from a PEM file."""

    def __init__(
        self,
        resolve: Mapping[str, tuple[str, int]] | None = None,
        *,
        trust: Path | None = None,
        timeout_s: float = 5.0,
        mail_lookup: MailLookup | None = None,
    ) -> None:
        self._resolve = {name.lower(): target for name, target in (resolve or {}).items()}
        self._trust = trust
        self._trusting: ssl.SSLContext | None = None
        self._timeout_s = timeout_s
        self._mail_lookup = mail_lookup

    @classmethod
    def of(cls, instance: Instance, *, timeout_s: float = 5.0, mail_lookup: MailLookup | None = None) -> Self:
        """The probe of one instance: its hosts are found, and trusted, as `[site]` says."""
        site = instance.settings.site
        resolve: dict[str, tuple[str, int]] = {}
        for host, target in site.resolve.items():
            address, _, port = target.rpartition(":")
            resolve[host] = (address, int(port))
        trust = instance.folder / site.trust if site.trust else None
        return cls(resolve, trust=trust, timeout_s=timeout_s, mail_lookup=mail_lookup)

    def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Page:
        """Ask for `url` once, as a stranger with no cookies; redirects are returned, not followed.

        Raises: NetworkUnreachable naming the host, also when the certificate is not trusted, or the answer breaks off
        or is too slow; StoreError inside a write transaction.
        """
        refuse_inside_writing("a network probe")
        parts = _read_url(url)
        host, secure = _ascii(parts.hostname or ""), parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")
        sent = {"Host": name, "User-Agent": USER_AGENT, "Connection": "close", **(headers or {})}
        if secure:
            self._context()  # reading whom to trust is no time that the host takes
        with self._reached(host, port) as plain, self._secured(plain, host, secure=secure) as stream:
            address = stream.getpeername()[0]
            connection = http.client.HTTPConnection(host, timeout=self._timeout_s)
            connection.sock = stream
            try:
                connection.request(method, path, body=body, headers=sent)
                # closed here: an answer that broke off would hold its socket for as long as the error is remembered
                with connection.getresponse() as answer:
                    read, left = answer.read(MAX_BODY + 1), answer.length
            except http.client.InvalidURL:
                raise NetworkUnreachable("this is not an address of a page", where=host) from None
            except (http.client.HTTPException, ValueError) as problem:
                raise NetworkUnreachable(_why(problem), where=host) from None
            truncated = len(read) > MAX_BODY
            if left and not truncated:
                raise NetworkUnreachable("its answer broke off", where=host)
            kept = tuple((key.lower(), value) for key, value in answer.getheaders())
            return Page(url, answer.status, kept, read[:MAX_BODY], address, truncated)

    def send(self, url: str, body: IO[bytes], size: int, *, headers: Mapping[str, str] | None = None) -> int:
        """Post `body`, of `size` bytes, to `url` over TLS, once; gives the status that it was answered with.

        Goes only where `fetch` would; a redirect is an answer, and is not followed. Raises: NetworkUnreachable when
        nothing was sent; ConnectionError when something may have been, and no whole answer came; StoreError inside a
        write transaction.
        """
        refuse_inside_writing("sending")
        parts = _read_url(url)
        if parts.scheme != "https":
            raise NetworkUnreachable("data are sent over TLS only", expected="https://host/path")
        host = _ascii(parts.hostname or "")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = host + (f":{parts.port}" if parts.port else "")
        sent = {"Host": name, "User-Agent": SENDER, "Content-Length": str(size), **(headers or {})}
        self._context()
        begun = False
        try:
            with self._reached(host, parts.port or 443) as plain, self._secured(plain, host, secure=True) as stream:
                connection = http.client.HTTPConnection(host, timeout=self._timeout_s, blocksize=1 << 16)
                connection.sock = stream
                begun = True
                try:
                    connection.request("POST", path, body=body, headers=sent | {"Connection": "close"})
                    with connection.getresponse() as answer:
                        return answer.status
                except (http.client.HTTPException, ValueError):
                    raise ConnectionError from None
        except (NetworkUnreachable, ConnectionError):
            if begun:
                raise ConnectionError(host) from None
            raise

    def tls(self, host: str, port: int = 443) -> TlsSeen:
        """Shake hands once for each version of TLS, then once as a browser would, checking chain and name.

        Raises: NetworkUnreachable when nothing listens there, or nothing answers; StoreError inside a write
        transaction.
        """
        refuse_inside_writing("a network probe")
        host = _ascii(host)
        self._context()
        offered = {version: self._offers(host, port, version) for version in TlsVersion}
        weak = self._takes_weak(host, port)
        with self._reached(host, port) as plain:
            try:
                with self._context().wrap_socket(plain, server_hostname=host) as stream:
                    certificate = stream.getpeercert() or {}
            except ssl.SSLCertVerificationError as problem:
                return TlsSeen(host, offered, trusted=False, not_after=None, fault=problem.verify_message, weak=weak)
            except TimeoutError:
                raise
            except OSError as problem:
                return TlsSeen(host, offered, trusted=False, not_after=None, fault=_why(problem), weak=weak)
        end = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), dt.UTC)
        return TlsSeen(host, offered, trusted=True, not_after=end, fault=None, weak=weak)

    def listens(self, host: str, port: int) -> bool | None:
        """Whether `host` takes a connection at `port`, closed again at once; None where nothing is answered.

        Raises: NetworkUnreachable when the host is not found, or `resolve` has one door for all its ports.
        """
        refuse_inside_writing("a network probe")
        host = _ascii(host)
        if host in self._resolve and f"{host}:{port}" not in self._resolve:
            repair = f'Name "{host}:{port}" under [site.resolve] too.'
            raise NetworkUnreachable("the settings name one door for all its ports", where=host, repair=repair)
        try:
            with socket.create_connection(self._target(host, port), timeout=self._timeout_s):
                return True
        except ConnectionRefusedError:
            return False
        except OSError:
            return None

    def mail_servers(self, domain: str) -> tuple[str, ...]:
        """The mail servers of `domain`, best first; empty when it takes no mail (RFC 5321 section 5.1, RFC 7505).

        Raises: NetworkUnreachable when no resolver is at hand or none answers.
        """
        refuse_inside_writing("a network probe")
        if self._mail_lookup is None:
            raise NetworkUnreachable(
                "no resolver is at hand to ask for mail servers",
                where=domain,
                repair="Install the extra `troth[mail]`.",
            )
        try:
            return tuple(self._mail_lookup(domain))
        except OSError as problem:
            raise NetworkUnreachable(_why(problem), where=domain) from None

    def _target(self, host: str, port: int) -> tuple[str, int]:
        """Where to connect: as `resolve` says, else a public address of that name."""
        named = self._resolve.get(f"{host}:{port}") or self._resolve.get(host)
        if named is not None:
            return named
        found = addresses.look_up(host, port, self._timeout_s)
        if not found:
            raise NetworkUnreachable(
                "no such host", where=host, repair="Correct the name, or name it under [site.resolve]."
            )
        if not all(addresses.is_public(address) for address in found):
            raise NetworkUnreachable(
                "it leads to an inner address, which is not looked at",
                where=host,
                repair="Name it under [site.resolve] if it is yours.",
            )
        # the very address that was judged is used: a second look-up could give another
        return found[0], port

    @contextmanager
    def _reached(self, host: str, port: int) -> Iterator[socket.socket]:
        """A connection that is cut off when its time is over, and whose troubles name the host only."""
        over = threading.Event()
        try:
            target = self._target(host, port)
            # A second handle: TLS takes the first one away, and shutting down either ends the connection.
            with socket.create_connection(target, timeout=self._timeout_s) as plain, plain.dup() as handle:
                cut = threading.Timer(self._timeout_s, _cut_off, (handle, over))
                cut.daemon = True
                cut.start()
                try:
                    yield plain
                finally:
                    cut.cancel()
            if over.is_set():
                raise TimeoutError
        except ssl.SSLCertVerificationError as problem:
            raise NetworkUnreachable(f"its certificate is not trusted: {problem.verify_message}", where=host) from None
        except OSError as problem:
            why = _why(TimeoutError() if over.is_set() else problem)
            raise NetworkUnreachable(why, where=host, repair=_NAME_IT) from None
        except NetworkUnreachable:
            if over.is_set():  # what broke was the connection that was cut off
                raise NetworkUnreachable(_why(TimeoutError()), where=host, repair=_NAME_IT) from None
            raise

    @contextmanager
    def _secured(self, plain: socket.socket, host: str, *, secure: bool) -> Iterator[socket.socket]:
        if not secure:
            yield plain
            return
        with self._context().wrap_socket(plain, server_hostname=host) as stream:
            yield stream

    def _context(self) -> ssl.SSLContext:
        """Whom this probe trusts, read once: the machine's list of authorities is long."""
        if self._trusting is None:
            context = ssl.create_default_context()
            if self._trust is not None:
                try:
                    context.load_verify_locations(cafile=str(self._trust))
                except OSError:
                    raise UnreadableFile("no certificates to trust are in this file", where=str(self._trust)) from None
            self._trusting = context
        return self._trusting

    def _takes_weak(self, host: str, port: int) -> str | None:
        """The cipher that the host takes when it is offered weak ones only (RFC 9325 section 4.1)."""
        context = _asking()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_WEAK)
        with self._reached(host, port) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as stream:
                    return (stream.cipher() or ("unnamed",))[0]
            except TimeoutError:
                raise
            except OSError:
                return None

    def _offers(self, host: str, port: int, version: TlsVersion) -> bool | None:
        context = _asking()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = _VERSIONS[version]
        except (ssl.SSLError, ValueError):
            return None
        with self._reached(host, port) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host):
                    return True
            except TimeoutError:
                raise  # silence is no refusal
            except ssl.SSLError as problem:
                # our own library may refuse to speak it; that says nothing about the host
                return None if problem.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE") else False
            except OSError:
                return False  # a host that refuses a version may just hang up


def _asking() -> ssl.SSLContext:  # the chain is judged apart
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _cut_off(connection: socket.socket, over: threading.Event) -> None:
    over.set()
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already


def _read_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise NetworkUnreachable("this is not an address of a page") from None
    if parts.scheme not in ("http", "https") or not sound or parts.username is not None or parts.password is not None:
        raise NetworkUnreachable("only http and https addresses can be looked at", expected="https://host/path")
    return parts


def _ascii(host: str) -> str:
    """The host in small letters and ASCII; names in other scripts in their `xn--` form."""
    try:
        plain = host.rstrip(".").lower()
        return plain if plain.isascii() else plain.encode("idna").decode("ascii")
    except UnicodeError:
        raise NetworkUnreachable("this cannot be the name of a host") from None


def _why(problem: Exception) -> str:
    """Why a host could not be reached, in words that carry no address."""
    if isinstance(problem, TimeoutError):
        return "it did not answer in time"
    if isinstance(problem, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(problem, ssl.SSLError):
        return f"no TLS could be agreed ({problem.reason or 'handshake failed'})"
    if isinstance(problem, http.client.HTTPException):
        return "it does not speak HTTP"
    return "it cannot be reached"
