"""A zip that is written from front to back, once, into something that cannot be read again.

Memory holds one block of each file, never a file. A file of up to a megabyte is written in the plainest form that all
programs read; only a longer one takes the form for sizes beyond 4 GiB. Names come from the program, times from the
clock given, and nothing in the zip tells about the machine that made it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Protocol, Self

from troth.rights.packaging.manifest import Part

_SMALL = 1 << 20
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LATEST_YEAR = 2107


class Sink(Protocol):
    """What a zip is written to."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class _Measured:
    """Passes bytes on, and knows how many there were and their SHA-256. Cannot be sought, and says so."""

    def __init__(self, into: Sink) -> None:
        self._into = into
        self._digest = hashlib.sha256()
        self.size = 0
        self.given_up = False

    def write(self, data: bytes) -> int:
        if self.given_up:
            return len(data)
        self._into.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._into.flush()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()


class Member:
    """One file of the zip while it is written: a context manager. Another may be opened only after it is closed."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive = archive
        self._name = name
        self._waiting = bytearray()
        self._open: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self._size = 0
        self.rows: int | None = None

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        if self._open is not None:
            return self._open.write(data)
        self._waiting += data
        if len(self._waiting) > _SMALL:
            self._open = self._archive.begin(self._name, large=True)
            self._open.write(self._waiting)
            self._waiting.clear()
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._open is None:
            self._open = self._archive.begin(self._name, large=False)
            self._open.write(self._waiting)
        if self._open is not None:
            self._open.close()
        if kind is None:
            self._archive.parts.append(Part(self._name, self._digest.hexdigest(), self._size, self.rows))


class Archive:
    """The zip: `member` or `add` files, then `close`. `parts` are those written, in their order.

    A context manager: when its block raises, nothing more is written.
    """

    def __init__(self, into: Sink, at: datetime) -> None:
        moment = at.astimezone(UTC)
        time = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
        self._time = time if _EARLIEST[0] <= moment.year <= _LATEST_YEAR else _EARLIEST
        self._sink = _Measured(into)
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload] # typeshed says less than it takes
        self.parts: list[Part] = []

    def member(self, name: str) -> Member:
        """A file to be written into."""
        return Member(self, name)

    def add(self, name: str, content: bytes | Iterable[bytes], *, rows: int | None = None) -> None:
        """Write one whole file."""
        with self.member(name) as member:
            member.rows = rows
            for block in (content,) if isinstance(content, bytes) else content:
                member.write(block)

    def begin(self, name: str, *, large: bool) -> IO[bytes]:
        """The open file of that name; for `Member`."""
        assert not {"", ".", ".."}.intersection(name.split("/")), "no name leads out"
        assert "\\" not in name, "no name leads out"
        info = zipfile.ZipInfo(name, self._time)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3
        info.external_attr = 0o100600 << 16
        opened: IO[bytes] = self._zip.open(info, "w", force_zip64=large)
        return opened

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.given_up = kind is not None
        self._zip.close()

    def close(self) -> tuple[int, bytes]:
        """Write the directory at the end; gives the size of the whole zip and its SHA-256."""
        self._zip.close()
        return self._sink.size, self._sink.sha256
