"""An authenticator of our own: what a device answers to a challenge, byte by byte, and every way in which it can be wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey for one site. What it says can be changed before it is asked."""

    host: str
    origin: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    handle: bytes = b""
    name: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str, **said: Any) -> str:
        """The answer to a challenge to make a passkey."""
        asked = json.loads(options)
        self.handle = decoded(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.name).to_bytes(2, "big") + self.name + cbor2.dumps(public)
        about = self._about(self.flags | ATTESTED) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": about})
        client = self._client("webauthn.create", asked["challenge"], said)
        return self._said({"attestationObject": coded(attestation), "clientDataJSON": coded(client)})

    def show(self, options: str, **said: Any) -> str:
        """The answer to a challenge to show it. `challenge`, `origin`, `handle`: what to say instead."""
        self.count += 1
        about = self._about(self.flags)
        client = self._client("webauthn.get", json.loads(options)["challenge"], said)
        signature = self.key.sign(about + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": coded(about),
            "clientDataJSON": coded(client),
            "signature": coded(signature),
            "userHandle": coded(said.get("handle", self.handle)),
        }
        return self._said(response)

    def _about(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, said: dict[str, Any]) -> bytes:
        facts = {"type": kind, "challenge": said.get("challenge", challenge), "origin": said.get("origin", self.origin)}
        return json.dumps(facts | {"crossOrigin": False}).encode()

    def _said(self, response: dict[str, str]) -> str:
        name = coded(self.name)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )
