"""Names of the files in a copy: made from the names of the data map, never from anything that a person typed.

A map can name a table anything that a database allows: `../etc/passwd`, `CON`, a name of 200 letters, two names that
differ in case only. What comes out is 1 to 80 small letters, digits, `-`, `_` and dots between parts, no device name
of Windows, no leading dot, and never the same twice, also where case does not count.
"""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 24
_OTHER = re.compile(r"[^a-z0-9_]+")
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))})


class Names:
    """Gives out names, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, *parts: str | None) -> str:
        """A name for these parts, such as store, table and role; a part that is None is left out."""
        base = ".".join(_part(part) for part in parts if part is not None)
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name)
        return name


def _part(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    name = _OTHER.sub("-", plain)[:_LONGEST].strip("-") or "table"
    return f"x-{name}" if name in _DEVICES else name
