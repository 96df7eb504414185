"""Consents, objections and restrictions as they are on record, held against the ledger.

An eye: the tables can be written to by whoever has the store's password, the ledger cannot. A word that is on record
otherwise than its entry says, or that the ledger has and the record lacks, was changed past troth. It loads the
database library: checks import it where they look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from troth.errors import StoreError
from troth.foundation.ledger import entries, leaves
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.proof import NothingToObserve
from troth.use.tables import consent_events, objections, restrictions
from troth.use.words import Consent, Objection, Restriction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Row, Table

    from troth.foundation.keys import Keyring
    from troth.foundation.observation import Observation

MOST = 10_000
"""So many words are held against their entries, the newest first."""

MOST_ENTRIES = 100_000
"""So many of the newest entries of the ledger are looked through for words that the record lacks."""

_KINDS: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "consent": (consent_events, tuple(f"consent.{each}" for each in Consent)),
    "objection": (objections, tuple(f"objection.{each}" for each in Objection)),
    "restriction": (restrictions, tuple(f"restriction.{each}" for each in Restriction)),
}


@dataclass(frozen=True, slots=True)
class Against:
    """How many words are not what their entry in the ledger says, and how many entries have no word on record."""

    untrue: int
    struck: int

    def faults(self) -> Iterator[tuple[int, str]]:
        """Each kind of fault that there is: how often, and what it is."""
        if self.untrue:
            yield self.untrue, entries.NOT_AS_TOLD
        if self.struck:
            yield self.struck, "stands in the ledger, and was struck from the record"


def against_the_ledger(seen: Observation, kind: str) -> Against:
    """Hold the words of that kind (`consent`, `objection`, `restriction`) against the ledger; once a run.

    Raises NothingToObserve where troth's store is missing or cannot be read.
    """
    return seen.once(("words against the ledger", kind), lambda: _look(seen, kind))


def _look(seen: Observation, kind: str) -> Against:
    table, kinds = _KINDS[kind]
    newest = select(table).order_by(table.c.id.desc()).limit(MOST)
    try:
        with seen.need_store().reading() as tx:
            rows = tx.execute(newest).all()
            told = entries.of_leaves(tx, (row.leaf for row in rows))
            last = tx.execute(select(func.max(ledger_leaves.c.id))).scalar() or 0
            lost = select(func.count()).where(
                ledger_leaves.c.id > last - MOST_ENTRIES,
                ledger_leaves.c.kind.in_(kinds),
                ledger_leaves.c.id.not_in(select(table.c.leaf)),
            )
            struck = int(tx.execute(lost).scalar_one())
    except StoreError as problem:
        raise NothingToObserve(
            "what people have said cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    keyring = seen.keyring
    # one without an entry at all is told apart from these
    untrue = sum(row.leaf in told and not _is_true(row, told[row.leaf], kind, keyring) for row in rows)
    return Against(untrue, struck)


def _is_true(row: Row[Any], entry: entries.Entry, kind: str, keyring: Keyring | None) -> bool:
    if entry.at != row.recorded_at or not entry.says(f"{kind}.{row.event}", at=row.at, **_facts(row, kind)):
        return False
    return keyring is None or entry.person == leaves.pseudonym(keyring, row.person).hex()


def _facts(row: Row[Any], kind: str) -> dict[str, Any]:
    if kind == "restriction":
        return {"ground": row.ground, "method": row.method}
    facts = {"purpose": row.purpose, "method": row.method, "policy": row.policy_sha256.hex()}
    if kind == "consent":
        facts |= {"text": _hex(row.text_sha256), "meaning": _hex(row.meaning_sha256), "language": row.language}
        facts |= {} if row.until is None else {"until": row.until}
    return facts


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
