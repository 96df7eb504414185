"""What data are used for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from troth.policy.lint.words.phrases import any_of, words

CONCEPTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "personalisation": words(
            r"""
            \bpersonali[sz]
            \btailor(?:ed|ing)?\b
            \bcustomi[sz]e
            \brecommendations?\b
            """
        ),
        "advertising": words(
            r"""
            \badvertis
            \bads?\b
            \bretarget
            \bremarket
            """
        ),
        "marketing": words(
            r"""
            \bmarketing\b
            \bpromotion
            \bnewsletter
            \bspecial offers?\b
            """
        ),
        "analytics": words(
            r"""
            \banaly[sz]
            \banalys[ei]s\b
            \bstatistic
            \bmeasur(?:e|ing) (?:how|the|use|traffic)
            \bhow (?:our|the) \w+ (?:is|are) used
            """
        ),
        "profiling": words(
            r"""
            \bprofiling\b
            \bbuild(?:ing)? (?:a )?profiles?\b
            \bscor(?:e|ing)\b
            """
        ),
        "training of models": words(
            r"""
            \btrain(?:ing)? (?:our |of |an? )?(?:\w+ ){0,2}(?:models?|algorithms?)\b
            \bmachine learning\b
            \bartificial intelligence\b
            """
        ),
        "research": words(
            r"""
            \bresearch\b
            \bsurveys?\b
            """
        ),
        "fraud": words(
            r"""
            \bfraud
            \babuse\b
            """
        ),
    }
)
"""Purposes that a person may object to or must agree to; who uses data for one must list it."""
CONCRETE = any_of(
    (
        *CONCEPTS.values(),
        words(
            r"""
            \bsecur(?:e|ity|ing)\b
            \battacks?\b
            \bimprov
            \bdevelop
            \bsupport\b
            \bdebts?\b
            \bclaims?\b
            \btransactions?\b
            \border(?:s|ing)?\b
            \bdeliver
            \bpayments?\b
            \binvoices?\b
            \baccount\b
            \baccounting\b
            \btax
            \bterms of service\b
            \bprovid(?:e|ing) (?:you|the|our)\b
            \brunning\b
            \boperat
            \bfaults?\b
            \bbugs?\b
            """
        ),
    )
)
"""Words that say what something is done for, rather than only that there is a reason."""
STATES_PURPOSE = words(
    r"""
    \bus(?:e|ed|es|ing)\b[^.]{0,80}\b(?:to|for)\b
    \bin order to\b
    \bfor the purposes? of\b
    \bhelps? us\b
    \bso that we can\b
    \ballows? us to\b
    \bto (?:improve|provide|personali|analy|measure|show|send|offer|tailor|train)
    """
)
