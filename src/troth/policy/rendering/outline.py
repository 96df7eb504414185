"""The printed page as blocks, in the order of print: the only place that knows this order.

A heading, then its own words, then what stands below it. Neighbouring items make one list, neighbouring rows one
table; an item that is printed without a mark is a paragraph. A section without a title prints only what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from troth.policy.model import Clause, Policy, Sentence

ITEM_MARK = "-"
BULLETS = frozenset("-*+•·◦‣▪○●■□\u2013\u2014")
"""Marks that only say "an item"; any other mark is words."""
TITLE_LEVEL = 1
SECTION_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of the page (level 1), of a section (2), or of a part of one (3 and deeper).

    `mark` is the number as it is printed ("3.", "3.1"), or empty; `number` is the clause's, printed or not.
    """

    level: int
    mark: str
    title: str
    number: str
    clause_id: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one clause: `label: text`, and the sentences that lie in `text` in their order."""

    label: str | None
    text: str
    sentences: tuple[Sentence, ...]
    clause_id: str

    @property
    def printed(self) -> str:
        """The words as one line of print; a label without words behind it keeps its colon."""
        return f"{self.label}: {self.text}".rstrip() if self.label is not None else self.text

    def parts(self) -> Iterator[tuple[str, Sentence | None]]:
        """`text` cut into its sentences and what stands between them; joined again it is `text`."""
        if len(self.sentences) == 1:
            yield self.text, self.sentences[0]
            return
        rest = self.text
        for sentence in self.sentences:
            before, found, after = rest.partition(sentence.text)
            if not found:
                break
            if before:
                yield before, None
            yield sentence.text, sentence
            rest = after
        if rest:
            yield rest, None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words that stand alone. `lead` is true for the sentence under the title."""

    words: Words
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list, and the blocks that are set under it."""

    mark: str
    words: Words
    below: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; it is one sentence."""

    cells: tuple[str, ...]
    sentence: Sentence | None
    clause_id: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `columns` is empty where it has no head. Rows may be shorter or longer than the head."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def width(self) -> int:
        """The number of columns of the widest row."""
        return max((len(self.columns), *(len(row.cells) for row in self.rows)))


Block = Heading | Paragraph | Items | Table


def outline(policy: Policy) -> tuple[Block, ...]:
    """The blocks of the published page, in the order of print; the first is the title."""
    blocks: list[Block] = [Heading(TITLE_LEVEL, "", policy.title, "", "policy")]
    if policy.lead is not None:
        words = Words(None, policy.lead.text, (policy.lead,), policy.lead.clause_id)
        blocks.append(Paragraph(words, lead=True))
    for section in policy.sections:
        blocks.extend(_blocks(section, SECTION_LEVEL))
    return tuple(blocks)


def headings(blocks: Iterable[Block]) -> Iterator[Heading]:
    """The headings among `blocks`, for a table of contents."""
    return (block for block in blocks if isinstance(block, Heading))


def _blocks(clause: Clause, level: int) -> Iterator[Block]:
    """A clause that is neither item nor row: its heading, its words, what is below."""
    below = level
    if clause.title is not None:
        yield Heading(level, _heading_mark(clause, level), clause.title, clause.number, clause.id)
        below = level + 1
    words = _words(clause)
    if words is not None:
        yield Paragraph(words)
    yield from _below(clause, below)


def _below(clause: Clause, level: int) -> Iterator[Block]:
    for kind, group in groupby(clause.children, key=_kind):
        children = tuple(group)
        if kind == "row":
            yield Table(clause.columns, tuple(_row(child) for child in children))
        elif kind == "item":
            yield Items(tuple(_item(child, level) for child in children))
        else:
            for child in children:
                yield from _blocks(child, level)


def _kind(clause: Clause) -> str:
    if clause.cells:
        return "row"
    if clause.title is None and clause.mark != "" and _words(clause) is not None:
        return "item"
    return "block"


def _item(clause: Clause, level: int) -> Item:
    words = _words(clause)
    assert words is not None  # _kind saw them
    mark = ITEM_MARK if clause.mark is None else clause.mark
    return Item(mark, words, tuple(_below(clause, level)))


def _row(clause: Clause) -> Row:
    return Row(clause.cells, clause.sentences[0] if clause.sentences else None, clause.id)


def _words(clause: Clause) -> Words | None:
    if clause.text is None and clause.label is None:
        return None
    return Words(clause.label, clause.text or "", clause.sentences, clause.id)


def _heading_mark(clause: Clause, level: int) -> str:
    if clause.mark is not None:
        return clause.mark
    return f"{clause.number}." if level == SECTION_LEVEL else clause.number
