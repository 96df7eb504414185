"""Which sentence answers for a purpose that rests on consent, and where its uses are on record.

Each such purpose is answered for by one sentence alone, so that one fault turns one sentence:

1. where people can opt out: the sentence that says so;
2. else, where section 1 collects only with that choice (`gate`): the sentence with the gate;
3. else: the ground "consent" itself.

An eye that reads the policy and the data map alone. It loads no database, so that checks may ask it before anything
is there to look at; `log_reading` reads the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from troth.policy.vocabulary import LegalBasis

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import TableMap, Use
    from troth.policy.model import Policy

ESSENTIAL = "essential"
"""The gate that is always open: no choice is needed."""


def opted_out_of(policy: Policy) -> frozenset[str]:
    """The purposes based on consent that people are told they can opt out of."""
    return frozenset(use.purpose for use in policy.uses if use.opt_out and use.basis is LegalBasis.CONSENT)


def gated(policy: Policy) -> frozenset[str]:
    """The purposes based on consent without which section 1 collects nothing for them, but for those above."""
    gates = {s.meaning.gate for s in policy.sentences if s.meaning.gate not in (None, ESSENTIAL)}
    return frozenset(gates) & _on_consent(policy) - opted_out_of(policy)


def of_the_ground(policy: Policy) -> frozenset[str]:
    """All other purposes based on consent."""
    return _on_consent(policy) - opted_out_of(policy) - gated(policy)


def tables_with_uses(seen: Observation, purposes: frozenset[str]) -> tuple[tuple[TableMap, Use], ...]:
    """Each table of the data map whose rows are uses for one of these purposes.

    Raises NothingToObserve without a data map.
    """
    return tuple((table, use) for table in seen.need_map().tables() for use in table.uses if use.purpose in purposes)


def _on_consent(policy: Policy) -> frozenset[str]:
    return frozenset(use.purpose for use in policy.uses if use.basis is LegalBasis.CONSENT)
