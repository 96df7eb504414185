"""A small shop whose rows end on time, on any engine: every form of table that a keeper meets, and who keeps it.

`expected` says by hand which rows are left after a run, so that a test never asks the keeper what it should have done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, MetaData, String, Table

from tests.stores import write_store
from troth.foundation import staff
from troth.foundation.guards import approvals
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.protection.keeper import Keeper
from troth.testing import FixedClock

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
OFFICER = "olga"
ENGINES = ("sqlite", "postgresql", "mariadb")

POLICY = """\
troth: 1
title: Privacy Policy
controller: {name: Example Company, country: IE, languages: [en], time_zone: Europe/Dublin}
laws: [gdpr]
collection:
  number: "1"
  title: Collection
  text: We collect data.
  data: [contact.email, transaction.*, payment.token, communication.*, device.ip, usage.page, usage.click]
use:
  number: "2"
  title: Use
  legal: {text: We meet our duties under law., uses: [
    {purpose: legal, data: [transaction.purchase], basis: legal-obligation, statute: tax-law}]}
  duty: {text: The law demands it., basis: legal-obligation, statutes: [
    {name: tax-law, law: Example Tax Records Act, article: Art. 12, review: 2027-10-01, keep: 10 years}]}
protection:
  number: "3"
  title: Protection
  retention:
    number: "3.1"
    title: Retention
    text: We keep data for as long as necessary.
    periods:
      account: {data: [contact.email], after: account-closed, keep: 30 days, why: to settle what is open}
      orders: {data: [transaction.*], after: order, keep: 3 years, why: claims}
      cards: {data: [payment.token], after: order, keep: 1 year, why: returns}
      letters: {data: [communication.message], after: message, keep: 2 years, why: later questions}
      reviews: {data: [communication.feedback], after: message, keep: 1 year, then: anonymise, why: to answer}
      visits: {data: [device.ip, usage.page, usage.click], after: visit, keep: 90 days, why: to stop attacks}
"""

MAP = """\
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person:
      customer: {table: customers, key: id, identifiers: {email: email}}
    tables:
      customers:
        whose: {person: customer}
        columns: {email: contact.email, closed_at: contact.email}
        starts: {account-closed: closed_at}
      orders:
        whose: customer_id
        everyone: "customer_id is null"
        columns:
          placed_at: transaction.purchase
          total: transaction.purchase
          card: payment.token
          note: communication.message
        starts: {order: placed_at, message: placed_at}
        on_erasure:
          keep: [id, placed_at, total]
          ground: tax-law
          until: placed_at + 10 years
          change: {customer_id: null, card: null, note: null}
      items:
        whose: order_id > orders
        columns: {what: transaction.purchase, placed_at: transaction.purchase}
        starts: {order: placed_at}
        on_erasure: {keep: all, ground: tax-law, until: placed_at + 10 years}
      reviews:
        whose: customer_id
        everyone: "customer_id is null"
        columns: {body: communication.feedback, written_at: communication.feedback}
        starts: {message: written_at}
        on_erasure: {change: {customer_id: null, body: redact}}
      visits:
        whose: customer_id
        columns: {at: usage.page, ip: device.ip}
        starts: {visit: at}
      clicks:
        whose: customer_id
        columns: {at: usage.click}
        starts: {visit: at}
      pages:
        whose: customer_id
        columns: {at: usage.page}
        starts: {visit: at}
