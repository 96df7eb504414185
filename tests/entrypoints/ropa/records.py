"""Records of the example policy, whole or with something in its files changed, without a store."""

from __future__ import annotations

import datetime as dt
from importlib import resources

from troth.entrypoints.ropa.facts import Facts
from troth.entrypoints.ropa.gathering import Told, gather
from troth.entrypoints.ropa.record import Activity, Record
from troth.policy import mapreading, reading
from troth.policy.recordkeeping import RecordSettings

_FILES = resources.files("troth.example")
POLICY = _FILES.joinpath("policy.yaml").read_text(encoding="utf-8")
MAP = _FILES.joinpath("datamap.yaml").read_text(encoding="utf-8")
TODAY = dt.date(2026, 11, 22)
SAID = RecordSettings.model_validate(
    {
        "keeper": "the privacy department",
        "joint_controllers": [],
        "automated_decisions": {},
        "processing_for": [],
        "representative": {"name": "Example Rep", "contact": "rep@example.org"},
    }
)


def record(
    *changes: tuple[str, str],
    datamap: str | None = MAP,
    said: RecordSettings = SAID,
    facts: Facts | None = None,
    today: dt.date = TODAY,
) -> Record:
    """The record of the example policy with these words of it replaced; each must stand there."""
    text = POLICY
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    told = Told(
        reading.parse(text.encode(), "policy.yaml"),
        mapreading.parse(datamap.encode(), "datamap.yaml") if datamap else None,
        said,
        facts or Facts(),
        today,
        settings_line=7,
    )
    return gather(told)


def activity(found: Record, name: str) -> Activity:
    """The activity of that id."""
    return next(each for each in found.activities if each.id == name)
