"""Which of the company's own programs may ask: each by a token of its own, of which only the hash is kept."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from re import compile as pattern

from sqlalchemy import select, update

from troth.errors import StoreConflict, TrothError
from troth.foundation import ids
from troth.foundation.store import Store
from troth.use.tables import app_tokens

VARIABLE = "TROTH_APP_TOKEN"
"""The environment may name one more token, for an app that is set up without the store at hand."""

_NAME = pattern(r"[a-z][a-z0-9-]{0,79}")
_BEARER = "bearer "


def create_app_token(store: Store, name: str, now: datetime) -> str:
    """Let the program called `name` ask from now on; gives its token, which is shown only this once.

    Raises: TrothError for a name that is not one lower-case word; StoreConflict when one of that name was made before.
    """
    if not _NAME.fullmatch(name):
        raise TrothError("an app is named by one lower-case word", expected='such as "shop" or "mailer-2"')
    token = ids.random_token()
    try:
        with store.writing() as tx:
            tx.execute(app_tokens.insert().values(token_hash=ids.token_hash(token), name=name, created_at=now))
    except StoreConflict:
        raise StoreConflict(f'an app called "{name}" has a token already', repair="Take another name.") from None
    return token


def end_app_token(store: Store, name: str, now: datetime) -> bool:
    """Let the program called `name` ask no more; gives whether it could until now."""
    with store.writing() as tx:
        ended = (
            update(app_tokens).where(app_tokens.c.name == name, app_tokens.c.ended_at.is_(None)).values(ended_at=now)
        )
        return tx.execute(ended).rowcount > 0


def app_of(store: Store, authorization: str | None, environ: Mapping[str, str]) -> str | None:
    """The name of the program that sent this `Authorization` header; None when it is none of ours.

    Found by the hash of the token, so that the time it takes says nothing about any token. Raises: StoreError.
    """
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    token = authorization[len(_BEARER) :].strip()
    if not ids.is_token(token):
        return None
    hashed = ids.token_hash(token)
    known = environ.get(VARIABLE, "")
    if ids.is_token(known) and hmac.compare_digest(ids.token_hash(known), hashed):
        return "environment"
    statement = select(app_tokens.c.name).where(app_tokens.c.token_hash == hashed, app_tokens.c.ended_at.is_(None))
    with store.reading() as tx:
        found: str | None = tx.execute(statement).scalar_one_or_none()
    return found
