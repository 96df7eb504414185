"""Section 2 proven: purposes and grounds against each other, and what was done against what people had said."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.use.checks import audiences, balances, consents, grounds, ledgers, letters, messages, purposes, runs, views

CHECKS: tuple[Check, ...] = (
    *purposes.CHECKS,
    *runs.CHECKS,
    *messages.CHECKS,
    *views.CHECKS,
    *letters.CHECKS,
    *grounds.CHECKS,
    *balances.CHECKS,
    *consents.CHECKS,
    *ledgers.CHECKS,
    *audiences.CHECKS,
)
