"""Find the files that a pattern of the settings names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MOST = 10_000


def files(folder: Path, pattern: str) -> Iterator[Path]:
    """The files that `pattern` names, from `folder` unless it is absolute, in order; at most ten thousand."""
    whole = Path(pattern)
    begin, rest = (whole.anchor, str(whole.relative_to(whole.anchor))) if whole.is_absolute() else (folder, pattern)
    found = 0
    for path in sorted(Path(begin).glob(rest)):
        if path.is_file() and found < MOST:
            found += 1
            yield path
