"""Files that are sealed while they are written, chunk by chunk, so that neither disk nor memory ever holds them open.

A stream of AES-256-GCM chunks (the STREAM construction of Hoang, Reyhanitabar, Rogaway, Vizár, 2015). Each file has a
key of its own, random, used for nothing else; who lets the key go lets the file go. A nonce is 7 random bytes of the
file, the number of the chunk in 4 bytes, and one byte that is 1 in the last chunk only. So a chunk that was changed,
moved, repeated, left out, or cut off with all after it, does not open.

Layout: `MAGIC`, 7 bytes, then chunks of 65,536 bytes of content (the last is shorter, and may be empty), each with its
16-byte tag. `context` binds a file to its place: it opens only for the same one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import IO, Self

from troth.errors import KeyUnavailable

MAGIC = b"troth-sealed-1\n"
KEY_BYTES = 32
_CHUNK = 65_536
_TAG = 16
_PREFIX = 7
_MOST_CHUNKS = 2**32 - 1


def new_key() -> bytes:
    """A fresh key for one file."""
    return secrets.token_bytes(KEY_BYTES)


class SealedWriter:
    """Something to write to; what it puts into `into` is sealed. `finish` ends the file; without it nothing opens.

    It closes nothing that it was given. `size` is the content written so far, in bytes.
    """

    def __init__(self, into: IO[bytes], key: bytes, *, context: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._into = into
        self._cipher = AESGCM(key)
        self._context = MAGIC + context
        self._prefix = secrets.token_bytes(_PREFIX)
        self._waiting = bytearray()
        self._number = 0
        self._finished = False
        self.size = 0
        into.write(MAGIC + self._prefix)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take in more content; gives its length, as files do."""
        assert not self._finished, "the file is finished"
        length = len(data)
        self.size += length
        self._waiting += data
        if len(self._waiting) > _CHUNK:  # the last chunk is known only at the end, so one always waits
            with memoryview(self._waiting) as view:
                whole = (len(self._waiting) - 1) // _CHUNK * _CHUNK
                for start in range(0, whole, _CHUNK):
                    self._seal(view[start : start + _CHUNK], last=False)
            del self._waiting[:whole]
        return length

    def flush(self) -> None:
        """Nothing to do: a chunk leaves when it is full."""

    def finish(self) -> None:
        """Write the last chunk. Only now does the file open as a whole."""
        if not self._finished:
            self._seal(bytes(self._waiting), last=True)
            self._waiting.clear()
            self._finished = True

    def _seal(self, content: bytes | memoryview, *, last: bool) -> None:
        if self._number >= _MOST_CHUNKS:
            raise OverflowError("a sealed file holds at most 2^32 chunks")
        self._into.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), content, self._context))
        self._number += 1


def unsealed(file: IO[bytes], key: bytes, *, context: bytes) -> Iterator[bytes]:
    """The content of a sealed file, a chunk at a time. Each chunk is whole and in its place before it is given.

    Raises: KeyUnavailable when the key or the context is another, or something was changed or cut off. What was given
    before that was right, but the content is not complete: whoever reads must take it back.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = file.read(len(MAGIC) + _PREFIX)
    if len(head) != len(MAGIC) + _PREFIX or not head.startswith(MAGIC):
        raise KeyUnavailable("this is not a sealed file")
    cipher, prefix, bound = AESGCM(key), head[len(MAGIC) :], MAGIC + context
    number = 0
    chunk = file.read(_CHUNK + _TAG)
    while True:
        following = file.read(_CHUNK + _TAG)
        last = not following
        try:
            content = cipher.decrypt(_nonce(prefix, number, last=last), chunk, bound)
        except (InvalidTag, ValueError):
            raise KeyUnavailable("a sealed file does not open: other key, other place, altered or cut off") from None
        if content:
            yield content
        if last:
            return
        chunk = following
        number += 1


class SealedSpool:
    """Content that waits on disk, sealed under a key that only this object has and that goes with it.

    The file has no name from the start, so that nothing is left when the process is killed. Write, then `read` once.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._key = new_key()
        self._writer = SealedWriter(file, self._key, context=b"spool")

    @classmethod
    def beside(cls, folder: str) -> Self:
        """A spool whose bytes stand on the same disk as `folder`."""
        from tempfile import TemporaryFile

        return cls(TemporaryFile(dir=folder))

    def write(self, data: bytes) -> int:
        return self._writer.write(data)

    def read(self) -> Iterator[bytes]:
        """All that was written, a chunk at a time; nothing can be written after."""
        self._writer.finish()
        self._file.seek(0)
        return unsealed(self._file, self._key, context=b"spool")

    def close(self) -> None:
        self._file.close()


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
