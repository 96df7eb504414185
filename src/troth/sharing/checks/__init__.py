"""Section 4 proven: hosts that were reached, the record of what left, what lies where it was put, and the papers."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.sharing.checks import occasions, papers, safeguards, shared, storage, tools, traffic

CHECKS: tuple[Check, ...] = (
    *traffic.CHECKS,
    *shared.CHECKS,
    *papers.CHECKS,
    *occasions.CHECKS,
    *safeguards.CHECKS,
    *storage.CHECKS,
    *tools.CHECKS,
)
