"""Eyes for caches: how one that speaks the protocol of Redis is reached, and whether it asks who comes.

One connection as the company's own programs make it. Nothing is written, no key is read or named. A cache that does not
answer raises StoreUnreachable, in words that carry no address and no password.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from troth.errors import RecordsError, StoreUnreachable
from troth.foundation import addresses
from troth.foundation.records.access import LinkKind, LinkSeen

if TYPE_CHECKING:
    import socket
    import ssl

    from troth.foundation.observation import Observation

PORT = 6379
DEFAULTS = ("foobared", "redis", "password", "admin")
"""What a page on the web, or the sample of its settings, gives a cache as its password."""

_TIMEOUT_S = 5.0
_MOST = 64 * 1024
_SECURE = frozenset({"rediss", "valkeys"})
_SCHEMES = frozenset({"redis", "valkey", "unix"}) | _SECURE
_REPAIR = "Start it, or correct its address in the environment."


@dataclass(frozen=True, slots=True)
class CacheSeen:
    """How a cache is reached, and whether it asked for a password before it answered anything.

    `link.required` is None where it does not tell at which ports it listens; `knocked` then says which port, beside its
    own, was tried without TLS and took nothing.
    """

    link: LinkSeen
    asks: bool
    knocked: int | None = None


def named(seen: Observation) -> dict[str, str]:
    """The caches of the settings, and the stores of the data map that are one, with their addresses.

    These hold passwords. A store whose address is not known yet is none here; who looks at stores says so.
    """
    found = {f"cache {name}": address for name, address in seen.settings.protection.caches.items()}
    records = seen.records
    if records is None:
        return found
    from troth.policy.datamap import StoreKind  # a policy alone has no map

    for store in records.stores:
        with suppress(RecordsError):
            if records.kind(store)[0] is StoreKind.VALKEY:
                found[f"store {store}"] = records.address(store)
    return found


def look(seen: Observation, name: str, address: str) -> CacheSeen:
    """Look at the cache of that name once a run. Raises StoreUnreachable."""
    return seen.once(("cache", name), lambda: _look(address, seen.folder, name))


def admits(seen: Observation, name: str, address: str, password: str) -> bool:
    """Whether the cache lets its first user in by `password`, asked once. Raises StoreUnreachable."""
    with _reached(_read(address, name), seen.folder, name) as talk:
        return not isinstance(talk.ask("AUTH", password), Refusal)


def _look(address: str, folder: Path, where: str) -> CacheSeen:
    parts = _read(address, where)
    with _reached(parts, folder, where) as talk:
        asks = isinstance(talk.ask("PING"), Refusal)
        if parts.password is not None:
            user = (unquote(parts.username),) if parts.username else ()
            if isinstance(talk.ask("AUTH", *user, unquote(parts.password)), Refusal):
                raise StoreUnreachable("it refuses the user name or the password.", where=where, repair=_REPAIR)
        if talk.kind is LinkKind.SOCKET:
            return CacheSeen(LinkSeen(LinkKind.SOCKET, local=True), asks=True)
        required = _only_with_tls(talk)
        link = LinkSeen(talk.kind, talk.version, talk.verified, required, local=talk.local)
    knocked = None
    if required is None and parts.port != PORT and link.kind is LinkKind.TLS:
        knocked = PORT
        if _answers_in_clear(parts.hostname or "", PORT):
            return CacheSeen(LinkSeen(talk.kind, talk.version, talk.verified, required=False, local=talk.local), asks)
    return CacheSeen(link, asks, knocked)


class Refusal(str):
    """What a server says that will not do something: its first word is the reason."""

    __slots__ = ()


Reply = str | Refusal | int | list["Reply"] | None


class Talk:
    """One connection: commands out, replies in (RESP 2)."""

    def __init__(self, stream: socket.socket, kind: LinkKind, *, verified: bool | None = None) -> None:
        from ssl import SSLSocket

        self._stream = stream
        self._lines = stream.makefile("rb")
        self.kind = kind
        self.verified = verified
        self.version = stream.version() if isinstance(stream, SSLSocket) else None
        self.local = kind is LinkKind.SOCKET or addresses.is_this_machine(str(stream.getpeername()[0]))

    def ask(self, *words: str) -> Reply:
        """The reply to one command. Raises OSError where it is none."""
        sent = b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in (word.encode() for word in words))
        self._stream.sendall(b"*%d\r\n%s" % (len(words), sent))
        return self._reply()

    def close(self) -> None:
        self._lines.close()
        self._stream.close()

    def _reply(self) -> Reply:
        line = self._lines.readline(_MOST)
        kind, rest = line[:1], line[1:].strip().decode("utf-8", "replace")
        try:
            if kind == b"+":
                return rest
            if kind == b"-":
                return Refusal(rest)
            if kind == b":":
                return int(rest)
            if kind == b"$":
                size = int(rest)
                return None if size < 0 else self._bytes(size)
            if kind == b"*":
                return [self._reply() for _ in range(min(int(rest), _MOST))]
        except ValueError:
            raise OSError from None
        raise OSError

    def _bytes(self, size: int) -> str:
        if size > _MOST:
            raise OSError
        read = self._lines.read(size + 2)
        return read[:size].decode("utf-8", "replace")


@contextmanager
def _reached(parts: SplitResult, folder: Path, where: str) -> Iterator[Talk]:
    import ssl  # a policy alone needs no connection

    secure = parts.scheme in _SECURE
    try:
        with closing(_talk(parts, folder, secure=secure)) as talk:
            yield talk
    except ssl.SSLError:
        why = "no protected connection could be made: its certificate or its TLS settings do not fit."
        raise StoreUnreachable(why, where=where, repair=_REPAIR) from None
    except OSError:
        raise StoreUnreachable("nothing that is a cache answers there.", where=where, repair=_REPAIR) from None


def _talk(parts: SplitResult, folder: Path, *, secure: bool) -> Talk:
    import socket

    if parts.scheme == "unix":
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.settimeout(_TIMEOUT_S)
        local.connect(parts.path)
        return Talk(local, LinkKind.SOCKET)
    host = parts.hostname or "localhost"
    plain = socket.create_connection((host, parts.port or PORT), timeout=_TIMEOUT_S)
    if not secure:
        return Talk(plain, LinkKind.PLAIN)
    context, verified = _context(parts, folder)
    try:
        return Talk(context.wrap_socket(plain, server_hostname=host), LinkKind.TLS, verified=verified)
    except OSError:
        plain.close()
        raise


def _context(parts: SplitResult, folder: Path) -> tuple[ssl.SSLContext, bool]:
    """TLS as the address asks for it, in the words of redis-py, and whether certificate and name are then verified."""
    import ssl

    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    authorities = query.get("ssl_ca_certs")
    context = ssl.create_default_context(cafile=str(folder / authorities) if authorities else None)
    named = query.get("ssl_check_hostname", "true").lower() not in ("false", "0", "no")
    required = query.get("ssl_cert_reqs", "required").lower() == "required"
    context.check_hostname = named and required
    if not required:
        context.verify_mode = ssl.CERT_NONE
    if "ssl_certfile" in query:
        key = query.get("ssl_keyfile")
        context.load_cert_chain(folder / query["ssl_certfile"], folder / key if key else None)
    return context, named and required


def _only_with_tls(talk: Talk) -> bool | None:
    """Whether the server takes no connection in clear from elsewhere, as its settings say; None where it hides them."""
    said = {}
    for name in ("port", "bind"):
        reply = talk.ask("CONFIG", "GET", name)
        if not isinstance(reply, list) or len(reply) != 2:
            return None
        said[name] = str(reply[1] or "")
    bound = [each.removeprefix("-") for each in said["bind"].split()]  # "-": left out where there is no such address
    return said["port"] == "0" or (bool(bound) and all(map(addresses.is_this_machine, bound)))


def _answers_in_clear(host: str, port: int) -> bool:
    import socket

    try:
        with closing(Talk(socket.create_connection((host, port), timeout=_TIMEOUT_S), LinkKind.PLAIN)) as talk:
            return isinstance(talk.ask("PING"), str)
    except OSError:
        return False


def _read(address: str, where: str) -> SplitResult:
    parts = urlsplit(address)
    try:
        sound = parts.scheme in _SCHEMES and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise StoreUnreachable("its address is none of a cache.", where=where, expected="rediss://user@host:port/0")
    return parts
