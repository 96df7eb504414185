"""The register of consents as it lies in troth's store, read and counted anew.

An eye: it takes hashes of the stored words itself and asks no deed what it wrote. Checks import it where they look,
since it loads the database library.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from troth.errors import StoreError
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.proof import NothingToObserve
from troth.use.tables import consent_events, consent_meanings, consent_texts
from troth.use.words import Consent

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from troth.foundation.observation import Observation

_CLOCKS_DIFFER = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Register:
    """How many consents are on record, and of how many of them something is missing or wrong.

    `bare` do not say to which words; of `altered` the words are gone or hash to something else, and of `unmeant` what
    the words meant (data, recipients); `ahead` have a time
    after their recording or still to come; `leafless` entries (of consent given or taken back) have none in the ledger.
    """

    consents: int
    bare: int
    altered: int
    unmeant: int
    ahead: int
    leafless: int


def look(seen: Observation) -> Register:
    """Count the register at this moment. Raises NothingToObserve where troth's store is missing or cannot be read."""
    events = consent_events
    given = events.c.event == Consent.GIVEN
    try:
        with seen.need_store().reading() as tx:
            total = _count(tx, given)
            texts = {row.sha256: row.text for row in tx.execute(select(consent_texts.c.sha256, consent_texts.c.text))}
            bare = _count(tx, and_(given, or_(events.c.text_sha256.is_(None), events.c.number.is_(None))))
            ahead = _count(
                tx, or_(events.c.at > events.c.recorded_at, events.c.recorded_at > seen.now + _CLOCKS_DIFFER)
            )
            agreed = tx.execute(
                select(events.c.text_sha256, func.count().label("rows"))
                .where(given, events.c.text_sha256.is_not(None))
                .group_by(events.c.text_sha256)
            ).all()
            meant = tx.execute(
                select(events.c.meaning_sha256, func.count().label("rows"))
                .where(given, events.c.meaning_sha256.is_not(None))
                .group_by(events.c.meaning_sha256)
            ).all()
            meanings = {bytes(row.sha256): row.meaning for row in tx.execute(select(consent_meanings))}
            leafless = tx.execute(
                select(func.count())
                .select_from(events.outerjoin(ledger_leaves, ledger_leaves.c.id == events.c.leaf))
                .where(ledger_leaves.c.id.is_(None))
            ).scalar_one()
    except StoreError as problem:
        raise NothingToObserve(
            "the register of consents cannot be read",
            where=problem.where,
            repair=problem.repair or "run `troth upgrade`",
        ) from None
    whole = {bytes(key) for key, text in texts.items() if hashlib.sha256(text.encode()).digest() == bytes(key)}
    altered = sum(row.rows for row in agreed if bytes(row.text_sha256) not in whole)
    sound = {key for key, text in meanings.items() if hashlib.sha256(text.encode()).digest() == key}
    unmeant = sum(row.rows for row in meant if bytes(row.meaning_sha256) not in sound)
    return Register(total, bare, altered, unmeant, ahead, leafless)


def _count(tx: Connection, condition: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(consent_events).where(condition)).scalar_one())
