"""Everything that one person said about the use of their data, as the copy shows it: each word, when, and its text.

All words are told, not only those that count now: what was agreed to and withdrawn since is the person's own history.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, select

from troth.foundation.people import PersonNumber
from troth.policy.rendering.annexes import purpose_label
from troth.rights.packaging.contents import Said
from troth.use import standing
from troth.use.tables import EVERY_PURPOSE, consent_events, consent_texts, objections, restrictions

_GROUNDS = {
    "request": "as you wished",
    "accuracy-contested": "you say that the data are wrong",
    "unlawful": "you say that the use is unlawful",
    "legal-claims": "you need the data for a legal claim",
    "objection-pending": "your objection is being weighed",
    "erasure": "an erasure is under way",
}


def said_by(tx: Connection, person: PersonNumber) -> tuple[Said, ...]:
    """All words of `person` in the order in which they were said."""
    counting = standing.load(tx, person)
    words = [
        *_consents(tx, person, {word.id for word in counting.consents.values()}),
        *_objections(tx, person, {word.id for word in counting.objections.values()}),
        *_restrictions(tx, person, {word.id for word in counting.restrictions.values()}),
    ]
    return tuple(sorted(words, key=attrgetter("at")))


def _consents(tx: Connection, person: PersonNumber, counting: set[int]) -> Iterator[Said]:
    statement = (
        select(consent_events, consent_texts.c.text)
        .join(consent_texts, consent_texts.c.sha256 == consent_events.c.text_sha256, isouter=True)
        .where(consent_events.c.person == person)
    )
    for row in tx.execute(statement):
        yield Said(
            kind="consent",
            about=row.purpose,
            label=purpose_label(row.purpose),
            word=row.event,
            at=row.at,
            method=row.method,
            text=row.text or "",
            sentence=row.number or "",
            text_sha256="" if row.text_sha256 is None else row.text_sha256.hex(),
            policy_sha256=row.policy_sha256.hex(),
            policy_updated=row.policy_updated,
            language=row.language,
            counts=row.id in counting,
        )


def _objections(tx: Connection, person: PersonNumber, counting: set[int]) -> Iterator[Said]:
    for row in tx.execute(select(objections).where(objections.c.person == person)):
        label = "everything that you can object to" if row.purpose == EVERY_PURPOSE else purpose_label(row.purpose)
        yield _word("objection", row, row.purpose, label, counting, policy=row.policy_sha256.hex())


def _restrictions(tx: Connection, person: PersonNumber, counting: set[int]) -> Iterator[Said]:
    for row in tx.execute(select(restrictions).where(restrictions.c.person == person)):
        yield _word("restriction", row, row.ground, _GROUNDS.get(row.ground, row.ground), counting)


def _word(kind: str, row: Row[Any], about: str, label: str, counting: set[int], *, policy: str = "") -> Said:
    return Said(kind, about, label, row.event, row.at, row.method, policy_sha256=policy, counts=row.id in counting)
