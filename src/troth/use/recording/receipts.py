"""A consent receipt: a record, the proof that its last word is in the ledger, and a signature; it verifies offline.

The file is JSON with two parts. `receipt` is what is said. `signature` is a JSON Web Signature (RFC 7515) by Ed25519
(RFC 8037) over the canonical JSON (RFC 8785) of `receipt`, with the payload left out since it stands beside it. So a
few lines of any language verify it:

    signed = protected + "." + base64url(canonical_json(receipt))

The key is the store's signing key, the same that signs the ledger's heads. A receipt names its key for convenience;
trust the one that you were told before. Where another has taken over since, the ledger's proof in it leads there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from troth.errors import ProofInvalid
from troth.foundation import ids, keys
from troth.foundation.canonical import canonical_json
from troth.foundation.clock import stamp
from troth.foundation.keys import Keyring
from troth.foundation.ledger import lineage
from troth.foundation.ledger import receipts as inclusions
from troth.foundation.ledger.notes import PublicKey
from troth.use.recording.records import STANDARD, ConsentRecord

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt says once its signature holds. `in_ledger` is the size of the signed head it is proven to be
    in.
    """

    receipt: Mapping[str, Any] = field(repr=False)
    key_id: str
    public_key: bytes = field(repr=False)
    in_ledger: int | None


def issue(tx: Connection, keyring: Keyring, record: ConsentRecord, now: datetime) -> dict[str, Any]:
    """A signed receipt of `record`. The proof of the ledger is in it once the entry has its place, else None."""
    proof = inclusions.find_receipt(tx, record.leaf)
    receipt = {
        "schema_version": STANDARD,
        "profile": PROFILE,
        "receipt_id": ids.random_token(),
        "issued_at": stamp(now),
        "record": record.json,
        # In the middle of a turn the newest head is still signed by the key before: then there is no proof yet.
        "ledger": None if proof is None or PublicKey.parse(proof.key).raw != keyring.public_key else proof.json,
    }
    return {"receipt": receipt, "signature": _sign(keyring, receipt)}


def written(receipt: Mapping[str, Any]) -> str:
    """The receipt as the text of a file."""
    return json.dumps(receipt, ensure_ascii=False, indent=2) + "\n"


def verify(text: str, *, trusted: bytes | None = None) -> Verified:
    """What the receipt in `text` says, once everything in it fits together.

    `trusted` is the public key (32 bytes) that must have signed, or have handed over to the one that did; without one,
    the key named in the file is taken, and then the receipt is whole, but whose it is has still to be compared.
    Raises: ProofInvalid that says what does not hold: the signature, the words' hash, or the ledger's proof.
    """
    receipt, protected, signature, named = _parts(text)
    key = named if trusted is None else trusted
    if key != named and _leads(receipt, key, named):
        key = named
    if key != named:
        raise ProofInvalid(
            "another key has signed this receipt than the one that is trusted", expected=f"key {keys.signing_id(key)}"
        )
    try:
        signed = f"{protected}.{_encoded(canonical_json(receipt))}".encode("ascii")
    except (ValueError, TypeError):
        raise _no_receipt() from None
    if not keys.verify(key, signature, signed):
        raise ProofInvalid("the signature of the receipt does not hold: it was altered")
    notice = receipt["record"]["pii_processing"]["privacy_notice"]
    if notice["text"] is not None and hashlib.sha256(notice["text"].encode()).hexdigest() != notice["text_sha256"]:
        raise ProofInvalid("the words in the receipt do not have the hash that was agreed to")
    return Verified(receipt, keys.signing_id(key), key, _proven(receipt, key))


def _leads(receipt: Mapping[str, Any], told: bytes, to: bytes) -> bool:
    """Whether the hand-overs in the ledger's proof lead from the key that was told to the one that signed."""
    if receipt["ledger"] is None:
        return False
    proof = inclusions.Receipt.read(json.dumps(receipt["ledger"]))
    line = PublicKey.parse(proof.key)
    return line.raw == to and line in lineage.followed([PublicKey(line.name, told)], proof.handovers)


def _proven(receipt: Mapping[str, Any], key: bytes) -> int | None:
    """The size of the head that the last word is proven to be in; None where the receipt holds no proof yet."""
    if receipt["ledger"] is None:
        return None
    proof = inclusions.Receipt.read(json.dumps(receipt["ledger"]))
    line = PublicKey.parse(proof.key)
    if line.raw != key:
        raise ProofInvalid("the ledger's proof is signed by another key than the receipt")
    head = inclusions.verify_receipt(proof, [line])
    entry, last = json.loads(proof.entry), receipt["record"]["events"][-1]
    about = (entry["body"]["purpose"], entry["body"]["at"], entry["body"]["text"], entry["person"])
    said = (
        receipt["record"]["pii_processing"]["purpose"]["id"],
        last["event_time"],
        last["text_sha256"],
        receipt["record"]["pii_principal_id"],
    )
    if about != said:
        raise ProofInvalid("the ledger's proof is of another word than the last one in the receipt")
    return head.size


def _sign(keyring: Keyring, receipt: Mapping[str, Any]) -> dict[str, str]:
    header = {"alg": "EdDSA", "kid": keyring.signing_id, "typ": "consent-receipt+json"}
    protected = _encoded(canonical_json(header))
    signature = keyring.sign(protected.encode("ascii") + b"." + _encoded(canonical_json(receipt)).encode("ascii"))
    return {
        "protected": protected,
        "signature": _encoded(signature),
        "public_key": _encoded(keyring.public_key),
    }


def _parts(text: str) -> tuple[Mapping[str, Any], str, bytes, bytes]:
    if len(text) > _LONGEST:
        raise _no_receipt()
    try:
        value = json.loads(text)
        receipt, made = value["receipt"], value["signature"]
        protected, signature, key = made["protected"], _decoded(made["signature"]), _decoded(made["public_key"])
        header = json.loads(_decoded(protected))
        # read here, so that what follows may rely on the shape
        _ = receipt["record"]["pii_processing"]["privacy_notice"]["text_sha256"], receipt["record"]["events"][-1]
        _ = receipt["ledger"], receipt["record"]["pii_principal_id"]
        algorithm = header["alg"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise _no_receipt() from None
    if algorithm != "EdDSA" or header.get("crit"):
        raise ProofInvalid("the receipt is signed in a way that this version does not read", expected="alg EdDSA")
    return receipt, protected, signature, key


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise ValueError("not base64url") from problem


def _no_receipt() -> ProofInvalid:
    return ProofInvalid("this is no consent receipt", expected="what `troth consent receipt` gave")
