"""A verifier that shares nothing with troth: from the texts of RFC 6962, RFC 9162 and the C2SP specifications alone.

Slow and plain on purpose: recursive as the RFCs define it, hashlib and an Ed25519 of its own (RFC 8032, appendix A,
in integers). It reads an exported ledger, a proof and a checkpoint, and says whether they hold.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path


def mth(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1: the Merkle Tree Hash of D[n]."""
    n = len(entries)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = _k(n)
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1: PATH(m, D[n])."""
    n = len(entries)
    if n == 1:
        return []
    k = _k(n)
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.2: PROOF(m, D[n])."""
    return _subproof(m, entries, whole=True)


def _subproof(m: int, entries: list[bytes], *, whole: bool) -> list[bytes]:
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = _k(n)
    if m <= k:
        return [*_subproof(m, entries[:k], whole=whole), mth(entries[k:])]
    return [*_subproof(m - k, entries[k:], whole=False), mth(entries[:k])]


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root_by_path(leaf: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """The root that an audit path leads to: the definition of PATH read backwards."""
    if size == 1:
        assert not hashes
        return hashlib.sha256(b"\x00" + leaf).digest()
    k = _k(size)
    *inner, last = hashes
    if index < k:
        return hashlib.sha256(b"\x01" + root_by_path(leaf, index, k, inner) + last).digest()
    return hashlib.sha256(b"\x01" + last + root_by_path(leaf, index - k, size - k, inner)).digest()


# --- Ed25519, RFC 8032 section 5.1 and appendix A ------------------------------------------------------------------

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT = pow(2, (_P - 1) // 4, _P)


def _add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    three, four = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(s: int, point: tuple[int, ...]) -> tuple[int, ...]:
    total: tuple[int, ...] = (0, 1, 1, 0)
    while s:
        if s & 1:
            total = _add(total, point)
        point = _add(point, point)
        s >>= 1
    return total


def _x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _point(data: bytes) -> tuple[int, ...] | None:
    y = int.from_bytes(data, "little")
    x = _x(y & (2**255 - 1), y >> 255)
    y &= 2**255 - 1
    return None if x is None else (x, y, 1, x * y % _P)


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032 section 5.1.7."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _Q
    y = 4 * pow(5, _P - 2, _P) % _P
    x = _x(y, 0)
    assert x is not None
    left, right = _times(s, (x, y, 1, x * y % _P)), _add(r, _times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# --- C2SP: signed-note, tlog-checkpoint, tlog-tiles, tlog-proof ------------------------------------------------------


def open_checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that the key has signed; AssertionError for any other."""
    name, identity, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded)
    assert key[0] == 1
    assert hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == identity
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    held = False
    for line in signatures.splitlines():
        dash, signer, value = line.split(" ")
        assert dash == "\u2014"
        raw = base64.b64decode(value)
        if signer == name and raw[:4].hex() == identity:
            assert ed25519_holds(key[1:], text.encode(), raw[4:])
            held = True
    assert held
    origin, size, root = text.splitlines()[:3]
    return origin, int(size), base64.b64decode(root)


def open_proof(text: str, vkey: str) -> bytes:
    """The entry of a C2SP tlog-proof whose path leads to its checkpoint; AssertionError for any other."""
    head, _, note = text.partition("\n\n")
    version, extra, index, *hashes = head.split("\n")
    assert version == "c2sp.org/tlog-proof@v1"
    entry = base64.b64decode(extra.removeprefix("extra "))
    _, size, root = open_checkpoint(note, vkey)
    found = [base64.b64decode(one) for one in hashes]
    assert root_by_path(entry, int(index.removeprefix("index ")), size, found) == root
    return entry


def open_export(folder: Path, vkey: str) -> list[bytes]:
    """Every entry of a folder of tiles, once they, the tiles and the checkpoint all fit; AssertionError otherwise."""
    _, size, root = open_checkpoint((folder / "checkpoint").read_text(encoding="utf-8"), vkey)
    entries: list[bytes] = []
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        bundle = (folder / "tile" / "entries" / _path(number, width)).read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            assert len(bundle) >= 2 + length
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(entries) == size
    assert mth(entries) == root
    level, span = 0, 1
    while size // span:
        count = size // span
        for number in range(-(-count // 256)):
            width = min(256, count - number * 256)
            first = number * 256
            expected = [mth(entries[i * span : (i + 1) * span]) for i in range(first, first + width)]
            assert (folder / "tile" / str(level) / _path(number, width)).read_bytes() == b"".join(expected)
        level, span = level + 1, span * 256
    return entries


def _path(number: int, width: int) -> str:
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.insert(0, f"x{number % 1000:03d}")
    return "/".join(parts) + ("" if width == 256 else f".p/{width}")
