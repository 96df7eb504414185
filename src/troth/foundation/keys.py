"""The key of this controller, and the three keys derived from it, each for one act.

- *pseudonym*: keyed BLAKE2b; hides whom a row is about. Not anonymous: who has the key can recompute it.
- *sealing*: AES-256-GCM; closes bodies and addresses at rest.
- *signing*: Ed25519; signs receipts and tree heads, so that others can verify with the public key alone.

The root is 32 random bytes, from `TROTH_KEY`, from what `[key] command` in troth.toml prints (`keysource`), or from the
file `troth.key` (mode 0600, outside backups). Each derived key is
HKDF-SHA-256 (RFC 5869) of the root under its own name and carries an id that says which root it came from.

A key that was turned (`keycare.turning`) has a new root, for sealing and for signing. It carries on the pseudonym key,
since hashes of names that we do not have cannot be made anew, and the sealing keys of before, which still open. Until
the ledger has recorded that it is signed by another key now (`ledger.lineage`), it carries the signing key of before,
for that one signature. Nothing here shows a key in `repr`, a message or a log.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from troth.errors import KeyUnavailable
from troth.foundation import keysource

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy import Connection

    from troth.foundation.store.opened import Store

FILE = keysource.FILE
VARIABLE = keysource.VARIABLE
_PREFIX = "troth-key-1:"
_TURNED = "troth-key-2:"
_TURNING = "troth-key-3:"
_ROOT_BYTES = 32
MOST_RETIRED = 8
"""How many sealing keys of before a key carries."""

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Keyring:
    """The derived keys of one root. `id` names the root; it may be shown, published and stored."""

    id: str
    _pseudonym: bytes = field(repr=False)
    _sealing: bytes = field(repr=False)
    _signing: bytes = field(repr=False)
    _confirming: bytes = field(repr=False)
    _retired: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    _former: bytes | None = field(default=None, repr=False)

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str]) -> Keyring:
        """The keyring from `TROTH_KEY` if it is set, from the command that the settings name, else from `troth.key`.

        Raises: KeyUnavailable when there is none, when others may read the file (repair: `chmod 600`), when the command
        fails, or when it is no key.
        """
        text, where = keysource.read_text(folder, environ)
        return cls.from_text(text, where=where)

    @classmethod
    def create(cls, folder: Path) -> Keyring:
        """Make a new root and write it to `troth.key` in `folder`, mode 0600. Never overwrites.

        Raises: KeyUnavailable when a key is there already, or the folder cannot be written.
        """
        text = new_text()
        put(folder, text)
        return cls.from_text(text, where=str(folder / FILE))

    @classmethod
    def from_text(cls, text: str, *, where: str) -> Keyring:
        """The keyring of a written key: `troth-key-1:` and 32 bytes in base64url, or `troth-key-2:` and those of a
        turned one: root, pseudonym key, signing key, and a sealing and a confirming key for each turn before. In the
        middle of a turn it is `troth-key-3:`, with the signing key of before after the signing key.

        Raises: KeyUnavailable.
        """
        kind, parts = _blocks(text)
        if not parts:
            raise KeyUnavailable(
                "this is not a key of troth", where=where, expected=f"{_PREFIX} and 32 bytes in base64url"
            )
        root, former = parts[0], parts.pop(3) if kind == _TURNING else None
        turned = kind != _PREFIX
        return cls(
            id=f"k-{_derive(root, 'name', 6).hex()}",
            _pseudonym=parts[1] if turned else _derive(root, "pseudonym"),
            _sealing=_derive(root, "sealing"),
            _signing=parts[2] if turned else _derive(root, "signing"),
            _confirming=_derive(root, "confirming"),
            _retired=tuple(zip(parts[3::2], parts[4::2], strict=True)),
            _former=former,
        )

    def turned(self) -> str:
        """A key with a new root, as it is written, that opens what this one opens and gives the same pseudonyms. It
        signs with a key of its own, and once more with this one's (`sign_as_former`).

        Raises: KeyUnavailable when it would carry more than `MOST_RETIRED` keys of before, or this one is itself in the
        middle of a turn.
        """
        if len(self._retired) >= MOST_RETIRED:
            raise KeyUnavailable(f"a key is turned at most {MOST_RETIRED} times")
        if self._former is not None:
            raise KeyUnavailable("a turn to this key is not finished")
        pairs = b"".join(one + other for one, other in ((self._sealing, self._confirming), *self._retired))
        root = secrets.token_bytes(_ROOT_BYTES)
        return _TURNING + _text_of(root + self._pseudonym + _derive(root, "signing") + self._signing + pairs)

    @property
    def turns(self) -> int:
        """How often the key was turned."""
        return len(self._retired)

    def pseudonym(self, kind: str, value: bytes) -> bytes:
        """A 16-byte keyed hash of `value`, apart for each `kind` (at most 16 bytes of text)."""
        return hashlib.blake2b(value, key=self._pseudonym, digest_size=16, person=kind.encode("utf-8")).digest()

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        """Close `plain`: only this keyring opens it, and only for the same `context` (which row, which field)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._sealing).encrypt(nonce, plain, context)

    def unseal(self, sealed: bytes, *, context: bytes) -> bytes:
        """What was sealed. Raises: KeyUnavailable when it was sealed with another key, for another context, or was
        altered.
        """
        for key in (self._sealing, *(sealing for sealing, _ in self._retired)):
            opened = _opened(key, sealed, context)
            if opened is not None:
                return opened
        raise KeyUnavailable(f"key {self.id} does not open this: other key, other place, or altered")

    def resealed(self, sealed: bytes, *, context: bytes) -> bytes | None:
        """The same, closed by the newest sealing key; None where it is already. Raises: as `unseal`."""
        if _opened(self._sealing, sealed, context) is not None:
            return None
        return self.seal(self.unseal(sealed, context=context), context=context)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) over `message`."""
        return _private(self._signing).sign(message)

    def sign_as_former(self, message: bytes) -> bytes:
        """As `sign`, by the signing key of before; only for the head with which a ledger passes to the new one."""
        assert self._former is not None
        return _private(self._former).sign(message)

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes. May be published."""
        return _private(self._signing).public_key().public_bytes_raw()

    @property
    def pseudonym_id(self) -> str:
        """The id of the pseudonym key, which outlives turns: it says nothing of it."""
        return f"p-{hashlib.blake2b(self._pseudonym, digest_size=6, person=b'troth key name').hexdigest()}"

    @property
    def former_public_key(self) -> bytes | None:
        """The public key of before, in the middle of a turn; else None."""
        return None if self._former is None else _private(self._former).public_key().public_bytes_raw()

    @property
    def signing_id(self) -> str:
        """The id of the signing key: computed from the public key alone, so that a verifier can compute it too."""
        return signing_id(self.public_key)

    def _proof(self) -> bytes:
        return _proof_of(self._confirming)

    def _fits(self, proof: bytes) -> bool:
        """Whether a store with this proof was sealed with this key, or with one that it was turned from."""
        known = (self._confirming, *(confirming for _, confirming in self._retired))
        return any(hmac.compare_digest(proof, _proof_of(each)) for each in known)


