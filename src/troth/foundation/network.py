"""The eyes that look at the company from outside: pages, TLS, mail servers.

They reach only hosts that the caller names. A name that leads to this machine or to a private address is not looked
at unless `resolve` says so: a policy file must not make troth knock at the inside of somebody's network. A redirect is
seen, not followed. A host that cannot be reached raises `NetworkUnreachable`; nothing is concluded from silence.
"""

from __future__ import annotations

import datetime as dt
import http.client
import ipaddress
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from troth.errors import NetworkUnreachable

MAX_BODY = 2 * 1024 * 1024
USER_AGENT = "troth (a probe of the site's own owner)"
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
    `not_after` is None when the chain is not trusted, `fault` then says why.
    """

    host: str
    offered: Mapping[TlsVersion, bool | None]
    trusted: bool
    not_after: dt.datetime | None
    fault: str | None


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
        self._timeout_s = timeout_s
        self._mail_lookup = mail_lookup

    def fetch(self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET") -> Page:
        """Ask for `url` once, as a stranger with no cookies; redirects are returned, not followed.

        Raises: NetworkUnreachable naming the host, also when the certificate is not trusted or the answer is too slow.
        """
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            raise NetworkUnreachable("only http and https addresses can be looked at", where=parts.scheme or "address")
        deadline = time.monotonic() + self._timeout_s
        target = self._target(host, parts.port or (443 if parts.scheme == "https" else 80))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with self._connect(target) as plain:
                address = plain.getpeername()[0]
                stream = self._context().wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
                connection = http.client.HTTPConnection(host, timeout=self._timeout_s)
                connection.sock = stream
                name = host if parts.port is None else f"{host}:{parts.port}"
                connection.request(method, path, headers={"Host": name, "User-Agent": USER_AGENT, **(headers or {})})
                answer = connection.getresponse()
                body, truncated = _read(answer, deadline)
                kept = tuple((key.lower(), value) for key, value in answer.getheaders())
                return Page(url, answer.status, kept, body, address, truncated)
        except ssl.SSLCertVerificationError as problem:
            raise NetworkUnreachable(f"its certificate is not trusted: {problem.verify_message}", where=host) from None
        except (OSError, http.client.HTTPException) as problem:
            raise NetworkUnreachable(_why(problem), where=host, repair=_NAME_IT) from None

    def tls(self, host: str, port: int = 443) -> TlsSeen:
        """Shake hands once for each version of TLS, then once as a browser would, checking chain and name.

        Raises: NetworkUnreachable when nothing listens there at all.
        """
        target = self._target(host, port)
        self._knock(host, target)
        offered = {version: self._offers(host, target, version) for version in TlsVersion}
        try:
            with self._connect(target) as plain, self._context().wrap_socket(plain, server_hostname=host) as stream:
                certificate = stream.getpeercert() or {}
            end = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), dt.UTC)
            return TlsSeen(host, offered, trusted=True, not_after=end, fault=None)
        except ssl.SSLCertVerificationError as problem:
            return TlsSeen(host, offered, trusted=False, not_after=None, fault=problem.verify_message)
        except OSError as problem:
            return TlsSeen(host, offered, trusted=False, not_after=None, fault=_why(problem))

    def mail_servers(self, domain: str) -> tuple[str, ...]:
        """The mail servers of `domain`, best first; empty when it takes no mail (RFC 5321 section 5.1, RFC 7505).

        Raises: NetworkUnreachable when no resolver is at hand or none answers.
        """
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
        named = self._resolve.get(f"{host.lower()}:{port}") or self._resolve.get(host.lower())
        if named is not None:
            return named
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NetworkUnreachable(
                "no such host", where=host, repair="Correct the name, or name it under [site.resolve]."
            ) from None
        for *_, where in found:
            address = str(where[0]).partition("%")[0]
            if not ipaddress.ip_address(address).is_global:
                raise NetworkUnreachable(
                    "it leads to an inner address, which is not looked at",
                    where=host,
                    repair="Name it under [site.resolve] if it is yours.",
                )
        # the very address that was judged is used: a second look-up could give another
        return str(found[0][4][0]), port

    def _connect(self, target: tuple[str, int]) -> socket.socket:
        return socket.create_connection(target, timeout=self._timeout_s)

    def _knock(self, host: str, target: tuple[str, int]) -> None:
        try:
            self._connect(target).close()
        except OSError as problem:
            raise NetworkUnreachable(_why(problem), where=host, repair=_NAME_IT) from None

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._trust is not None:
            context.load_verify_locations(cafile=str(self._trust))
        return context

    def _offers(self, host: str, target: tuple[str, int], version: TlsVersion) -> bool | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # only the version is asked for here; the chain is judged apart
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = _VERSIONS[version]
        except (ssl.SSLError, ValueError):
            return None
        try:
            with self._connect(target) as plain, context.wrap_socket(plain, server_hostname=host):
                return True
        except ssl.SSLError as problem:
            # our own library may refuse to speak it; that says nothing about the host
            return None if problem.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE") else False
        except OSError:
            return False


def _read(answer: http.client.HTTPResponse, deadline: float) -> tuple[bytes, bool]:
    """The body up to its limit, and whether there was more; a trickle past the deadline is too slow."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BODY:
        if time.monotonic() > deadline:
            raise TimeoutError
        part = answer.read1(65536)
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:MAX_BODY], True


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
