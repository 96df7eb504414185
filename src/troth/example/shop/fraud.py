"""Look for fraud in orders, under the purpose `fraud`; a person looks at what stands out, nothing is decided here.

Rules, in order; the first that applies names the reason:

1. Three or more orders of one account within an hour.
2. An order above 500 euro.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, func, insert, select

from troth.example.shop.promises import FRAUD, Promises, person
from troth.example.shop.tables import fraud_checks, orders

CLEAR: Final = "clear"
LOOK: Final = "looked-at"
WINDOW: Final = timedelta(hours=1)
LARGE_CENTS: Final = 50_000


def judge(total_cents: int, orders_within_the_hour: int) -> tuple[str, str]:
    """The outcome and its reason, from the facts alone."""
    if orders_within_the_hour >= 3:
        return LOOK, "three orders within an hour"
    if total_cents > LARGE_CENTS:
        return LOOK, "an unusually large order"
    return CLEAR, "nothing unusual"


def check_order(engine: Engine, promises: Promises, order_id: int, now: datetime) -> bool:
    """Check one order and write down the outcome; False when troth does not permit it, or it was checked before."""
    with engine.begin() as tx:
        order = tx.execute(
            select(orders.c.user_id, orders.c.placed_at, orders.c.total_cents).where(orders.c.id == order_id)
        ).one_or_none()
        checked = tx.scalar(select(func.count()).select_from(fraud_checks).where(fraud_checks.c.order_id == order_id))
    if (
        order is None
        or order.user_id is None
        or checked
        or not promises.may(person(order.user_id), FRAUD, "transaction.purchase")
    ):
        return False
    with engine.begin() as tx:
        near = tx.scalar(
            select(func.count())
            .select_from(orders)
            .where(
                orders.c.user_id == order.user_id,
                orders.c.placed_at > order.placed_at - WINDOW,
                orders.c.placed_at <= order.placed_at,
            )
        )
        outcome, reason = judge(order.total_cents, int(near or 0))
        tx.execute(insert(fraud_checks).values(order_id=order_id, at=now, outcome=outcome, reason=reason))
    return True


def check_recent(engine: Engine, promises: Promises, now: datetime, *, since: timedelta = timedelta(days=2)) -> int:
    """The nightly job: check the recent orders that were not checked when they came; how many it checked."""
    with engine.begin() as tx:
        waiting = tx.scalars(
            select(orders.c.id)
            .outerjoin(fraud_checks, fraud_checks.c.order_id == orders.c.id)
            .where(orders.c.placed_at >= now - since, fraud_checks.c.id.is_(None))
            .order_by(orders.c.id)
        ).all()
    with promises.run("fraud-watch", FRAUD, "transaction.purchase") as run:
        checked = sum(check_order(engine, promises, order_id, now) for order_id in waiting)
        run.used(checked)
    return checked
