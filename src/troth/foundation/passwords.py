"""Passwords of staff: argon2id, and a comparison that costs the same whether or not there is such an account."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from troth.errors import TrothError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
LONGEST = 512

# Each hash takes 64 MiB while it runs; more at once would be a way to exhaust the machine.
_AT_ONCE = threading.BoundedSemaphore(3)

# The hash of random bytes that were thrown away, with the parameters below: nobody's password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$oGjzhmx4OfWPCKuUNPUL0Q$69xFdP/zqFen1/B2TSbTH8XIpU7+XhsxUSmfKECoc94"


def hash_of(password: str, name: str = "") -> str:
    """The argon2id hash of a new password. Raises: TrothError for one that is too short, too long, or the name
    itself.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise TrothError("this password cannot be taken", expected=f"{SHORTEST} to {LONGEST} letters")
    if name and password.strip().lower() == name.strip().lower():
        raise TrothError("the name itself is no password", expected=f"{SHORTEST} letters that others cannot guess")
    with _AT_ONCE:
        return _hasher().hash(_bytes(password))


def fits(hashed: str | None, password: str) -> bool:
    """Whether `password` is the one that was hashed. With no hash the same work is done, and the answer is no."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _AT_ONCE:
        try:
            matches = _hasher().verify(hashed or _NOBODY, _bytes(password[: LONGEST + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return matches and hashed is not None


def is_old(hashed: str) -> bool:
    """Whether the hash was made with other parameters than today's, and is to be made anew at the next login."""
    return _hasher().check_needs_rehash(hashed)


def _bytes(password: str) -> bytes:
    """One spelling for one password, whatever keyboard it was typed on (NIST SP 800-63B section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)  # RFC 9106 section 4, second choice
