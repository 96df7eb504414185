"""Ask a SQLite file whether anybody has written to it, by SQLite's own `data_version` on one kept connection."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from troth.errors import StoreError


class FileWatch:
    """One file, watched. `close` it when done."""

    __slots__ = ("_connection", "_file", "_longest", "_opened", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._longest = 0
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
                self._opened, self._longest = self._opened + 1, 0
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if stat.st_size < self._longest:
                self._require_whole(self._connection, stat.st_size)
        except (OSError, sqlite3.Error):
            raise StoreError(
                "the store cannot be read", where=str(self._path), repair="Look whether the file is there, and whole."
            ) from None
        self._longest = stat.st_size
        return self._opened, version

    def _require_whole(self, connection: sqlite3.Connection, size: int) -> None:
        """A store that became shorter was tidied up, or cut; one that was cut may still show an older word."""
        pages, each = (connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
        if pages * each > size:
            raise OSError

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
