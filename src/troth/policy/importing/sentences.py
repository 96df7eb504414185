"""A paragraph into its sentences, so that each promise can be judged on its own."""

from __future__ import annotations

import re

from troth.policy.reading import join_sentences

_ABBREVIATION = re.compile(
    r"(?:e\.g|i\.e|inc|ltd|co|corp|no|nos|arts?|mr|mrs|ms|dr|st|vs|cf|al|approx|dept|est|fig|sec|para|vol|u\.s|u\.k|"
    r"z\.b|bzw|nr|abs|d\.h|ggf|ca|p\.ex|[b-hj-z]|[0-9]{1,2})\Z",
    re.IGNORECASE,
)
_LONGEST_WORD = 24
_END = re.compile(r"[.!?]+[\"'\u201d\u2019)\]]*(?= )|[。\uff01\uff1f\uff1b]+[\u201d\u2019\uff09」』]*")
_LAST_WORD = re.compile(r"[\w.]+\Z")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`; one where it can't be cut so that the printed text stays the same to the letter.

    An abbreviation ends no sentence, and behind a full stop a new one begins with no small letter.
    """
    parts: list[str] = []
    start = 0
    for end in _END.finditer(text):
        rest = text[end.end() :].lstrip(" ")
        if not rest:
            break
        if end[0] == "." and (
            _is_abbreviation(text[max(start, end.start() - _LONGEST_WORD) : end.start()]) or not _begins(rest[0])
        ):
            continue
        parts.append(text[start : end.end()])
        start = len(text) - len(rest)
    parts.append(text[start:])
    return tuple(parts) if len(parts) > 1 and join_sentences(parts) == text else (text,)


def _begins(character: str) -> bool:
    return not character.isalpha() or not character.islower()


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    return word is not None and _ABBREVIATION.match(word[0]) is not None
