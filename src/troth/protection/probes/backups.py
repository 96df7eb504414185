"""Eyes for backups: the newest file that lies where they come to lie."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation import matching

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest of `count` files: its name, when it was last written, and its size in bytes."""

    name: str
    at: dt.datetime
    size: int
    count: int


def newest(folder: Path, pattern: str) -> Newest | None:
    """The newest file that `pattern` names; None where there is none."""
    states = [(path.stat(), path.name) for path in matching.files(folder, pattern)]
    if not states:
        return None
    state, name = max(states, key=lambda each: each[0].st_mtime)
    return Newest(name, dt.datetime.fromtimestamp(state.st_mtime, dt.UTC), state.st_size, len(states))