"""

metadata = MetaData()
customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(80)),
    Column("closed_at", DateTime),
)
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), index=True),
    Column("placed_at", DateTime, nullable=False),
    Column("total", Integer),
    Column("card", String(40)),
    Column("note", String(80)),
)
items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False, index=True),
    Column("what", String(40)),
    Column("placed_at", DateTime, nullable=False),
)
reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), index=True),
    Column("body", String(80), nullable=False),
    Column("stars", Integer),
    Column("written_at", DateTime, nullable=False),
)
visits = Table(
    "visits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id"), index=True),
    Column("at", DateTime),
    Column("ip", String(40)),
)
clicks = Table(  # its key is of two columns
    "clicks",
    metadata,
    Column("customer_id", ForeignKey("customers.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime, nullable=False),
)
pages = Table(  # and this one has none
    "pages",
    metadata,
    Column("customer_id", ForeignKey("customers.id")),
    Column("at", DateTime, nullable=False),
)
Index("pages_customer", pages.c.customer_id)

Rows = dict[str, list[tuple[Any, ...]]]


def ago(**past: float) -> dt.datetime:
    """An instant before the present, as the shop writes it."""
    return (NOW - dt.timedelta(**past)).replace(tzinfo=None)


def years(n: int, days: float = 0) -> dt.datetime:
    return (NOW.replace(year=NOW.year - n) - dt.timedelta(days=days)).replace(tzinfo=None)


def rows() -> Rows:
    """What stands in the shop before a run."""
    late, fresh = ago(days=90, seconds=1), ago(days=89)
    return {
        "customers": [(1, "ada@customer.example.org", None), (2, "bob@customer.example.org", ago(days=31)),
                      (3, "cid@customer.example.org", ago(days=29))],
        "orders": [
            (1, 1, years(10, 1), 100, "tok-1", "gone with the row"),
            (2, 1, years(4), 200, "tok-2", "ends before its row"),
            (3, 1, ago(days=400), 300, "tok-3", "stays"),
            (4, 2, ago(days=40), 400, "tok-4", "of an account that ends"),
            (5, 1, years(10, 2), 500, None, None),
        ],
        "items": [(1, 1, "pot", years(10, 1)), (2, 2, "cup", years(4)), (3, 5, "tea", years(9))],
        "reviews": [(1, 1, "lovely", 5, years(1, 1)), (2, 1, "broken", 1, ago(days=300)), (3, 3, "fine", 4, years(2))],
        "visits": [(n, 1 + n % 3, late if n % 2 else fresh, "192.0.2.7") for n in range(1, 41)] + [(99, 1, None, "x")],
        "clicks": [(1 + n % 3, n, late if n % 4 else fresh) for n in range(1, 41)],
        "pages": [(1 + n % 3, late if n % 4 else fresh) for n in range(1, 41)],
    }  # fmt: skip


def expected(before: Rows | None = None) -> Rows:
    """What is left of it: worked out by hand, row by row, in Python."""
    before = before or rows()
    limit = ago(days=90)
    left = {
        "customers": [row for row in before["customers"] if row[0] != 2],
        "orders": [
            (2, 1, years(4), 200, None, None),
            (3, 1, ago(days=400), 300, None, "stays"),
            (4, None, ago(days=40), 400, None, None),
            (5, 1, years(10, 2), 500, None, None),  # an item of it is younger
        ],
        "items": [row for row in before["items"] if row[0] != 1],
        "reviews": [(1, None, "[redacted]", 5, years(1, 1)), before["reviews"][1],
                    (3, None, "[redacted]", 4, years(2))],
        "visits": [row for row in before["visits"] if (row[2] is None or row[2] >= limit) and row[1] != 2],
        "clicks": [row for row in before["clicks"] if row[2] >= limit and row[0] != 2],
        "pages": [row for row in before["pages"] if row[1] >= limit and row[0] != 2],
    }  # fmt: skip
    return {name: sorted(found, key=repr) for name, found in left.items()}


@dataclass
class Shop:
    """The shop, and the company's troth beside it. `clock` is the company's."""

    folder: Path
    url: str
    clock: FixedClock

    @property
    def environ(self) -> dict[str, str]:
        return {"SHOP": self.url}

    @contextmanager
    def keeper(self) -> Iterator[Keeper]:
        keeper = Keeper.open(self.folder, self.environ, self.clock)
        try:
            yield keeper
        finally:
            keeper.close()
            keeper.office.store.close()

    def all(self) -> Rows:
        """Everything that stands in the shop now."""
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            found = {
                table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for table in metadata.sorted_tables
            }
        engine.dispose()
        return found

    def sql(self, statement: str) -> list[Any]:
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            found = list(result) if result.returns_rows else []
        engine.dispose()
        return found

    def rewrite(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert before in text, before
        path.write_text(text.replace(before, after))
        if name == "datamap.yaml":
            self.approve()

    def approve(self) -> None:
        with self.keeper() as keeper, keeper.office.store.writing() as tx:
            approvals.approve(tx, keeper.office.keyring, keeper.datamap, OFFICER, self.clock.now())

    def kinds(self) -> list[str]:
        """What the ledger says, in order."""
        with self.keeper() as keeper, keeper.office.store.reading() as tx:
            return [row.kind for row in tx.execute(ledger_leaves.select().order_by(ledger_leaves.c.id))]


def found_shop(folder: Path, url: str, *, settings: str = "", filled: Rows | None = None) -> Shop:
    """The shop at `url`, an empty database, with its rows; `settings` is added to troth.toml."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns]
            made = [dict(zip(names, row, strict=True)) for row in (filled or rows())[table.name]]
            if made:
                connection.execute(table.insert(), made)
    engine.dispose()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "datamap.yaml").write_text(MAP)
    (folder / "troth.toml").write_text(f'[store]\nurl = "sqlite:///troth.sqlite3"\n{settings}')
    Keyring.create(folder)
    write_store(folder / "troth.sqlite3")
    with Store.open(f"sqlite:///{folder / 'troth.sqlite3'}") as store:
        staff.add(store, OFFICER, Role.DPO, now=NOW)
        staff.add(store, "ed", Role.AGENT, now=NOW)
    shop = Shop(folder, url, FixedClock(NOW))
    shop.approve()
    return shop


def url_of(request: Any, folder: Path, engine: str) -> str:
    """A new, empty database of that kind."""
    return f"sqlite:///{folder / 'shop.db'}" if engine == "sqlite" else request.getfixturevalue(f"{engine}_scratch")
