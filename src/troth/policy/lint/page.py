"""The published page as a lint rule sees it: who says what, where, and under which heading.

Rules about duties to inform search `said`, which holds the printed words only. Rules about the meaning go to `policy`.
Words are folded before they are searched: typographic quotes and dashes become plain, runs of space one space.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from troth.policy.law.laws import laws_of
from troth.policy.law.provisions import Duty, Law
from troth.policy.model import Clause, Policy, Sentence

_PLAIN = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u00ad": None}
)
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "for",
        "from",
        "have",
        "if",
        "in",
        "is",
        "it",
        "not",
        "of",
        "on",
        "or",
        "our",
        "that",
        "the",
        "this",
        "to",
        "us",
        "we",
        "when",
        "will",
        "with",
        "you",
        "your",
    ]
)
_FEW_WORDS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the page and in the file: clause id, printed number, line from 1."""

    clause: str
    number: str
    line: int


@dataclass(frozen=True)
class Said:
    """One sentence of the page with its place, and the titles of the headings it stands under, outermost first.

    `item` is true for entries of a list and rows of a table. `text` is folded; `parts` are its grammatical sentences.
    """

    text: str
    place: Place
    titles: tuple[str, ...]
    item: bool
    label: str | None
    cells: tuple[str, ...]
    sentence: Sentence

    @property
    def section(self) -> str:
        """The section of the page: `use` of `use.purposes.marketing`; `policy` for the lead."""
        return self.place.clause.partition(".")[0]

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(_SENTENCE_END.split(self.text))

    def part_with(self, pattern: re.Pattern[str]) -> str | None:
        """The first grammatical sentence in which `pattern` is found."""
        return next((part for part in self.parts if pattern.search(part)), None)


@dataclass(frozen=True)
class Page:
    """A policy on the day it is read, with the laws that bind it that day."""

    policy: Policy
    today: dt.date

    @cached_property
    def laws(self) -> tuple[Law, ...]:
        return tuple(law for law in laws_of(self.policy.laws) if law.binds(self.today))

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """Every sentence in the order of the page."""
        return tuple(self._read())

    @cached_property
    def readable(self) -> bool:
        """Whether the page is in a language that troth has words for (English). Few words are given the benefit."""
        words = [word for said in self.said for word in _WORD.findall(said.text.lower())]
        if sum(not word.isascii() for word in words) > len(words) * 0.3:
            return False
        return len(words) < _FEW_WORDS or sum(word in _ENGLISH for word in words) > len(words) * 0.1

    def laws_with(self, duty: Duty) -> tuple[Law, ...]:
        """The laws of this policy that have `duty`."""
        return tuple(law for law in self.laws if duty in law.duties)

    def within(self, *sections: str) -> tuple[Said, ...]:
        """The sentences of these sections; of all the page when none is named."""
        return tuple(said for said in self.said if not sections or said.section in sections)

    def find(self, pattern: re.Pattern[str], *sections: str) -> tuple[Said, ...]:
        """The sentences in which `pattern` is found, within `sections` or anywhere."""
        return tuple(said for said in self.within(*sections) if pattern.search(said.text))

    def says(self, pattern: re.Pattern[str], *sections: str) -> bool:
        return bool(self.find(pattern, *sections))

    def place_of(self, *sections: str) -> Place:
        """Where something missing belongs: the first of `sections` that the page has, else its beginning."""
        for name in sections:
            for clause in self.policy.sections:
                if clause.id == name:
                    return Place(clause.id, clause.number, clause.line)
        return self.start

    def above(self, said: Said) -> Place:
        """The place of the clause that an item stands in; its own where it is no item."""
        clause = self.policy.by_id.get(said.place.clause.rpartition(".")[0]) if said.item else None
        return Place(clause.id, clause.number, clause.line) if clause else said.place

    @property
    def start(self) -> Place:
        """The beginning of the page."""
        lead = self.policy.lead
        return Place("policy", "0", lead.line if lead else 1)

    def _read(self) -> Iterator[Said]:
        if self.policy.lead:
            lead = self.policy.lead
            yield Said(fold(lead.text), self.start, (), item=False, label=None, cells=(), sentence=lead)
        for section in self.policy.sections:
            yield from _of_clause(section, ())


def fold(text: str) -> str:
    """`text` with plain quotes, dashes and spaces, so that one pattern finds all ways to type it."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_PLAIN).split())


def place(of: Clause | Sentence) -> Place:
    """Where a clause or sentence stands."""
    return Place(of.id, of.number, of.line)


def listed(names: Iterable[str], *, last: str = "and") -> str:
    """`a, b and c`."""
    *before, end = list(names) or [""]
    return f"{', '.join(before)} {last} {end}" if before else end


def _of_clause(clause: Clause, titles: tuple[str, ...]) -> Iterator[Said]:
    titles = (*titles, fold(clause.title)) if clause.title else titles
    for sentence in clause.sentences:
        yield Said(
            fold(sentence.text),
            place(sentence),
            titles,
            not clause.is_heading,
            clause.label,
            tuple(fold(cell) for cell in clause.cells),
            sentence,
        )
    for child in clause.children:
        yield from _of_clause(child, titles)
