"""Where each kind of data comes from, as section 1 of the policy says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from troth.policy.model import Policy, Sentence
    from troth.policy.vocabulary import Source


def sources(policy: Policy) -> Mapping[str, Source]:
    """The source of each collected category for which one is said, at its sentence or at a clause around it."""
    found = ((category, _source(policy, policy.by_number[number])) for category, number in policy.collected.items())
    return {category: source for category, source in found if source is not None}


def _source(policy: Policy, sentence: Sentence) -> Source | None:
    """What the sentence says of the source, or the nearest clause around it."""
    if sentence.meaning.source is not None:
        return sentence.meaning.source
    parts = sentence.clause_id.split(".")
    above = (policy.by_id.get(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((clause.meaning.source for clause in above if clause is not None and clause.meaning.source), None)
