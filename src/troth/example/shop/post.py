"""Letters by e-mail: composed here, written into `mail_log`, handed to whatever carries them.

Two streams that never mix: transactional letters belong to an order, marketing letters to a consent. A line break in a
name or address cannot start a header: `EmailMessage` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Final

from sqlalchemy import Connection, insert

from troth.example.shop.tables import mail_log

SENDER: Final = "Example Company <shop@example.com>"
TRANSACTIONAL: Final = "transactional"
MARKETING: Final = "marketing"

Carrier = Callable[[EmailMessage], None]


def _into_the_drawer(_letter: EmailMessage) -> None:
    """Where no mail server is set up, letters are logged and not sent: made-up people read no mail."""


@dataclass(frozen=True, slots=True)
class Post:
    """The way letters leave; `home` is the shop's address as customers see it, for links in letters."""

    carry: Carrier = _into_the_drawer
    home: str = "https://shop.example.com"


def note(tx: Connection, *, customer_number: int, order_id: int | None, template: str, kind: str, at: datetime) -> None:
    """Write down that a letter of that template goes to that customer."""
    tx.execute(
        insert(mail_log).values(user_id=customer_number, order_id=order_id, template=template, kind=kind, sent_at=at)
    )


def letter(to: str, subject: str, body: str) -> EmailMessage:
    """A plain letter from the shop."""
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = to
    message["Subject"] = subject
    message.set_content(body)
    return message
