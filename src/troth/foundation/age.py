"""Encrypt a stream for public keys, in the format of age (age-encryption.org/v1), which any `age` opens.

A file key is wrapped for each recipient (X25519, HKDF-SHA-256, ChaCha20-Poly1305); under it the data are sealed in
pieces of 64 KiB, so that a stream of any length takes the same memory and a cut or swapped piece shows. Keys are
written as age writes them: `age1...` for the public one, `AGE-SECRET-KEY-1...` for the private one.

Source: C2SP age.md; RFC 7748, RFC 5869, RFC 8439; Bech32 as in BIP 173.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from troth.errors import KeyUnavailable

INTRO = b"age-encryption.org/v1\n"
_PIECE = 64 * 1024
_TAG = 16
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_LABEL = b"age-encryption.org/v1/X25519"


class Sink(Protocol):
    """What bytes are written to: a file, or something in front of one."""

    def write(self, data: bytes, /) -> int: ...


class Sealing(io.RawIOBase):
    """A file to write to: what is written leaves sealed. `close` writes the last piece; the file below stays open."""

    def __init__(self, below: Sink, *recipients: str) -> None:
        super().__init__()
        self._below = below
        file_key, nonce = os.urandom(16), os.urandom(16)
        below.write(_header(file_key, [_public(each) for each in recipients]) + nonce)
        self._key = _hkdf(file_key, nonce, b"payload")
        self._number = 0
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        while len(self._waiting) > _PIECE:  # the last piece is known to be the last only at the end
            self._seal(bytes(self._waiting[:_PIECE]), last=False)
            del self._waiting[:_PIECE]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self._waiting), last=True)
            self._waiting.clear()
        super().close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self._below.write(ChaCha20Poly1305(self._key).encrypt(_nonce(self._number, last=last), piece, None))
        self._number += 1


def new_key() -> tuple[str, str]:
    """A fresh pair: the private key to keep, the public key to give away."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.generate()
    return (
        _bech32("age-secret-key-", private.private_bytes_raw()).upper(),
        _bech32("age", private.public_key().public_bytes_raw()),
    )


def require_key(recipient: str) -> None:
    """Make sure that `recipient` is a public key. Raises: KeyUnavailable."""
    _public(recipient)


def unsealed(data: bytes, identity: str) -> bytes:
    """What was sealed for the private key `identity`. Raises: KeyUnavailable for another key, or altered data."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        private = X25519PrivateKey.from_private_bytes(_raw(identity.lower(), "age-secret-key-"))
        end = data.index(b"\n--- ")
        lines, mac = data[:end].split(b"\n"), data[end + 5 : end + 48]
        public = private.public_key().public_bytes_raw()
        file_key = b""
        for head, body in zip(lines[1::2], lines[2::2], strict=True):
            share = _unbase64(head.split(b" ")[2])
            wrap = _hkdf(private.exchange(X25519PublicKey.from_public_bytes(share)), share + public, _LABEL)
            with suppress(InvalidTag):  # it is for another recipient
                file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), _unbase64(body), None)
        expected = hmac.digest(_hkdf(file_key, b"", b"header"), data[: end + 4], "sha256")
        sound = hmac.compare_digest(expected, _unbase64(mac))
        content = data[end + 49 :] if sound and file_key else b""
        key, content = _hkdf(file_key, content[:16], b"payload"), content[16:]
        size = _PIECE + _TAG
        pieces = [content[at : at + size] for at in range(0, len(content), size)]
        if not pieces:
            raise ValueError  # noqa: TRY301 - told below, with every other fault
        return b"".join(
            ChaCha20Poly1305(key).decrypt(_nonce(n, last=n == len(pieces) - 1), piece, None)
            for n, piece in enumerate(pieces)
        )
    except (InvalidTag, ValueError, IndexError):
        raise KeyUnavailable("this key does not open the file: other key, or altered") from None


def _header(file_key: bytes, publics: Sequence[bytes]) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    text = INTRO
    for public in publics:
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        wrap = _hkdf(ephemeral.exchange(X25519PublicKey.from_public_bytes(public)), share + public, _LABEL)
        wrapped = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
        text += b"-> X25519 " + _base64(share) + b"\n" + _base64(wrapped) + b"\n"
    text += b"---"
    return text + b" " + _base64(hmac.digest(_hkdf(file_key, b"", b"header"), text, "sha256")) + b"\n"


def _hkdf(secret: bytes, salt: bytes, label: bytes) -> bytes:
    """HKDF-SHA-256, one block of 32 bytes (RFC 5869)."""
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), label + b"\x01", hashlib.sha256)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _public(text: str) -> bytes:
    try:
        return _raw(text, "age")
    except ValueError:
        raise KeyUnavailable(
            "this is not a public key for encryption",
            expected="`age1` and 58 letters, as `age-keygen` prints it",
        ) from None


def _raw(text: str, kind: str) -> bytes:
    """The 32 bytes of a key written in Bech32. Raises: ValueError."""
    head, _, tail = text.strip().rpartition("1")
    values = [_LETTERS.index(letter) for letter in tail]
    if head != kind or _checked([*_spread(head), *values]) != 1:
        raise ValueError
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    count = len(values[:-6]) * 5
    if count // 8 != 32 or bits & ((1 << count % 8) - 1):
        raise ValueError
    return (bits >> count % 8).to_bytes(32, "big")


def _bech32(kind: str, raw: bytes) -> str:
    bits = int.from_bytes(raw, "big") << -len(raw) * 8 % 5
    count = -(-len(raw) * 8 // 5)
    values = [bits >> 5 * (count - 1 - at) & 31 for at in range(count)]
    check = _checked([*_spread(kind), *values, *[0] * 6]) ^ 1
    return f"{kind}1" + "".join(_LETTERS[v] for v in [*values, *(check >> 5 * (5 - at) & 31 for at in range(6))])


def _spread(kind: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in kind), 0, *(ord(letter) & 31 for letter in kind)]


def _checked(values: list[int]) -> int:
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for at, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            total ^= part if top >> at & 1 else 0
    return total
