"""Whether an account of staff may see people's data: where training is promised, only while its training holds.

`[training] required` in troth.toml decides; left out, the policy does: a policy that promises training to staff keeps
people's data from those who had none. Pages without personal data, and the course itself, are open to every account,
so that the first of them can begin.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from troth.policy.periods import Duration
from troth.policy.vocabulary import Measure

if TYPE_CHECKING:
    from troth.policy.model import Policy
    from troth.policy.protecting import TrainingSettings

USUAL = Duration(12, "month")
"""How long a training holds where the policy names no time."""


def required(settings: TrainingSettings, policy: Policy) -> bool:
    """Whether staff need a training that holds to see people's data."""
    return is_promised(policy) if settings.required is None else settings.required


def is_promised(policy: Policy) -> bool:
    """Whether some sentence says that staff are trained."""
    return any(sentence.meaning.measure is Measure.TRAINING for sentence in policy.sentences)


def every(policy: Policy) -> Duration:
    """After how long the policy has staff trained again."""
    said = (s.meaning.every for s in policy.sentences if s.meaning.measure is Measure.TRAINING)
    return next((each for each in said if each is not None), USUAL)


def holds(cleared_until: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a clearance until then holds now."""
    return cleared_until is not None and cleared_until > now
