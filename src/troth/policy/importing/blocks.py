"""What a reader of a source finds: headings, paragraphs, items and tables, in the order of the page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LIST_DEPTH = 8

_RUNS = re.compile(r"[ \t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Link:
    """Words of the source that lead somewhere; the words stay in the text, the address is kept beside it."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class FoundHeading:
    """A heading; level 1 is the highest that the source has. `mark` is its printed number ("1.", "Article 2")."""

    level: int
    mark: str
    words: str
    line: int
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundText:
    """A paragraph; `depth` is how many list levels it stands under."""

    words: str
    line: int
    depth: int = 0
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item of a list; `mark` is what the source prints before it. The outermost list has depth 0."""

    mark: str
    words: str
    line: int
    depth: int = 0
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table; `columns` is empty where it has no head."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int
    links: tuple[Link, ...] = ()


Found = FoundHeading | FoundText | FoundItem | FoundTable


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it was read. `title` is printed above the blocks; `named` is what the source is called elsewhere.

    `marked_up` is true where its headings are told by markup and not by how they look.
    """

    blocks: tuple[Found, ...]
    title: str | None = None
    named: str | None = None
    marked_up: bool = False
    left_out: tuple[str, ...] = ()


def squeezed(text: str) -> str:
    """`text` on one line: runs of spaces and breaks are one space, characters that can't be printed are gone."""
    return _RUNS.sub(" ", _UNPRINTABLE.sub("", text)).strip(" ")


def is_wide(text: str) -> bool:
    """Whether `text` is written in Chinese, Japanese or Korean, which set no spaces between words."""
    letters = [character for character in text[:2000] if character.isalpha()]
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in letters)
    return wide * 2 > len(letters)


def words_of(blocks: Iterable[Found]) -> int:
    """How many characters of text the blocks hold."""
    total = 0
    for block in blocks:
        if isinstance(block, FoundTable):
            total += sum(len(cell) for row in (block.columns, *block.rows) for cell in row)
        else:
            total += len(block.words)
    return total
