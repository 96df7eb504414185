"""Rows that are found by an identifier, and hold it in another spelling than the one that was erased.

A mail log that names people by their address may have `ANN@example.org` where the account had `ann@example.org`. The
path of the map compares sign by sign and misses it; such a row leads to somebody, and that somebody is who was erased.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from troth.foundation.records.needles import as_text
from troth.policy.datamap import ByIdentifier, DataMap, InJson, InText, Place, SinglePath

_EACH = "[]"


class Otherwise:
    """Asks of a row's value whether it is by this very needle that the row leads to somebody."""

    def __init__(self, datamap: DataMap) -> None:
        self._paths: Mapping[Place, list[SinglePath]] = defaultdict(list)
        for table in datamap.tables():
            for path in table.paths():
                if isinstance(path, ByIdentifier) or (isinstance(path, (InJson, InText)) and path.identifier):
                    self._paths[Place(table.store, table.name, path.column)].append(path)

    def leads(self, place: Place, value: Any, needle: str) -> bool:
        """Whether a path of the map goes over the column at `place`, and ends at `needle` in whatever spelling."""
        if place not in self._paths:
            return False
        wanted = _evened(needle)
        for path in self._paths[place]:
            if isinstance(path, ByIdentifier) and _evened(as_text(value)) == wanted:
                return True
            if isinstance(path, InText) and f"{path.before}{needle}{path.after}".lower() in as_text(value).lower():
                return True
            if isinstance(path, InJson) and any(_evened(each) == wanted for each in _at(value, path.keys)):
                return True
        return False


def _at(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """The values at the end of `keys` inside a document, as text."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        try:
            value = json.loads(as_text(value))
        except ValueError:
            return
    found = [value]
    for key in keys:
        if key == _EACH:
            found = [each for one in found if isinstance(one, list) for each in one]
        else:
            found = [one[key] for one in found if isinstance(one, dict) and key in one]
    yield from map(as_text, found)


def _evened(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).lower()
