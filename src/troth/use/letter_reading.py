"""Read one letter as it was sent, and tell whether its reader can stop the next: headers, and the signature over both.

An eye: it takes the file that the mailer leaves, and verifies the DKIM signature itself (extra `mail`). It keeps and
tells nothing of the letter's address or words.
"""

from __future__ import annotations

import datetime as dt
import email
import re
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from pathlib import Path

LARGEST = 8 * 1024 * 1024
BOTH = ("list-unsubscribe", "list-unsubscribe-post")
_ADDRESS = re.compile(r"<(https?://[^>\s]+)>")


@dataclass(frozen=True, slots=True)
class Letter:
    """What was seen. `stops` is the web address in `List-Unsubscribe`, empty where there is none; `one_click` whether
    the second header says that a POST stops it. `signed` are the headers that the signature covers, in small letters;
    `holds` whether it does, None where it cannot be told.
    """

    sent: dt.datetime | None
    stops: str
    one_click: bool
    signed: frozenset[str]
    holds: bool | None


class Unreadable(Exception):
    """There is no letter to read: its message says why, without a value."""


def read(file: Path, dkim_key: str | None) -> Letter:
    """The letter in `file`; its signature is verified with `dkim_key` (base64). Raises: Unreadable."""
    try:
        if file.stat().st_size > LARGEST:
            raise Unreadable("it is larger than 8 MiB")
        raw = file.read_bytes()
    except OSError as problem:
        raise Unreadable((problem.strerror or "it cannot be read").lower()) from None
    # headers as they stand: a mail program does not read an address that was encoded (=?utf-8?q?...?=)
    message = email.message_from_bytes(raw, policy=compat32)
    if message.get("From") is None:
        raise Unreadable("it is no letter: it has no sender")
    found = _ADDRESS.search(str(message.get("List-Unsubscribe", "")))
    return Letter(
        sent=_sent(message),
        stops=found[1] if found else "",
        one_click=str(message.get("List-Unsubscribe-Post", "")).strip() == "List-Unsubscribe=One-Click",
        signed=_signed(message),
        holds=_holds(raw, dkim_key),
    )


def can_verify() -> bool:
    """Whether what verifies signatures is installed."""
    from importlib.util import find_spec

    return find_spec("dkim") is not None


def _sent(message: Message) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def _signed(message: Message) -> frozenset[str]:
    """The names in `h=` of the first signature."""
    text = re.sub(r"\s", "", str(message.get("DKIM-Signature", "")))
    found = re.search(r"(?:^|;)h=([^;]+)", text)
    return frozenset(found[1].lower().split(":")) if found else frozenset()


def _holds(raw: bytes, dkim_key: str | None) -> bool | None:
    if dkim_key is None or not can_verify():
        return None
    import dkim  # type: ignore[import-untyped] # it ships no types

    record = f"v=DKIM1; k=rsa; p={dkim_key}".encode("ascii", "replace")
    try:
        return bool(dkim.verify(raw, dnsfunc=lambda *_, **__: record))
    except dkim.DKIMException:
        return False
