"""Section 5 proven: the door, what was done after somebody said stop, who was erased and is gone, who was answered."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.rights.checks import answers, erasures, stops

CHECKS: tuple[Check, ...] = (*stops.CHECKS, *erasures.CHECKS, *answers.CHECKS)
