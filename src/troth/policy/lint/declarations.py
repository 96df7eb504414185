"""The declarations of a policy as the rules about meaning walk over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from troth.policy.model import Clause, Policy, RetentionPeriod, Sentence, Use
from troth.policy.vocabulary import matches


def uses_of(policy: Policy) -> Iterator[tuple[Sentence, Use]]:
    """Every declared use with the sentence that declares it, as written: families are not taken apart."""
    for sentence in policy.sentences:
        for use in sentence.meaning.uses:
            yield sentence, use


def periods_of(policy: Policy) -> Iterator[tuple[Clause, str, RetentionPeriod]]:
    """Every retention period with the clause that declares it."""
    for clause in policy.clauses():
        for name, period in clause.meaning.periods.items():
            yield clause, name, period


def any_of(patterns: Iterable[str], categories: Iterable[str]) -> bool:
    """Whether one of the patterns names one of the categories."""
    return any(matches(pattern, category) for pattern in patterns for category in categories)
