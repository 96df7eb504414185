"""The lines of a plain text, with wrapped lines joined again and underlines taken for what they are."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

from troth.policy.importing.blocks import is_wide, squeezed
from troth.policy.importing.marks import BULLET, Marked, split_mark

TAB = 4
_RULE = re.compile(r"(?:[-_*=~#\u2500\u2501\u2014]\s?){3,}\Z")
_UNDERLINE = re.compile(r"(?:=+|-+|~+)\Z")
_WIDEST_WRAP = 132
_MOST_BARS = 65
_SHORTEST_WRAP = 40


@dataclass(frozen=True, slots=True)
class Unit:
    """One line of the page: `words` without its mark. `underline` is the character it is underlined with, if any."""

    words: str
    line: int
    indent: int
    after_blank: bool
    mark: Marked | None = None
    underline: str = ""
    before_blank: bool = False

    @property
    def whole(self) -> str:
        """The line with its mark."""
        return f"{self.mark.mark} {self.words}" if self.mark else self.words

    @property
    def is_row(self) -> bool:
        """Whether the line is a row of a table drawn with bars."""
        drawn = self.mark is None and len(self.words) > 1 and self.words[0] == self.words[-1] == "|"
        return drawn and self.words.count("|") <= _MOST_BARS


def units(text: str) -> list[Unit]:
    """The lines of `text` in their order; blank lines and drawn rules only leave `after_blank` behind."""
    raw = _raw(text)
    width = _wrap_width(raw)
    joined: list[Unit] = []
    for unit in raw:
        last = joined[-1] if joined else None
        if last is not None and _continues(last, unit, width):
            joined[-1] = replace(last, words=_glued(last.words, unit.words))
        else:
            joined.append(unit)
    for index, unit in enumerate(joined):
        after = joined[index + 1] if index + 1 < len(joined) else None
        if after is None or after.after_blank:
            joined[index] = replace(unit, before_blank=True)
    return joined


def _raw(text: str) -> list[Unit]:
    found: list[Unit] = []
    blank = True
    for number, line in enumerate(text.splitlines(), start=1):
        expanded = line.expandtabs(TAB)
        words = squeezed(expanded)
        if not words:
            blank = True
            continue
        indent = len(expanded) - len(expanded.lstrip())
        if _UNDERLINE.match(words) and len(words) > 2 and found and not blank and not found[-1].is_row:
            found[-1] = replace(found[-1], underline=words[0])
            blank = True
            continue
        if _RULE.match(words):
            blank = True
            continue
        marked = None if words.startswith("|") else split_mark(words)
        found.append(Unit(marked.words if marked else words, number, indent, blank, marked))
        blank = False
    return found


def _wrap_width(raw: list[Unit]) -> int | None:
    """The column at which the text was wrapped by its editor; None where lines are as long as their words."""
    plain = [unit for unit in raw if not unit.is_row]
    if not plain or is_wide("".join(unit.words for unit in plain[:50])):
        return None
    width = max(unit.indent + len(unit.whole) for unit in plain)
    if not _SHORTEST_WRAP <= width <= _WIDEST_WRAP or not any(unit.after_blank for unit in raw[1:]):
        return None
    pairs = [(unit, after) for unit, after in itertools.pairwise(raw) if _could_continue(unit, after)]
    full = sum(_is_full(unit, after, width) for unit, after in pairs)
    return width if len(pairs) >= 2 and full * 3 >= len(pairs) * 2 else None


def _could_continue(unit: Unit, after: Unit) -> bool:
    return not after.after_blank and after.mark is None and not after.is_row and not unit.is_row and not unit.underline


def _is_full(unit: Unit, after: Unit, width: int) -> bool:
    """Whether the next word would not have fitted any more."""
    first = after.words.split(" ", 1)[0]
    return unit.indent + len(unit.whole) + 1 + len(first) > width


def _continues(last: Unit, unit: Unit, width: int | None) -> bool:
    if not _could_continue(last, unit):
        return False
    if last.mark is not None and last.mark.kind == BULLET and unit.indent >= last.indent + 2:
        return unit.words[0].islower() or width is not None
    return width is not None and unit.indent >= last.indent and _ends_full(last, unit, width)


def _ends_full(last: Unit, unit: Unit, width: int) -> bool:
    """As `_is_full`, for a line that may already be several joined: only its last stretch counts."""
    if len(last.whole) + last.indent > width:
        return True
    return _is_full(last, unit, width)


def _glued(first: str, second: str) -> str:
    return first + second if is_wide(first[-1:] + second[:1]) else f"{first} {second}"
