"""How a store is reached, and who may do what in it: facts that a store tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a server listens to that takes connections from its own machine alone."""


class LinkKind(StrEnum):
    """What lies between troth and the store."""

    FILE = "file"
    SOCKET = "socket"
    TLS = "tls"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """How this connection is protected.

    `version` as the server names it ("TLSv1.3"). `verified`: the server's certificate and name are checked, so nobody
    can stand between. `required`: the server refuses connections without TLS (None: it does not say). `mode` is the
    file's permission bits; `local` whether the other end is this machine.
    """

    kind: LinkKind
    version: str | None = None
    verified: bool | None = None
    required: bool | None = None
    mode: int | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class SessionsSeen:
    """Who is connected to a store at this moment, ourselves among them, and how.

    `clear` has the roles that come from another machine without encryption, with how many connections each has.
    `all_seen`: of each connection this user may see how it is protected. `only_here`: the server takes connections from
    its own machine alone.
    """

    count: int
    clear: Mapping[str, int]
    all_seen: bool
    only_here: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """`role` may do `privileges` (SQL words, in order) on `table`; on all tables where None, on `column` where named.

    `role` is PUBLIC where everybody may. An administrator who may do everything has the privilege ALL. `through` is the
    role whose member `role` is, where it may do so by that alone.
    """

    role: str
    table: str | None
    column: str | None
    privileges: tuple[str, ...]
    grantable: bool = False
    through: str | None = None
