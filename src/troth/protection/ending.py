"""Eyes on what proves something until a day: what ends within a time, so that it is renewed before a sentence turns.

Statements, assessments, trainings, holds, and the dates of the policy: contracts, certificates and transfers of
recipients, reviews of statutes and of balance tests. What has ended already is a matter of checks, and not here.
Nothing here writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from troth.foundation.attestations import reading as attestations
from troth.foundation.keycare import looking
from troth.protection import hold_reading
from troth.protection.impacts import reading as impacts
from troth.protection.training import reading as training

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.policy.model import Document, Policy, Recipient
    from troth.policy.periods import Duration


class Kind(StrEnum):
    """What it is that ends."""

    ATTESTATION = "attestation"
    ASSESSMENT = "impact assessment"
    TRAINING = "training"
    HOLD = "legal hold"
    RECIPIENT = "recipient"
    STATUTE = "statute"
    BALANCE = "balance test"
    KEY = "key"


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """What ends, on which last day it still holds, and how it is renewed."""

    day: dt.date
    kind: Kind
    what: str
    renew: str


def soon(tx: Connection, policy: Policy, now: dt.datetime, within: Duration) -> tuple[Ending, ...]:
    """Everything whose last day lies between today and `within` from now, the nearest first."""
    first, last = now.date(), within.after(now).date()
    return tuple(sorted(each for each in _dated(tx, policy) if first <= each.day <= last))


def _dated(tx: Connection, policy: Policy) -> Iterator[Ending]:
    since = looking.in_use_since(tx)
    if since is not None:
        yield Ending((since + looking.OLD).date(), Kind.KEY, "the key of this controller", "troth key rotate")
    stated: dict[str, dt.date] = {}
    for said in attestations.all_(tx):  # the newest first: what it says of a topic counts
        if said.withdrawn_at is None:
            stated.setdefault(said.about, said.until)
    for about, until in stated.items():
        yield Ending(until, Kind.ATTESTATION, about, f"troth attest {about}")
    for purpose, assessment in impacts.latest(tx).items():
        if purpose in policy.purposes:
            yield Ending(assessment.review, Kind.ASSESSMENT, purpose, f"troth assessment add {purpose}")
    for member in training.members(tx):
        if member.cleared_until is not None:
            yield Ending(member.cleared_until.date(), Kind.TRAINING, member.name, "the course, in the console")
    for hold in hold_reading.standing(tx):
        yield Ending(hold.review, Kind.HOLD, hold.name, f"troth hold lift {hold.id}, or a new one with a later review")
    yield from _of_policy(policy)


def _of_policy(policy: Policy) -> Iterator[Ending]:
    place = f"its day in {policy.file}"
    for _, recipient in policy.recipients:
        for what, day in _of_recipient(recipient):
            yield Ending(day, Kind.RECIPIENT, f"{recipient.name}: {what}", place)
    for name, statute in policy.statutes.items():
        yield Ending(statute.review, Kind.STATUTE, name, place)
    for sentence in policy.sentences:
        for purpose, paper in sentence.meaning.balance_tests.items():
            if (looked := _last_day(paper)) is not None:
                yield Ending(looked, Kind.BALANCE, purpose, place)


def _of_recipient(recipient: Recipient) -> Iterator[tuple[str, dt.date]]:
    if recipient.contract is not None and (day := _last_day(recipient.contract)) is not None:
        yield "contract", day
    if recipient.certificate is not None:
        yield f"certificate {recipient.certificate.kind}", recipient.certificate.until
    if recipient.transfer is not None and recipient.transfer.until is not None:
        yield f"transfer to {recipient.country}", recipient.transfer.until


def _last_day(paper: Document) -> dt.date | None:
    """Until when it is said to hold, or by when it is looked at again, whichever comes first."""
    review = None if paper.reviewed is None or paper.review is None else paper.review.after_day(paper.reviewed)
    days = [day for day in (paper.until, review) if day is not None]
    return min(days, default=None)
