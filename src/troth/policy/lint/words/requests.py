"""How a request is answered."""

from __future__ import annotations

from troth.policy.lint.words.phrases import words

VERIFIES = words(
    r"""
    \bverif
    \byour identity\b
    \bidentify you\b
    \bprove (?:who|that)
    \bconfirm (?:that )?(?:it is|it's|who|you|your)\b
    \bmake sure (?:that )?(?:it is|it's|you are)\b
    \bwho you are\b
    """
)
FEE = words(
    r"""
    \bfree\b
    \bfees?\b
    \bno (?:charge|cost)\b
    \bcharge\b
    \bcosts? (?:you )?nothing\b
    """
)
ANSWERS = words(
    r"""
    \brespon[ds]
    \banswer
    \brepl(?:y|ies)\b
    \bwithin\b
    \bact on\b
    \bcarr(?:y|ied) out\b
    \bcomplet
    \bfulfil
    \bat once\b
    """
)
