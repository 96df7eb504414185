"""Eyes on the register of impact assessments, and on how many people there are. Nothing here writes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from troth.foundation.attestations.reading import EMPTY, sha256_of
from troth.foundation.ledger import entries
from troth.protection.impacts.words import Residual

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Assessment:
    """One assessment of one purpose. `review` is the last day on which it holds."""

    id: int
    purpose: str
    document: str
    sha256: str
    owner: str
    residual: Residual
    at: dt.datetime
    review: dt.date


def latest(tx: Connection) -> dict[str, Assessment]:
    """The last assessment of each purpose."""
    from sqlalchemy import select

    from troth.protection.impacts.tables import impact_assessments as table

    columns = (table.c.id, table.c.purpose, table.c.document, table.c.sha256, table.c.owner, table.c.residual)
    query = select(*columns, table.c.at, table.c.review).order_by(table.c.id)
    return {row.purpose: Assessment(*row) for row in tx.execute(query)}


def forged(tx: Connection) -> frozenset[str]:
    """The purposes with an assessment on record that is not what the ledger says."""
    from sqlalchemy import select

    from troth.protection.impacts.tables import impact_assessments as table

    claims = []
    for row in tx.execute(select(table)):
        facts = {"purpose": row.purpose, "residual": row.residual, "review": row.review, "document": row.sha256}
        claims.append(entries.Claim(row.purpose, row.leaf, "impact.assessed", {**facts, "at": row.at}))
    return frozenset(entries.untrue(tx, claims))


def people(tx: Connection) -> int:
    """How many people the company has, as far as troth knows them."""
    from sqlalchemy import func, select

    from troth.foundation.tables import people as table

    return tx.execute(select(func.count()).select_from(table)).scalar_one()


def fault(assessment: Assessment, folder: Path, now: dt.datetime) -> str | None:
    """Why the assessment proves nothing now, or None when it holds."""
    if assessment.review < now.date():
        return f"its assessment was to be looked at again by {assessment.review}"
    found = sha256_of(folder / assessment.document)
    if found is None:
        return f"its assessment {assessment.document} is not there"
    if found != assessment.sha256:
        return f"its assessment {assessment.document} is not the recorded one (its hash differs)"
    if found == EMPTY:
        return f"its assessment {assessment.document} is empty"
    return None
