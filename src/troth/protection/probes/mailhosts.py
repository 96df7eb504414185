"""Eyes for mail on its way to the company: whether its mail servers speak TLS, and whether senders are told to insist.

A server is greeted as any sender greets it, up to the point at which a letter would be handed over; none is. A server
that is not reached, or speaks no SMTP, raises NetworkUnreachable.

Sources: RFC 5321, RFC 3207 (STARTTLS), RFC 8461 (MTA-STS).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable

if TYPE_CHECKING:
    from troth.foundation.network import Network, Page, Talk

PORT = 25
_ME = "probe.invalid"
_MOST = 4096
_MOST_LINES = 100
_VERSION = re.compile(r"^v=STSv1\s*(;|$)")
_ID = re.compile(r";\s*id=[A-Za-z0-9]{1,32}\s*(;|$)")


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """A mail server: whether it offers TLS, and whether its certificate holds; `fault` says why not, in a few words."""

    offers: bool
    fault: str | None = None
    not_after: dt.datetime | None = None


class Mode(StrEnum):
    """What senders are to do when a server cannot be verified: send nothing, send and report, or send."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """An MTA-STS policy: its mode, the patterns of the servers that it names, and how long it holds, in seconds."""

    mode: Mode
    servers: tuple[str, ...]
    max_age_s: int

    def names(self, server: str) -> bool:
        """Whether it names this server; `*.` stands for one label (RFC 8461 section 4.1)."""
        host = server.lower().rstrip(".")
        return any(
            pattern == host or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:])
            for pattern in (each.lower().rstrip(".") for each in self.servers)
        )


def look(network: Network, server: str, port: int = PORT) -> ServerSeen:
    """Greet a mail server and, where it offers TLS, shake hands. Raises NetworkUnreachable."""
    import ssl  # a policy alone needs no connection

    with network.conversation(server, port) as talk:
        if _reply(talk)[0] != 220:
            raise NetworkUnreachable("it does not speak SMTP", where=server)
        said, lines = _ask(talk, f"EHLO {_ME}")
        if said != 250:
            raise NetworkUnreachable("it does not answer a greeting", where=server)
        if not any(line.upper().split()[:1] == ["STARTTLS"] for line in lines):
            return ServerSeen(offers=False)
        if _ask(talk, "STARTTLS")[0] != 220:
            return ServerSeen(offers=False)
        try:
            end = talk.secure()
        except ssl.SSLCertVerificationError as problem:
            return ServerSeen(offers=True, fault=problem.verify_message)
        except ssl.SSLError as problem:
            return ServerSeen(offers=True, fault=f"no TLS could be agreed ({problem.reason or 'handshake failed'})")
        _ask(talk, "QUIT")
        return ServerSeen(offers=True, not_after=end)


def announces_rule(network: Network, domain: str) -> bool:
    """Whether the domain says that it has an MTA-STS policy: one record, and a sound one. Raises NetworkUnreachable."""
    found = [text for text in network.texts(f"_mta-sts.{domain}") if _VERSION.match(text)]
    return len(found) == 1 and _ID.search(found[0]) is not None


def rule(network: Network, domain: str) -> Rule | None:
    """The MTA-STS policy of a domain as senders fetch it; None where it cannot be read. Raises NetworkUnreachable."""
    page = network.fetch(f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    return _parsed(page)


def _parsed(page: Page) -> Rule | None:
    """A redirect is no policy (section 3.3); unknown keys are passed over, of one that is repeated the first counts."""
    if page.status != 200 or not (page.header("content-type") or "").lower().startswith("text/plain"):
        return None
    found: dict[str, list[str]] = {}
    for line in page.body.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip().lower(), []).append(value.strip())
    first = {key: values[0] for key, values in found.items()}
    if (
        first.get("version") != "STSv1"
        or first.get("mode") not in set(Mode)
        or not first.get("max_age", "").isdecimal()
    ):
        return None
    mode, servers = Mode(first["mode"]), tuple(filter(None, found.get("mx", ())))
    if not servers and mode is not Mode.NONE:
        return None
    return Rule(mode, servers, int(first["max_age"]))


def _ask(talk: Talk, line: str) -> tuple[int, list[str]]:
    talk.stream.sendall(f"{line}\r\n".encode("ascii"))
    return _reply(talk)


def _reply(talk: Talk) -> tuple[int, list[str]]:
    """The code and the texts of one reply, of one line or several. Raises NetworkUnreachable for what is none."""
    lines: list[str] = []
    rest = b""
    while len(lines) < _MOST_LINES:
        while b"\n" not in rest:
            more = talk.stream.recv(_MOST)  # nothing is read past a reply: what follows STARTTLS is TLS
            if not more or len(rest) > _MOST:
                raise NetworkUnreachable("it does not speak SMTP", where=talk.host)
            rest += more
        line, _, rest = rest.partition(b"\n")
        text = line.decode("ascii", "replace").rstrip("\r")
        if not re.match(r"\d{3}([ -]|$)", text):
            raise NetworkUnreachable("it does not speak SMTP", where=talk.host)
        lines.append(text[4:])
        if text[3:4] != "-":
            if rest:  # a server that goes on unasked could put words in clear into what TLS is to protect
                raise NetworkUnreachable("it says more than it was asked", where=talk.host)
            return int(text[:3]), lines
    raise NetworkUnreachable("it does not end its reply", where=talk.host)
