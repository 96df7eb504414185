"""How changes of the page are told."""

from __future__ import annotations

from troth.policy.lint.words.phrases import words

POSTS_CHANGE = words(
    r"""
    \b(?:post|publish|display|plac)(?:e|ed|es|ing)?\b[^.]{0,60}\b(?:page|site|website|policy|here)\b
    \b(?:check|review|visit|consult|look at|read)\b[^.]{0,40}\b(?:page|policy|site|
        website)\b[^.]{0,40}\b(?:regularly|periodically|from time to time|frequently|changes)
    """
)
TELLS_CHANGE = words(
    r"""
    \be-?mails?\b
    \bby (?:mail|post|letter|text)\b
    \bdirectly\b
    \bin-app\b
    \bpush\b
    \b(?:a |the )?banner\b
    \bpop-?up\b
    \bmessage\b
    \bletter\b
    \bprominent(?:ly)? notice\b
    \bwhen you (?:next )?(?:log|sign) in\b
    \bin your account\b
    """
)
UPDATED = words(
    r"""
    \blast (?:updated|revised|modified|changed|reviewed)
    \b(?:updated|revised|modified) (?:on|as of|at)?:?
    \bversion (?:of|date)
    \bdate of (?:last )?(?:update|revision|change)
    """
)
