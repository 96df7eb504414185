"""A copy of the key that a passphrase opens, to be kept apart from the store and its backups.

The file is JSON: which key it is, the salt, and the key closed with AES-256-GCM under argon2id of the passphrase (RFC
9106: 3 passes, 64 MiB, 4 lanes). Everything in it is bound to the seal. It is read back and opened before it counts.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from troth.errors import KeyUnavailable, TrothError
from troth.foundation import keys
from troth.foundation.clock import Clock
from troth.foundation.keycare.looking import Act, note
from troth.foundation.keys import Keyring
from troth.foundation.store import Store

SHORTEST: Final = 16
"""Letters of a passphrase at least."""

_PASSES, _MEMORY_KIB, _LANES = 3, 65_536, 4
_NONCE = 12
_SALT = 16
_LONGEST_FILE = 10_000


def put(  # noqa: PLR0917 - what is copied, where to, and under what
    store: Store, folder: Path, environ: Mapping[str, str], file: Path, passphrase: str, clock: Clock
) -> str:
    """Write a copy of the key to `file` (mode 0600, never overwritten), open it again, and record it; gives its id.

    Raises: TrothError for a short passphrase or a file that cannot be written; KeyUnavailable; StoreError.
    """
    if len(passphrase) < SHORTEST:
        raise TrothError("the passphrase is too short", expected=f"{SHORTEST} letters or more")
    text, where = keys.read_text(folder, environ)
    keyring = Keyring.from_text(text, where=where)
    keys.confirm(store, keyring)
    content = _closed(text.strip(), keyring.id, passphrase)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
    except FileExistsError:
        raise TrothError("there is such a file already; it is not overwritten", where=file.name) from None
    except OSError as error:
        raise TrothError(f"the copy cannot be written: {error.strerror}", where=file.name) from None
    if not hmac.compare_digest(opened(file, passphrase), text.strip()):
        raise KeyUnavailable("the copy does not give the key back", where=file.name)
    with store.writing() as tx:
        note(tx, Act.ESCROWED, keyring.id, clock.now(), sha256=hashlib.sha256(content).hexdigest())
    return keyring.id


def restore(store: Store, folder: Path, file: Path, passphrase: str, clock: Clock) -> str:
    """Write the key of a copy to `troth.key` if it is the store's; gives its id. Never overwrites a key.

    Raises: KeyUnavailable for a wrong passphrase, an altered copy, and a key that the store was not sealed with.
    """
    text = opened(file, passphrase)
    keyring = Keyring.from_text(text, where=file.name)
    keys.confirm(store, keyring)
    keys.put(folder, text)
    with store.writing() as tx:
        note(tx, Act.RESTORED, keyring.id, clock.now())
    return keyring.id


def opened(file: Path, passphrase: str) -> str:
    """The key that a copy holds, as it is written. Raises: KeyUnavailable, which shows nothing of it."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        with file.open("rb") as read:
            said: dict[str, Any] = json.loads(read.read(_LONGEST_FILE))
        salt, sealed = base64.b64decode(said["salt"]), base64.b64decode(said["sealed"])
        head = _head(said["key"], said["salt"])
        known = said["troth_key_escrow"] == 1 and len(salt) == _SALT
    except OSError as error:
        raise KeyUnavailable(f"the copy cannot be read: {error.strerror}", where=file.name) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise KeyUnavailable("this is no copy of a key", where=file.name)
    try:
        plain = AESGCM(_stretched(passphrase, salt)).decrypt(sealed[:_NONCE], sealed[_NONCE:], head)
    except (InvalidTag, ValueError):
        raise KeyUnavailable("the copy does not open: another passphrase, or altered", where=file.name) from None
    return plain.decode("ascii")


def _closed(text: str, key_id: str, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    shown = base64.b64encode(salt).decode("ascii")
    sealed = nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, text.encode("ascii"), _head(key_id, shown))
    said = {"troth_key_escrow": 1, "key": key_id, "salt": shown, "sealed": base64.b64encode(sealed).decode("ascii")}
    return json.dumps(said, indent=2).encode("ascii") + b"\n"


def _head(key_id: str, salt: str) -> bytes:
    return f"troth key escrow 1|{key_id}|{salt}".encode()


def _stretched(passphrase: str, salt: bytes) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    return hash_secret_raw(secret, salt, _PASSES, _MEMORY_KIB, _LANES, 32, Type.ID)
