"""A company with three stores at once, in which erasures are carried out for real and snapshots tell what they did.

`shop` (PostgreSQL, MariaDB or SQLite) has the tables of Fides' published sample: customers, employees, shared
addresses, orders and their items, payment cards, log-ins, visits and service requests by e-mail, reports. `help` keeps
tickets and two-party messages under the same e-mail, and `news` a mailing list and a log of mails, by e-mail alone.

Every customer's values are made of their number, so that none stands in anybody else's row but where the sample shares.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy

from tests.use.company import Company, found_company
from troth.foundation import people, staff
from troth.foundation.guards import approvals
from troth.foundation.roles import Role
from troth.policy import settings
from troth.policy.vocabulary import Right
from troth.rights import requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake, Request
from troth.rights.words import Channel, State

STORES = ("shop", "help", "news")

DATAMAP = """\
troth: 1
stores:
  shop:
    connect: ${SHOP_URL}
    person:
      customer: {table: customer, key: id, identifiers: {email: email}}
      employee: {table: employee, key: id, identifiers: {email: email}}
    tables:
      customer:
        whose: {person: customer}
        columns: {id: no, email: contact.email, name: profile.name, created: account.username, address_id: no}
        starts: {account: created}
        on_erasure: delete
      employee:
        whose: {person: employee}
        columns: {id: no, email: contact.email, name: profile.name, address_id: no}
        on_erasure: delete
      address:
        whose:
          any: [id > customer.address_id, id > employee.address_id, id > orders.shipping_address_id,
                id > payment_card.billing_address_id]
        shared: by-reference
        columns: {id: no, house: contact.address, street: contact.address, city: contact.address, state: contact.address,
                  zip: contact.address}
        on_erasure: delete
      orders:
        whose: {by: customer_id, person: customer}
        columns: {id: no, customer_id: no, shipping_address_id: no, placed_at: transaction.purchase}
        on_erasure: delete
      order_item:
        whose: order_id > orders
        columns: {order_id: no, item_no: no, product_id: transaction.purchase, quantity: transaction.purchase}
        on_erasure: delete
      payment_card:
        whose: {by: customer_id, person: customer}
        columns: {id: no, name: profile.name, ccn: payment.card_number, code: payment.card_code, customer_id: no,
                  billing_address_id: no, preferred: transaction.payment_method}
        on_erasure: delete
      product: {personal: no, why: goods}
      login:
        whose: {by: customer_id, person: customer}
        columns: {id: no, customer_id: no, time: usage.visit_time}
        on_erasure: delete
      visit:
        whose: {match: email, identifier: email, person: customer}
        columns: {email: contact.email, last_visit: usage.visit_time}
        on_erasure: delete
      service_request:
        whose:
          any:
            - {match: email, identifier: email, person: customer}
            - {match: alt_email, identifier: email, person: customer}
        columns: {id: no, email: contact.email, alt_email: contact.email, opened: communication.message,
                  employee_id: {link: employee}}
        on_erasure: delete
      report:
        whose: {match: email, identifier: email, person: employee}
        columns: {id: no, email: contact.email, name: {personal: no, why: of the report}, year: no, month: no}
        on_erasure: {change: {email: "null"}}
  help:
    connect: ${HELP_URL}
    person:
      member: {table: member, key: id, identifiers: {email: email}}
    tables:
      member:
        whose: {person: member}
        columns: {id: no, email: contact.email, nick: account.username, joined: account.username}
        starts: {account: joined}
        on_erasure: delete
      ticket:
        whose: member_id
        columns: {id: no, member_id: no, subject: communication.message, opened_at: communication.message,
                  invoice_name: transaction.billing_address}
        on_erasure:
          keep: [id, opened_at, invoice_name]
          ground: tax-law
          until: opened_at + 10 years
          change: {member_id: "null", subject: redact}
      message:
        whose:
          sender: {by: sender_id, on_erasure: {change: {sender_id: stand-in, body: redact}}}
          recipient: {by: recipient_id, on_erasure: {change: {recipient_id: stand-in}}}
        delete: with-last
        columns: {id: no, sender_id: no, recipient_id: no, body: {data: communication.message, others: redact}}
  news:
    connect: ${NEWS_URL}
    person:
      reader: {table: reader, key: email, identifiers: {email: email}}
    tables:
      reader:
        whose: {person: reader}
        columns: {email: contact.email, topics: account.settings, since: account.settings}
        starts: {account: since}
        on_erasure: delete
      mail_log:
        whose: {json: payload.to, identifier: email, person: reader}
        columns: {id: no, payload: contact.email}
        on_erasure: delete
