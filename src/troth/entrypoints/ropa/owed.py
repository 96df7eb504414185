"""Which rights people have under which ground (GDPR Art. 15 to 21)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from troth.policy.vocabulary import LegalBasis, Right

_ALWAYS = (Right.ACCESS, Right.RECTIFICATION, Right.ERASURE, Right.RESTRICTION)
_PORTABLE = frozenset({LegalBasis.CONSENT, LegalBasis.CONTRACT})  # Art. 20(1)(a)
_OBJECTABLE = frozenset({LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK})  # Art. 21(1)


def rights(bases: AbstractSet[LegalBasis | None]) -> tuple[Right, ...]:
    """The rights of people whose data are used on these grounds; what limits them in a single case is not told."""
    return (
        *_ALWAYS,
        *([Right.PORTABILITY] if bases & _PORTABLE else []),
        *([Right.OBJECTION] if bases & _OBJECTABLE else []),
    )
