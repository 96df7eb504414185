"""By what a repeat of a request is known: its key, within the door and the program it came by, and what it said.

Both are kept as keyed hashes: a key may be a number of an order, and what was said is about a person.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from troth.foundation.canonical import canonical_json

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.rights.requests import Intake


def once_of(keyring: Keyring, intake: Intake) -> bytes | None:
    """The hash of the key; None where none was given, and each time is a request of its own."""
    if intake.key is None:
        return None
    scope = json.dumps([intake.channel, intake.app, intake.key])
    return keyring.pseudonym("request once", scope.encode("utf-8"))


def body_of(keyring: Keyring, intake: Intake) -> bytes:
    """The hash of all that was said, the key apart."""
    known_by = [(one.kind.value, one.value, one.verified) for one in intake.known_by]
    return keyring.pseudonym("request body", canonical_json(asdict(intake) | {"known_by": known_by, "key": None}))
