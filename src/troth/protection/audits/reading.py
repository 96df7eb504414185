"""Eyes on the scans: the last of each tool, and which holes are open since when. Nothing here writes.

A hole that one tool reports is accepted too where another document names the same vulnerability, by id or alias, as
accepted: a VEX speaks about what a scanner found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.foundation.ledger.entries import Claim
from troth.protection.audits import formats
from troth.protection.audits.formats import LARGEST, Scan, Severity

if TYPE_CHECKING:  # a check of a policy alone loads no database
    from sqlalchemy import Connection, Row

    from troth.policy.protecting import AuditSettings


@dataclass(frozen=True, slots=True)
class ScanSeen:
    """One scan on record."""

    id: int
    tool: str
    format: formats.Format
    scanned_at: dt.datetime
    taken_at: dt.datetime
    sha256: str
    found: int


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """One hole on record. Open is what is neither closed nor accepted."""

    id: int
    tool: str
    key: str
    name: str
    place: str
    severity: Severity
    first_seen: dt.datetime
    closed_at: dt.datetime | None
    accepted: str | None
    own: str | None = None
    """What its own tool wrote of why it is none; `accepted` may be another document's word."""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None and self.accepted is None


def is_late(finding: FindingSeen, settings: AuditSettings, now: dt.datetime) -> bool:
    """Whether a hole is open for longer than `[audits]` gives for its severity."""
    limits = {Severity.CRITICAL: settings.critical, Severity.HIGH: settings.high}
    limit = limits.get(finding.severity)
    return limit is not None and finding.is_open and limit.after(finding.first_seen) <= now


def scans(tx: Connection) -> tuple[ScanSeen, ...]:
    """Every scan, the newest first."""
    from sqlalchemy import select

    from troth.protection.audits.tables import audit_scans as table

    columns = (table.c.id, table.c.tool, table.c.format, table.c.scanned_at, table.c.taken_at, table.c.sha256)
    query = select(*columns, table.c.found).order_by(table.c.scanned_at.desc(), table.c.id.desc())
    return tuple(ScanSeen(*row) for row in tx.execute(query))


SPEAKS_OF_OTHERS = frozenset({formats.Format.CYCLONEDX, formats.Format.VEX})


def last_of_each_tool(tx: Connection) -> tuple[ScanSeen, ...]:
    """The newest scan of each tool, the newest first."""
    last: dict[str, ScanSeen] = {}
    for each in scans(tx):
        last.setdefault(each.tool, each)
    return tuple(last.values())


def findings(tx: Connection) -> tuple[FindingSeen, ...]:
    """Every hole on record, the gravest and oldest first."""
    from sqlalchemy import select

    from troth.protection.audits.tables import audit_findings as table

    rows = tx.execute(select(table).order_by(table.c.first_seen, table.c.id)).all()
    speaking = {each.tool for each in last_of_each_tool(tx) if each.format in SPEAKS_OF_OTHERS}
    said = {
        name: row.accepted
        for row in rows
        if row.tool in speaking and row.closed_at is None and row.accepted is not None
        for name in (row.name, *json.loads(row.aliases))
    }
    grave = list(Severity)
    return tuple(sorted((_finding(row, said) for row in rows), key=lambda each: grave.index(each.severity)))


def claims(tx: Connection) -> tuple[Claim, ...]:
    """What the ledger must say of every scan on record."""
    from sqlalchemy import select

    from troth.protection.audits.tables import audit_scans as table

    names = ("id", "tool", "format", "scanned_at", "found", "sha256", "taken_at", "leaf")
    found = []
    for row in tx.execute(select(*(table.c[name] for name in names)).order_by(table.c.id)):
        facts = {name: getattr(row, name) for name in ("tool", "format", "scanned_at", "found")}
        told = {**facts, "output": row.sha256, "at": row.taken_at}
        found.append(Claim(f"scan {row.id}", row.leaf, "audit.scanned", told))
    return tuple(found)


def output_of(tx: Connection, scan: ScanSeen) -> Scan | None:
    """What the tool wrote, read again from the bytes that are kept; None where they are not those taken in."""
    from sqlalchemy import select

    from troth.protection.audits.tables import audit_scans as table

    kept: bytes = tx.execute(select(table.c.output).where(table.c.id == scan.id)).scalar_one()
    try:
        opener = zlib.decompressobj()
        data = opener.decompress(kept, LARGEST)
    except zlib.error:
        return None
    return formats.read(data, scan.tool) if hashlib.sha256(data).hexdigest() == scan.sha256 else None


def _finding(row: Row, said: Mapping[str, str]) -> FindingSeen:  # type: ignore[type-arg]
    names = (row.name, *json.loads(row.aliases))
    elsewhere = next((said[name] for name in names if name in said), None)
    return FindingSeen(
        row.id,
        row.tool,
        row.key,
        row.name,
        row.place,
        row.severity,
        row.first_seen,
        row.closed_at,
        row.accepted or elsewhere,
        row.accepted,
    )
