"""The shop's mailer: letters signed with DKIM and handed to a mail server (extra `mail` for the signature).

A letter is signed last, over everything that its reader's program acts on: who sent it, to whom, what about, and both
headers that stop it.
"""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from secrets import token_hex
from typing import Final

from troth.example.shop.post import Carrier

SELECTOR: Final = "letters"
DOMAIN: Final = "example.com"
# Folded at 78 letters, a long address would be encoded, and no mail program would read it; 998 are allowed (RFC 5322).
_UNFOLDED: Final = SMTP.clone(max_line_length=990)
_SIGNED: Final = (b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe", b"list-unsubscribe-post")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs letters: the private half as PEM, the public half as DNS has it (`p=`)."""

    private: bytes = field(repr=False)
    public: str


def make_key() -> Key:
    """A new RSA key of 2048 bits, which every mail server can verify (RFC 8301)."""
    from cryptography.hazmat.primitives import serialization as coding
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(coding.Encoding.PEM, coding.PrivateFormat.TraditionalOpenSSL, coding.NoEncryption())
    public = made.public_key().public_bytes(coding.Encoding.DER, coding.PublicFormat.SubjectPublicKeyInfo)
    return Key(private, base64.b64encode(public).decode("ascii"))


def written(letter: EmailMessage, *, now: datetime, key: Key | None = None) -> bytes:
    """The letter as it goes over the wire, dated, and signed where there is a key."""
    if "Date" not in letter:
        letter["Date"] = format_datetime(now)
    if "Message-ID" not in letter:
        letter["Message-ID"] = f"<{token_hex(16)}@{DOMAIN}>"
    raw = letter.as_bytes(policy=_UNFOLDED)
    if key is None:
        return raw
    import dkim  # type: ignore[import-untyped] # it ships no types

    signature: bytes = dkim.sign(
        raw,
        SELECTOR.encode(),
        DOMAIN.encode(),
        key.private,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=list(_SIGNED),
    )
    return signature + raw


def by_smtp(host: str, port: int, *, key: Key | None = None, now: Callable[[], datetime] | None = None) -> Carrier:
    """A carrier that signs each letter and hands it to the mail server of this machine."""

    def carry(letter: EmailMessage) -> None:
        raw = written(letter, now=now() if now else datetime.now(UTC), key=key)
        with smtplib.SMTP(host, port, timeout=10) as server:
            server.sendmail(letter["From"].addresses[0].addr_spec, [letter["To"].addresses[0].addr_spec], raw)

    return carry
