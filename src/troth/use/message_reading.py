"""Read which messages were sent, from the company's own log or troth's, and what a kept copy of one says.

An eye: it counts by template, and tells no one's name. What a message says is read from a file that the mailer keeps;
its words are compared with those of the marketing letter kept beside it, and never told.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from troth.errors import StoreError
from troth.foundation.proof import NothingToObserve
from troth.foundation.records import instants
from troth.policy.datamap import Place
from troth.use.tables import messages_sent

if TYPE_CHECKING:
    from email.message import EmailMessage

    from troth.foundation.observation import Observation
    from troth.policy.usesettings import MessageSettings

LARGEST = 2_000_000
"""Bytes of a kept message, at most."""
_TELLING = 16
"""So many letters make a line that two letters do not share by chance."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What is on record of one template: how many, how many name an order, the classes on record, the newest; and how
    many name an order that is not there, where the store itself says in which table orders are.
    """

    template: str
    count: int
    with_order: int
    kinds: frozenset[str]
    newest: dt.datetime | None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A kept message: when it is of, whether it has a header that stops a mailing, and its telling lines."""

    sent: dt.datetime | None
    stops: bool
    lines: frozenset[str]


def where(settings: MessageSettings) -> str:
    """What the log is called in findings."""
    return f"{settings.table} (messages)" if settings.table else "messages on record"


def by_template(seen: Observation, settings: MessageSettings) -> tuple[Sent, ...]:
    """What the log says, by template. Raises RecordsError, NothingToObserve."""
    if settings.table is None:
        return _own(seen)
    store, _, name = settings.table.partition(".")
    records = seen.need_records()
    catalogue = records.catalogue(store)
    for column in filter(None, (settings.template, settings.order, settings.at, settings.kind)):
        catalogue.column(Place(store, name, column))
    table = records.table(store, name)
    template, at = table.c[settings.template], table.c[settings.at]
    kind: Any = table.c[settings.kind] if settings.kind else template
    order = table.c[settings.order]
    source: Any = table
    led: Any = order
    key = next((each for each in catalogue.table(name).foreign_keys if each.columns == (settings.order,)), None)
    if key is not None and key.table in catalogue.tables:
        target = key.target_columns or catalogue.table(key.table).primary_key
        orders = records.table(store, key.table).alias("orders")
        source = table.outerjoin(orders, orders.c[target[0]] == order)
        led = orders.c[target[0]]
    columns = (template, kind, func.count(), func.count(order), func.max(at), func.count(order) - func.count(led))
    statement = select(*columns).select_from(source).group_by(template, kind)
    return _joined(records.execute(store, statement), with_kinds=settings.kind is not None)


def read(path: Path) -> Sample | None:
    """The message kept at `path`; None where there is none that can be read."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        message: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain", "html"))
        text = body.get_content() if body is not None else ""
        date = message["Date"]
        sent = date.datetime if date is not None else None
    except (OSError, LookupError, ValueError, AttributeError):
        return None
    lines = frozenset(line for raw in text.splitlines() if len(line := " ".join(raw.split())) >= _TELLING)
    aware = sent.replace(tzinfo=dt.UTC) if sent is not None and sent.tzinfo is None else sent
    return Sample(aware, "List-Unsubscribe" in message, lines)


def _own(seen: Observation) -> tuple[Sent, ...]:
    table = messages_sent
    statement = select(
        table.c.template, table.c.kind, func.count(), func.count(table.c.order_hash), func.max(table.c.at)
    ).group_by(table.c.template, table.c.kind)
    try:
        with seen.need_store().reading() as tx:
            return _joined(tx.execute(statement), with_kinds=True)
    except StoreError as problem:
        raise NothingToObserve(
            "which messages were sent cannot be read",
            where=problem.where,
            repair=problem.repair or "run `troth upgrade`",
        ) from None


def _joined(rows: Any, *, with_kinds: bool) -> tuple[Sent, ...]:
    found: dict[str, Sent] = {}
    for template, kind, count, ordered, latest, *lost in rows:
        name = str(template)
        newest = instants.read(latest)
        was = found.get(name, Sent(name, 0, 0, frozenset(), None))
        newest = max((each for each in (was.newest, newest) if each is not None), default=None)
        kinds = was.kinds | {str(kind)} if with_kinds else was.kinds
        gone = was.lost + sum(map(int, lost))
        found[name] = Sent(name, was.count + int(count), was.with_order + int(ordered), kinds, newest, gone)
    return tuple(found.values())
