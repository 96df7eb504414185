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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from troth.errors import NetworkUnreachable, UnreadableFile
from troth.foundation import addresses, handshakes
from troth.foundation.handshakes import TlsSeen, TlsVersion
from troth.foundation.store.guard import refuse_inside_writing

if TYPE_CHECKING:
    from troth.policy.settings import Instance

MAX_BODY = 2 * 1024 * 1024
USER_AGENT = "troth (a probe of the site's own owner)"
SENDER = "troth"
_NAME_IT = "Start it, correct the name, or name it under [site.resolve]."


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


Lookup = Callable[[str], Sequence[str]]
"""What is on record under a name: its mail servers, best first, or its texts. Raises OSError when nobody answers."""


@dataclass(slots=True)
class Talk:
    """A connection to `host`: lines in clear, then TLS on the same socket."""

    stream: socket.socket
    host: str
    _trusting: ssl.SSLContext = field(repr=False)

    def secure(self) -> dt.datetime:
        """Speak TLS from now on, chain and name checked; gives the end of the certificate.

        Raises ssl.SSLCertVerificationError where it does not hold, other OSErrors where no TLS comes about.
        """
        secured = self._trusting.wrap_socket(self.stream, server_hostname=self.host)
        self.stream = secured
        return _end_of(secured)


class Network:
    """A probe. `resolve` maps a host, or `host:port`, to (address, port); `trust` adds authorities from a PEM file."""

    def __init__(
        self,
        resolve: Mapping[str, tuple[str, int]] | None = None,
        *,
        trust: Path | None = None,
        timeout_s: float = 5.0,
        mail_lookup: Lookup | None = None,
        text_lookup: Lookup | None = None,
    ) -> None:
        self._resolve = {name.lower(): target for name, target in (resolve or {}).items()}
        self._trust = trust
        self._trusting: ssl.SSLContext | None = None
        self._timeout_s = timeout_s
        self._mail_lookup = mail_lookup
        self._text_lookup = text_lookup

    @classmethod
    def of(
        cls,
        instance: Instance,
        *,
        timeout_s: float = 5.0,
        mail_lookup: Lookup | None = None,
        text_lookup: Lookup | None = None,
    ) -> Self:
        """The probe of one instance: its hosts are found, and trusted, as `[site]` says."""
        site = instance.settings.site
        resolve: dict[str, tuple[str, int]] = {}
        for host, target in site.resolve.items():
            address, _, port = target.rpartition(":")
            resolve[host] = (address, int(port))
        trust = instance.folder / site.trust if site.trust else None
        return cls(resolve, trust=trust, timeout_s=timeout_s, mail_lookup=mail_lookup, text_lookup=text_lookup)

    def fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Page:
        """Ask for `url` once, as a stranger with no cookies; redirects are returned, not followed.

        Raises: NetworkUnreachable naming the host, also when the certificate is not trusted, or the answer breaks off
        or is too slow; StoreError inside a write transaction.
        """
        refuse_inside_writing("a network probe")
        parts = addresses.read_url(url)
        host, secure = addresses.in_ascii(parts.hostname or ""), parts.scheme == "https"
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
        parts = addresses.read_url(url)
        if parts.scheme != "https":
            raise NetworkUnreachable("data are sent over TLS only", expected="https://host/path")
        host = addresses.in_ascii(parts.hostname or "")
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
        host = addresses.in_ascii(host)
        self._context()
        reach = partial(self._reached, host, port)
        offered = {version: handshakes.offers(reach, host, version) for version in TlsVersion}
        weak = handshakes.takes_weak(reach, host)
        with self._reached(host, port) as plain:
            try:
                with self._context().wrap_socket(plain, server_hostname=host) as stream:
                    end = _end_of(stream)
            except ssl.SSLCertVerificationError as problem:
                return TlsSeen(host, offered, trusted=False, not_after=None, fault=problem.verify_message, weak=weak)
            except TimeoutError:
                raise
            except OSError as problem:
                return TlsSeen(host, offered, trusted=False, not_after=None, fault=_why(problem), weak=weak)
        return TlsSeen(host, offered, trusted=True, not_after=end, fault=None, weak=weak)

    def listens(self, host: str, port: int) -> bool | None:
        """Whether `host` takes a connection at `port`, closed again at once; None where nothing is answered.

        Raises: NetworkUnreachable when the host is not found, or `resolve` has one door for all its ports.
        """
        refuse_inside_writing("a network probe")
        host = addresses.in_ascii(host)
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

    @contextmanager
    def conversation(self, host: str, port: int) -> Iterator[Talk]:
        """A connection in clear, for a protocol that turns to TLS later. Cut off when its time is over.

        Raises: NetworkUnreachable naming the host, also for what breaks inside the block; StoreError inside a write
        transaction.
        """
        refuse_inside_writing("a network probe")
        host = addresses.in_ascii(host)
        self._context()
        with self._reached(host, port) as plain:
            talk = Talk(plain, host, self._context())
            try:
                yield talk
            finally:
                talk.stream.close()

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records of `name`; none where there are none. Raises: NetworkUnreachable as `mail_servers` does."""
        return self._looked_up(name, self._text_lookup)

    def mail_servers(self, domain: str) -> tuple[str, ...]:
        """The mail servers of `domain`, best first; empty when it takes no mail (RFC 5321 section 5.1, RFC 7505).

        Raises: NetworkUnreachable when no resolver is at hand or none answers.
        """
        return self._looked_up(domain, self._mail_lookup)

    def _looked_up(self, name: str, lookup: Lookup | None) -> tuple[str, ...]:
        refuse_inside_writing("a network probe")
        if lookup is None:
            raise NetworkUnreachable(
                "no resolver is at hand to ask for its records",
                where=name,
                repair="Install the extra `troth[mail]`.",
            )
        try:
            return tuple(lookup(name))
        except OSError as problem:
            raise NetworkUnreachable(_why(problem), where=name) from None

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


def _end_of(stream: ssl.SSLSocket) -> dt.datetime:
    certificate = stream.getpeercert() or {}
    return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), dt.UTC)


def _cut_off(connection: socket.socket, over: threading.Event) -> None:
    over.set()
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already


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
