"""The shelf: wares, what is found among them, and what people wrote about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Float, cast, func, insert, or_, select

from troth.example.shop.database import Found
from troth.example.shop.promises import SERVICE, Promises, person
from troth.example.shop.tables import order_items, orders, products, profiles, reviews


@dataclass(frozen=True, slots=True)
class Review:
    """One review as the page shows it; `author` is None where the writer left or may not be named."""

    rating: int
    body: str
    written_at: datetime
    author: str | None
    author_number: int | None


_RATED: Final = (
    select(reviews.c.product_id, cast(func.avg(reviews.c.rating), Float).label("stars"), func.count().label("voices"))
    .group_by(reviews.c.product_id)
    .subquery("rated")
)
_SHELF: Final = select(products, _RATED.c.stars, func.coalesce(_RATED.c.voices, 0).label("voices")).outerjoin(
    _RATED, _RATED.c.product_id == products.c.id
)


def all_wares(tx: Connection, *, kind: str | None = None) -> Sequence[Found]:
    """All wares, or those of one kind: the columns of `products`, `stars` (None without a review) and `voices`."""
    statement = _SHELF.order_by(products.c.id)
    return tx.execute(statement if kind is None else statement.where(products.c.kind == kind)).all()


def picked(tx: Connection, count: int = 8) -> Sequence[Found]:
    """The best rated wares: for everybody the same ones."""
    return tx.execute(_SHELF.order_by(func.coalesce(_RATED.c.stars, 0).desc(), products.c.id).limit(count)).all()


def search(tx: Connection, words: str) -> Sequence[Found]:
    """Wares that have every one of `words` (at most six) somewhere in their title, summary, origin or description."""
    statement = _SHELF.order_by(products.c.id)
    for word in words.split()[:6]:
        statement = statement.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (products.c.title, products.c.summary, products.c.origin, products.c.description)
                )
            )
        )
    return tx.execute(statement).all()


def ware(tx: Connection, slug: str) -> Found | None:
    """The ware of that name in addresses."""
    return tx.execute(_SHELF.where(products.c.slug == slug)).one_or_none()


def reviews_of(tx: Connection, promises: Promises, product_id: int, *, most: int = 12) -> list[Review]:
    """The latest reviews; a writer is named while troth permits it."""
    rows = tx.execute(
        select(
            reviews.c.rating,
            reviews.c.body,
            reviews.c.written_at,
            reviews.c.user_id,
            profiles.c.name,
            profiles.c.closed_at,
        )
        .outerjoin(profiles, profiles.c.user_id == reviews.c.user_id)
        .where(reviews.c.product_id == product_id)
        .order_by(reviews.c.written_at.desc(), reviews.c.id.desc())
        .limit(most)
    ).all()
    writers = {person(row.user_id) for row in rows if row.user_id is not None and row.closed_at is None}
    named = set(promises.permitted(SERVICE, "profile.name", sorted(writers)))
    return [
        Review(row.rating, row.body, row.written_at, row.name, row.user_id)
        if row.user_id is not None and person(row.user_id) in named
        else Review(row.rating, row.body, row.written_at, None, None)
        for row in rows
    ]


def may_review(tx: Connection, customer_number: int, product_id: int) -> bool:
    """Whether that customer bought the ware and has not reviewed it yet."""
    bought = tx.scalar(
        select(func.count())
        .select_from(order_items.join(orders, orders.c.id == order_items.c.order_id))
        .where(orders.c.user_id == customer_number, order_items.c.product_id == product_id)
    )
    wrote = tx.scalar(
        select(func.count())
        .select_from(reviews)
        .where(reviews.c.user_id == customer_number, reviews.c.product_id == product_id)
    )
    return bool(bought) and not wrote


def write_review(
    tx: Connection, customer_number: int, product_id: int, *, rating: int, body: str, now: datetime
) -> None:
    """Put a review on the ware's page."""
    tx.execute(
        insert(reviews).values(user_id=customer_number, product_id=product_id, rating=rating, body=body, written_at=now)
    )
