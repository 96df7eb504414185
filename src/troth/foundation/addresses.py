"""Which addresses a probe may reach by itself: those of the public internet, whatever form they are written in.

Probes go where declared files say, and files can be wrong or hostile. A name that leads inside (loopback, private,
link-local, metadata services, or an IPv6 form that wraps such an address) is not looked at.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from urllib.parse import SplitResult, urlsplit

from troth.errors import NetworkUnreachable

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def is_public(address: str) -> bool:
    """Whether the numeric address is one of the public internet, also when it is wrapped in an IPv6 form."""
    try:
        number = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        wrapped = number.ipv4_mapped or number.sixtofour
        if wrapped is None and any(number in network for network in _NAT64):
            wrapped = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
        if number.teredo is not None or number.is_site_local:
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved


def is_this_machine(host: str) -> bool:
    """Whether a name or a numeric address is one of the machine itself, by which nothing leaves it."""
    try:
        return ipaddress.ip_address(host.split("%", 1)[0]).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def look_up(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """The numeric addresses of `host`, each once; none when nobody knows the name.

    Raises: TimeoutError after `timeout_s`; the system's resolver knows no time limit, so it runs aside.
    """
    answers: list[tuple[str, ...]] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.append(())
        else:
            answers.append(tuple(dict.fromkeys(str(place[4][0]) for place in found)))

    thread = threading.Thread(target=ask, name="troth resolver", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not answers:
        raise TimeoutError
    return answers[0]


def read_url(url: str) -> SplitResult:
    """The parts of an address of a page that a probe may ask for. Raises NetworkUnreachable for any other."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise NetworkUnreachable("this is not an address of a page") from None
    if parts.scheme not in ("http", "https") or not sound or parts.username is not None or parts.password is not None:
        raise NetworkUnreachable("only http and https addresses can be looked at", expected="https://host/path")
    return parts


def in_ascii(host: str) -> str:
    """The host in small letters and ASCII; names in other scripts in their `xn--` form."""
    try:
        plain = host.rstrip(".").lower()
        return plain if plain.isascii() else plain.encode("idna").decode("ascii")
    except UnicodeError:
        raise NetworkUnreachable("this cannot be the name of a host") from None
