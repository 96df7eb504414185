"""Write the register of consents out, as columns that `importing` reads again: for another system, or another troth."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from troth.foundation.tables import people
from troth.use.tables import consent_events, consent_texts

COLUMNS = ("key", "purpose", "word", "at", "until", "text", "language", "method", "source")
_BATCH = 2_000


def _tamed(text: str) -> str:
    """What no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def export(tx: Connection, purpose: str | None = None, *, exact: bool = False) -> Iterator[dict[str, str]]:
    """Every word on record, oldest first, as columns that `plan` reads; the person by their `key`. Streams.

    `exact`: texts as they are, for readers that run nothing.
    """
    query = (
        select(consent_events, people.c.key, consent_texts.c.text)
        .join(people, people.c.number == consent_events.c.person)
        .join(consent_texts, consent_texts.c.sha256 == consent_events.c.text_sha256, isouter=True)
        .order_by(consent_events.c.id)
        .execution_options(yield_per=_BATCH)
    )
    if purpose is not None:
        query = query.where(consent_events.c.purpose == purpose)
    for row in tx.execute(query):
        yield {
            "key": row.key.hex(),
            "purpose": row.purpose,
            "word": row.event.value,
            "at": row.at.isoformat(),
            "until": "" if row.until is None else row.until.isoformat(),
            "text": (row.text or "") if exact else _tamed(row.text or ""),
            "language": row.language,
            "method": row.method,
            "source": row.source or "",
        }
