"""What stands before the words of a line: bullets, numbers, letters, `Article 3`, and their Chinese forms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from troth.policy.importing.blocks import is_wide
from troth.policy.rendering.outline import BULLETS

BULLET = "bullet"
DECIMAL = "decimal"
LETTER = "letter"
ROMAN = "roman"
NAMED = "named"
CHINESE = "chinese"

_CHINESE = "一二三四五六七八九十百"
_MORE_BULLETS = "\uf0b7\u27a2\u25b8\u25ba\u25e6\u2043"
_FORMS = (
    (BULLET, re.compile(rf"(?P<mark>[{re.escape(''.join(BULLETS))}{_MORE_BULLETS}])(?:\s+|(?<=[•●■□▪])(?=\S))")),
    (
        NAMED,
        re.compile(
            r"(?P<mark>(?:Section|Article|Part|Chapter|Clause|Abschnitt|Artikel|§)\s?(?P<key>[0-9]{1,3}|[IVXLC]{1,6}|[A-Z])"
            r"[.:)]?)(?:\s+(?:[-\u2013\u2014]\s+)?)(?=\S)",
            re.IGNORECASE,
        ),
    ),
    (CHINESE, re.compile(rf"(?P<mark>第(?P<key>[{_CHINESE}0-9]{{1,5}})[条章节條節][:\uff1a]?)[\s\u3000]*")),
    (CHINESE, re.compile(rf"(?P<mark>[(\uff08](?P<key>[{_CHINESE}]{{1,3}})[)\uff09])\s*")),
    (CHINESE, re.compile(rf"(?P<mark>(?P<key>[{_CHINESE}]{{1,3}})[、.\uff0e])\s*")),
    (DECIMAL, re.compile(r"(?P<mark>(?P<key>[0-9]{1,3}(?:\.[0-9]{1,3}){1,4})[.)]?)(?:\s+)(?=\S)")),
    (DECIMAL, re.compile(r"(?P<mark>[(\uff08]?(?P<key>[0-9]{1,3})(?:[.)]\s+|[\uff09、\uff0e]\s*))(?=\S)")),
    (ROMAN, re.compile(r"(?P<mark>\(?(?P<key>[ivxlc]{1,6}|[IVX]|[IVXLC]{2,6})[.)])\s+(?=\S)")),
    (LETTER, re.compile(r"(?P<mark>\(?(?P<key>[A-Za-z])[.)])\s+(?=\S)")),
)
_BARE = re.compile(r"(?P<mark>(?P<key>[0-9]{1,3}))\s+(?=[A-Z\u4e00-\u9fff])")
_DIGITS = {character: value for value, character in enumerate(_CHINESE[:9], start=1)}
_NUMERALS = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
_SENTENCE_ENDS = ".;,!。\uff1b\uff0c\uff01"
_LONGEST_TITLE = 100
_MOST_WORDS = 14


@dataclass(frozen=True, slots=True)
class Marked:
    """A line cut into its mark and its words. `key` is the bare number or letter ("1.2", "a", "iv"); empty for bullets.

    `style` says which marks belong to one list: two are of one list only when their styles are equal.
    """

    kind: str
    style: str
    mark: str
    key: str
    words: str

    @property
    def depth(self) -> int:
        """How many parts the number has: 2 for "1.2"."""
        return self.key.count(".") + 1

    @property
    def ordinal(self) -> int | None:
        """The last part of the number as a count from 1; None for bullets."""
        return ordinal(self.kind, self.key)


def split_mark(line: str) -> Marked | None:
    """The mark of `line` and what follows it, or None where it begins with words."""
    for kind, form in _FORMS:
        found = form.match(line)
        if found is None:
            continue
        words = line[found.end() :].strip()
        mark = found["mark"].strip()
        key = found.groupdict().get("key") or ""
        if not words:
            return None
        sort = LETTER if kind == ROMAN and key in ("l", "c") else kind
        return Marked(sort, _style(sort, mark, key), mark, key, words)
    return None


def split_bare_number(line: str) -> Marked | None:
    """The number before a title that has no dot ("1 Introduction"), or None."""
    found = _BARE.match(line)
    if found is None:
        return None
    return Marked(DECIMAL, "decimal 1", found["mark"], found["key"], line[found.end() :])


def follows(first: Marked, second: Marked) -> bool:
    """Whether `second` is the next mark of the list of `first`."""
    if first.kind == BULLET or first.style != second.style:
        return False
    before, after = first.ordinal, second.ordinal
    parents = first.key.rpartition(".")[0] == second.key.rpartition(".")[0]
    return parents and before is not None and after == before + 1


def ordinal(kind: str, key: str) -> int | None:
    """The count that a number, letter, Roman or Chinese numeral stands for."""
    last = key.rpartition(".")[2]
    if not last:
        return None
    if last.isascii() and last.isdigit():
        return int(last)
    if kind == CHINESE or last[0] in _CHINESE:
        return _chinese(last)
    if kind == ROMAN or (kind == NAMED and set(last.upper()) <= set("IVXLC")):
        return _roman(last)
    return ord(last.lower()) - ord("a") + 1


def counted(count: int, form: str) -> str:
    """The mark that HTML's `type` gives the item at `count`: "3", "c", "iii"."""
    if form in ("a", "A"):
        letter = chr(ord(form) + (count - 1) % 26)
        return letter * ((count - 1) // 26 + 1)
    if form not in ("i", "I"):
        return str(count)
    numeral = ""
    rest = count
    for value, letters in _NUMERALS:
        times, rest = divmod(rest, value)
        numeral += letters * times
    return numeral if form == "I" else numeral.lower()


def is_title(words: str) -> bool:
    """Whether `words` read like a heading: short, and no sentence."""
    if not words or len(words) > _LONGEST_TITLE or words[-1] in _SENTENCE_ENDS or words[0].islower():
        return False
    if is_wide(words):
        return len(words) <= _LONGEST_TITLE // 3 and "。" not in words
    if re.search(r"[.!?]\s+[A-Z]", words):
        return False
    return len(words.split()) <= _MOST_WORDS


def _style(kind: str, mark: str, key: str) -> str:
    if kind == BULLET:
        return f"bullet {mark}"
    around = mark.replace(key, "", 1) if kind != NAMED else ""
    if kind == DECIMAL and "." in key:
        return f"decimal {key.count('.') + 1}"
    case = "upper" if key.isupper() else "lower"
    return f"{kind} {around} {case if kind in (LETTER, ROMAN) else ''}".rstrip()


def _chinese(numeral: str) -> int:
    if numeral.isdigit() and numeral.isascii():
        return int(numeral)
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return _DIGITS.get(numeral, 1)
    return _DIGITS.get(tens, 1) * 10 + _DIGITS.get(ones, 0)


def _roman(numeral: str) -> int:
    values = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    total = 0
    largest = 0
    for letter in reversed(numeral.lower()):
        value = values[letter]
        total += value if value >= largest else -value
        largest = max(largest, value)
    return total