"""

_M = sqlalchemy.MetaData
I, T = sqlalchemy.Integer, sqlalchemy.String  # noqa: E741 - short words for a long schema


def _column(name: str, kind: Any, *rules: Any, **more: Any) -> Any:
    return sqlalchemy.Column(name, kind(120) if kind is T else kind, *rules, **more)


def _key() -> Any:
    return _column("id", I, primary_key=True, autoincrement=False)


def _to(name: str, target: str, **more: Any) -> Any:
    return sqlalchemy.Column(name, I, sqlalchemy.ForeignKey(target), index=True, **more)


def tables(store: str) -> dict[str, Any]:
    """The tables of one store by name."""
    m = _M()
    table = sqlalchemy.Table
    if store == "shop":
        table(
            "address",
            m,
            _key(),
            _column("house", T),
            _column("street", T),
            _column("city", T),
            _column("state", T),
            _column("zip", T),
        )
        table(
            "customer",
            m,
            _key(),
            _column("email", T, unique=True),
            _column("name", T),
            _column("created", sqlalchemy.DateTime),
            _to("address_id", "address.id"),
        )
        table(
            "employee", m, _key(), _column("email", T, unique=True), _column("name", T), _to("address_id", "address.id")
        )
        table("product", m, _key(), _column("name", T), _column("price", I))
        table(
            "orders",
            m,
            _key(),
            _to("customer_id", "customer.id"),
            _to("shipping_address_id", "address.id"),
            _column("placed_at", sqlalchemy.DateTime),
        )
        table(
            "order_item",
            m,
            _to("order_id", "orders.id", primary_key=True),
            _column("item_no", I, primary_key=True),
            _to("product_id", "product.id"),
            _column("quantity", I),
        )
        table(
            "payment_card",
            m,
            _key(),
            _column("name", T),
            _column("ccn", sqlalchemy.BigInteger),
            _column("code", I),
            _to("customer_id", "customer.id"),
            _to("billing_address_id", "address.id"),
            _column("preferred", I),
        )
        table("login", m, _key(), _to("customer_id", "customer.id"), _column("time", sqlalchemy.DateTime))
        table(
            "visit",
            m,
            _column("email", T, primary_key=True),
            _column("last_visit", sqlalchemy.DateTime, primary_key=True),
        )
        table(
            "service_request",
            m,
            _key(),
            _column("email", T, index=True),
            _column("alt_email", T, index=True),
            _column("opened", sqlalchemy.DateTime),
            _to("employee_id", "employee.id"),
        )
        table(
            "report",
            m,
            _key(),
            _column("email", T, index=True),
            _column("name", T),
            _column("year", I),
            _column("month", I),
        )
    elif store == "help":
        table(
            "member",
            m,
            _key(),
            _column("email", T, unique=True),
            _column("nick", T),
            _column("joined", sqlalchemy.DateTime),
        )
        table(
            "ticket",
            m,
            _key(),
            _to("member_id", "member.id"),
            _column("subject", T),
            _column("opened_at", sqlalchemy.DateTime),
            _column("invoice_name", T),
        )
        table("message", m, _key(), _to("sender_id", "member.id"), _to("recipient_id", "member.id"), _column("body", T))
    else:
        table(
            "reader",
            m,
            _column("email", T, primary_key=True),
            _column("topics", T),
            _column("since", sqlalchemy.DateTime),
        )
        table("mail_log", m, _key(), sqlalchemy.Column("payload", sqlalchemy.Text))
    return dict(m.tables)


_LONG_AGO = dt.datetime(2025, 3, 1, 9, 0)


def email(n: int) -> str:
    return f"customer{n}@person{n}.example.org"


def rows(n: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Everything of customer `n` (from 1), by store and table. They ship one order to the home of `n + 1`."""
    return {
        "shop": {
            "address": [
                {
                    "id": n,
                    "house": f"{n}b",
                    "street": f"Street of Person{n}",
                    "city": f"City{n}ville",
                    "state": "Bremen",
                    "zip": f"28{n:04}",
                },
                {
                    "id": 10_000 + n,
                    "house": f"{n}c",
                    "street": f"Billing Road Person{n}",
                    "city": "Hamburg",
                    "state": "Hamburg",
                    "zip": "20095",
                },
            ],
            "customer": [
                {"id": n, "email": email(n), "name": f"Given{n} Family{n}", "created": _LONG_AGO, "address_id": n}
            ],
            "orders": [
                {"id": 10 * n, "customer_id": n, "shipping_address_id": n, "placed_at": _LONG_AGO},
                {"id": 10 * n + 1, "customer_id": n, "shipping_address_id": n + 1, "placed_at": _LONG_AGO},
            ],
            "order_item": [{"order_id": 10 * n + i, "item_no": 1, "product_id": 1, "quantity": 2} for i in (0, 1)],
            "payment_card": [
                {
                    "id": n,
                    "name": f"Given{n} Family{n}",
                    "ccn": 4_000_000_000_000_000 + n,
                    "code": 100 + n % 900,
                    "customer_id": n,
                    "billing_address_id": 10_000 + n,
                    "preferred": 1,
                }
            ],
            "login": [{"id": 10 * n + i, "customer_id": n, "time": _LONG_AGO} for i in range(3)],
            "visit": [{"email": email(n), "last_visit": _LONG_AGO}],
            "service_request": [
                {"id": 2 * n, "email": email(n), "alt_email": None, "opened": _LONG_AGO, "employee_id": 1},
                {"id": 2 * n + 1, "email": None, "alt_email": email(n), "opened": _LONG_AGO, "employee_id": 1},
            ],
        },
        "help": {
            "member": [{"id": n, "email": email(n), "nick": f"nick-of-{n}-person", "joined": _LONG_AGO}],
            "ticket": [
                {
                    "id": n,
                    "member_id": n,
                    "subject": f"My parcel number {n}{n}{n} never came",
                    "opened_at": _LONG_AGO,
                    "invoice_name": f"Given{n} Family{n}",
                }
            ],
            "message": [
                {
                    "id": n,
                    "sender_id": n,
                    "recipient_id": n + 1,
                    "body": f"Dear neighbour, greetings from house {n}{n}{n}!",
                }
            ],
        },
        "news": {
            "reader": [{"email": email(n), "topics": "shoes", "since": _LONG_AGO}],
            "mail_log": [
                {"id": 2 * n + i, "payload": json.dumps({"payload": {"to": email(n), "nr": i}, "to": email(n)})}
                for i in (0, 1)
            ],
        },
    }


