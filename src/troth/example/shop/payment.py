"""A stand-in for Example Pay, the payment processor: in a real shop its page stands on its own host.

The shop opens a payment with an amount and gets a reference; the customer chooses a card on the processor's page; the
shop then collects a token and the last four digits for that reference. No card number exists anywhere, here or there:
the made-up cards have names and four digits.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import choice, token_urlsafe
from string import ascii_lowercase
from typing import Final

CARDS: Final = {
    "green": ("Green test card", "4242"),
    "blue": ("Blue test card", "1881"),
    "empty": ("Empty test card (will be declined)", "0005"),
}
LIFE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Payment:
    """What the processor knows: an amount in cents, and once a card was chosen its token. No name, no address."""

    amount_cents: int
    opened_at: datetime
    token: str | None = None
    last4: str | None = None
    declined: bool = False


class ExamplePay:
    """The processor's own memory; a payment that is not finished within 30 minutes is forgotten."""

    def __init__(self) -> None:
        self._payments: dict[str, Payment] = {}
        self._lock = threading.Lock()

    def open(self, amount_cents: int, now: datetime) -> str:
        """Begin a payment; gives its reference."""
        reference = token_urlsafe(18)
        with self._lock:
            self._payments = {key: payment for key, payment in self._payments.items() if now - payment.opened_at < LIFE}
            self._payments[reference] = Payment(amount_cents, now)
        return reference

    def find(self, reference: str, now: datetime) -> Payment | None:
        """The payment of that reference while it lives."""
        with self._lock:
            payment = self._payments.get(reference)
        return payment if payment is not None and now - payment.opened_at < LIFE else None

    def choose(self, reference: str, card: str, now: datetime) -> Payment | None:
        """Pay with a made-up card; None when there is no such payment or card. A second choice changes nothing."""
        payment = self.find(reference, now)
        if payment is None or card not in CARDS:
            return None
        if payment.token is None:
            if card == "empty":
                payment = replace(payment, declined=True)
            else:
                token = "tok_" + "".join(choice(ascii_lowercase) for _ in range(32))
                payment = replace(payment, token=token, last4=CARDS[card][1], declined=False)
            with self._lock:
                self._payments[reference] = payment
        return payment
