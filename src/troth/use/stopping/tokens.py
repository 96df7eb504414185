"""Links that stop mail: sealed, so that nobody can make or read one, and nothing of them has to be kept.

A token holds the purpose, the person's number (0 for nobody we know) and the keyed hash of the address it was mailed to
(zeros when that is not known). It is AES-256-GCM under troth's sealing key, for this use alone: a guess or a changed
letter opens nothing, and the address in it cannot be read. It has no end: a letter may be opened years later.

A token can only stop, so whoever finds one can do no more than that (RFC 8058 section 3).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from troth.errors import KeyUnavailable
from troth.foundation import people
from troth.foundation.keys import Keyring
from troth.foundation.people import Identifier, Kind, PersonNumber

_CONTEXT = b"stop mail 1"
_HASH = 16
_NOBODY = bytes(_HASH)
_LONGEST = 400
_PROBE = b"\x02"
_PERSON = b"\x01"


@dataclass(frozen=True, slots=True)
class Stop:
    """What a link stops: mail for `purpose` (`*` for all marketing) to this person, this address, or both.

    `probe`: made by a check that looks whether stopping works; what it stops starts again by itself.
    """

    purpose: str
    person: PersonNumber | None
    address_hash: bytes | None = field(repr=False)
    probe: bool = False


def make(keyring: Keyring, stop: Stop) -> str:
    """The token of `stop`: letters, digits, `-` and `_`; a different one each time."""
    kind = _PROBE if stop.probe else _PERSON
    number = (stop.person or 0).to_bytes(8, "big")
    plain = kind + number + (stop.address_hash or _NOBODY) + stop.purpose.encode("utf-8")
    return base64.urlsafe_b64encode(keyring.seal(plain, context=_CONTEXT)).decode("ascii").rstrip("=")


def read(keyring: Keyring, token: str) -> Stop | None:
    """What `token` stops; None for one that this troth has not made."""
    if not token.isascii() or len(token) > _LONGEST:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        plain = keyring.unseal(raw, context=_CONTEXT)
        purpose = plain[9 + _HASH :].decode("utf-8")
    except (binascii.Error, ValueError, KeyUnavailable):
        return None
    if plain[:1] not in (_PERSON, _PROBE):
        return None
    number, hashed = int.from_bytes(plain[1:9], "big"), plain[9 : 9 + _HASH]
    return Stop(purpose, number or None, None if hashed == _NOBODY else hashed, plain[:1] == _PROBE)


def address_hash(keyring: Keyring, address: str) -> bytes:
    """What is kept of an address that gets no mail: 16 bytes, keyed, the same for each spelling of it.

    Raises: PersonError for what is no address.
    """
    return hash_of(keyring, people.identifier(Kind.EMAIL, address))


def hash_of(keyring: Keyring, address: Identifier) -> bytes:
    """As `address_hash`, for an address that was read already."""
    return keyring.pseudonym("no mail", address.value.encode("utf-8"))
