"""Consents that name a recipient, and the notices of their end: read from the registers. Nothing here writes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import Connection, select

from troth.policy.vocabulary import Safeguard
from troth.sharing import disclosures
from troth.use.tables import consent_events, consent_meanings, withdrawal_notices
from troth.use.words import Consent, Notice


@dataclass(frozen=True, slots=True)
class Told:
    """One notice. `person` is None for somebody who was erased."""

    id: int
    recipient: str
    purpose: str
    person: int | None
    word: int
    state: Notice
    queued_at: dt.datetime
    told_at: dt.datetime | None


def every(tx: Connection, *states: Notice) -> tuple[Told, ...]:
    """All notices, or those in these states, the oldest first."""
    query = select(withdrawal_notices).order_by(withdrawal_notices.c.id)
    if states:
        query = query.where(withdrawal_notices.c.state.in_(states))
    return tuple(
        Told(row.id, row.recipient, row.purpose, row.person, row.word, row.state, row.queued_at, row.told_at)
        for row in tx.execute(query)
    )


def agreeing(tx: Connection, purpose: str, recipient: str, categories: Sequence[str], at: dt.datetime) -> BitMap:
    """Whose consent for `purpose`, as it stood at `at`, names the recipient with all these kinds of data."""
    naming = {
        bytes(row.sha256)
        for row in tx.execute(select(consent_meanings).where(consent_meanings.c.purpose == purpose))
        if _names(row.meaning, recipient, set(categories))
    }
    if not naming:
        return BitMap()
    words = consent_events.c
    query = (
        select(words.person, words.event, words.until, words.meaning_sha256)
        .where(words.purpose == purpose, words.at <= at)
        .order_by(words.at, words.id)
    )
    found = BitMap()
    for row in tx.execute(query.execution_options(yield_per=5_000)):
        stands = row.event is Consent.GIVEN and (row.until is None or row.until > at)
        if stands and row.meaning_sha256 is not None and bytes(row.meaning_sha256) in naming:
            found.add(row.person)
        else:
            found.discard(row.person)
    return found


def had(tx: Connection, notice: Told) -> bool:
    """Whether the recipient was ever given anything of that person for that purpose.

    Groups are nobody's: who got some could delete nothing, and would only learn that one of those people withdrew.
    """
    if notice.person is None:
        return False
    return any(
        each.recipient == notice.recipient
        and each.purpose == notice.purpose
        and each.safeguard is not Safeguard.ANONYMISED
        for each in disclosures.of_person(tx, notice.person)
    )


def _names(meaning: str, recipient: str, categories: set[str]) -> bool:
    return any(one["name"] == recipient and categories <= set(one["data"]) for one in json.loads(meaning)["recipients"])
