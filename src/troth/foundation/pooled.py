"""A kept connection is asked whether it still stands when that is in doubt, not each time it is taken.

To ask is a turn to the server, and a request takes a connection many times within a blink. In doubt is one that rested
for a second, and one whose socket has something to read although nothing was asked: a server that ends a connection
says so there. One that no longer stands is replaced before anybody gets it.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

REST_S = 1.0
"""Seconds after which a connection that nobody used is asked."""

_SINCE = "troth rests since"


def ask_when_in_doubt(engine: Engine) -> None:
    """Let `engine`, made without `pool_pre_ping`, ask so. For drivers whose connection has a `fileno()` (psycopg)."""
    from sqlalchemy import event
    from sqlalchemy.exc import InvalidatePoolError

    driver: Any = engine.dialect.loaded_dbapi

    @event.listens_for(engine, "checkin")
    def rests(_: object, record: Any) -> None:
        record.info[_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: Any, _: object) -> None:
        since = record.info.pop(_SINCE, None)  # None: it has just been made
        if since is None:
            return
        try:
            if time.monotonic() - since >= REST_S or _has_come(connection):
                engine.dialect.do_ping(connection)
        except (driver.Error, OSError):
            raise InvalidatePoolError from None


def _has_come(connection: Any) -> bool:
    """Whether there is anything to read, be it the end. Raises where there is no connection any more."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
