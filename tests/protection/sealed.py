"""A company's tables with sealed columns, on an engine, and the instance that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, ForeignKey, MetaData, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from troth.protection.sealed_fields import BlindIndex, FieldKeys, SealedBytes, SealedJson, SealedText

KEYS = FieldKeys()


class Base(DeclarativeBase):
    metadata = MetaData()


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(SealedText("shop.users.email", person="id", keys=KEYS))
    email_index: Mapped[str | None] = mapped_column(BlindIndex("shop.users.email", keys=KEYS))


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(String(40))
    body: Mapped[str | None] = mapped_column(SealedText("shop.messages.body", person="user_id", keys=KEYS))
    facts: Mapped[Any] = mapped_column(SealedJson("shop.messages.facts", person="user_id", keys=KEYS), nullable=True)
    scan: Mapped[bytes | None] = mapped_column(SealedBytes("shop.messages.scan", person="user_id", keys=KEYS))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User | None] = relationship()


@contextmanager
def shop(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        Base.metadata.create_all(engine)
        yield engine
    finally:
        Base.metadata.drop_all(engine)
        engine.dispose()
