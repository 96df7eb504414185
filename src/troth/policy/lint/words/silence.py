"""What a page must say somewhere: automated decisions, children, obligatory data, sources."""

from __future__ import annotations

from troth.policy.lint.words.phrases import words

AUTOMATED = words(
    r"""
    \bautomat(?:ed|ic(?:ally)?) (?:individual )?(?:decision|decid)
    \bdecisions?\b[^.]{0,60}\b(?:automat|machine|computer|algorithm|software)
    \bsolely (?:by )?(?:automat|machine|computer)
    \bprofiling\b
    \balgorithm
    \b(?:machine|computer|software) alone\b
    """
)
CHILDREN = words(
    r"""
    \bchild(?:ren|ren's|'s)?\b
    \bminors?\b
    \bunder (?:the age of )?(?:1[2-9]|thirteen|fourteen|sixteen|eighteen)\b
    \b(?:parent|guardian)s?\b
    \b(?:1[2-9]|thirteen|fourteen|sixteen|eighteen) years? (?:of age|old)
    \badults only\b
    """
)
OBLIGATORY = words(
    r"""
    \b(?:optional|mandatory|obligatory|voluntar(?:y|ily)|compulsory)\b
    \b(?:required|must|obliged|need(?:ed)?|have)\b (?:\w+ ){0,3}to (?:provide|give|enter|supply|fill)\b
    \byou (?:must|need|can choose|may choose)\b[^.]{0,40}\b(?:provide|give|enter|supply|fill)\b
    \bif you (?:do not|don't|choose not to|decide not to|prefer not to|refuse to|
        leave)\b[^.]{0,40}\b(?:provide|give|enter|supply|fill|empty|out)\b
    \bwithout (?:this|these|them|it|that) (?:information |data |details )?(?:we|you)\b
    """
)
SOURCES = words(
    r"""
    \b(?:receive|obtain|collect|get|buy|purchase|gather)\w*\b[^.]{0,80}\bfrom (?:\w+ ){0,3}(?:third part|
        others?\b|partners?\b|public|social|providers?\b|compan|anyone|anybody|brokers?\b|registers?\b|
            source|elsewhere|people)
    \b(?:other|further|external|public|publicly available|outside|no other|third[- ]party) sources?\b
    \bonly (?:from|what|the data|the information) you\b
    \b(?:not|never) (?:receive|obtain|collect|buy)\w*\b[^.]{0,60}\bfrom\b
    \bcome(?:s)? from (?:you|your|others|other)\b
    """
)
