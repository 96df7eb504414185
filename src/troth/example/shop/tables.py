"""What the shop stores. `datamap.yaml` beside this package maps every column of it.

Every foreign key and every column that a period counts from has an index, so that one person, or one old day, is found
without reading a whole table. Numbers are never used twice (`sqlite_autoincrement`): a new account must not inherit
what was known about a deleted one. Money is in cents.

A column that names a person and may be empty is empty after that person was erased; the rest of the row belongs to
somebody else (the other side of a message) or to the law (an invoice).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """A point in time, aware on both sides: kept in UTC, without the zone where the database has none (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.replace(tzinfo=UTC)


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _of(target: str, name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, ForeignKey(target), nullable=nullable, index=True)


def _when(name: str, *, nullable: bool = False, index: bool = True) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable, index=index)


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, *columns, sqlite_autoincrement=True)


users = _table(
    "users",
    _number(),
    Column("username", String(40), nullable=False, unique=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("phone", String(20), nullable=True, index=True),
    Column("password_hash", String(160), nullable=False),
    _when("created_at"),
    _when("closed_at", nullable=True),
)

profiles = Table(
    "profiles",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("name", String(120), nullable=False),
    Column("avatar", String(40), nullable=False),
    Column("bio", Text, nullable=False),
    _when("closed_at", nullable=True),
)

products = _table(
    "products",
    _number(),
    Column("slug", String(60), nullable=False, unique=True),
    Column("title", String(120), nullable=False),
    Column("kind", String(20), nullable=False, index=True),
    Column("origin", String(80), nullable=False),
    Column("summary", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("amount", String(40), nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("stock", Integer, nullable=False),
)

orders = _table(
    "orders",
    _number(),
    _of("users.id", "user_id", nullable=True),
    _when("placed_at"),
    Column("status", String(20), nullable=False),
    Column("total_cents", Integer, nullable=False),
    Column("billing_name", String(120), nullable=False),
    Column("billing_address", Text, nullable=False),
    Column("payment_token", String(64), nullable=True),
    Column("payment_last4", String(4), nullable=True),
)

order_items = _table(
    "order_items",
    _number(),
    _of("orders.id", "order_id"),
    _of("products.id", "product_id"),
    Column("quantity", Integer, nullable=False),
    Column("price_cents", Integer, nullable=False),
    _when("placed_at"),
)

fraud_checks = _table(
    "fraud_checks",
    _number(),
    _of("orders.id", "order_id"),
    _when("at"),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(60), nullable=False),
)

terms_actions = _table(
    "terms_actions",
    _number(),
    _of("users.id", "user_id"),
    _of("messages.id", "message_id", nullable=True),
    _when("at"),
    Column("outcome", String(20), nullable=False),
)

messages = _table(
    "messages",
    _number(),
    _of("users.id", "sender_id", nullable=True),
    _of("users.id", "recipient_id", nullable=True),
    Column("body", Text, nullable=False),
    _when("sent_at"),
)

support_tickets = _table(
    "support_tickets",
    _number(),
    _of("users.id", "user_id"),
    Column("subject", String(120), nullable=False),
    Column("status", String(10), nullable=False),
    _when("opened_at"),
    _when("closed_at", nullable=True),
)

support_messages = _table(
    "support_messages",
    _number(),
    _of("support_tickets.id", "ticket_id"),
    Column("author", String(10), nullable=False),
    Column("body", Text, nullable=False),
    _when("sent_at"),
)

reviews = _table(
    "reviews",
    _number(),
    _of("users.id", "user_id", nullable=True),
    _of("products.id", "product_id"),
    Column("rating", Integer, nullable=False),
    Column("body", Text, nullable=False),
    _when("written_at"),
)

newsletter_sends = _table(
    "newsletter_sends",
    _number(),
    _of("users.id", "user_id"),
    Column("campaign", String(60), nullable=False),
    Column("stop_key", String(32), nullable=False, unique=True),
    _when("sent_at"),
)

mail_log = _table(
    "mail_log",
    _number(),
    _of("users.id", "user_id"),
    _of("orders.id", "order_id", nullable=True),
    Column("template", String(40), nullable=False),
    Column("kind", String(15), nullable=False),
    _when("sent_at"),
)

access_log = _table(
    "access_log",
    _number(),
    _when("at"),
    _of("users.id", "user_id", nullable=True),
    Column("ip", String(45), nullable=False),
    Column("page", String(120), nullable=False),
)

visits = _table(
    "visits",
    _number(),
    _of("users.id", "user_id"),
    _when("at"),
    Column("device_type", String(20), nullable=False),
    Column("os", String(20), nullable=False),
    Column("browser", String(20), nullable=False),
    Column("region", String(10), nullable=True),
)

click_events = _table(
    "click_events",
    _number(),
    _of("users.id", "user_id"),
    _when("at"),
    Column("kind", String(20), nullable=False),
    Column("target", String(120), nullable=False),
)

searches = _table(
    "searches",
    _number(),
    _of("users.id", "user_id"),
    _when("at"),
    Column("query", String(80), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    _of("users.id", "user_id", nullable=True),
    _when("created_at", index=False),
    _when("seen_at"),
)

basket_items = _table(
    "basket_items",
    _number(),
    _of("sessions.token_hash", "session_hash"),
    _of("products.id", "product_id"),
    Column("quantity", Integer, nullable=False),
    _when("added_at"),
)
