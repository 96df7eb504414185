"""A shop with messages whose bodies are sealed for the person whose row they are in, and the desk that erases there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, ForeignKey, MetaData, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.rights.desks import Office as Desked
from tests.rights.desks import approve_map
from tests.use.company import POLICY, found_company
from troth.foundation import people
from troth.foundation.ledger.tables import person_keys
from troth.foundation.sealed_values import key_id_of
from troth.policy import settings
from troth.policy.vocabulary import Right
from troth.protection.sealed_fields import FieldKeys, SealedText
from troth.rights import erasure
from troth.rights.desk import Desk
from troth.rights.words import ErasureState

KEYS = FieldKeys()
MAP = """\
troth: 1
stores:
  shop:
    connect: ${SHOP_DATABASE_URL}
    person:
      customer: {table: users, key: id, identifiers: {email: email}}
    tables:
      users:
        whose: {person: customer}
        columns: {email: contact.email}
        on_erasure: delete
      messages:
        whose: user_id
        columns: {body: communication.message, title: communication.message}
        on_erasure: {change: {user_id: null, title: redact, body: shred}}
"""
SOAK = os.environ.get("SOAK") == "true"
PEOPLE = 120 if SOAK else 20


class Base(DeclarativeBase):
    metadata = MetaData()


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(index=True)


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str | None]
    body: Mapped[str | None] = mapped_column(SealedText("shop.messages.body", person="user_id", keys=KEYS))


class Purchase(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    placed_at: Mapped[str]
    note: Mapped[str | None] = mapped_column(SealedText("shop.orders.note", person="user_id", keys=KEYS))


MESSAGES: Any = Message.__table__


@dataclass
class World(Desked):
    engine: Engine = None  # type: ignore[assignment]

    def erase(self, n: int) -> ErasureState:
        request = self.ask(n)
        erasure.execute(self.desk, request)
        return erasure.prove(self.desk, request).state

    def ask(self, n: int, right: Right = Right.ERASURE) -> int:
        mine = people.identifier("id", str(n))
        with self.desk.office.store.reading() as tx:
            person = people.find(tx, self.desk.office.keyring, mine)
        return int(self.file(right, mine, person=person).id)

    def bodies(self) -> dict[int, Any]:
        """Each message's content as the company's software reads it."""
        with Session(self.engine) as session:
            return {row.id: row.body for row in session.execute(select(Message.id, Message.body))}

    def bodies_of(self, n: int) -> Any:
        """The content of one message as the company's software reads it."""
        with Session(self.engine) as session:
            return session.execute(select(Message.body).where(Message.id == n)).scalar_one()

    def stored(self, n: int) -> Any:
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(f"select user_id, title, body from messages where id = {n}").one()

    @property
    def keys(self) -> FieldKeys:
        return KEYS

    def seal(self, n: int, body: str) -> None:
        """Let the company's software write another body of message `n`."""
        with Session(self.engine) as session:
            session.get_one(Message, n).body = body
            session.commit()

    def run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def key(self, body: str) -> Any:
        """The row of the key that a sealed value names."""
        with self.company.office.store.reading() as tx:
            return tx.execute(select(person_keys).where(person_keys.c.key_id == key_id_of(body))).one()


@contextmanager
def found_world(folder: Path, own: str | None, shop: str, datamap: str = MAP) -> Iterator[World]:
    with found_company(folder, url=own, policy=POLICY) as company:
        (folder / "datamap.yaml").write_text(datamap)
        environ = {**company.environ, "SHOP_DATABASE_URL": shop}
        company.environ.update(environ)
        company.troth.seal_fields(KEYS)
        engine = create_engine(shop)
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
        with Session(engine) as session:
            numbers = range(1, PEOPLE + 1)
            company.troth.register_many({"id": str(n), "email": f"p{n}@customer.example.org"} for n in numbers)
            session.add_all(User(id=n, email=f"p{n}@customer.example.org") for n in numbers)
            session.flush()
            KEYS.make([str(n) for n in numbers])
            session.add_all(
                Message(id=n, user_id=n, title=f"about tea {n}", body=f"what {n} said of tea") for n in numbers
            )
            session.add_all(Purchase(id=n, user_id=n, placed_at="2026-01-01", note=None) for n in numbers)
            session.commit()
        if "orders:" not in datamap:
            with engine.begin() as connection:
                connection.exec_driver_sql("drop table orders")
        desk = Desk.of(company.office, settings.read(folder, environ))
        try:
            world = World(company, desk, folder, engine)
            approve_map(world)
            yield world
        finally:
            desk.close()
            engine.dispose()
