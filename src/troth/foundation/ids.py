"""Names for things: numbers that people can say on the phone, tokens that nobody can guess.

Numbers (`2026-000412`) name a record and open nothing. Tokens open something: they are shown once, and the store
keeps only their hash.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from troth.foundation.clock import in_utc
from troth.foundation.tables import number_series

_TOKEN_BYTES = 32
_SHORTEST_TOKEN = 22
_LONGEST_TOKEN = 128


def reserve(tx: Connection, series: str, count: int = 1) -> int:
    """Take the next `count` numbers of a series, and give the first of them; a series starts at 1.

    No gaps: a transaction that is undone gives its numbers back, and others wait for it. Numbers are never given twice.
    """
    assert count > 0
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(number_series).values(series=series, last=count)
    statement = statement.on_conflict_do_update(
        index_elements=[number_series.c.series],
        set_={"last": number_series.c.last + statement.excluded.last},
    )
    last: int = tx.execute(statement.returning(number_series.c.last)).scalar_one()
    return last - count + 1


def request_number(tx: Connection, now: datetime) -> str:
    """The next request number of the year in UTC: `2026-000001`, `2026-000002`, ... Text order is order of receipt.

    Above 999 999 in one year the number grows wider. Raises: NaiveTimeError.
    """
    year = in_utc(now).year
    return f"{year:04d}-{reserve(tx, f'request {year:04d}'):06d}"


def random_token() -> str:
    """A new secret of 256 random bits, as 43 letters that are safe in a URL's path or fragment, a cookie and a form."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What the store keeps of a token: SHA-256, 32 bytes. Enough, since the token itself cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_token(text: str) -> bool:
    """Whether `text` could be a token at all: letters, digits, `-`, `_`, 22 to 128 of them. Anything else is not
    looked up.
    """
    return (
        _SHORTEST_TOKEN <= len(text) <= _LONGEST_TOKEN
        and text.isascii()
        and text.replace("-", "a").replace("_", "a").isalnum()
    )
