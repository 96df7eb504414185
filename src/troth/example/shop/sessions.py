"""Who is asking: sessions by cookie, and the key that every form must bring back.

`shop_session` (30 days) is set when somebody logs in or puts something into a basket; only its SHA-256 is stored.
`shop_form` (until the browser closes) is set with the first form a visitor is shown. Nothing else is ever set.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from troth.example.shop.tables import basket_items, profiles, sessions, users

SESSION_COOKIE: Final = "shop_session"
FORM_COOKIE: Final = "shop_form"
LIFE: Final = timedelta(days=30)
IDLE: Final = timedelta(days=14)
_TOUCH: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with an open account who is logged in."""

    number: int
    username: str
    name: str
    avatar: str

    def __repr__(self) -> str:
        return f"Customer({self.number})"


@dataclass(frozen=True, slots=True)
class Session:
    """A live session; `customer` is None where somebody only filled a basket."""

    token: str
    token_hash: str
    customer: Customer | None
    basket_count: int

    def __repr__(self) -> str:
        return f"Session(…{self.token_hash[-4:]})"


def find(tx: Connection, token: str | None, now: datetime) -> Session | None:
    """The live session of that cookie value, or None: unknown, ended, or of an account that was closed."""
    if not token:
        return None
    token_hash = _hash(token)
    row = tx.execute(
        select(
            sessions.c.user_id,
            sessions.c.created_at,
            sessions.c.seen_at,
            users.c.username,
            users.c.closed_at,
            profiles.c.name,
            profiles.c.avatar,
        )
        .select_from(
            sessions.outerjoin(users, users.c.id == sessions.c.user_id).outerjoin(
                profiles, profiles.c.user_id == users.c.id
            )
        )
        .where(sessions.c.token_hash == token_hash)
    ).one_or_none()
    if row is None or now - row.created_at >= LIFE or now - row.seen_at >= IDLE or row.closed_at is not None:
        return None
    if now - row.seen_at >= _TOUCH:
        tx.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=now))
    count = (
        tx.scalar(
            select(func.coalesce(func.sum(basket_items.c.quantity), 0)).where(basket_items.c.session_hash == token_hash)
        )
        or 0
    )
    customer = (
        Customer(row.user_id, row.username, row.name or row.username, row.avatar or "leaf")
        if row.user_id is not None
        else None
    )
    return Session(token, token_hash, customer, int(count))


def begin(tx: Connection, now: datetime, *, customer_number: int | None = None, before: Session | None = None) -> str:
    """Start a session and give its cookie value. The one before it ends and its basket moves over."""
    token = token_urlsafe(32)
    tx.execute(insert(sessions).values(token_hash=_hash(token), user_id=customer_number, created_at=now, seen_at=now))
    if before is not None:
        tx.execute(
            update(basket_items)
            .where(basket_items.c.session_hash == before.token_hash)
            .values(session_hash=_hash(token))
        )
        tx.execute(delete(sessions).where(sessions.c.token_hash == before.token_hash))
    forget_ended(tx, now)
    return token


def end(tx: Connection, session: Session) -> None:
    """End this session and empty its basket."""
    _drop(tx, [session.token_hash])


def end_all(tx: Connection, customer_number: int, *, but: Session | None = None) -> None:
    """End every session of that customer, for a new password but the one it was set in."""
    mine = tx.scalars(select(sessions.c.token_hash).where(sessions.c.user_id == customer_number)).all()
    _drop(tx, [token_hash for token_hash in mine if but is None or token_hash != but.token_hash])


def forget_ended(tx: Connection, now: datetime) -> int:
    """Delete the sessions whose time is up, with their baskets; how many there were."""
    ended = tx.scalars(
        select(sessions.c.token_hash)
        .where((sessions.c.created_at <= now - LIFE) | (sessions.c.seen_at <= now - IDLE))
        .limit(500)
    ).all()
    _drop(tx, list(ended))
    return len(ended)


def form_key(secret: str) -> str:
    """The hidden value of forms shown to the holder of that cookie value; it does not give the cookie away."""
    return hmac.new(secret.encode(), b"shop form", sha256).hexdigest()


def is_form_key(given: str, *secrets: str | None) -> bool:
    """Whether `given` belongs to one of those cookie values; compared without telling by time."""
    right = [hmac.compare_digest(given.encode(), form_key(secret).encode()) for secret in secrets if secret]
    return True in right


def _drop(tx: Connection, hashes: list[str]) -> None:
    if hashes:
        tx.execute(delete(basket_items).where(basket_items.c.session_hash.in_(hashes)))
        tx.execute(delete(sessions).where(sessions.c.token_hash.in_(hashes)))


def _hash(token: str) -> str:
    """SHA-256 in letters: in base 32 no run of digits is long enough to be taken for a card number."""
    return b32encode(sha256(token.encode()).digest()).decode().rstrip("=")
