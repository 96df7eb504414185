"""Links that are mailed for one request: to an address on file, each once, and only the hash of its token is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, func, select, update

from troth.foundation import ids
from troth.rights import requests
from troth.rights.requests import Request
from troth.rights.tables import request_links
from troth.rights.words import LinkUse

if TYPE_CHECKING:
    from troth.rights.desk import Desk

LIFE = timedelta(minutes=30)
MOST = 3
"""Links that are mailed to one address for one request within the life of a link; more are asked for by others."""

_SEAL = b"request link, address shown"


def recent(tx: Connection, desk: Desk, request: Request) -> int:
    """How many links were made for the request within the life of one."""
    since = desk.office.clock.now() - LIFE
    made = select(func.count()).select_from(request_links)
    made = made.where(request_links.c.request == request.id, request_links.c.made_at > since)
    return int(tx.execute(made).scalar_one())


def make(tx: Connection, desk: Desk, request: Request, use: LinkUse, address: str, *, ends_at: datetime) -> str:
    """The token of a link for one request that works once, until `ends_at`; to be mailed to `address` only."""
    token = ids.random_token()
    tx.execute(
        request_links.insert().values(
            token_hash=ids.token_hash(token),
            request=request.id,
            use=use,
            shown=desk.office.keyring.seal(address.encode("utf-8"), context=_SEAL),
            made_at=desk.office.clock.now(),
            ends_at=ends_at,
        )
    )
    return token


def address_of(desk: Desk, use: LinkUse, token: str) -> str:
    """The address that a link leads to."""
    site = desk.instance.settings.site
    return f"{site.url.rstrip('/')}{site.centre}/{use}/{token}"


def opened_by(desk: Desk, token: str, use: LinkUse) -> Request | None:
    """The request that a link is for, if it would work now. Changes nothing: mail scanners follow links."""
    if not ids.is_token(token):
        return None
    now = desk.office.clock.now()
    with desk.office.store.reading() as tx:
        which = tx.execute(select(request_links.c.request).where(*_alive(token, use, now))).scalar_one_or_none()
        request = None if which is None else requests.load(tx, which)
    return request if request is not None and request.open else None


def use_up(tx: Connection, desk: Desk, token: str, use: LinkUse) -> tuple[int, str] | None:
    """Use up a link and give its request and the address it was mailed to; None for one that does not work."""
    if not ids.is_token(token):
        return None
    now = desk.office.clock.now()
    if tx.execute(update(request_links).where(*_alive(token, use, now)).values(used_at=now)).rowcount != 1:
        return None
    row = tx.execute(select(request_links).where(request_links.c.token_hash == ids.token_hash(token))).one()
    return row.request, desk.office.keyring.unseal(row.shown, context=_SEAL).decode("utf-8")


def _alive(token: str, use: LinkUse, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        request_links.c.token_hash == ids.token_hash(token),
        request_links.c.use == use,
        request_links.c.used_at.is_(None),
        request_links.c.ends_at > now,
    )
