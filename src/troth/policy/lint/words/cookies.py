"""Cookies, and the choice a page offers."""

from __future__ import annotations

from troth.policy.lint.words.phrases import words

BROWSER = words(
    r"""
    \bbrowsers?\b
    """
)
COOKIE_CHOICE = words(
    r"""
    \bconsent
    \b(?:only|until|unless|after|if|once|when|before) (?:\w+ ){0,4}(?:you|visitors?) (?:\w+ ){0,2}(?:agree|
        allow|accept|permit|choose|opt(?:ed)? in|say yes)
    \bopt(?:ing)?[- ]in\b
    \bask(?:ed)? (?:you|for your)\b
    \bwith your (?:permission|agreement)\b
    \b(?:cookie|privacy|consent) (?:banner|settings|preferences|centre|center|choices|tool|notice|panel)\b
    """
)
OPTIONAL_COOKIES = words(
    r"""
    \b(?:performance|analytics?|analytical|marketing|advertising|targeting|functional|functionality|
        preference|social media|statistics?|third[- ]party|tracking|personali\w+) (?:cookies?|and similar|
            technologies)
    \bcookies\b[^.]{0,60}\b(?:analy[sz]e|advertis|personali[sz]e|marketing|measure|remember your preferences)
    """
)
