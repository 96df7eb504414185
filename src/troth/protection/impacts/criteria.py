"""Which uses are likely to be a high risk to people, and so need an impact assessment before they begin.

Of the nine criteria of the guidelines (WP 248 rev.01), those that a policy tells, in order; two are enough:

1. Evaluation or scoring: the purpose judges people (personalisation, advertising, fraud).
3. Systematic monitoring: what people do is recorded as they do it (usage, exact location, device fingerprint).
4. Sensitive or highly personal data: special categories, messages, bank, card and identity numbers.
5. Large scale: more people than `LARGE_SCALE`.
6. Matching: data that came from others, or were derived, are joined with those that people gave.
7. Vulnerable people: pupils, employees.
8. New technology: biometrics, genetics.
9. People are kept from a right or a service: the purpose may refuse them (fraud, enforcing terms).

Automated decisions (2) are not told by the policy file; name them in the assessment. Art. 35(3) is in these: (a) in 1
with 9, (b) in 4 with 5, (c) in 3 with 5. No store or clock here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from troth.policy.model import Policy
from troth.policy.sources import sources
from troth.policy.vocabulary import CATEGORIES, Source, expand

LARGE_SCALE = 10_000
"""From so many people on a use counts as of large scale. The law gives no number; this one errs on the careful side."""

ENOUGH = 2


class Criterion(StrEnum):
    """The criteria of WP 248 that a policy tells."""

    EVALUATION = "evaluation or scoring"
    MONITORING = "systematic monitoring"
    SENSITIVE = "sensitive data"
    SCALE = "large scale"
    MATCHING = "matching of data"
    VULNERABLE = "vulnerable people"
    NEW_TECHNOLOGY = "new technology"
    REFUSAL = "may keep people from a service"


_EVALUATING = frozenset({"personalisation", "advertising", "fraud"})
_REFUSING = frozenset({"fraud", "terms"})
_MONITORED = ("usage.*", "location.precise", "device.fingerprint")
_PERSONAL = (
    "communication.message",
    "payment.card_number",
    "payment.card_code",
    "payment.bank_account",
    "identity.national_id",
    "identity.passport",
    "location.precise",
)
_VULNERABLE = ("education.record", "work.*")
_FROM_ELSEWHERE = frozenset({Source.RECEIVED, Source.DERIVED})
_NEW = ("biometric.template", "genetic.data")


@dataclass(frozen=True, slots=True)
class Judged:
    """One purpose with the criteria that it meets."""

    purpose: str
    met: tuple[Criterion, ...]

    @property
    def needed(self) -> bool:
        """Whether an assessment is needed."""
        return len(self.met) >= ENOUGH


def judge(policy: Policy, people: int = 0) -> tuple[Judged, ...]:
    """Every declared purpose with what it meets, in the order of the page. `people`: how many the company has."""
    used: dict[str, set[str]] = {}
    for use in policy.uses:
        used.setdefault(use.purpose, set()).add(use.category)
    origins = sources(policy)
    return tuple(
        Judged(purpose, tuple(_met(purpose, categories, origins, people))) for purpose, categories in used.items()
    )


def _met(purpose: str, used: set[str], origins: Mapping[str, Source], people: int) -> Iterable[Criterion]:
    if purpose in _EVALUATING:
        yield Criterion.EVALUATION
    if used & set(expand(_MONITORED)):
        yield Criterion.MONITORING
    if used & set(expand(_PERSONAL)) or any(CATEGORIES[each].special for each in used if each in CATEGORIES):
        yield Criterion.SENSITIVE
    if people >= LARGE_SCALE:
        yield Criterion.SCALE
    if len({origins.get(each) in _FROM_ELSEWHERE for each in used}) > 1:
        yield Criterion.MATCHING
    if used & set(expand(_VULNERABLE)):
        yield Criterion.VULNERABLE
    if used & set(expand(_NEW)):
        yield Criterion.NEW_TECHNOLOGY
    if purpose in _REFUSING:
        yield Criterion.REFUSAL
