"""A copy of the key, to be kept apart from the store and its backups: for a passphrase, or for people's public keys.

*For a passphrase* the file is JSON: which key it is, the salt, and the key closed with AES-256-GCM under argon2id of
the passphrase (RFC 9106: 3 passes, 64 MiB, 4 lanes). Everything in it is bound to the seal. It is read back and opened
before it counts.

*For public keys* it is a file of age (`foundation.age`), which any `age` opens with the private key of any one of them;
in it stands the key as in `troth.key`. The machine that writes it cannot open it: whoever holds a private key has to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from troth.errors import KeyUnavailable, TrothError
from troth.foundation import age, keys, keysource
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


def put_for(  # noqa: PLR0917 - what is copied, where to, and for whom
    store: Store, folder: Path, environ: Mapping[str, str], file: Path, to: Sequence[str], clock: Clock
) -> str:
    """Write a copy of the key to `file` (mode 0600, never overwritten) for these public keys, and record it; gives its
    id. Raises: as `put`; KeyUnavailable for what is no public key.
    """
    if not to:
        raise TrothError("no public key is named", expected="age1... or a file of such keys")
    text, where = keysource.read_text(folder, environ)
    keyring = Keyring.from_text(text, where=where)
    keys.confirm(store, keyring)
    content = io.BytesIO()
    with age.Sealing(content, *to) as sealing:
        sealing.write(text.strip().encode("ascii") + b"\n")
    _write(file, content.getvalue())
    with store.writing() as tx:
        sha256 = hashlib.sha256(content.getvalue()).hexdigest()
        note(tx, Act.ESCROWED, keyring.id, clock.now(), sha256=sha256, recipients=len(to))
    return keyring.id


def public_keys(said: Sequence[str]) -> tuple[str, ...]:
    """The public keys that are named: each by itself, or as a file with one on a line, as `age -R` reads it.

    Raises: KeyUnavailable for what is neither.
    """
    found: list[str] = []
    for each in said:
        lines = [each]
        if not each.startswith("age1"):
            try:
                lines = Path(each).read_text("utf-8").splitlines()
            except (OSError, ValueError):
                raise KeyUnavailable("there is no such public key, and no such file", where=Path(each).name) from None
        found += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for one in found:
        age.require_key(one)
    return tuple(dict.fromkeys(found))


def put(  # noqa: PLR0917 - what is copied, where to, and under what
    store: Store, folder: Path, environ: Mapping[str, str], file: Path, passphrase: str, clock: Clock
) -> str:
    """Write a copy of the key to `file` (mode 0600, never overwritten), open it again, and record it; gives its id.

    Raises: TrothError for a short passphrase or a file that cannot be written; KeyUnavailable; StoreError.
    """
    if len(passphrase) < SHORTEST:
        raise TrothError("the passphrase is too short", expected=f"{SHORTEST} letters or more")
    text, where = keysource.read_text(folder, environ)
    keyring = Keyring.from_text(text, where=where)
    keys.confirm(store, keyring)
    content = _closed(text.strip(), keyring.id, passphrase)
    _write(file, content)
    if not hmac.compare_digest(opened(file, passphrase), text.strip()):
        raise KeyUnavailable("the copy does not give the key back", where=file.name)
    with store.writing() as tx:
        note(tx, Act.ESCROWED, keyring.id, clock.now(), sha256=hashlib.sha256(content).hexdigest())
    return keyring.id


def for_public_keys(file: Path) -> bool:
    """Whether the copy is one for public keys. Raises: KeyUnavailable where it cannot be read."""
    return _read(file).startswith(age.INTRO)


def opened_by(file: Path, identity: Path) -> str:
    """The key that a copy for public keys holds; `identity` is the file of a private key, as `age-keygen` writes it.

    Raises: KeyUnavailable, which shows nothing of either.
    """
    try:
        lines = identity.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        raise KeyUnavailable("the file of the private key cannot be read", where=identity.name) from None
    private = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    content, problem = _read(file), KeyUnavailable("there is no private key", where=identity.name)
    for one in private:
        try:
            return age.unsealed(content, one).decode("ascii", "replace")
        except KeyUnavailable as refused:
            problem = refused
    raise problem


def restore(store: Store, folder: Path, file: Path, text: str, clock: Clock) -> str:
    """Write the key `text` of a copy to `troth.key` if it is the store's; gives its id. Never overwrites a key.

    Raises: KeyUnavailable for what is no key, and a key that the store was not sealed with.
    """
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
        said: dict[str, Any] = json.loads(_read(file))
        salt, sealed = base64.b64decode(said["salt"]), base64.b64decode(said["sealed"])
        head = _head(said["key"], said["salt"])
        known = said["troth_key_escrow"] == 1 and len(salt) == _SALT
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise KeyUnavailable("this is no copy of a key", where=file.name)
    try:
        plain = AESGCM(_stretched(passphrase, salt)).decrypt(sealed[:_NONCE], sealed[_NONCE:], head)
    except (InvalidTag, ValueError):
        raise KeyUnavailable("the copy does not open: another passphrase, or altered", where=file.name) from None
    return plain.decode("ascii")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as read:
            return read.read(_LONGEST_FILE)
    except OSError as error:
        raise KeyUnavailable(f"the copy cannot be read: {error.strerror}", where=file.name) from None


def _write(file: Path, content: bytes) -> None:
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
