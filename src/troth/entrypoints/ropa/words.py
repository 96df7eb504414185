"""The closed words of the record's outputs. Loads nothing."""

from __future__ import annotations

from enum import StrEnum


class Columns(StrEnum):
    """Whose columns the activities are laid out in."""

    TROTH = "troth"
    CNIL = "cnil"
    ICO = "ico"


class View(StrEnum):
    """Which record: of what the company decides itself (Art. 30(1)), or does for others (Art. 30(2))."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
