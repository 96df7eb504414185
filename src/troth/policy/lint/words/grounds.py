"""The grounds of GDPR Art. 6, and withdrawing consent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from troth.policy.lint.words.phrases import any_of, words
from troth.policy.vocabulary import LegalBasis

BASES: Mapping[LegalBasis, re.Pattern[str]] = MappingProxyType(
    {
        LegalBasis.CONSENT: words(
            r"""
            \bconsent
            \byour (?:permission|agreement)\b
            Art(?:icle|\.) ?6 ?\(1\) ?\(?a\b
            """
        ),
        LegalBasis.CONTRACT: words(
            r"""
            \bcontract
            Art(?:icle|\.) ?6 ?\(1\) ?\(?b\b
            """
        ),
        LegalBasis.LEGAL_OBLIGATION: words(
            r"""
            \blegal (?:obligation|dut(?:y|ies)|requirement)
            \brequired by law
            Art(?:icle|\.) ?6 ?\(1\) ?\(?c\b
            """
        ),
        LegalBasis.VITAL_INTERESTS: words(
            r"""
            \bvital interest
            Art(?:icle|\.) ?6 ?\(1\) ?\(?d\b
            """
        ),
        LegalBasis.PUBLIC_TASK: words(
            r"""
            \bpublic (?:task|interest)
            Art(?:icle|\.) ?6 ?\(1\) ?\(?e\b
            """
        ),
        LegalBasis.LEGITIMATE_INTERESTS: words(
            r"""
            \blegitimate (?:business )?interest
            Art(?:icle|\.) ?6 ?\(1\) ?\(?f\b
            """
        ),
    }
)
ANY_BASIS = any_of(BASES.values())
BASES_HEADING = words(
    r"""
    \blegal (?:basis|bases|grounds?)\b
    \blawful
    \b(?:basis|bases|grounds) (?:for|of) (?:the |our )?processing
    """
)
WITHDRAW = words(
    r"""
    \b(?:withdraw|withdrawn|withdrawing|withdrawal|revok(?:e|ed|ing)|take (?:it |this |your consent )?back)\b
    """
)
YOUR_LEGITIMATE = words(
    r"""
    \b(?:your|users?'|people's|the user's|data subjects?'?)\b[^.]{0,30}\blegitimate interests?
    """
)
EXPLAINS_INTEREST = words(
    r"""
    \blegitimate (?:business )?interests? (?:in|to|of|are|is|that|such as|include|including|namely|for)\b \w+ \w+
    """
)
SOME_PEOPLE = words(
    r"""
    \b(?:in|within|for)\b[^.]{0,40}\b(?:EU|EEA|European Union|Europe|UK|United Kingdom|Switzerland)\b
    \b(?:where|if|when)\b[^.]{0,40}\b(?:GDPR|law (?:allows|permits|recogni[sz]es|knows))\b
    \bnot\b[^.]{0,60}\b(?:China|mainland|India)\b
    """
)
"""A ground is limited to people under some laws."""
