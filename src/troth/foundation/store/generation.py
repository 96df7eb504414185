"""A number in a mapped file that moves whenever the store has changed.

Processes that decide from memory compare it before each decision; reading it costs no system call. It stands beside
a SQLite store as `<store>-generation`; losing it loses nothing, since a new process loads the store anyway.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_SIZE = mmap.PAGESIZE


class Generation:
    """The counter of one store, shared by every process that maps the same file.

    Owned by whoever opens it: close it, or use it in a `with`. Mode 0600.
    """

    __slots__ = ("_cells", "_descriptor", "_lock", "_map", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            # INVARIANT: the file only grows; a shorter file under a living map would kill its reader.
            if os.fstat(self._descriptor).st_size < _SIZE:
                os.ftruncate(self._descriptor, _SIZE)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._map = mmap.mmap(self._descriptor, _SIZE)
        self._cells = memoryview(self._map).cast("Q")

    @property
    def value(self) -> int:
        """The present generation; below 0.2 microseconds. One aligned eight-byte load, so it is never half of two
        values.
        """
        return self._cells[0]

    @property
    def cells(self) -> memoryview[int]:
        """The mapped numbers, to read only: `cells[0]` is `value` at a third of its cost. ValueError once closed."""
        return self._cells

    def advance(self) -> int:
        """Move to the next generation and give it. Two that advance at once, in one process or two, both count."""
        with self._lock:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                self._cells[0] = (self._cells[0] + 1) % 2**64
                return self._cells[0]
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        with self._lock:
            if not self._map.closed:
                self._cells.release()
                self._map.close()
                os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
