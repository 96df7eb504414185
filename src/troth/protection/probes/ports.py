"""Eyes for ports: at which of a few a host takes a connection. Nothing is sent; the connection is closed at once."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from troth.foundation.observation import Observation

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports that took a connection, those that refused it, and those at which nothing was answered."""

    open: tuple[int, ...]
    shut: tuple[int, ...]
    silent: tuple[int, ...]


def knock(seen: Observation, host: str, ports: Iterable[int]) -> Doors:
    """Try each of `ports` of `host` once. Raises NetworkUnreachable, NothingToObserve."""
    network, tried = seen.need_network(), tuple(sorted(set(ports)))
    with ThreadPoolExecutor(_AT_ONCE) as several:
        answers = dict(zip(tried, several.map(lambda port: network.listens(host, port), tried), strict=True))
    return Doors(*(tuple(port for port in tried if answers[port] is kind) for kind in (True, False, None)))
