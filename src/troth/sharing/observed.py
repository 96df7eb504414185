"""Which hosts the company's machines really reached: read from what a proxy, a resolver or a firewall wrote down.

A line may be of any of these kinds, told by its looks: Squid's own log, the common log of a proxy, JSON lines (proxy,
DNS, flows), a query log of BIND or dnsmasq, a VPC flow log, or just a host. Of each line only the host and the time are
taken; who asked, and for what, is not looked at and not kept.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_COMMON = re.compile(r'\[(?P<at>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "[A-Z]+ (?P<target>\S+)')
_SQUID = re.compile(r"(?P<at>\d{9,11}\.\d+)\s+\d+ \S+ \w+/\d+ \d+ [A-Z]+ (?P<target>\S+)")
_BIND = re.compile(r"query: (?P<target>\S+) IN ")
_DNSMASQ = re.compile(r"query\[\w+\] (?P<target>\S+) from ")
_FLOW = re.compile(r"\d+ \S+ \S+ \S+ (?P<target>[0-9a-f.:]+) \d+ \d+ \d+ \d+ \d+ \d+ (?P<at>\d{9,11}) [A-Z]+ [A-Z]+\Z")
_LISTED = re.compile(r"(?P<target>[^\s,;]+)(?:[\s,;]+(?P<at>\d{4}-\d\d-\d\d\S*))?\Z")
_SHAPES = (_SQUID, _COMMON, _BIND, _DNSMASQ, _FLOW, _LISTED)
_TARGETS = ("server_name", "sni", "query_name", "query", "url", "domain", "dst_host", "host", "hostname", "dstaddr")
"""In this order: where a line names what was asked for, `host` is who wrote the line."""
_TIMES = ("time", "timestamp", "@timestamp", "query_timestamp", "ts", "end", "at")
_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Outbound:
    """What one file says. `hosts` has each host with when it was last seen, where that is told; `newest` is the last
    time in the file; `unread` counts lines of no known kind, among `lines`.
    """

    hosts: Mapping[str, dt.datetime | None]
    newest: dt.datetime | None
    lines: int
    unread: int


def read(path: Path) -> Outbound:
    """What the file says. Raises: OSError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return of_lines(file)


def of_lines(lines: Iterable[str]) -> Outbound:
    """As `read`, of lines."""
    hosts: dict[str, dt.datetime | None] = {}
    newest: dt.datetime | None = None
    count = unread = 0
    for line in lines:
        text = line.strip()
        if not text or text.startswith(("#", "version account-id")):
            continue
        count += 1
        host, at = _of_line(text[:_LONGEST])
        if at is not None and (newest is None or at > newest):
            newest = at
        if host is None:
            unread += 1
            continue
        known = hosts.get(host)
        hosts[host] = at if known is None or (at is not None and at > known) else known
    return Outbound(hosts, newest, count, unread)


def is_one_of(host: str, patterns: Iterable[str]) -> bool:
    """Whether `host` is named: itself, by `*.example.com`, or, for an address, by a network such as `192.0.2.0/24`."""
    return any(_names(pattern.lower().rstrip("."), host) for pattern in patterns)


def _names(pattern: str, host: str) -> bool:
    if "/" in pattern:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    return fnmatchcase(host, pattern)


def is_inner(host: str) -> bool:
    """Whether it is an address inside the company's own network, or a name that only stands there."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.endswith((".local", ".internal", ".localhost", ".arpa"))


def _of_line(text: str) -> tuple[str | None, dt.datetime | None]:
    if text.startswith("{"):
        return _of_json(text)
    for shape in _SHAPES:
        found = shape.match(text) if shape in {_SQUID, _FLOW, _LISTED} else shape.search(text)
        if found is not None:
            parts = found.groupdict()
            return _host(parts["target"]), _time(parts.get("at"))
    return None, None


def _of_json(text: str) -> tuple[str | None, dt.datetime | None]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None, None
    targets = (_host(row[name]) for name in _TARGETS if isinstance(row.get(name), str))
    return next((host for host in targets if host is not None), None), _time(
        next((row[name] for name in _TIMES if row.get(name) is not None), None)
    )


def _host(target: str) -> str | None:
    """The host of an address, of `host:port`, or of a name as resolvers write it."""
    try:
        text = urlsplit(target).hostname if "://" in target else urlsplit(f"//{target}").hostname
    except ValueError:
        return None
    name = (text or "").rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")  # as a resolver asks for it
        except UnicodeError:
            return None
    if _HOST.fullmatch(name):
        return name
    try:
        address = ipaddress.ip_address(name or target.strip("[]"))
    except ValueError:
        return _bare_address(target)
    return str(getattr(address, "ipv4_mapped", None) or address)


def _bare_address(target: str) -> str | None:
    """An address of version 6 that stands without brackets."""
    try:
        address = ipaddress.ip_address(target.strip())
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _time(value: Any) -> dt.datetime | None:
    try:
        if isinstance(value, (int, float)) or re.fullmatch(r"\d{9,13}(\.\d+)?", str(value)):
            number = float(value)
            return dt.datetime.fromtimestamp(number / 1000 if number > 1e11 else number, dt.UTC)
        text = str(value)
        if re.match(r"\d\d/\w{3}/", text):
            return dt.datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(dt.UTC)
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
