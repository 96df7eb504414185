"""The words of breaches that laws use: whom to tell, how grave it is, in which role. Loads nothing."""

from __future__ import annotations

from enum import StrEnum


class Told(StrEnum):
    """Whom a duty to tell is owed to."""

    AUTHORITY = "authority"
    PEOPLE = "people"
    CONTROLLER = "controller"


class Risk(StrEnum):
    """How the breach was weighed for the people it concerns (Art. 33(1), 34(1))."""

    UNKNOWN = "unknown"
    UNLIKELY = "unlikely"
    RISK = "risk"
    HIGH = "high"


class Role(StrEnum):
    """Whether the company decides about the data itself, or works for somebody who does."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
