"""Each right as pages tell it, its name, and a sentence that tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from troth.policy.law.provisions import FurtherRight
from troth.policy.lint.words.phrases import words
from troth.policy.vocabulary import Right


@dataclass(frozen=True, slots=True)
class ToldRight:
    """How a right is told: `told` finds it, `name` calls it, `sentence` would tell it."""

    told: re.Pattern[str]
    name: str
    sentence: str


TOLD_RIGHTS: Mapping[Right | FurtherRight, ToldRight] = MappingProxyType(
    {
        Right.ACCESS: ToldRight(
            words(
                r"""
                \baccess\b
                \bcopy\b
                \bright to know\b
                """
            ),
            "access",
            "You can ask which data we hold about you and get a copy.",
        ),
        Right.RECTIFICATION: ToldRight(
            words(
                r"""
                \bcorrect
                \brectif
                \bamend
                \binaccurate
                """
            ),
            "correction",
            "You can have wrong data corrected.",
        ),
        Right.ERASURE: ToldRight(
            words(
                r"""
                \bdelet
                \beras
                \bforgotten\b
                """
            ),
            "deletion",
            "You can have your data deleted.",
        ),
        Right.RESTRICTION: ToldRight(
            words(
                r"""
                \brestrict
                \bblock(?:ing|ed)?\b
                \blimit (?:the |our )?(?:processing|use)
                \bsuspen
                """
            ),
            "restriction",
            "You can have the use of your data restricted.",
        ),
        Right.PORTABILITY: ToldRight(
            words(
                r"""
                \bportab
                \bmachine[- ]readable
                \bstructured\b
                \b(?:take|transfer|transferred|move|moved)\b[^.]{0,60}\b(?:to another|with you)\b
                """
            ),
            "portability",
            "You can get your data in a machine-readable format.",
        ),
        Right.OBJECTION: ToldRight(
            words(
                r"""
                \bobject\b
                \bobjection\b
                \bopt[- ]out\b
                \brefuse\b
                """
            ),
            "objection",
            "You can object to the use of your data.",
        ),
        FurtherRight.WITHDRAW_CONSENT: ToldRight(
            words(
                r"""
                \bwithdraw[^.]{0,60}\bconsent
                \bconsent\b[^.]{0,100}\bwithdraw
                \brevoke[^.]{0,40}\bconsent
                \bconsent\b[^.]{0,60}\brevok
                """
            ),
            "withdrawal of consent",
            "You can withdraw a consent at any time, as easily as you gave it.",
        ),
        FurtherRight.AUTOMATED_DECISIONS: ToldRight(
            words(
                r"""
                \bautomated\b
                \b(?:machine|computer|software) alone\b
                \bsolely (?:by )?(?:automat|machine)
                \bhuman (?:review|intervention|being)
                \balgorithm
                """
            ),
            "not being subject to automated decisions",
            "No decision about you is made by machine alone; you can ask for a person.",
        ),
        FurtherRight.EXPLANATION: ToldRight(
            words(
                r"""
                \bexpla(?:in|nation)\b[^.]{0,80}\b(?:rule|polic|process|handl|how|this)
                \b(?:rules?|polic(?:y|ies))\b[^.]{0,60}\bexpla(?:in|nation)
                """
            ),
            "explanation of the handling rules",
            "You can ask us to explain how we handle your data.",
        ),
        FurtherRight.OPT_OUT_OF_SALE: ToldRight(
            words(
                r"""
                \bopt[- ]out (?:of|from)\b[^.]{0,60}\b(?:sale|sell|selling|shar)
                \bdo not sell\b
                \bstop\b[^.]{0,40}\b(?:sale|selling|sharing)\b
                \b(?:sale|selling|sharing)\b[^.]{0,60}\bopt[- ]out
                """
            ),
            "opting out of sale and sharing",
            "You can opt out of the sale or sharing of your data.",
        ),
        FurtherRight.LIMIT_SENSITIVE: ToldRight(
            words(
                r"""
                \blimit\b[^.]{0,80}\bsensitive
                \bsensitive\b[^.]{0,100}\blimit
                \bnot (?:\w+ ){0,3}(?:collect|use|process|handle|ask for)\b[^.]{0,60}\bsensitive
                """
            ),
            "limiting the use of sensitive data",
            "You can limit the use of your sensitive data.",
        ),
        FurtherRight.NO_RETALIATION: ToldRight(
            words(
                r"""
                \bretaliat
                \bdiscriminat
                \btreat(?:ed)?\b[^.]{0,40}\b(?:worse|differently|less)
                \bpenali[sz]e
                \bdisadvantage
                """
            ),
            "freedom from retaliation",
            "You are not treated worse for using a right.",
        ),
        FurtherRight.APPEAL: ToldRight(
            words(
                r"""
                \bappeal
                \breconsider
                """
            ),
            "appeal",
            "If we refuse, you can appeal and we answer again.",
        ),
        FurtherRight.SHARING_INFORMATION: ToldRight(
            words(
                r"""
                \bwith whom\b
                \bwho (?:has |have )?received\b
                \b(?:list|names?) of (?:the |our |all )?(?:recipients|third parties)
                """
            ),
            "knowing with whom data were shared",
            "You can ask with whom we shared your data.",
        ),
        FurtherRight.NOMINATE: ToldRight(
            words(
                r"""
                \bnominat
                \bon your behalf\b
                """
            ),
            "nominating somebody",
            "You can nominate a person who acts for you.",
        ),
        FurtherRight.GRIEVANCE: ToldRight(
            words(
                r"""
                \bgrievance
                \bcomplain
                """
            ),
            "complaint to the company",
            "You can complain to us, and we answer.",
        ),
    }
)
