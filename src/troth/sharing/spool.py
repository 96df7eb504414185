"""Where a batch waits until all of it may leave: an unfinished file that nobody else can read.

For a file it lies beside its place and gets its name when it may leave; for anything else it has no name at all.
What is written passes a running hash, so that the record says exactly which bytes left.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from troth.errors import TrothError

_CHUNK = 1 << 20


def part_of(path: Path, token: str) -> Path:
    """The unfinished file of a batch that will stand at `path`."""
    return path.with_name(f".troth-{token}.part")


def clear(folder: Path) -> int:
    """Take away the unfinished files that nobody is at any more; gives how many there were."""
    count = 0
    for part in folder.glob(".troth-*.part"):
        with part.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            part.unlink(missing_ok=True)
            count += 1
    return count


class Spool(io.RawIOBase):
    """One batch on its way. Leaving the block takes the unfinished file away, whatever happened."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self.path = path
        self.token = secrets.token_hex(16)
        self.size = 0
        self._hash = hashlib.sha256()
        self._part: Path | None = None
        try:
            if path is None:
                self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
            else:
                self._part = part_of(path, self.token)
                descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                self._file = os.fdopen(descriptor, "w+b")
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # as long as somebody is at it, nobody clears it away
        except OSError as problem:
            raise TrothError(
                f"no file can be made there: {problem.strerror}; nothing has left",
                where=None if path is None else path.parent.name or ".",
            ) from None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    @property
    def sha256(self) -> bytes:
        return self._hash.digest()

    def settle(self) -> None:
        """Have it on the disk whole, so that the record never speaks of bytes that a crash can take away."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def place(self) -> None:
        """Give it its name: from now on it has left. Replaces what stood there."""
        assert self.path is not None
        assert self._part is not None
        self._part.replace(self.path)
        self._part = None
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def content(self) -> IO[bytes]:
        """All of it, from the beginning."""
        self._file.flush()
        self._file.seek(0)
        return self._file

    def copy_to(self, file: IO[bytes]) -> None:
        shutil.copyfileobj(self.content(), file, _CHUNK)
        file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
        self.close()
