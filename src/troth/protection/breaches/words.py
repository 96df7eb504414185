"""The words of the register of breaches."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What happened to the data (EDPB Guidelines 9/2022): seen, changed, or gone."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class Act(StrEnum):
    """What was done about a breach."""

    OPENED = "opened"
    ASSESSED = "assessed"
    COUNTED = "counted"
    NOTIFIED = "notified"
    EXCUSED = "excused"
    CLOSED = "closed"
