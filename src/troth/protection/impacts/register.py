"""Record that the risks of one use were weighed, with the document's hash and the day of the next look."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from troth.errors import TrothError, UnknownName
from troth.foundation.attestations.register import LONGEST_LIFE, document_of, owner_of
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.policy.documents import nearest
from troth.policy.model import Policy
from troth.protection.impacts.reading import Assessment
from troth.protection.impacts.tables import impact_assessments
from troth.protection.impacts.words import Residual


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is to be recorded. `owner` is a role or an account's name; `document` a path below the folder."""

    purpose: str
    document: str
    owner: str = field(repr=False)
    review: dt.date
    residual: Residual = Residual.ACCEPTABLE


def add(  # noqa: PLR0917 - what an entry needs at hand, then the assessment
    tx: Connection, keyring: Keyring, policy: Policy, folder: Path, weighed: Weighed, now: dt.datetime
) -> Assessment:
    """Record the assessment and its ledger entry. It replaces earlier ones of its purpose.

    Raises: UnknownName for a purpose that the policy does not declare, or an owner that is none; AccessDenied for a
    closed account; TrothError for a document that is not below the folder, or a review that has passed or is too far.
    """
    if weighed.purpose not in policy.purposes:
        raise UnknownName(
            "the policy declares no such purpose.",
            where=policy.file,
            expected=f"one of: {', '.join(policy.purposes)}",
            nearest=nearest(weighed.purpose, policy.purposes),
        )
    owner, staff, role = owner_of(tx, weighed.owner)
    document, sha256 = document_of(folder, weighed.document)
    if not now.date() <= weighed.review <= (now + LONGEST_LIFE).date():
        raise TrothError(
            "an assessment cannot hold until that day",
            where="--review",
            expected=f"a day from {now.date()} to {(now + LONGEST_LIFE).date()}",
        )
    facts = {"purpose": weighed.purpose, "residual": weighed.residual}
    body = {**facts, "document": sha256, "role": role, "staff": staff, "review": weighed.review.isoformat()}
    leaf = leaves.append(tx, keyring, "impact.assessed", None, body, now)
    values = {**facts, "document": document, "sha256": sha256, "owner": owner, "staff": staff, "at": now}
    made = tx.execute(impact_assessments.insert().values(review=weighed.review, leaf=leaf, **values))
    key = made.inserted_primary_key
    assert key is not None  # INVARIANT: the table numbers its rows
    return Assessment(key[0], weighed.purpose, document, sha256, owner, weighed.residual, now, weighed.review)
