"""Section 5 proven: the door to the rights, what was done after somebody said stop, who was erased and is gone."""

from __future__ import annotations

from troth.foundation.proof import Check
from troth.rights.checks import erasures, stops

CHECKS: tuple[Check, ...] = (*stops.CHECKS, *erasures.CHECKS)