def fill(urls: Mapping[str, str], people_: int) -> None:
    """Make the tables of every store, with customers 1 to `people_`."""
    for store, url in urls.items():
        made = tables(store)
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        some = next(iter(made.values()))
        some.metadata.create_all(engine)
        everybody = [rows(n)[store] for n in range(1, people_ + 1)]
        with engine.begin() as connection:
            if store == "shop":
                connection.execute(made["product"].insert(), [{"id": 1, "name": "Red shoes", "price": 50}])
                last = people_ + 1  # the home to which the last customer ships, and the employee's
                connection.execute(
                    made["address"].insert(),
                    [
                        {
                            "id": last,
                            "house": "1",
                            "street": "Last Street",
                            "city": "Kiel",
                            "state": "SH",
                            "zip": "24103",
                        }
                    ],
                )
                connection.execute(
                    made["employee"].insert(),
                    [{"id": 1, "email": "staff@shop.example.com", "name": "Erin Employee", "address_id": last}],
                )
                connection.execute(
                    made["report"].insert(),
                    [{"id": 1, "email": "staff@shop.example.com", "name": "Sales", "year": 2025, "month": 3}],
                )
            if store == "help":
                connection.execute(
                    made["member"].insert(),
                    [
                        {
                            "id": people_ + 1,
                            "email": "last@neighbour.example.org",
                            "nick": "lastneighbour",
                            "joined": _LONG_AGO,
                        }
                    ],
                )
            for table in some.metadata.sorted_tables:
                found = [row for one in everybody for row in one.get(table.name, [])]
                if found:
                    connection.execute(table.insert(), found)
        engine.dispose()


Snapshot = dict[str, dict[str, set[tuple[Any, ...]]]]


def snapshot(urls: Mapping[str, str]) -> Snapshot:
    """Every row of every table of every store but `troth_step`."""
    found: Snapshot = {}
    for store, url in urls.items():
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            found[store] = {
                name: {tuple(row) for row in connection.execute(sqlalchemy.select(table))}
                for name, table in tables(store).items()
            }
        engine.dispose()
    return found


