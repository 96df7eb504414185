"""Take in what a scanner wrote: keep it with its hash, and bring the register of holes up to date.

A hole keeps the day on which this tool first reported it, however often it is reported again; one that its tool no
longer reports is closed by that scan, and opens anew, from the new day, if it comes back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from troth.errors import TrothError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.store import hold
from troth.protection.audits import formats
from troth.protection.audits.formats import Hole, Scan
from troth.protection.audits.tables import audit_findings, audit_scans

_NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What one import did; `again` where this very output was on record already, and nothing was done."""

    tool: str
    scanned_at: dt.datetime
    found: int
    new: int
    closed: int
    again: bool = False


def take_in(  # noqa: PLR0917 - the output, and what it is called
    tx: Connection,
    keyring: Keyring,
    data: bytes,
    file: str,
    now: dt.datetime,
    tool: str | None = None,
    *,
    staff: int | None = None,
) -> Taken:
    """Take in one output. `tool` names it where the output does not, or two set-ups of one tool are to be told apart.
    `staff` is the account of whoever brought it.

    Raises: UnreadableFile; TrothError for an output that is older than the last of its tool, or from the future.
    """
    scan = formats.read(data, file)
    name = " ".join((tool or scan.tool).split())
    if not 0 < len(name) <= 80 or not name.isprintable():
        raise TrothError("this is no name of a tool", where="--tool", expected="1 to 80 letters on one line")
    at = scan.at or now
    if at > now + dt.timedelta(minutes=5):
        raise TrothError("the output says it was written in the future", where=file, expected="a time up to now")
    hold(tx, "audit scans")
    sha256 = hashlib.sha256(data).hexdigest()
    known = tx.execute(select(audit_scans).where(audit_scans.c.sha256 == sha256)).one_or_none()
    if known is not None:
        return Taken(known.tool, known.scanned_at, known.found, 0, 0, again=True)
    last = tx.execute(select(func.max(audit_scans.c.scanned_at)).where(audit_scans.c.tool == name)).scalar()
    if last is not None and at < last:
        raise TrothError(
            "a newer output of this tool is on record", where=file, repair="Take the newest in, or name it with --tool."
        )
    body = {"tool": name, "format": scan.format, "output": sha256, "found": len(scan.holes), "scanned_at": at}
    if staff is not None:
        body |= {"staff": staff}
    leaf = leaves.append(tx, keyring, "audit.scanned", None, body, now)
    facts = {"tool": name, "format": scan.format, "scanned_at": at, "taken_at": now, "sha256": sha256, "leaf": leaf}
    tx.execute(audit_scans.insert().values(output=zlib.compress(data, 6), found=len(scan.holes), **facts))
    new, closed = _bring_up_to_date(tx, name, scan, at)
    return Taken(name, at, len(scan.holes), new, closed)


def _bring_up_to_date(tx: Connection, tool: str, scan: Scan, at: dt.datetime) -> tuple[int, int]:
    """How many holes are new or back, and how many this scan closed."""
    table = audit_findings
    known = {row.key: row for row in tx.execute(select(table).where(table.c.tool == tool))}
    reported = {hole.key: hole for hole in scan.holes}
    new = 0
    for hole in reported.values():
        row = known.get(hole.key)
        facts = _facts(hole, at)
        if row is None:
            new += 1
            tx.execute(table.insert().values(tool=tool, key=hole.key, first_seen=at, **facts))
        else:
            back = row.closed_at is not None
            new += back
            first = {"first_seen": at} if back else {}
            tx.execute(update(table).where(table.c.id == row.id).values(closed_at=None, **facts, **first))
    gone = [row.id for row in known.values() if row.closed_at is None and row.key not in reported]
    for start in range(0, len(gone), _NAMES_AT_ONCE):
        some = gone[start : start + _NAMES_AT_ONCE]
        tx.execute(update(table).where(table.c.id.in_(some)).values(closed_at=at))
    return new, len(gone)


def _facts(hole: Hole, at: dt.datetime) -> Mapping[str, object]:
    return {
        "name": hole.name,
        "aliases": json.dumps(hole.aliases),
        "place": hole.place,
        "severity": hole.severity,
        "last_seen": at,
        "accepted": hole.accepted,
    }
