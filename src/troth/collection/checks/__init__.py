"""Section 1 proven: columns against sentences in both directions, and what stands inside them."""

from __future__ import annotations

from troth.collection.checks import contents, declared, fields, logged, technical
from troth.foundation.proof import Check

CHECKS: tuple[Check, ...] = (*declared.CHECKS, *fields.CHECKS, *contents.CHECKS, *logged.CHECKS, *technical.CHECKS)
