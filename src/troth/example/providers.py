"""What Example Company gives to its service providers, each batch through the gate; and the stand-in of its help desk.

The providers exist on paper only. What they get lies in the folder `outbox`, where each would fetch it; which hosts the
company's machines reached stands in `egress.log`. The help desk answers at its own name, for the check that looks into
it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Select, func, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from troth.example.shop import tables
from troth.foundation import age

if TYPE_CHECKING:
    from troth.application import Troth

DESK_HOST = "desk.example.net"
DESK_PATH = "/desk-api/facts"
OUTBOX = "outbox"
LOG = "egress.log"
AGENTS = ("ana", "ben")
BACKUP_KEY = "backup.key"
BACKUPS = "backups/*.age"
_FACTS = "desk.json"
_SAMPLE = 20


def prepare(folder: Path) -> str:
    """Make the outbox, and the key pair of the backups; gives the public one."""
    (folder / OUTBOX).mkdir(exist_ok=True)
    private, public = age.new_key()
    path = folder / OUTBOX / BACKUP_KEY
    path.touch(mode=0o600)
    path.write_text(private + "\n")
    return public


def give(troth: Troth, shop: Engine, folder: Path) -> None:
    """Give each provider its batch of today; write down which hosts were reached, and what the help desk keeps."""
    users, profiles, clicks = tables.users, tables.profiles, tables.click_events
    tickets, orders = tables.support_tickets, tables.orders
    troth.share(
        "Example Metrics",
        "analytics",
        _rows(shop, select(clicks.c.user_id, clicks.c.kind, clicks.c.target)),
        person="user_id",
        columns={"kind": "usage.interaction", "target": "usage.click"},
        to=f"{OUTBOX}/example-metrics.jsonl",
    )
    troth.share(
        "Example Storage",
        "service.provide",
        _rows(shop, select(users.c.id, users.c.username, profiles.c.name, profiles.c.bio).join(profiles)),
        person="id",
        columns={"username": "account.username", "name": "profile.name", "bio": "profile.bio"},
        to=f"{OUTBOX}/example-storage.jsonl.age",
    )
    troth.share(
        "Example Desk",
        "service.provide",
        _rows(shop, select(tickets.c.user_id, users.c.email, tickets.c.subject, tickets.c.status).join(users)),
        person="user_id",
        columns={"email": "contact.email", "subject": "communication.message", "status": "communication.message"},
        to=f"{OUTBOX}/example-desk.jsonl",
    )
    paid = select(orders.c.user_id, orders.c.payment_token, orders.c.total_cents)
    troth.share(
        "Example Pay",
        "transactions",
        _rows(shop, paid.where(orders.c.payment_token.is_not(None))),
        person="user_id",
        columns={"payment_token": "payment.token"},
        to=f"{OUTBOX}/example-pay.jsonl",
    )
    _write_log(troth, folder)
    with shop.connect() as connection:
        oldest = connection.execute(select(func.min(tickets.c.opened_at))).scalar()
    _write_facts(folder, oldest)


def back_up(folder: Path, public: str, now: dt.datetime) -> None:
    """Last night's backup of troth's own store, encrypted before it is written."""
    path = folder / BACKUPS.replace("*", f"troth-{now:%Y-%m-%d}")
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    source = sqlite3.connect(folder / "troth.sqlite3")
    try:
        with path.open("wb") as file, age.Sealing(file, public) as sealing:
            sealing.write(source.serialize())
    finally:
        source.close()
    os.utime(path, (now.timestamp(), now.timestamp()))


def facts_of_desk(folder: Path) -> Mapping[str, Any]:
    """What the help desk says of itself."""
    found: Mapping[str, Any] = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return found


def answer_of_desk(folder: Path, request: Request) -> Response:
    """The help desk's own page, which stands at its name only."""
    if (request.url.hostname or "") != DESK_HOST:
        return Response("no such page", status_code=404, media_type="text/plain")
    return JSONResponse(dict(facts_of_desk(folder)))


def _rows(shop: Engine, query: Select[Any]) -> Iterator[dict[str, Any]]:
    with shop.connect() as connection, connection.execute(query.execution_options(yield_per=1000)) as found:
        yield from (dict(row) for row in found.mappings())


def _write_log(troth: Troth, folder: Path) -> None:
    """One line for each host that the shop's machines reached this morning, as a proxy writes it."""
    now = troth.office.clock.now()
    hosts = [each.host for _, each in troth.policy.recipients if each.host]
    reached = [*hosts, "shop.example.com", "tea.example.org", "updates.example.net", *hosts]
    lines = (
        json.dumps({"time": (now - dt.timedelta(minutes=5 * at)).isoformat(), "host": host, "method": "CONNECT"})
        for at, host in enumerate(reversed(reached))
    )
    (folder / LOG).write_text("\n".join(reversed(list(lines))) + "\n", encoding="utf-8")


def _write_facts(folder: Path, oldest: dt.datetime | None) -> None:
    lines = (folder / OUTBOX / "example-desk.jsonl").read_text(encoding="utf-8").splitlines()
    facts = {
        "sign_on": {"required": True},
        "users": [{"name": name, "active": True} for name in AGENTS] + [{"name": "cho", "active": False}],
        "oldest_ticket": None if oldest is None else oldest.replace(tzinfo=oldest.tzinfo or dt.UTC).isoformat(),
        "sample": [json.loads(line) for line in lines[:_SAMPLE]],
    }
    (folder / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
