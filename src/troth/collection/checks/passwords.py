"""Tell by its form how hard a stored password is to guess, never what it is.

The least costs are those of the OWASP Password Storage Cheat Sheet (2023 to 2025). What has no form of a slow hash is
plain text or a fast hash: both are read back by whoever gets the table.
"""

from __future__ import annotations

import base64
import re
from enum import StrEnum

ARGON2ID = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""Memory in KiB with the passes that suffice at it."""

SCRYPT = ((2**17, 1), (2**16, 2), (2**15, 3), (2**14, 5), (2**13, 10))
"""Cost N (block size 8) with the lanes that suffice at it."""

BCRYPT = 10
"""Work factor."""

PBKDF2 = {"sha1": 1_300_000, "sha256": 600_000, "sha512": 210_000}
"""Rounds by hash."""

_MARK = re.compile(r"\{[A-Za-z0-9_@.-]{2,40}\}")  # the scheme, as LDAP and Spring write it
_ARGON2 = re.compile(r"(?:argon2)?\$argon2(id|i|d)\$(?:v=\d+\$)?m=(\d+),t=(\d+),p=\d+\$[A-Za-z0-9+/=.]{8,}")
_BCRYPT = re.compile(r"(?:bcrypt(?:_sha256)?\$|\$wp)?\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{22,}")
_PBKDF2 = re.compile(r"\$?pbkdf2(?:[-_:](?:hmac[-_])?(sha1|sha256|sha512))?[$:](?:i=)?(\d+)[$:,].{8,}", re.IGNORECASE)
_SCRYPT_LOG = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$.{8,}")
_SCRYPT_COST = re.compile(r"scrypt:(\d+):(\d+):(\d+)\$.{8,}")
_SCRYPT_AFTER_SALT = re.compile(r"scrypt\$[^$]+\$(\d+)\$(\d+)\$(\d+)\$.{8,}")
_YESCRYPT = re.compile(r"\$(?:y|gy)\$[./A-Za-z0-9]+\$.{8,}")
_SCRYPT_PACKED = re.compile(r"\$([0-9a-f]{5,6})\$[^$]{8,}\$.{8,}")  # Spring: the exponent of N, r and p in one number
_SHA_CRYPT = re.compile(r"\$[56]\$")
_LOCKED = re.compile(r"!+(?=[$]|\{)")
_NONE = re.compile(
    r"(?:[!*]{0,2}|![A-Za-z0-9]{40}"  # the second as Django writes it
    r"|[!*](?:disabled|locked|blocked|deleted|invited|none|no-?password|no-?login|unusable|kept-out|LK\*|NP\*))\Z",
    re.IGNORECASE,
)
_IDENTITY = {0: "sha1", 1: "sha256", 2: "sha512"}
"""The hashes of ASP.NET Core Identity, version 3, by their number."""
_IDENTITY_BYTES = 13 + 16 + 16


class Strength(StrEnum):
    """What the form of a stored password says."""

    SLOW = "slow"
    CHEAP = "cheap"  # a slow hash below its least cost
    OPEN = "open"  # plain text, or a fast hash
    NONE = "none"  # an account without a password


def strength(stored: str) -> Strength:
    """How hard the password behind `stored` is to guess. At least the first 100 letters are needed."""
    if _NONE.match(stored):
        return Strength.NONE
    text = _MARK.sub("", _LOCKED.sub("", stored), count=1)
    if found := _ARGON2.match(text):
        variant, memory, passes = found[1], int(found[2]), int(found[3])
        return _at_least(variant == "id" and any(memory >= m and passes >= t for m, t in ARGON2ID))
    if found := _BCRYPT.match(text):
        return _at_least(int(found[1]) >= BCRYPT)
    if found := _PBKDF2.match(text):
        return _at_least(int(found[2]) >= PBKDF2[(found[1] or "sha1").lower()])
    for pattern in (_SCRYPT_LOG, _SCRYPT_COST, _SCRYPT_AFTER_SALT):
        if found := pattern.match(text):
            cost, block, lanes = int(found[1]), int(found[2]), int(found[3])
            cost = 2 ** min(cost, 60) if pattern is _SCRYPT_LOG else cost
            return _at_least(block >= 8 and any(cost >= n and lanes >= p for n, p in SCRYPT))
    if found := _SCRYPT_PACKED.match(text):
        packed = int(found[1], 16)
        cost, block, lanes = 2 ** (packed >> 16), packed >> 8 & 255, packed & 255
        return _at_least(block >= 8 and any(cost >= n and lanes >= p for n, p in SCRYPT))
    if _YESCRYPT.match(text):
        return Strength.SLOW
    if _SHA_CRYPT.match(text):
        return Strength.CHEAP
    if text.startswith("AQAAAA"):
        return _of_identity(text)
    return Strength.OPEN


def _of_identity(text: str) -> Strength:
    """ASP.NET Core Identity, version 3: a byte 1, then hash, rounds and length of the salt, each of four bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return Strength.OPEN
    kind, rounds = int.from_bytes(data[1:5]), int.from_bytes(data[5:9])
    if len(data) < _IDENTITY_BYTES or kind not in _IDENTITY:
        return Strength.OPEN
    return _at_least(rounds >= PBKDF2[_IDENTITY[kind]])


def _at_least(enough: bool) -> Strength:  # noqa: FBT001 - the outcome of a comparison
    return Strength.SLOW if enough else Strength.CHEAP
