"""Two wordings of one sentence beside each other: what stayed, what went, what came."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from troth.policy.model import Policy, Sentence

_TOKEN = re.compile(r"\s+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")


class Fate(StrEnum):
    """What became of a piece of the old wording, or where a piece of the new one comes from."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words with one fate. Pieces that are not new, joined, are the old text; those not gone, the new."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Reworded:
    """One sentence that has other words, is new or is gone. `number` is the new one where it has one."""

    number: str
    pieces: tuple[Piece, ...]


def reworded(before: Policy, after: Policy) -> tuple[Reworded, ...]:
    """Every sentence whose words differ, in the order of the new text, those that are gone at the end."""
    old = {sentence.id: sentence for sentence in before.sentences}
    found = [_reworded(old.pop(sentence.id, None), sentence) for sentence in after.sentences]
    found += [Reworded(sentence.number, (Piece(Fate.GONE, sentence.text),)) for sentence in old.values()]
    return tuple(each for each in found if each is not None)


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """The two texts cut into pieces by words; signs of scripts without spaces count as words."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    found: list[Piece] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece(Fate.SAME, "".join(old[i1:i2])))
            continue
        if i2 > i1:
            found.append(Piece(Fate.GONE, "".join(old[i1:i2])))
        if j2 > j1:
            found.append(Piece(Fate.NEW, "".join(new[j1:j2])))
    return tuple(found)


def _reworded(before: Sentence | None, after: Sentence) -> Reworded | None:
    if before is None:
        return Reworded(after.number, (Piece(Fate.NEW, after.text),))
    if before.text == after.text:
        return None
    return Reworded(after.number, pieces(before.text, after.text))
