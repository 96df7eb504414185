"""The closed words of sharing."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far a disclosure came.

    `begun`: its record stands, and the data may be leaving. `done`: they left and were taken. `stopped`: none left.
    `uncertain`: they may have left, and nobody confirmed that they were taken; it counts as disclosed.
    """

    BEGUN = "begun"
    DONE = "done"
    STOPPED = "stopped"
    UNCERTAIN = "uncertain"

    @property
    def told(self) -> bool:
        """Whether the recipient has to be taken for one who has the data."""
        return self is not State.STOPPED


ENDED_AS = {
    State.DONE: "data.disclosed",
    State.STOPPED: "data.not-disclosed",
    State.UNCERTAIN: "data.perhaps-disclosed",
}
"""The kind of entry in the ledger that says how a disclosure ended."""


class Form(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class DemandState(StrEnum):
    """How far the demand of an authority came. `approved`: two people decided, and nothing has left yet."""

    FILED = "filed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    CARRIED_OUT = "carried-out"
    REFUSED = "refused"


class DemandStep(StrEnum):
    """What was done about a demand."""

    FILED = "filed"
    CHALLENGED = "challenged"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    REFUSED = "refused"
    CARRIED_OUT = "carried-out"
    TOLD = "told"


class TransferState(StrEnum):
    """How far the transfer of a business came."""

    ANNOUNCED = "announced"
    FROZEN = "frozen"
    EXPORTED = "exported"
    ENDED = "ended"
