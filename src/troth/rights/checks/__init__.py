"""Section 5 proven: the door, what came after a stop, what a copy holds, who is erased and gone, who was answered."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.rights.checks import answers, copies, erasures, stops

CHECKS: tuple[Check, ...] = (*stops.CHECKS, *copies.CHECKS, *erasures.CHECKS, *answers.CHECKS)
