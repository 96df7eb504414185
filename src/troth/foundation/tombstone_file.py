"""Tombstones outside troth's store, so that a restore of that store to before an erasure does not forget who is gone.

One line for each proven erasure, and each account that ended by its period: its name, when, and the keyed hashes. It is
on the disk before the erasure is called
proven. Lines are only ever added; a line that was cut off by a crash is passed over, since the erasure it speaks of was
not proven then. Without troth's key the file says nothing about anybody. No number of a person stands in it: after a
restore a number may be given to somebody else.

To be backed up apart from the store, and never put back with it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from troth.errors import StoreError
from troth.foundation.clock import stamp

SCHEMA = "troth/tombstones/1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One proven erasure: the hashes by kind, as `tombstones` makes them."""

    name: str
    at: dt.datetime
    hashes: tuple[tuple[str, bytes], ...]


def read(path: Path) -> tuple[Entry, ...]:
    """Every erasure in the file, the oldest first; none where there is no file. Raises: StoreError where it cannot be
    read, or a line inside it was altered.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise refused(path, error) from None
    return tuple(_entries(path, content))


def _entries(path: Path, content: bytes) -> Iterator[Entry]:
    *whole, _ = content.split(b"\n")  # what follows the last end of a line was cut off
    for number, line in enumerate(whole, start=1):
        text, _, digest = line.rpartition(b" ")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            if _is_whole(line):
                raise _altered(path, number)
            continue  # cut off by a crash
        plain = json.loads(text)
        hashes = tuple((kind, bytes.fromhex(value)) for kind, value in plain["hashes"])
        yield Entry(plain["erasure"], dt.datetime.fromisoformat(plain["at"]), hashes)


def _is_whole(line: bytes) -> bool:
    """Whether the line has all its parts: then it was altered, and not cut off."""
    text, space, digest = line.rpartition(b" ")
    return bool(space) and text.endswith(b"}") and len(digest) == hashlib.sha256().digest_size * 2


def line_of(entry: Entry) -> bytes:
    """The entry as its line, with the digest by which a line that was cut off or altered is told from a whole one."""
    plain: dict[str, Any] = {"schema": SCHEMA, "erasure": entry.name, "at": stamp(entry.at)}
    plain["hashes"] = [[kind, value.hex()] for kind, value in entry.hashes]
    text = json.dumps(plain, separators=(",", ":")).encode()
    return text + b" " + hashlib.sha256(text).hexdigest().encode() + b"\n"


def entry_of(name: str, at: dt.datetime, hashes: Iterable[tuple[str, bytes]]) -> Entry:
    """The entry of one erasure, in an order that does not depend on how the hashes were found."""
    return Entry(name, at, tuple(sorted(hashes)))


def refused(path: Path, error: OSError) -> StoreError:
    """What is raised where the file cannot be used."""
    return StoreError(
        f"the file of tombstones cannot be used: {error.strerror}",
        where=str(path),
        repair="Give troth the right to it, or name another under `[erasure] tombstones`.",
    )


def _altered(path: Path, number: int) -> StoreError:
    return StoreError(
        "the file of tombstones was altered", where=f"{path}:{number}", repair="Put a copy of it back from elsewhere."
    )


def add(path: Path, entries: Iterable[Entry]) -> None:
    """Add entries to the file; durable when this returns. Raises: StoreError where it cannot be: nothing may be called
    proven then.
    """
    line = b"".join(map(line_of, entries))
    try:
        made = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # what a crash cut off stays a line of its own
            written = os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if made:
            _settle(path.parent)
    except OSError as error:
        raise refused(path, error) from None
    if written != len(line):
        raise StoreError("a tombstone was not written whole", where=str(path), repair="Make room on the disk.")


def _settle(folder: Path) -> None:
    """Make sure that the name of a new file is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
