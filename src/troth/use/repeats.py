"""An app's repeats are one: what comes again under the same key has been done, and is not done again.

A network that breaks between a deed and its answer makes apps send again; an old consent that is sent again after its
withdrawal must not bring it back. The key is taken in the deed's own transaction: both are there, or neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, delete, select

from troth.errors import KeyReused
from troth.foundation.store import hold
from troth.use import office as offices
from troth.use.office import Office
from troth.use.tables import app_repeats

KEPT = timedelta(days=2)
"""How long a key is remembered."""


class DoneBefore(Exception):
    """The same was sent before under this key, and done."""


@contextmanager
def once(office: Office, app: str, key: str | None, body: str) -> Iterator[None]:
    """Let the deed in this block be done once under `key` of `app`; `body` is what was sent. No key: as often as sent.

    Raises: DoneBefore, and KeyReused when the key came with another body; then nothing was done.
    """
    if key is None:
        yield
        return
    called = _called(office, app, key)
    sent = office.keyring.pseudonym("app body", body.encode())

    def take(tx: Connection) -> None:
        hold(tx, f"app key {called.hex()}")
        now = office.clock.now()
        known = tx.execute(select(app_repeats.c.body).where(app_repeats.c.key == called)).scalar()
        if known is not None:
            if bytes(known) != sent:
                raise KeyReused(repair="Send another key with another request.")
            raise DoneBefore
        tx.execute(delete(app_repeats).where(app_repeats.c.at < now - KEPT))
        tx.execute(app_repeats.insert().values(key=called, body=sent, at=now))

    with offices.first(take):
        yield


def named(office: Office, app: str, key: str | None) -> bytes | None:
    """What is kept of the name that an app gave to what it sent; None without a name."""
    return None if key is None else _called(office, app, key)


def _called(office: Office, app: str, key: str) -> bytes:
    return office.keyring.pseudonym("app key", f"{app}\n{key}".encode())
