"""The manifest of a copy: each file with its SHA-256 and size, signed, so that anybody can verify the copy offline.

Three files stand for it in the copy: `manifest.json` (canonical JSON, RFC 8785), `manifest.sig` (the 64 bytes of the
Ed25519 signature over the bytes of `manifest.json`) and `manifest.pem` (the public key). OpenSSL verifies them; the
commands stand in README.txt. Who signed is told by the id of the key, which the company publishes.

`verify` needs the file alone: no store, no network, no key of ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from troth.foundation.canonical import canonical_json
from troth.foundation.keys import Keyring, signing_id
from troth.foundation.keys import verify as signature_holds

SCHEMA = "troth/copy-manifest/1"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "manifest.pem"
_PEM_HEAD = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: SubjectPublicKeyInfo of an Ed25519 key
_READ = 1 << 20
_LONGEST = 1 << 26


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a copy. `rows` is None where it holds no rows."""

    name: str
    sha256: str
    size: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found. `faults` are in words and hold no personal data; none: the copy is whole and signed.

    `key_id` says whose signature it is: compare it with the one that the company publishes.
    """

    faults: tuple[str, ...]
    key_id: str | None
    manifest: Mapping[str, Any]

    def __bool__(self) -> bool:
        return not self.faults


def signed_manifest(keyring: Keyring, facts: Mapping[str, Any], parts: Iterable[Part]) -> dict[str, bytes]:
    """The three files by name. `facts` are what the manifest says beside the parts (request, time, policy, counts)."""
    public = keyring.public_key
    content = canonical_json(
        {
            "schema": SCHEMA,
            **facts,
            "key": {"id": keyring.signing_id, "ed25519": base64.b64encode(public).decode("ascii")},
            "parts": [
                {"name": part.name, "sha256": part.sha256, "size": part.size}
                | ({} if part.rows is None else {"rows": part.rows})
                for part in sorted(parts, key=lambda part: part.name)
            ],
        }
    )
    return {MANIFEST: content, SIGNATURE: keyring.sign(content), PUBLIC_KEY: pem(public)}


def pem(public_key: bytes) -> bytes:
    """A raw Ed25519 public key in the form that OpenSSL reads."""
    body = base64.b64encode(_PEM_HEAD + public_key).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n".encode("ascii")


def verify(copy: Path | IO[bytes], *, key_id: str | None = None) -> Verified:
    """Whether a copy is whole: every file there, none added, each as it was when it was signed.

    `key_id` is the one that the company publishes; without it any key will do, and only tampering after that
    signature is found. Never raises for what is in the file: everything wrong is a fault.
    """
    faults: list[str] = []
    try:
        with zipfile.ZipFile(copy) as archive:
            manifest = _manifest(archive, faults)
            if manifest is not None:
                _compare(archive, manifest, faults)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        return Verified(("this is no zip file that can be read",), None, {})
    if manifest is None:
        return Verified(tuple(faults), None, {})
    found = str(manifest["key"]["id"])
    if key_id is not None and found != key_id:
        faults.append(f"it is signed with key {found}, not with {key_id}")
    return Verified(tuple(faults), found, manifest)


def _manifest(archive: zipfile.ZipFile, faults: list[str]) -> Mapping[str, Any] | None:
    """The manifest if its signature holds and it has the shape of one; else None, with the fault told."""
    read = {name: _read(archive, name) for name in (MANIFEST, SIGNATURE, PUBLIC_KEY)}
    missing = [name for name, content in read.items() if content is None]
    if missing:
        faults.append(f"{', '.join(missing)}: missing, or cannot be read")
        return None
    content = read[MANIFEST] or b""
    try:
        manifest = json.loads(content)
        public = base64.b64decode(manifest["key"]["ed25519"], validate=True)
        shaped = (
            manifest["schema"] == SCHEMA
            and manifest["key"]["id"] == signing_id(public)
            and all({"name", "sha256", "size"} <= part.keys() for part in manifest["parts"])
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        shaped, public, manifest = False, b"", None
    if not shaped:
        faults.append(f"{MANIFEST}: not a manifest of a copy, or changed")
        return None
    if read[PUBLIC_KEY] != pem(public):
        faults.append(f"{PUBLIC_KEY}: not the key that the manifest names")
    if not signature_holds(public, read[SIGNATURE] or b"", content):
        faults.append(f"{MANIFEST}: the signature does not hold")
        return None
    found: Mapping[str, Any] = manifest
    return found


def _compare(archive: zipfile.ZipFile, manifest: Mapping[str, Any], faults: list[str]) -> None:
    names = archive.namelist()
    listed = [part["name"] for part in manifest["parts"]]
    faults += [f"{name}: stands in the file twice" for name, n in sorted(Counter(names).items()) if n > 1]
    there = set(names)
    faults += [f"{name}: missing" for name in listed if name not in there]
    known = {*listed, MANIFEST, SIGNATURE, PUBLIC_KEY}
    added = sum(name not in known for name in names)
    if added:
        faults.append(f"{added} file{'s' if added > 1 else ''} that the manifest does not name")
    for part in manifest["parts"]:
        if part["name"] not in there:
            continue
        digest, size = hashlib.sha256(), 0
        try:
            with archive.open(part["name"]) as file:
                while size <= part["size"] and (block := file.read(_READ)):  # what is longer is not unpacked to its end
                    digest.update(block)
                    size += len(block)
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
            faults.append(f"{part['name']}: damaged")
            continue
        except Exception as problem:  # noqa: BLE001 - decompressors raise errors of their own kinds
            faults.append(f"{part['name']}: damaged ({type(problem).__name__})")
            continue
        if digest.hexdigest() != part["sha256"] or size != part["size"]:
            faults.append(f"{part['name']}: not as it was when it was signed")


def _read(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        with archive.open(name) as file:
            content = file.read(_LONGEST + 1)
        return content if len(content) <= _LONGEST else None
    except Exception:  # noqa: BLE001 - missing, damaged, unknown compression: all the same here
        return None
