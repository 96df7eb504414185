"""Whether other words may say another thing: the test that a changed sentence has to pass to count as editorial.

Pure, and of no language but its few English turning words; in doubt the words have turned.
"""

from __future__ import annotations

import difflib
import re

_TURNING = frozenset(
    {
        "no",
        "not",
        "never",
        "none",
        "without",
        "only",
        "except",
        "unless",
        "nor",
        "neither",
        "cannot",
        "nobody",
        "nothing",
    }
)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+(?:'\w+)?")
"""A word, or one sign of a script that writes no spaces between words."""
_SAME_WORDS = 0.5


def turned(before: str, after: str) -> bool:
    """Whether the words may say another thing: a turning word comes or goes, or less than half of them stands."""
    old, new = _WORD.findall(before.lower()), _WORD.findall(after.lower())
    if sorted(word for word in old if _turns(word)) != sorted(word for word in new if _turns(word)):
        return True
    return difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() < _SAME_WORDS


def _turns(word: str) -> bool:
    return word in _TURNING or word.endswith("n't")
