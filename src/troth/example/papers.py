"""Lay out the papers of Example Company as they would stand today: its policy, its data map, its documents.

The papers name days: a certificate's last one, a review's next one. They were written for one day; a demonstration
that is looked at a year later would tell of papers that ran out, and of nothing else. So every such day moves on with
the calendar, in the policy and in the documents alike, and the policy's hashes of the documents follow.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from importlib import resources
from pathlib import Path

WRITTEN = dt.date(2026, 11, 28)
"""The day for which the papers were written; until then they stand as they are."""

_ISO = re.compile(r"\b(?P<key>until|review|reviewed): (?P<day>\d{4}-\d{2}-\d{2})\b")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_NAMED = re.compile(
    rf"(?:\b(?P<day>\d{{1,2}})(?P<gap>\s+))?\b(?P<month>{'|'.join(_MONTHS)})(?P<space>\s+)(?P<year>20\d\d)\b"
)


def lay_out(folder: Path, today: dt.date) -> None:
    """Write policy.yaml, datamap.yaml and documents/ into `folder`, their days moved on to `today`."""
    package, moved = resources.files("troth.example"), max(today - WRITTEN, dt.timedelta())
    policy = _ISO.sub(lambda found: _iso(found, moved), package.joinpath("policy.yaml").read_bytes().decode())
    documents = folder / "documents"
    documents.mkdir(exist_ok=True)
    for paper in sorted(package.joinpath("documents").iterdir(), key=lambda each: each.name):
        before = paper.read_bytes()
        after = _NAMED.sub(lambda found: _named(found, moved), before.decode()).encode() if moved else before
        (documents / paper.name).write_bytes(after)
        policy = policy.replace(hashlib.sha256(before).hexdigest(), hashlib.sha256(after).hexdigest())
    (folder / "policy.yaml").write_bytes(policy.encode())
    (folder / "datamap.yaml").write_bytes(package.joinpath("datamap.yaml").read_bytes())


def _iso(found: re.Match[str], moved: dt.timedelta) -> str:
    return f"{found['key']}: {dt.date.fromisoformat(found['day']) + moved}"


def _named(found: re.Match[str], moved: dt.timedelta) -> str:
    """A day in words; a month without a day stays one."""
    month = _MONTHS.index(found["month"]) + 1
    day = dt.date(int(found["year"]), month, int(found["day"] or 15)) + moved
    ahead = f"{day.day}{found['gap']}" if found["day"] else ""
    return f"{ahead}{_MONTHS[day.month - 1]}{found['space']}{day.year}"
