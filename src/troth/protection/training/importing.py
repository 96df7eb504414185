"""Take in who passed a course elsewhere, from the list (CSV) of another learning system.

    name,course,completed_at
    dora,Privacy basics,2026-09-30

`name` is the account's in `troth staff list`. All lines are taken, or none: every fault is told with its line and
without the name on it. The same completion again is nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from troth.errors import DeclarationFaults, Fault
from troth.foundation.keys import Keyring
from troth.foundation.tables import staff as accounts
from troth.policy.documents import text_of
from troth.policy.periods import Duration
from troth.protection.training import reading, register

if TYPE_CHECKING:
    from troth.protection.training.reading import Training

COLUMNS = ("name", "course", "completed_at")


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did. `known` lines were on record already."""

    new: tuple[Training, ...]
    known: int


def take_in(  # noqa: PLR0917 - the list, and what it is judged by
    tx: Connection, keyring: Keyring, data: bytes, file: str, every: Duration, now: dt.datetime
) -> Taken:
    """Record every completion of the list. Raises: DeclarationFaults with every wrong line; then nothing was done."""
    rows = csv.DictReader(io.StringIO(text_of(data, file)))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise DeclarationFaults([Fault(file, 1, 1, "", "other columns.", f"the columns {','.join(COLUMNS)}")])
    known_as = {row.name: row for row in tx.execute(select(accounts))}
    faults: list[Fault] = []
    found: list[tuple[int, str, dt.datetime]] = []
    for row in rows:
        account = known_as.get((row["name"] or "").strip().lower())
        course = (row["course"] or "").strip()
        at = _instant(row["completed_at"] or "")
        if account is None:
            faults.append(Fault(file, rows.line_num, 1, "name", "no account of staff has this name."))
        if not 0 < len(course) <= 120 or not course.isprintable():
            faults.append(Fault(file, rows.line_num, 1, "course", "not the name of a course.", "1 to 120 letters"))
        if at is None or at > now:
            faults.append(
                Fault(file, rows.line_num, 1, "completed_at", "not a day up to now.", "a day such as 2026-09-30")
            )
        if account is not None and at is not None:
            found.append((account.id, course, at))
    if faults:
        raise DeclarationFaults(faults)
    sha256 = hashlib.sha256(data).hexdigest()
    on_record = {(each.staff, each.course, each.passed_at) for each in reading.trainings_of(tx)}
    new = [each for each in dict.fromkeys(found) if each not in on_record]
    made = tuple(
        register.record(tx, keyring, account, course, at, every, now, body={"list": sha256}, file=sha256)
        for account, course, at in new
    )
    return Taken(made, len(found) - len(new))


def _instant(text: str) -> dt.datetime | None:
    """The moment that the text names; a day without time or zone begins in UTC."""
    try:
        at = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
