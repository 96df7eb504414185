"""Eyes on the attestations: what is said of a sentence or topic, whether its document is unaltered, and until when.

Nothing here writes. An attestation holds when, in this order:

1. it was not withdrawn; only the latest of its subject that was not counts,
2. its last day has not passed (days are counted in UTC),
3. the document is where it was, with the same SHA-256, and says something,
4. the ledger says the same of it: subject, words, document and last day, and of no withdrawal,
5. the account that made it is open still, where one did: somebody answers for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from troth.foundation.ledger import entries
from troth.foundation.proof import Grade, NothingToObserve, Saw, Verdict, unproven

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection, Row

    from troth.foundation.observation import Observation

EMPTY = hashlib.sha256().hexdigest()
"""The hash of a file with nothing in it, which is nobody's word on anything."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Attested:
    """One statement of a named role. `until` is its last day; `document` a path below the instance's folder."""

    id: int
    about: str
    owner: str
    at: dt.datetime
    until: dt.date
    document: str
    sha256: str
    statement: str
    withdrawn_at: dt.datetime | None = None
    leaf: int = 0
    staff: int | None = None

    def ends(self) -> dt.datetime:
        """The instant from which it says nothing any more: the beginning of the day after `until`, in UTC."""
        return dt.datetime.combine(self.until + dt.timedelta(days=1), dt.time(), dt.UTC)


def latest(tx: Connection, about: str) -> Attested | None:
    """The last statement about `about` that was not withdrawn, expired or not; None when there is none."""
    from sqlalchemy import select

    from troth.foundation.attestations.tables import attestations

    query = (
        select(attestations)
        .where(attestations.c.about == about, attestations.c.withdrawn_at.is_(None))
        .order_by(attestations.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _attested(row)


def all_(tx: Connection) -> tuple[Attested, ...]:
    """Every statement ever made, the last first; withdrawn ones too."""
    from sqlalchemy import select

    from troth.foundation.attestations.tables import attestations

    return tuple(_attested(row) for row in tx.execute(select(attestations).order_by(attestations.c.id.desc())))


def fault(attested: Attested, folder: Path, now: dt.datetime) -> str | None:
    """Why the statement proves nothing now, or None when it holds."""
    if attested.withdrawn_at is not None:
        return f"the attestation was withdrawn on {attested.withdrawn_at:%Y-%m-%d}"
    if attested.ends() <= now:
        return f"the attestation ended on {attested.until}"
    found = sha256_of(folder / attested.document)
    if found is None:
        return f"its document {attested.document} is not there"
    if found != attested.sha256:
        return f"its document {attested.document} is not the attested one (its hash differs)"
    if found == EMPTY:
        return f"its document {attested.document} is empty"
    return None


def unbacked(tx: Connection, attested: Attested) -> str | None:
    """Why what stands in the register proves nothing, whatever its document says; None when somebody stands by it."""
    from sqlalchemy import select

    from troth.foundation.tables import staff as accounts

    words = hashlib.sha256(attested.statement.encode()).hexdigest()
    body = {"about": attested.about, "document": attested.sha256, "statement": words, "until": attested.until}
    facts = {**body, "staff": attested.staff, "at": attested.at}
    if list(entries.untrue(tx, [entries.Claim(attested.about, attested.leaf, "attestation.made", facts)])):
        return f"the attestation {entries.NOT_AS_TOLD}"
    withdrawn = entries.of_kind(tx, "attestation.withdrawn")
    if any(each.says(each.kind, attestation=attested.id) for each in withdrawn):
        return "the ledger says that the attestation was withdrawn"
    closed = select(accounts.c.disabled_at).where(accounts.c.id == attested.staff)
    if attested.staff is not None and tx.execute(closed).scalar_one_or_none() is not None:
        return "the account of who attested it is closed, so nobody answers for it"
    return None


def sha256_of(path: Path) -> str | None:
    """The hash of the file, read in pieces; None when there is none that can be read."""
    made = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                made.update(piece)
    except OSError:
        return None
    return made.hexdigest()


def look(seen: Observation, abouts: Sequence[str], *, what: str, repair: str = "") -> Saw:
    """What the attestations say for a sentence: kept, graded *attested*, until its day; or unproven with the reason.

    `abouts` are the subjects that would do, the most fitting first (the sentence's id, then topics). `what` finishes
    the sentence "nobody has attested ...". Never broken: that nobody says so is no fact against the sentence. Without
    a store to read, it is unproven too.
    """
    repair = repair or f"run `troth attest {abouts[-1]} --owner dpo --statement ... --document FILE --until DATE`"
    try:
        with seen.need_store().reading() as tx:
            said = [each for about in abouts if (each := latest(tx, about)) is not None]
            faults = {each.id: fault(each, seen.folder, seen.now) or unbacked(tx, each) for each in said}
    except NothingToObserve as problem:
        return unproven(abouts[0], problem.message, repair=problem.repair or repair)
    if not said:
        return unproven(abouts[-1], f"nobody has attested {what}", repair=repair)
    holding = next((each for each in said if faults[each.id] is None), None)
    if holding is None:
        return unproven(said[0].about, f"{faults[said[0].id]}; it was about {what}", repair=repair)
    return Saw(
        Verdict.KEPT,
        holding.about,
        f"{holding.owner} attests it until {holding.until}, by {holding.document}",
        grade=Grade.ATTESTED,
        max_age=holding.ends() - seen.now,
    )


def _attested(row: Row) -> Attested:  # type: ignore[type-arg]
    return Attested(
        row.id,
        row.about,
        row.owner,
        row.at,
        row.until,
        row.document,
        row.sha256,
        row.statement,
        row.withdrawn_at,
        row.leaf,
        row.staff,
    )
