"""The choices that travel with a business: what each person said that counts, as lines of a bundle.

Of consent the line has the words that were agreed to and what they meant, so that the buyer asks anew where it is more.
Every line names its entry in the seller's ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from troth.foundation.people import Identifier, Kind
from troth.use.stopping import tokens
from troth.use.tables import consent_events, consent_meanings, consent_texts, objections, restrictions, suppressions

if TYPE_CHECKING:
    from troth.use.office import Office


def choices_of(tx: Connection, office: Office, person: int, known_by: Sequence[Identifier]) -> Iterator[dict[str, Any]]:
    """Each choice of one person that counts now, oldest kinds first."""
    for row in _last(tx, consent_events, "purpose", person):
        yield {
            "what": "consent",
            "purpose": row.purpose,
            "event": row.event.value,
            **_said(row),
            "until": row.until.isoformat() if row.until else None,
            "clause": row.clause,
            "number": row.number,
            "language": row.language,
            "text": _kept(tx, consent_texts.c.text, consent_texts.c.sha256, row.text_sha256),
            "meaning": _kept(tx, consent_meanings.c.meaning, consent_meanings.c.sha256, row.meaning_sha256),
        }
    for row in _last(tx, objections, "purpose", person):
        yield {"what": "objection", "purpose": row.purpose, "event": row.event.value, **_said(row)}
    for row in _last(tx, restrictions, "ground", person):
        yield {"what": "restriction", "ground": row.ground.value, "event": row.event.value, **_said(row)}
    for one in known_by:
        if one.kind is not Kind.EMAIL:
            continue
        now = office.clock.now()
        query = select(suppressions).where(
            suppressions.c.address_hash == tokens.hash_of(office.keyring, one), suppressions.c.ended_at.is_(None)
        )
        for row in tx.execute(query):
            if row.until is None or row.until > now:
                yield {
                    "what": "no-mail",
                    "purpose": row.purpose,
                    "address": one.value,
                    "event": "listed",
                    "at": row.at.isoformat(),
                    "leaf": row.leaf,
                }


def _last(tx: Connection, table: Any, about: str, person: int) -> list[Row[Any]]:
    rows = tx.execute(select(table).where(table.c.person == person).order_by(table.c.at, table.c.id))
    return list({getattr(row, about): row for row in rows}.values())


def _said(row: Row[Any]) -> dict[str, Any]:
    return {"at": row.at.isoformat(), "leaf": row.leaf}


def _kept(tx: Connection, column: Any, key: Any, sha256: bytes | None) -> str | None:
    return None if sha256 is None else tx.execute(select(column).where(key == sha256)).scalar_one_or_none()