def new_text() -> str:
    """A new key, as it is written."""
    return _PREFIX + _text_of(secrets.token_bytes(_ROOT_BYTES))


def handed_over(text: str) -> str:
    """A written key without the signing key of before: what is left of a turn once the ledger has passed to the new.

    Raises: KeyUnavailable for what is no key.
    """
    kind, parts = _blocks(text)
    if not parts:
        raise KeyUnavailable("this is not a key of troth")
    return _TURNED + _text_of(b"".join([*parts[:3], *parts[4:]])) if kind == _TURNING else text.strip()


def signing_id(public_key: bytes) -> str:
    """The id of a signing key: `s-` and the first 6 bytes of SHA-256 of the raw public key, in hex."""
    return f"s-{hashlib.sha256(public_key).digest()[:6].hex()}"


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is the holder's of `public_key` over `message`. Malformed keys and signatures are a no."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def confirm(store: Store, keyring: Keyring) -> None:
    """Make sure that `keyring` is the one this store was sealed with. A store that has none yet is given this one.

    Call it once after opening, before any hash is looked up: with a wrong key everybody would be unknown.
    Raises: KeyUnavailable for another key; StoreBehind before the first migration. A read-only store that has no key
    yet passes.
    """
    from sqlalchemy import select

    from troth.foundation.store.opened import hold
    from troth.foundation.tables import store_key

    with store.reading() as tx:
        row = tx.execute(select(store_key.c.key_id, store_key.c.proof)).one_or_none()
    if row is None and not store.read_only:
        with store.writing() as tx:
            hold(tx, "store_key")
            row = tx.execute(select(store_key.c.key_id, store_key.c.proof)).one_or_none()
            if row is None:
                tx.execute(store_key.insert().values(one=1, key_id=keyring.id, proof=keyring._proof()))  # noqa: SLF001 - one module
                return
    if row is not None and not keyring._fits(row.proof):  # noqa: SLF001 - one module
        raise KeyUnavailable(
            f"the store was sealed with key {row.key_id}, and the key at hand is {keyring.id}",
            where=store.where,
            repair=f"Put key {row.key_id} back from escrow, or, if it is lost for good, run `troth key rekey`.",
        )


