"""Keep passwords as argon2id hashes only, and make guessing slow.

The counts of failed log-ins live in memory for a quarter of an hour: nothing about anybody is stored for them. A shop
of several processes would keep them in a place all of them share.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import cache
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret

TIME_COST: Final = 2
MEMORY_KIB: Final = 19456
LANES: Final = 1
SHORTEST: Final = 12
LONGEST: Final = 200

_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)


def hash_password(password: str, *, salt: bytes | None = None) -> str:
    """The argon2id hash of `password`: 19 MiB, two passes, one lane.

    `salt` is random unless made-up data needs the same one twice.
    Source: OWASP Password Storage Cheat Sheet; RFC 9106.
    """
    if salt is None:
        return _hasher.hash(password)
    return hash_secret(
        password.encode(),
        salt,
        time_cost=TIME_COST,
        memory_cost=MEMORY_KIB,
        parallelism=LANES,
        hash_len=32,
        type=Type.ID,
    ).decode()


@cache
def _nobody() -> str:
    return hash_password(token_bytes(16).hex())


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one behind `password_hash`; takes as long when there is no such account (`None`)."""
    try:
        right = _hasher.verify(password_hash if password_hash is not None else _nobody(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


class Throttle:
    """Counts failed log-ins by account name as typed and by address: so many in a window, then none until it is over.

    Known and unknown names are counted alike, so that the answer does not tell which exist. What is counted is kept
    under a key that lives as long as the process.
    """

    def __init__(self, *, by_name: int = 8, by_address: int = 40, window_s: float = 900, most: int = 20_000) -> None:
        self._limits = {"name": by_name, "address": by_address}
        self._window_s = window_s
        self._most = most
        self._key = token_bytes(32)
        self._failures: dict[bytes, deque[float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, name: str, address: str, at: float) -> int:
        """Seconds until the next try is allowed; 0 when it is allowed now. `at` is seconds of any steady clock."""
        with self._lock:
            return max(
                self._wait(self._slot(kind, value), self._limits[kind], at)
                for kind, value in (("name", name), ("address", address))
            )

    def failed(self, name: str, address: str, at: float) -> None:
        """Count one failed try."""
        with self._lock:
            if len(self._failures) >= self._most:
                self._forget(at)
            for kind, value in (("name", name), ("address", address)):
                self._failures.setdefault(self._slot(kind, value), deque(maxlen=self._limits[kind])).append(at)

    def succeeded(self, name: str) -> None:
        """Forget the failures of this account name; those of the address stay."""
        with self._lock:
            self._failures.pop(self._slot("name", name), None)

    def _slot(self, kind: str, value: str) -> bytes:
        return blake2b(f"{kind}\0{value.strip().lower()}".encode(), key=self._key, digest_size=16).digest()

    def _wait(self, slot: bytes, limit: int, at: float) -> int:
        failures = self._failures.get(slot, ())
        recent = [when for when in failures if at - when < self._window_s]
        return int(recent[0] + self._window_s - at) + 1 if len(recent) >= limit else 0

    def _forget(self, at: float) -> None:
        """Drop what has passed; when everything is fresh, the oldest half, so that memory stays bounded."""
        self._failures = {slot: tries for slot, tries in self._failures.items() if at - tries[-1] < self._window_s}
        if len(self._failures) >= self._most:
            kept = sorted(self._failures.items(), key=lambda entry: entry[1][-1])[self._most // 2 :]
            self._failures = dict(kept)
