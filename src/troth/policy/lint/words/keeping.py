"""How long data are kept."""

from __future__ import annotations

from troth.policy.lint.words.phrases import names, words

KEEPS = words(
    r"""
    \bretain
    \bretention
    \bke(?:ep|pt)\b
    \bstor(?:e|ed|age|ing)\b
    \bdelet
    \beras
    \bhold\b
    \bheld\b
    \banonymi[sz]ed after\b
    \bafter\b[^.]{0,40}\b(?:removed|destroyed)
    """
)
SPEAKS_OF_KEEPING = words(
    r"""
    \bretain
    \bretention
    \bkeep\b[^.]{0,60}\b(?:data|information)\b
    """
)
CRITERIA = words(
    r"""
    \buntil (?:you|your|the|an?|it|they|we)\b
    \bas long as (?:you|your|the|an?) (?:\w+ ){0,4}(?:account|contract|member|customer|order|open|subscri)
    \bwhen (?:you|your account)\b[^.]{0,40}\b(?:clos|delet|end|leave)
    \bsession\b
    """
)
EVERYTHING = words(
    r"""
    \ball (?:other |your |the )*(?:personal )?(?:data|information)\b
    \beverything\b
    \b(?:any|all) other\b
    """
)
TELLS_NO_KIND = names("information data content details records statistics personal your and the other of history")
"""Words of a label that do not tell which kind of data it is about."""