def replace(folder: Path, text: str) -> None:
    """Put another key in the place of the one in `troth.key`, in one step: a crash leaves the one or the other.

    Raises: KeyUnavailable when it cannot be written; the old one stands.
    """
    path = folder / FILE
    beside = path.with_name(FILE + ".new")
    try:
        beside.unlink(missing_ok=True)
        _write_new(beside, text)
        beside.replace(path)
        _settle(folder)
    except OSError as error:
        raise KeyUnavailable(f"the key file cannot be written: {error.strerror}", where=str(path)) from None


def put(folder: Path, text: str) -> None:
    """Write a key to `troth.key`, mode 0600. Never overwrites. Raises: KeyUnavailable."""
    path = folder / FILE
    try:
        _write_new(path, text)
        _settle(folder)
    except FileExistsError:
        raise KeyUnavailable("a key is there already; it is not overwritten", where=str(path)) from None
    except OSError as error:
        raise KeyUnavailable(f"the key file cannot be written: {error.strerror}", where=str(path)) from None


def now_sealed_with(tx: Connection) -> str | None:
    """The id of the key that the store says it is sealed with; None where it has none yet."""
    from sqlalchemy import select

    from troth.foundation.tables import store_key

    return tx.execute(select(store_key.c.key_id)).scalar_one_or_none()


def adopt(tx: Connection, keyring: Keyring) -> None:
    """From now on the store is sealed with this key, which was turned from the one before."""
    from troth.foundation.tables import store_key

    tx.execute(store_key.update().values(key_id=keyring.id, proof=keyring._proof()))  # noqa: SLF001 - one module


def _blocks(text: str) -> tuple[str, list[bytes]]:
    """How a written key begins, and its blocks of 32 bytes; none of what is no key."""
    body = text.strip()
    kind = next((each for each in (_PREFIX, _TURNED, _TURNING) if body.startswith(each)), "")
    try:
        raw = base64.urlsafe_b64decode(body[len(kind) :]) if kind else b""
    except (binascii.Error, ValueError):
        raw = b""
    parts = [raw[at : at + _ROOT_BYTES] for at in range(0, len(raw), _ROOT_BYTES)]
    count = len(parts) - (kind == _TURNING)
    whole = count == 1 if kind == _PREFIX else count >= 5 and count % 2 == 1 and count <= 3 + 2 * MOST_RETIRED
    return kind, parts if whole and len(raw) % _ROOT_BYTES == 0 else []


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _private(raw: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(raw)


def _opened(key: bytes, sealed: bytes, context: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        return None


def _proof_of(confirming: bytes) -> bytes:
    return hmac.digest(confirming, b"this store was sealed with this key", "sha256")


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text.strip() + "\n")
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(root: bytes, name: str, length: int = 32) -> bytes:
    """HKDF-SHA-256 without salt, one output block (RFC 5869 section 2.3 with N = 1)."""
    extracted = hmac.digest(bytes(32), root, "sha256")
    return hmac.digest(extracted, f"troth/1/{name}".encode() + b"\x01", "sha256")[:length]
