"""Fill an empty shop with made-up people and what they did, so that every promise has something to be judged by.

The same `now` and `number` give the same rows. Every date is counted back from `now`, and none is older than the policy
lets it be: a demonstration started on any day begins with all periods kept. Nobody receives a newsletter, or is
followed through the pages, at a time when they had not agreed to it; `Seeded` carries who agreed when, for troth to
record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, func, insert, select

from troth.example.shop import tables
from troth.example.shop.passwords import hash_password
from troth.example.shop.past import Past
from troth.example.shop.promises import Promises
from troth.example.shop.wares import WARES, number_on, stock

PASSPHRASES: Final = (
    "two spoons and a patient kettle",
    "rain on the tin roof again",
    "no sugar but a little honey",
    "seven cups before the train",
)
"""What the made-up people log in with; the customer with number n uses the one at n modulo four."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """Who is in the shop now, and what they chose.

    `people` has one `{"id", "email", "phone"}` a person (phone only where there is one); `given` and `withdrawn` have
    (person, purpose, instant), oldest first; `rows` has the number of rows by table.
    """

    people: tuple[dict[str, str], ...]
    given: tuple[tuple[str, str, datetime], ...]
    withdrawn: tuple[tuple[str, str, datetime], ...]
    rows: Mapping[str, int]

    def __repr__(self) -> str:
        return f"Seeded({len(self.people)} people, {sum(self.rows.values())} rows)"

    def introduce(self, promises: Promises) -> None:
        """Tell troth who the customers are and what each of them has agreed to, with the times of their choices."""
        promises.register_many(self.people)
        promises.give_consents(self.given)
        promises.withdraw_consents(self.withdrawn)


def seed(engine: Engine, *, now: datetime, people: int = 2000, number: int = 1) -> Seeded:
    """Fill the shop with `people` customers, in one transaction; on 2,000 it takes about two seconds.

    Raises ValueError when the shop already has customers, or when `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now: a time with a zone is needed")
    chance = Random(f"example-company-{number}")  # noqa: S311 - made-up people, no secret
    past = Past(chance, now, people, _hashes(number))
    past.happen()
    with engine.begin() as tx:
        if tx.scalar(select(func.count()).select_from(tables.users)):
            raise ValueError("the shop already has customers: seed an empty database")
        stock(tx)
        for table in tables.metadata.sorted_tables:
            if past.rows.get(table.name):
                _fill(tx, table, past.rows[table.name])
    return Seeded(
        people=tuple(_known(row) for row in past.rows["users"]),
        given=tuple(sorted(past.given, key=lambda choice: choice[2])),
        withdrawn=tuple(sorted(past.withdrawn, key=lambda choice: choice[2])),
        rows={table.name: len(past.rows.get(table.name, ())) for table in tables.metadata.sorted_tables}
        | {"products": len(WARES)},
    )


def leave_behind(engine: Engine, now: datetime, rows: int = 60) -> None:
    """Visits of strangers that are past their time, as a shop has them that was founded before its keeper."""
    past = [
        {"at": now - timedelta(days=91 + n), "user_id": None, "ip": "192.0.2.0", "page": f"/teas/{1 + n % 9}"}
        for n in range(rows)
    ]
    with engine.begin() as tx:
        tx.execute(insert(tables.access_log), past)


def _known(user: Mapping[str, Any]) -> dict[str, str]:
    known = {"id": str(user["id"]), "email": user["email"]}
    return known | {"phone": user["phone"]} if user["phone"] else known


@cache
def _hashes(number: int) -> tuple[str, ...]:
    """Four real argon2id hashes; the salt follows from the seed, so that the same seed gives the same rows."""
    return tuple(
        hash_password(phrase, salt=hashlib.sha256(f"{number}:{place}".encode()).digest()[:16])
        for place, phrase in enumerate(PASSPHRASES)
    )


def _fill(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(table), rows)
    if "id" in table.c:
        number_on(tx, table.name, len(rows))
