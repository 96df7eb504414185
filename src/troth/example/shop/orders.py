"""Orders: written once they are paid, kept as long as tax law wants them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

from sqlalchemy import Connection, Engine, case, insert, select, update

from troth.example.shop import fraud, post
from troth.example.shop.checkout import Line, Pending
from troth.example.shop.database import Found
from troth.example.shop.payment import Payment
from troth.example.shop.promises import NOTICES, Promises, person
from troth.example.shop.tables import order_items, orders, products, users


def place(engine: Engine, pending: Pending, payment: Payment, now: datetime) -> int:
    """Write the paid order, its lines and what leaves the shelf, all or nothing; gives its number."""
    with engine.begin() as tx:
        order_id = tx.execute(
            insert(orders)
            .values(
                user_id=pending.customer_number,
                placed_at=now,
                status="paid",
                total_cents=pending.total_cents,
                billing_name=pending.billing_name,
                billing_address=pending.billing_address,
                payment_token=payment.token,
                payment_last4=payment.last4,
            )
            .returning(orders.c.id)
        ).scalar_one()
        for line in pending.lines:
            tx.execute(
                insert(order_items).values(
                    order_id=order_id,
                    product_id=line.product_id,
                    quantity=line.quantity,
                    price_cents=line.price_cents,
                    placed_at=now,
                )
            )
            left = case((products.c.stock > line.quantity, products.c.stock - line.quantity), else_=0)
            tx.execute(update(products).where(products.c.id == line.product_id).values(stock=left))
    return int(order_id)


def follow_up(
    engine: Engine, promises: Promises, mail: post.Post, order_id: int, *, number: int, now: datetime
) -> None:
    """What an order brings with it: the look for fraud, and the letter that confirms it; each if troth permits it."""
    fraud.check_order(engine, promises, order_id, now)
    if not promises.may(person(number), NOTICES, "contact.email"):
        return
    with engine.begin() as tx:
        to = tx.scalar(select(users.c.email).where(users.c.id == number)) or ""
        post.note(
            tx,
            customer_number=number,
            order_id=order_id,
            template="order-confirmation",
            kind=post.TRANSACTIONAL,
            at=now,
        )
    mail.carry(confirmation(to, order_id, mail))


def confirmation(to: str, order_id: int, mail: post.Post) -> EmailMessage:
    """The letter that confirms an order, and says nothing else."""
    words = f"Thank you. You find your order {order_id} and its invoice under {mail.home}/orders.\n"
    return post.letter(to, f"Your order {order_id}", words)


def orders_of(tx: Connection, number: int) -> Sequence[Found]:
    """The orders of that customer, latest first."""
    return tx.execute(
        select(orders).where(orders.c.user_id == number).order_by(orders.c.placed_at.desc(), orders.c.id.desc())
    ).all()


def order_of(tx: Connection, number: int, order_id: int) -> tuple[Found, tuple[Line, ...]] | None:
    """One order with its lines, if it is that customer's."""
    order = tx.execute(select(orders).where(orders.c.id == order_id, orders.c.user_id == number)).one_or_none()
    if order is None:
        return None
    rows = tx.execute(
        select(products.c.id, products.c.slug, products.c.title, order_items.c.quantity, order_items.c.price_cents)
        .join(products, products.c.id == order_items.c.product_id)
        .where(order_items.c.order_id == order_id)
        .order_by(order_items.c.id)
    )
    return order, tuple(Line(*row) for row in rows)
