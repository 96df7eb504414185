"""A paragraph into its sentences, so that each promise can be judged on its own."""

from __future__ import annotations

import re

from troth.policy.reading import join_sentences

_ABBREVIATIONS = frozenset(
    "e.g i.e etc inc ltd co corp no nos art arts mr mrs ms dr st vs cf al approx dept est fig sec para vol u.s u.k z.b "
    "bzw nr abs d.h usw ggf ca p.ex".split()
)
_END = re.compile(r"[.!?]+[\"'\u201d\u2019)\]]*(?= )|[。\uff01\uff1f\uff1b]+[\u201d\u2019\uff09」』]*")
_LAST_WORD = re.compile(r"[\w.]+\Z")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`; one where it can't be cut so that the printed text stays the same to the letter.

    An abbreviation ends no sentence, and after a full stop a new one begins with a capital, a digit or a quotation mark.
    """
    parts: list[str] = []
    start = 0
    for end in _END.finditer(text):
        rest = text[end.end() :].lstrip(" ")
        if not rest:
            break
        if end[0][0] == "." and (_is_abbreviation(text[start : end.start()]) or not _begins(rest[0])):
            continue
        parts.append(text[start : end.end()])
        start = len(text) - len(rest)
    parts.append(text[start:])
    return tuple(parts) if len(parts) > 1 and join_sentences(parts) == text else (text,)


def _begins(character: str) -> bool:
    return not character.isalpha() or not character.islower()


def _is_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    if word is None:
        return False
    bare = word[0].lower().rstrip(".")
    return bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha() and bare not in "ai") or bare.isdigit() and len(bare) < 3
