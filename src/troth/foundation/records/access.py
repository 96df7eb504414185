"""How a store is reached, and who may do what in it: facts that a store tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
class Grant:
    """`role` may do `privileges` (SQL words, in order) on `table`; on all tables where None, on `column` where named.

    `role` is PUBLIC where everybody may. An administrator who may do everything has the privilege ALL.
    """

    role: str
    table: str | None
    column: str | None
    privileges: tuple[str, ...]
    grantable: bool = False
