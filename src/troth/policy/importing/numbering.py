"""Numbers for clauses: as printed where the source prints them, otherwise as reading derives them; none stands twice.

Only what reading would not derive by itself is written: a printed number, a mark that is not the usual one, and a
number that would otherwise stand a second time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from troth.policy.importing.arrangement import ITEM, PARAGRAPH, PART, ROW, Draft
from troth.policy.importing.marks import BULLET, CHINESE, split_mark
from troth.policy.reading import place_below
from troth.policy.rendering.outline import ITEM_MARK, SECTION_LEVEL

_NUMBER = re.compile(r"[0-9A-Za-z]{1,6}(?:\.[0-9A-Za-z]{1,4}){0,5}\Z")
LEAD = "0"


def number_sections(sections: list[Draft], *, lead: bool) -> None:
    """Number every clause below the sections, which are in the order of the page."""
    numbers = _Numbers(sections)
    if lead:
        numbers.taken.add(LEAD)
    for position, section in enumerate(sections, start=1):
        numbers.section(section, position)


class _Numbers:
    """What is taken so far, and what headings further down will print."""

    def __init__(self, sections: list[Draft]) -> None:
        self.taken: set[str] = set()
        self.printed = {
            printed for section in sections for draft in section.walk() if (printed := _printed(draft)) is not None
        }

    def section(self, section: Draft, position: int) -> None:
        derived = str(position)
        if section.title is not None:
            self._heading(section, "", derived, SECTION_LEVEL)
            self._sentences(section)
            below = SECTION_LEVEL + 1
        else:
            section.number = derived
            if derived in self.printed and any(child.kind != PART for child in section.children):
                # words before the first heading: their numbers leave those of the headings alone
                section.number = section.written_number = LEAD
            below = SECTION_LEVEL
        self._below(section, below)

    def _below(self, parent: Draft, level: int) -> None:
        items = rows = headings = 0
        for child in parent.children:
            if child.kind == ROW:
                rows += 1
                self._row(child, parent.number, rows)
            elif child.title is not None:
                headings += 1
                self._heading(child, parent.number, f"{parent.number}.{headings}", level)
            else:
                self._item(child, parent.number, items)
                items += 1
            self._sentences(child)
            self._below(child, level + 1 if child.title is not None else level)

    def _heading(self, draft: Draft, parent: str, derived: str, level: int) -> None:
        printed = _printed(draft)
        if printed is not None and printed not in self.taken and self._fits(printed, parent, level):
            draft.number = draft.written_number = printed
            usual = f"{printed}." if level == SECTION_LEVEL else printed
            draft.written_mark = None if draft.mark == usual else draft.mark
        else:
            draft.number = self._next(derived)
            if draft.number != derived:
                draft.written_number = draft.number
                draft.written_mark = draft.mark
            elif draft.mark:
                draft.written_mark = draft.mark
        self.taken.add(draft.number)

    @staticmethod
    def _fits(printed: str, parent: str, level: int) -> bool:
        return level == SECTION_LEVEL or printed.startswith(f"{parent}.")

    def _item(self, draft: Draft, parent: str, index: int) -> None:
        derived = parent + place_below(parent, index)
        printed = _printed(draft)
        if printed is not None and printed not in self.taken and printed.startswith(f"{parent}."):
            draft.number = draft.written_number = printed
        else:
            draft.number = self._free(derived)
            draft.written_number = None if draft.number == derived else draft.number
        if draft.kind == PARAGRAPH:
            draft.written_mark = ""
        elif draft.kind == ITEM:
            draft.written_mark = None if draft.mark == ITEM_MARK else draft.mark
        self.taken.add(draft.number)

    def _row(self, draft: Draft, parent: str, row: int) -> None:
        derived = f"{parent}.{row}"
        draft.number = derived if self._is_free(derived) else self._free(f"{parent}.t{row}")
        draft.written_number = None if draft.number == derived else draft.number
        self.taken.add(draft.number)

    def _sentences(self, draft: Draft) -> None:
        """The numbers of a text's sentences; a text whose sentences would take another's numbers stays whole."""
        numbers = {draft.number + place_below(draft.number, index) for index in range(len(draft.sentences))}
        if not all(self._is_free(number) for number in numbers):
            draft.sentences = ()
            return
        self.taken |= numbers

    def _is_free(self, number: str) -> bool:
        return number not in self.taken and number not in self.printed

    def _free(self, wanted: str) -> str:
        return next(number for number in _tries(wanted) if self._is_free(number))

    def _next(self, wanted: str) -> str:
        """`wanted`, or the next number after it that is free: headings are counted."""
        before, _, last = wanted.rpartition(".")
        dot = "." if before else ""
        counted = (f"{before}{dot}{count}" for count in itertools.count(int(last)))
        return next(number for number in counted if self._is_free(number))


def _tries(wanted: str) -> Iterator[str]:
    yield wanted
    count = 2
    while True:
        yield f"{wanted}-{count}"
        count += 1


def _printed(draft: Draft) -> str | None:
    """The number that the source prints before a heading or a numbered clause, or None."""
    if not draft.mark or draft.kind not in (PART, ITEM):
        return None
    marked = split_mark(f"{draft.mark} x")
    if marked is None or marked.kind == BULLET:
        return None
    if draft.kind == ITEM and "." not in marked.key:
        return None
    number = str(marked.ordinal) if marked.kind == CHINESE else marked.key
    return number if _NUMBER.match(number) else None
