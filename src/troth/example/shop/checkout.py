"""What a customer is about to buy: held in memory between the checkout form and the payment, and nowhere else.

An order that is never paid leaves no row: nothing has to be deleted because nothing was kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from troth.example.shop.payment import LIFE

MOST: Final = 5000


@dataclass(frozen=True, slots=True)
class Line:
    """One ware in a basket or an order; the price is that of one piece, in cents."""

    product_id: int
    slug: str
    title: str
    quantity: int
    price_cents: int

    @property
    def sum_cents(self) -> int:
        return self.quantity * self.price_cents


@dataclass(frozen=True, slots=True)
class Pending:
    """An order waiting for its payment."""

    customer_number: int
    billing_name: str
    billing_address: str
    lines: tuple[Line, ...]
    since: datetime

    @property
    def total_cents(self) -> int:
        return sum(line.sum_cents for line in self.lines)

    def __repr__(self) -> str:
        return f"Pending(customer {self.customer_number}, {len(self.lines)} lines)"


class Checkouts:
    """Pending orders by payment reference; each lives as long as its payment may."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def put(self, reference: str, pending: Pending) -> None:
        """Hold `pending` until it is taken or its time is up; with too many, the oldest goes."""
        with self._lock:
            self._pending = {key: held for key, held in self._pending.items() if pending.since - held.since < LIFE}
            while len(self._pending) >= MOST:
                self._pending.pop(next(iter(self._pending)))
            self._pending[reference] = pending

    def find(self, reference: str, customer_number: int) -> Pending | None:
        """The pending order of that reference, if it is this customer's."""
        with self._lock:
            pending = self._pending.get(reference)
        return pending if pending is not None and pending.customer_number == customer_number else None

    def take(self, reference: str, customer_number: int) -> Pending | None:
        """The same, once: whoever takes it first is the only one, so that no order is written twice."""
        with self._lock:
            pending = self._pending.get(reference)
            if pending is None or pending.customer_number != customer_number:
                return None
            return self._pending.pop(reference)
