"""Section 3 proven: links, doors, papers and periods."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.protection.checks import access, accounts, holds, measures, retention, transmission

CHECKS: tuple[Check, ...] = (
    *transmission.CHECKS,
    *access.CHECKS,
    *accounts.CHECKS,
    *measures.CHECKS,
    *retention.CHECKS,
    *holds.CHECKS,
)
