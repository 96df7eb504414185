"""Section 2 proven: purposes and grounds against each other, and what was done against what people had said."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.use.checks import audiences, consents, grounds, ledgers, letters, purposes

CHECKS: tuple[Check, ...] = (
    *purposes.CHECKS,
    *letters.CHECKS,
    *grounds.CHECKS,
    *consents.CHECKS,
    *ledgers.CHECKS,
    *audiences.CHECKS,
)
