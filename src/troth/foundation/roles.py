"""The roles that staff of the controller may have."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a member of staff may do: agents answer requests, the DPO decides, auditors read, administrators run the
    machine.
    """

    DPO = "dpo"
    AGENT = "agent"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> str:
        """The role in the words of a page."""
        return "data protection officer" if self is Role.DPO else self.value
