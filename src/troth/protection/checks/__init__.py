"""Section 3 proven: links, doors, registers and periods."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.protection.checks import access, audits, breaches, impacts, measures, retention, training, transmission

CHECKS: tuple[Check, ...] = (
    *transmission.CHECKS,
    *access.CHECKS,
    *audits.CHECKS,
    *training.CHECKS,
    *measures.CHECKS,
    *retention.CHECKS,
    *breaches.CHECKS,
    *impacts.CHECKS,
)
