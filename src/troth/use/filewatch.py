"""Ask a SQLite file whether anybody has written to it, by SQLite's own `data_version` on one kept connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from troth.errors import StoreError


class FileWatch:
    """One file, watched. `close` it when done."""

    __slots__ = ("_connection", "_file", "_opened", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def version(self) -> tuple[int, int]:
        """Two equal answers mean that nothing was written between them. Raises: StoreError when it cannot be read."""
        try:
            stat = self._path.stat()
            if self._connection is None or self._file != (stat.st_dev, stat.st_ino):
                self.close()
                self._connection = sqlite3.connect(
                    f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
                )
                self._file = (stat.st_dev, stat.st_ino)
                self._opened += 1
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            ask = self._connection.execute
            require_whole(self._path, lambda pragma: int(ask(pragma).fetchone()[0]))
        except (OSError, sqlite3.Error):
            raise StoreError(
                "the store cannot be read", where=str(self._path), repair="Look whether the file is there, and whole."
            ) from None
        return self._opened, version

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def require_whole(path: Path, ask: Callable[[str], int]) -> None:
    """Make sure that the file was not cut: it may still show an older word. `ask` runs a PRAGMA on a connection to it.

    Where no log waits, the file has every page that it counts. Raises: StoreError.
    """
    pages, each = ask("PRAGMA page_count"), ask("PRAGMA page_size")
    log = path.with_name(path.name + "-wal")
    # In this order: what the log had when the pages were counted stands in the file by the time the log is empty.
    if (not log.exists() or not log.stat().st_size) and path.stat().st_size < pages * each:
        raise StoreError("the file of the store was cut short", where=str(path), repair="Restore it from a backup.")
