"""A company with a small shop of its own, whose requests the tests of this folder file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.use.company import POLICY, Company, found_company
from troth.foundation import mail, people, staff
from troth.foundation.guards import approvals
from troth.foundation.people import Identifier
from troth.foundation.roles import Role
from troth.foundation.staff import Caller
from troth.foundation.tables import outbox
from troth.policy import settings
from troth.policy.vocabulary import Right
from troth.rights import requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake, Request
from troth.rights.words import Channel

MAP = """\
troth: 1
stores:
  shop:
    connect: ${SHOP_DATABASE_URL}
    person:
      customer: {table: users, key: id, identifiers: {email: email, phone: phone}}
    tables:
      users:
        whose: {person: customer}
        columns:
          email: contact.email
          phone: contact.phone
          name: profile.name
        on_erasure: delete
      orders:
        whose: user_id
        columns:
          total: transaction.purchase
          note: communication.message
        on_erasure: delete
"""
SHOP = """
create table users (id integer primary key, email text, phone text, name text);
create table orders (id integer primary key, user_id integer not null references users(id), total text, note text);
create index ix_orders_user on orders (user_id);
create index ix_users_email on users (email);
create index ix_users_phone on users (phone);
insert into users values
  (7, 'ada@customer.example.org', '+353 1 496 0000', 'Ada'),
  (8, 'bob@customer.example.org', '+353 1 496 0001', 'Bob'),
  (9, null, '+353 1 496 0002', 'Cid');
insert into orders values (1, 7, '12.50', 'a pot'), (2, 7, '3.00', 'leaves'), (3, 8, '9.00', 'cups');
"""
ADA = people.identifier("email", "ada@customer.example.org")
BOB = people.identifier("email", "bob@customer.example.org")
NOBODY = people.identifier("email", "nobody@customer.example.org")


@dataclass
class Office:
    """The company of the tests with its desk, and what came out of it."""

    company: Company
    desk: Desk
    shop: Path

    @property
    def now(self) -> Any:
        return self.company.clock.now()

    def file(self, right: Right = Right.ACCESS, known_by: Identifier = ADA, **more: Any) -> Request:
        intake = Intake(right, more.pop("channel", Channel.CENTRE), (known_by,), **more)
        return requests.file(self.desk, intake).request

    def load(self, request: Request) -> Request:
        with self.desk.office.store.reading() as tx:
            return requests.load(tx, request.id)

    def kinds(self) -> list[str]:
        return [leaf.kind for leaf in self.company.leaves() if leaf.kind.startswith("request.")]

    def letters(self) -> list[tuple[str, str, str]]:
        """Address, subject and text of every letter in the outbox, oldest first."""
        import json

        keyring = self.desk.office.keyring
        return [
            tuple(json.loads(keyring.unseal(row.sealed, context=row.message_id.encode())))
            for row in self.company.rows(outbox)
            if row.state == mail.MailState.WAITING
        ]

    def caller(self, name: str, role: Role) -> Caller:
        account = staff.add(self.desk.office.store, name, role, now=self.now)
        return Caller(account.id, account.name, account.role)

    def sql(self, statement: str) -> list[Any]:
        with sqlite3.connect(self.shop) as connection:
            return list(connection.execute(statement))


@contextmanager
def found_office(
    folder: Path,
    *,
    url: str | None = None,
    more: str = "",
    policy: str = POLICY,
    register: bool = True,
    datamap: str | None = None,
    tables: str | None = None,
) -> Iterator[Office]:
    """The company with its shop; `more` is added to its troth.toml. Ada and Bob are known to troth since yesterday."""
    with found_company(folder, url=url, policy=policy) as company:
        shop = folder / "shop.sqlite3"
        with sqlite3.connect(shop) as connection:
            connection.executescript(tables or SHOP)
        (folder / "datamap.yaml").write_text(datamap or MAP)
        with (folder / "troth.toml").open("a") as file:
            file.write(more)
        environ = {**company.environ, "SHOP_DATABASE_URL": f"sqlite:///{shop}"}
        if register:
            from datetime import timedelta

            company.clock.advance(timedelta(days=-100))
            company.troth.register(id="7", email=ADA.value)
            company.troth.register(id="8", email=BOB.value)
            company.clock.advance(timedelta(days=100))
        desk = Desk.of(company.office, settings.read(folder, environ))
        try:
            yield Office(company, desk, shop)
        finally:
            desk.close()


def approve_map(office: Office) -> None:
    """Let a data protection officer answer for the map as it is."""
    store = office.desk.office.store
    staff.add(store, "map-officer", Role.DPO, now=office.now)
    with store.writing() as tx:
        approvals.approve(tx, office.desk.office.keyring, office.desk.datamap, "map-officer", office.now)
