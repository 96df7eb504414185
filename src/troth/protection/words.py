"""The closed sets of words that the keeping of data is written down in."""

from __future__ import annotations

from enum import StrEnum


class HoldScope(StrEnum):
    """What a hold keeps: a person's data, a whole table, what has a category, one row and what hangs on it."""

    PERSON = "person"
    TABLE = "table"
    CATEGORY = "category"
    RECORD = "record"


class RunState(StrEnum):
    """How a run stands: waiting for somebody's approval, begun, or done and asked again."""

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"


class Occasion(StrEnum):
    """What set a run going."""

    SCHEDULE = "schedule"
    TERMINAL = "terminal"
    CONSOLE = "console"
    SEED = "seed"
