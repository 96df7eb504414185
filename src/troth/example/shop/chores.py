"""What the shop's programs do at night, each under its own purpose and on no more data than that declares.

Each chore is one run: troth keeps on record which program used what for which purpose, and lets it use only people who
may be used. Analysis and research (`analysis`) work on views without names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, Select, func, insert, select

from troth.example.shop import fraud, post
from troth.example.shop.database import Found
from troth.example.shop.promises import (
    IMPROVEMENT,
    LEGAL,
    NOTICES,
    SECURITY,
    SERVICE,
    TERMS,
    TRANSACTIONS,
    Promises,
    Working,
    person,
)
from troth.example.shop.tables import access_log, mail_log, messages, orders, support_tickets, terms_actions, visits

TRADE: Final = "I would swap"
"""The house rules: letters are for talk about tea, not for trade."""
LATE: Final = timedelta(days=2)
MANY_NETWORKS: Final = 5


def do_all(engine: Engine, promises: Promises, now: datetime) -> dict[str, int]:
    """Every chore once, in no particular order; gives how much each found."""
    return {
        "open-questions": find_open_questions(engine, promises, now),
        "devices": count_devices(engine, promises, now),
        "shelf": find_unsent(engine, promises, now),
        "post-room": tell_of_parcels(engine, promises, now),
        "fraud-watch": fraud.check_recent(engine, promises, now),
        "door-watch": watch_doors(engine, promises, now),
        "tax-ledger": sum_for_taxes(engine, promises, now),
        "house-rules": keep_house_rules(engine, promises, now),
    }


def find_open_questions(engine: Engine, promises: Promises, now: datetime) -> int:
    """Questions that nobody has answered for two days."""
    waiting = select(support_tickets.c.user_id).where(
        support_tickets.c.status == "open", support_tickets.c.opened_at < now - LATE
    )
    with promises.run("open-questions", SERVICE, "communication.message") as run:
        return len(_of_those_who_may(engine, run, waiting))


def count_devices(engine: Engine, promises: Promises, now: datetime) -> int:
    """How many kinds of device came by within a month, so that pages are tried on them."""
    seen = select(visits.c.user_id, visits.c.device_type, visits.c.browser).where(
        visits.c.at > now - timedelta(days=30)
    )
    with promises.run("devices", IMPROVEMENT, ("device.type", "device.browser")) as run:
        return len({(row.device_type, row.browser) for row in _of_those_who_may(engine, run, seen)})


def find_unsent(engine: Engine, promises: Promises, now: datetime) -> int:
    """Paid orders that have not left for two days."""
    late = select(orders.c.user_id).where(orders.c.status == "paid", orders.c.placed_at < now - LATE)
    with promises.run("shelf", TRANSACTIONS, "transaction.purchase") as run:
        return len(_of_those_who_may(engine, run, late))


def tell_of_parcels(engine: Engine, promises: Promises, now: datetime) -> int:
    """The letter that a parcel has left, for orders of this week that have none yet."""
    told = select(mail_log.c.order_id).where(mail_log.c.template == "order-sent", mail_log.c.order_id.is_not(None))
    left = select(orders.c.user_id, orders.c.id).where(
        orders.c.status == "sent", orders.c.placed_at > now - timedelta(days=7), orders.c.id.not_in(told)
    )
    with promises.run("post-room", NOTICES, ("contact.email", "transaction.purchase")) as run:
        rows = _of_those_who_may(engine, run, left)
        with engine.begin() as tx:
            for row in rows:
                post.note(
                    tx,
                    customer_number=row.user_id,
                    order_id=row.id,
                    template="order-sent",
                    kind=post.TRANSACTIONAL,
                    at=now,
                )
        return len(rows)


def watch_doors(engine: Engine, promises: Promises, now: datetime) -> int:
    """Accounts that were used from many networks within a day; somebody looks whether it is still their owner."""
    seen = select(access_log.c.user_id, access_log.c.ip).where(
        access_log.c.at > now - timedelta(days=1), access_log.c.user_id.is_not(None)
    )
    networks: dict[int, set[str]] = defaultdict(set)
    with promises.run("door-watch", SECURITY, ("device.ip", "usage.visit_time")) as run:
        for row in _of_those_who_may(engine, run, seen):
            networks[row.user_id].add(row.ip)
    return sum(1 for each in networks.values() if len(each) >= MANY_NETWORKS)


def sum_for_taxes(engine: Engine, promises: Promises, now: datetime) -> int:
    """The turnover of the last year in cents, as the tax office wants it."""
    year = select(orders.c.user_id, orders.c.total_cents).where(orders.c.placed_at > now - timedelta(days=365))
    with promises.run("tax-ledger", LEGAL, "transaction.purchase") as run:
        return sum(row.total_cents for row in _of_those_who_may(engine, run, year))


def keep_house_rules(engine: Engine, promises: Promises, now: datetime) -> int:
    """Letters of this month that offer a trade: their sender is reminded of the terms, once for each letter."""
    known = select(terms_actions.c.message_id).where(terms_actions.c.message_id.is_not(None))
    trading = select(messages.c.sender_id.label("user_id"), messages.c.id).where(
        messages.c.sent_at > now - timedelta(days=30),
        messages.c.sender_id.is_not(None),
        messages.c.body.contains(TRADE, autoescape=True),
        messages.c.id.not_in(known),
    )
    with promises.run("house-rules", TERMS, ("account.username", "communication.message")) as run:
        rows = _of_those_who_may(engine, run, trading)
        with engine.begin() as tx:
            for row in rows:
                tx.execute(
                    insert(terms_actions).values(user_id=row.user_id, message_id=row.id, at=now, outcome="reminded")
                )
        return len(rows)


def actions_taken(engine: Engine) -> int:
    """How many reminders of the terms are on record."""
    with engine.begin() as tx:
        return int(tx.scalar(select(func.count()).select_from(terms_actions)) or 0)


def _of_those_who_may(engine: Engine, run: Working, query: Select[*tuple[object, ...]]) -> list[Found]:
    """The rows of those customers whose data the run may use; counted."""
    with engine.begin() as tx:
        rows = list(tx.execute(query))
    found = list(_kept(run, rows))
    run.used(len(found))
    return found


def _kept(run: Working, rows: Iterable[Found]) -> Iterable[Found]:
    listed = [row for row in rows if row.user_id is not None]
    numbers = sorted({row.user_id for row in listed})
    may = set(run.permitted([person(number) for number in numbers]))
    return (row for row in listed if person(row.user_id) in may)
