"""The demonstration's letterbox: what Example Company would have mailed, on a page, since nobody has a mailbox there.

Only the demonstration has it. It opens the outbox with the company's key, which no page of a real company ever does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from troth.example import providers, storage
from troth.foundation.tables import outbox
from troth.foundation.web.pages import Ask, Frame, Link, Site

if TYPE_CHECKING:
    from troth.application import Troth

PATH = "/letterbox"
_MOST = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as its reader would find it."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime


def letters(troth: Troth) -> tuple[Letter, ...]:
    """The last letters that wait in the outbox, the newest first."""
    office = troth.office
    waiting = select(outbox).where(outbox.c.sealed.is_not(None)).order_by(outbox.c.id.desc()).limit(_MOST)
    with office.store.reading() as tx:
        rows = list(tx.execute(waiting))
    opened = [(json.loads(office.keyring.unseal(row.sealed, context=row.message_id.encode())), row) for row in rows]
    return tuple(Letter(to, subject, text, row.queued_at) for (to, subject, text), row in opened)


def beside(shop: Any, troth: Troth) -> Any:
    """The shop with the letterbox and the stand-ins of help desk and storage beside it, as one ASGI application."""
    place = troth.instance.settings.site
    office = troth.office
    site = Site(secret=office.keyring.pseudonym("forms", b"letterbox"), clock=office.clock, packages=("troth.example",))
    links = (
        Link("Shop", "/"),
        Link("Letterbox", PATH),
        Link("Your data and choices", place.centre),
        Link("Policy", place.policy),
    )
    frame = Frame(troth.policy.controller.name, "Demonstration", links)

    def show(ask: Ask) -> Response:
        return ask.page("letterbox.html", title="Letterbox", letters=letters(troth))

    desk = Route(providers.DESK_PATH, lambda request: providers.answer_of_desk(troth.instance.folder, request))
    bucket = Route(storage.PATH, lambda request: storage.answer(troth.instance.folder, request))
    return Starlette(routes=[Route(PATH, site.endpoint(show, frame), methods=["GET"]), desk, bucket, Mount("/", shop)])
