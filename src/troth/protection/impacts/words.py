"""The words of the register of impact assessments."""

from __future__ import annotations

from enum import StrEnum


class Residual(StrEnum):
    """The risk that is left after the measures of an assessment; `high` has to go to the authority first (Art. 36)."""

    ACCEPTABLE = "acceptable"
    HIGH = "high"
