"""Section 3 proven: links, doors, registers and periods."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.protection.checks import (
    access,
    accounts,
    audits,
    breaches,
    clocks,
    holds,
    impacts,
    keeper,
    mail,
    measures,
    retention,
    servers,
    training,
    transmission,
)

CHECKS: tuple[Check, ...] = (
    *transmission.CHECKS,
    *mail.CHECKS,
    *access.CHECKS,
    *accounts.CHECKS,
    *audits.CHECKS,
    *training.CHECKS,
    *measures.CHECKS,
    *servers.CHECKS,
    *clocks.CHECKS,
    *retention.CHECKS,
    *keeper.CHECKS,
    *holds.CHECKS,
    *breaches.CHECKS,
    *impacts.CHECKS,
)
