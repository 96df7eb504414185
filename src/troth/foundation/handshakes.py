"""What a host offers when it is asked to speak TLS: versions and ciphers, one handshake for each question.

The chain is not checked here: a host may offer old versions under any certificate. Silence is no refusal; it comes out
as the TimeoutError of whoever reaches the host.
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum

Reach = Callable[[], AbstractContextManager[socket.socket]]
"""A new connection to the host, each time."""

_WEAK = "eNULL:aNULL:EXPORT:RC4:DES:3DES:MD5:@SECLEVEL=0"


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


def offers(reach: Reach, host: str, version: TlsVersion) -> bool | None:
    """Whether the host speaks this version; None where this machine cannot speak it to ask."""
    context = _asking()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = _VERSIONS[version]
    except (ssl.SSLError, ValueError):
        return None
    with reach() as plain:
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


def takes_weak(reach: Reach, host: str) -> str | None:
    """The cipher that the host takes when it is offered weak ones only (RFC 9325 section 4.1)."""
    context = _asking()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_WEAK)
    with reach() as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as stream:
                return (stream.cipher() or ("unnamed",))[0]
        except TimeoutError:
            raise
        except OSError:
            return None


def _asking() -> ssl.SSLContext:  # the chain is judged apart
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
