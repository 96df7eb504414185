"""What stands packed inside a value of a store: UTF-16, gzip, zlib, base64, and these in one another.

A value that is nothing but such a packing is opened, at most `DEPTH` deep and `MOST` bytes in all. What is encrypted
cannot be opened: `is_closed` tells it, as far as it shows. Pure: no store here, and no value in any message.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Any

MOST = 4 << 20
"""Bytes that one value may unpack to; what is beyond is not looked at."""

DEPTH = 3
SHORTEST = 16
"""Bytes of a value from which it is worth to ask whether it can be read."""

BASE64 = r"^[A-Za-z0-9+/_=\r\n-]{24,}$"
"""A text that is base64 and nothing else, in a form that stores understand too."""

MAGIC = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\xff\xfe", b"\xfe\xff")
"""How gzip, zlib and marked UTF-16 begin."""

_BASE64 = re.compile(BASE64.replace("^", r"\A").replace("$", r"\Z"))
_SEALED = re.compile(
    r"\A(gAAAAA[\w-]{60,}|-----BEGIN (PGP|AGE)|age-encryption\.org|ENC\[|\$ANSIBLE_VAULT|vault:v\d+:"
    r"|eyJ[\w-]*\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+\Z)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd]")


def opened(value: Any) -> tuple[str, ...]:
    """The texts that stand packed in a value; none for an ordinary one."""
    if isinstance(value, str):
        return tuple(_in_text(value, DEPTH)) if len(value) >= 24 and _BASE64.match(value) else ()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return tuple(_in_bytes(bytes(value), DEPTH))
    return ()


def is_closed(value: Any) -> bool:
    """Whether a value is neither text nor a packing that opens: encrypted, or of a form that is not known here."""
    if isinstance(value, str):
        return _SEALED.match(value) is not None
    if not isinstance(value, (bytes, bytearray, memoryview)) or len(value) < SHORTEST:
        return False
    content = bytes(value)
    return not _is_text(content) and not opened(content)


def _in_text(text: str, depth: int) -> Iterator[str]:
    bare = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(bare[: MOST * 4 // 3] + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return
    if _is_text(content):
        yield content.decode("utf-8", "replace")
    yield from _in_bytes(content, depth - 1)


def _in_bytes(content: bytes, depth: int) -> Iterator[str]:
    if depth <= 0:
        return
    if content[:2] == b"\x1f\x8b":
        yield from _unpacked(content, zlib.MAX_WBITS | 16, depth)
    elif content[:2] in MAGIC[1:5]:
        yield from _unpacked(content, zlib.MAX_WBITS, depth)
    elif content[:2] in MAGIC[5:]:
        yield content[:MOST].decode("utf-16", "replace")
    elif len(content) >= 4 and len(content) % 2 == 0 and 0 in content[:2]:
        text = content[:MOST].decode("utf-16-le" if content[1] == 0 else "utf-16-be", "replace")
        if not _CONTROLS.search(text[:2_000]):
            yield text
    elif depth < DEPTH or _BASE64.match(content[:1_000].decode("latin-1")):
        text = content[: MOST * 2].decode("latin-1")
        if _BASE64.match(text):
            yield from _in_text(text, depth)


def _unpacked(content: bytes, bits: int, depth: int) -> Iterator[str]:
    try:
        plain = zlib.decompressobj(bits).decompress(content, MOST)
    except zlib.error:
        return
    yield plain.decode("utf-8", "replace")
    yield from _in_bytes(plain, depth - 1)


def _is_text(content: bytes) -> bool:
    try:
        return not _CONTROLS.search(content.decode("utf-8"))
    except UnicodeDecodeError:
        return False