def run(url: str, *statements: str) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@dataclass
class World:
    """The company, its desk, and its three stores."""

    company: Company
    desk: Desk
    urls: Mapping[str, str]
    numbers: dict[int, int] = field(default_factory=dict)

    @property
    def store(self) -> Any:
        return self.desk.office.store

    def approve(self, name: str = "dora") -> None:
        with self.store.writing() as tx:
            approvals.approve(tx, self.desk.office.keyring, self.desk.datamap, name, self.company.clock.now())

    def request(self, n: int) -> Request:
        """The erasure that customer `n` asked for, confirmed, with nothing done about it yet."""
        known_by = people.identifier("email", email(n), verified=True)
        with self.store.reading() as tx:
            person = people.find(tx, self.desk.office.keyring, known_by)
        intake = Intake(Right.ERASURE, Channel.CONSOLE, (known_by,), person=person)
        with self.store.writing() as tx:
            filed = requests.file_in(tx, self.desk, intake).request
            return requests.move(tx, self.desk.office, filed, State.WORKING)

    def snapshot(self) -> Snapshot:
        return snapshot(self.urls)


def environ_of(urls: Mapping[str, str]) -> dict[str, str]:
    return {f"{store.upper()}_URL": url for store, url in urls.items()}


@contextmanager
def found_world(
    folder: Path,
    urls: Mapping[str, str],
    *,
    people_: int = 4,
    toml: str = "",
    datamap: str = DATAMAP,
    approved: bool = True,
    url: str | None = None,
) -> Iterator[World]:
    """The company with customers 1 to `people_` in every store, all known to troth; its map approved by its DPO. `url`: of troth's store."""
    with found_company(folder, url) as company:
        fill(urls, people_)
        (folder / "datamap.yaml").write_text(datamap)
        with (folder / "troth.toml").open("a") as file:
            file.write(toml)
        environ = {**company.environ, **environ_of(urls)}
        desk = Desk.of(company.office, settings.read(folder, environ))
        staff.add(desk.office.store, "dora", Role.DPO, now=company.clock.now())
        world = World(company, desk, urls)
        with desk.office.store.writing() as tx:
            everybody: Sequence[Sequence[people.Identifier]] = [
                [people.identifier("id", str(n)), people.identifier("email", email(n), verified=True)]
                for n in range(1, people_ + 1)
            ]
            numbers = people.register_many(tx, desk.office.keyring, everybody, company.clock.now())
        world.numbers = dict(enumerate(numbers, 1))
        if approved:
            world.approve()
        try:
            yield world
        finally:
            desk.close()


def sqlite_urls(folder: Path) -> dict[str, str]:
    return {store: f"sqlite:///{folder / store}.db" for store in STORES}


def expected_without(before: Snapshot, gone: Sequence[int], stand_in: int | None) -> Snapshot:
    """What must stand in the stores when these customers are gone, each of whom has neighbours that stay.

    Their home stays, since a neighbour ships there; the invoice of a ticket stays, since a law demands it.
    """
    left: Snapshot = {
        store: {table: set(found) for table, found in tables_.items()} for store, tables_ in before.items()
    }
    for n in gone:
        for store, tables_ in rows(n).items():
            for table, mine in tables_.items():
                if table not in {"address", "ticket", "message"}:
                    left[store][table] -= {tuple(row.values()) for row in mine}
        left["shop"]["address"] -= {tuple(rows(n)["shop"]["address"][1].values())}
        ticket = tuple(rows(n)["help"]["ticket"][0].values())
        left["help"]["ticket"] = left["help"]["ticket"] - {ticket} | {(n, None, "[redacted]", _LONG_AGO, ticket[-1])}
        for row in tuple(left["help"]["message"]):
            if row[1] == n:
                left["help"]["message"] = left["help"]["message"] - {row} | {(row[0], stand_in, row[2], "[redacted]")}
            elif row[2] == n:
                left["help"]["message"] = left["help"]["message"] - {row} | {(row[0], row[1], stand_in, row[3])}
    if gone:
        left["help"]["member"].add((stand_in, None, None, None))
    return left


def stand_in_of(found: Snapshot) -> int | None:
    """The key of the member who stands in for those who are gone."""
    return next((row[0] for row in found["help"]["member"] if row[1] is None), None)


def differences(before: Snapshot, after: Snapshot) -> dict[str, dict[str, tuple[int, int]]]:
    """By store and table: rows gone, and rows that are new or changed."""
    return {
        store: {
            table: (len(found - after[store][table]), len(after[store][table] - found))
            for table, found in tables_.items()
            if found != after[store][table]
        }
        for store, tables_ in before.items()
    }
