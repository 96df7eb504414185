"""Eyes for backups: the newest file that lies where they come to lie."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation import matching

if TYPE_CHECKING:
    from pathlib import Path


_SEALED = frozenset({".age", ".gpg", ".pgp", ".enc"})
_DUMPS = (
    b"SQLite format 3",
    b"PGDMP",
    b"-- ",
    b"--\n",
    b"/*M!",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"CREATE ",
)
"""How files begin of SQLite, pg_dump, mariadb-dump, and archives of zip, gzip and zstd."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest of `count` files: its name, when it was last written, and its size in bytes.

    `usual` is the size in the middle of those before it, None where there is none. `in_clear`: its name says that it is
    encrypted, and it begins as a dump does that nobody encrypted.
    """

    name: str
    at: dt.datetime
    size: int
    count: int
    usual: int | None = None
    in_clear: bool = False


def newest(folder: Path, pattern: str) -> Newest | None:
    """The newest file that `pattern` names; None where there is none."""
    states = sorted(
        ((path.stat(), path) for path in matching.files(folder, pattern)), key=lambda each: each[0].st_mtime
    )
    if not states:
        return None
    state, path = states[-1]
    before = [each.st_size for each, _ in states[:-1]]
    usual = int(statistics.median(before)) if before else None
    at = dt.datetime.fromtimestamp(state.st_mtime, dt.UTC)
    return Newest(path.name, at, state.st_size, len(states), usual, _in_clear(path))


def _in_clear(path: Path) -> bool:
    if path.suffix.lower() not in _SEALED:
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(max(map(len, _DUMPS))).startswith(_DUMPS)
    except OSError:
        return False
