"""Baskets: a few lines that hang on a session, so that nobody needs an account to fill one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from troth.example.shop.checkout import Line
from troth.example.shop.sessions import Session
from troth.example.shop.tables import basket_items, products

MOST_OF_ONE: Final = 20
MOST_LINES: Final = 40


def lines(tx: Connection, session: Session | None) -> tuple[Line, ...]:
    """What is in the basket, in the order it was put there, at today's prices."""
    if session is None:
        return ()
    rows = tx.execute(
        select(products.c.id, products.c.slug, products.c.title, basket_items.c.quantity, products.c.price_cents)
        .join(products, products.c.id == basket_items.c.product_id)
        .where(basket_items.c.session_hash == session.token_hash)
        .order_by(basket_items.c.id)
    )
    return tuple(Line(*row) for row in rows)


def add(tx: Connection, token_hash: str, product_id: int, quantity: int, now: datetime) -> None:
    """Put more of a ware into the basket of that session, up to 20 of it and 40 lines."""
    mine = (basket_items.c.session_hash == token_hash) & (basket_items.c.product_id == product_id)
    there = tx.scalar(select(basket_items.c.quantity).where(mine))
    if there is not None:
        tx.execute(update(basket_items).where(mine).values(quantity=min(there + quantity, MOST_OF_ONE)))
        return
    if len(tx.execute(select(basket_items.c.id).where(basket_items.c.session_hash == token_hash)).all()) < MOST_LINES:
        tx.execute(
            insert(basket_items).values(
                session_hash=token_hash, product_id=product_id, quantity=min(quantity, MOST_OF_ONE), added_at=now
            )
        )


def set_quantity(tx: Connection, session: Session, product_id: int, quantity: int) -> None:
    """Change how many of a ware are in the basket; 0 takes it out."""
    mine = (basket_items.c.session_hash == session.token_hash) & (basket_items.c.product_id == product_id)
    if quantity <= 0:
        tx.execute(delete(basket_items).where(mine))
    else:
        tx.execute(update(basket_items).where(mine).values(quantity=min(quantity, MOST_OF_ONE)))


def empty(tx: Connection, session: Session) -> None:
    """Take everything out."""
    tx.execute(delete(basket_items).where(basket_items.c.session_hash == session.token_hash))
