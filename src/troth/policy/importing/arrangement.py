"""Blocks under their headings: the tree of the page, as a draft that later steps fill with numbers, ids and meaning.

The one paragraph at the head of a part is the text of its heading. Several paragraphs stand as parts of their own,
printed without a mark, and a list or table stands under the paragraph before it. A table's head belongs to what it
stands under. A text with nothing under it is cut into its sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from troth.policy.importing.blocks import (
    Found,
    FoundHeading,
    FoundItem,
    FoundTable,
    FoundText,
    Link,
    Source,
    is_wide,
)
from troth.policy.importing.sentences import sentences

PART, ITEM, PARAGRAPH, ROW, GROUP = "part", "item", "paragraph", "row", "group"

_LABEL = re.compile(r"(?P<label>[^:\uff1a.;!?]{1,60}): (?P<text>\S.*)\Z")
_MOST_LABEL_WORDS = 7


@dataclass(slots=True)
class Draft:
    """One clause in the making. `mark` is as found in the source; later steps say what of it has to be written."""

    kind: str
    line: int
    mark: str = ""
    title: str | None = None
    label: str | None = None
    text: str | None = None
    cells: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    children: list[Draft] = field(default_factory=list)
    name: str = ""
    number: str = ""
    written_number: str | None = None
    written_mark: str | None = None
    meaning: dict[str, Any] = field(default_factory=dict)
    sentence_meanings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """All words of this clause itself, for guessing."""
        own = (self.title, self.label, self.text, *self.cells)
        return " ".join(part for part in own if part)

    def walk(self) -> Iterator[Draft]:
        """The draft itself, then all below it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Page:
    """The whole draft: title, the paragraph under it, the parts under the highest headings.

    `moved` is true where the source prints something before its title, which the page prints behind it.
    """

    title: str | None
    lead: Draft | None
    parts: list[Draft]
    moved: bool = False


def arrange(source: Source) -> Page:
    """The tree of a source. What stands before the first heading is its lead and, beyond that, a part without title."""
    blocks = list(source.blocks)
    title = source.title
    levels = [block.level for block in blocks if isinstance(block, FoundHeading)]
    first = next((index for index, block in enumerate(blocks) if isinstance(block, FoundHeading)), None)
    moved = False
    if first is not None and title is None:
        heading = blocks[first]
        assert isinstance(heading, FoundHeading)
        if (first == 0 or source.marked_up) and _is_page_title(heading, levels):
            title = f"{heading.mark} {heading.words}" if heading.mark else heading.words
            moved = first > 0
            del blocks[first]
    title = title or source.named
    before, parts = _split(blocks)
    lead = None
    if before and isinstance(before[0], FoundText) and not _says_a_date(before[0].words):
        opens = len(before) > 1 and isinstance(before[1], FoundItem | FoundTable)
        if not opens:
            lead = Draft(PARAGRAPH, before[0].line, text=before[0].words, links=before[0].links)
            before = before[1:]
    top = [_part(None, before)] if before else []
    return Page(title, lead, [*top, *(_part(heading, content) for heading, content in parts)], moved)


def _is_page_title(first: FoundHeading, levels: list[int]) -> bool:
    """The first heading is the page's when it stands alone on the highest level, or names the policy itself."""
    alone = levels.count(first.level) == 1 and first.level == min(levels) and (len(levels) > 1 or not first.mark)
    return alone or (not first.mark and _names_a_policy(first.words))


def _names_a_policy(words: str) -> bool:
    return bool(
        re.search(r"privacy|data protection|datenschutz|confidentialit|隐私|个人信息保护", words, re.IGNORECASE)
    )


def _says_a_date(words: str) -> bool:
    return bool(re.search(r"updated|effective|revised|version|生效|更新|修订", words[:60], re.IGNORECASE)) and bool(
        re.search(r"[0-9]", words)
    )


def _split(blocks: Iterable[Found]) -> tuple[list[Found], list[tuple[FoundHeading, list[Found]]]]:
    """What stands before the first heading, and the parts under the highest headings."""
    every = list(blocks)
    levels = [block.level for block in every if isinstance(block, FoundHeading)]
    if not levels:
        return every, []
    highest = min(levels)
    before: list[Found] = []
    parts: list[tuple[FoundHeading, list[Found]]] = []
    for block in every:
        if isinstance(block, FoundHeading) and block.level == highest:
            parts.append((block, []))
        elif parts:
            parts[-1][1].append(block)
        else:
            before.append(block)
    return before, parts


def _part(heading: FoundHeading | None, blocks: list[Found]) -> Draft:
    part = Draft(PART, heading.line if heading else blocks[0].line)
    if heading is not None:
        part.mark, part.title, part.links = heading.mark, heading.words, heading.links
    before, parts = _split(blocks)
    _fill(part, before)
    part.children.extend(_part(inner, content) for inner, content in parts)
    return part


def _fill(part: Draft, blocks: list[Found]) -> None:
    """The words of a part, before any heading below it."""
    texts = [block for block in blocks if isinstance(block, FoundText) and block.depth == 0]
    own = part.title is not None and len(texts) == 1 and blocks[0] is texts[0]
    above = part
    stack: list[Draft] = []  # the items we stand in, by depth
    for block in blocks:
        if isinstance(block, FoundText) and block.depth == 0:
            stack = []
            if own:
                part.text, part.line, part.links = block.words, part.line, (*part.links, *block.links)
                continue
            above = _paragraph(block)
            part.children.append(above)
        elif isinstance(block, FoundText):
            parent = stack[min(block.depth, len(stack)) - 1] if stack else above
            parent.children.append(_paragraph(block))
        elif isinstance(block, FoundItem):
            depth = min(block.depth, len(stack))
            parent = stack[depth - 1] if depth else above
            item = _item(block)
            parent.children.append(item)
            stack = [*stack[:depth], item]
        elif isinstance(block, FoundTable):
            stack = []
            _add_table(above, block)
    for draft in part.walk():
        _cut(draft)


def _paragraph(block: FoundText) -> Draft:
    label, text = labelled(block.words)
    return Draft(PARAGRAPH, block.line, label=label, text=text, links=block.links)


def _item(block: FoundItem) -> Draft:
    label, text = labelled(block.words)
    return Draft(ITEM, block.line, mark=block.mark, label=label, text=text, links=block.links)


def labelled(words: str) -> tuple[str | None, str]:
    """`Label: text` as its two parts, where the words before the colon are few and no sentence."""
    found = _LABEL.match(words)
    if found is None or len(found["label"].split()) > _MOST_LABEL_WORDS or not found["label"].strip():
        return None, words
    label = found["label"]
    if (
        label[0].islower()
        or label != label.strip()
        or label.lower().endswith(("http", "https", "mailto"))
        or is_wide(label)
    ):
        return None, words
    return label, found["text"]


def _add_table(above: Draft, table: FoundTable) -> None:
    rows = [Draft(ROW, table.line, cells=row) for row in table.rows if any(row)]
    if not rows:
        # a head without rows is one row of words
        rows = [Draft(ROW, table.line, cells=table.columns)]
    rows[0].links = table.links
    place = above
    nameless = above.kind == PART and above.title is None  # it may be merged into its section, head and all
    if nameless or above.columns or any(child.kind == ROW for child in above.children):
        place = Draft(GROUP, table.line)
        above.children.append(place)
    place.columns = table.columns if table.rows and rows[0].cells in table.rows else ()
    place.children.extend(rows)


def _cut(draft: Draft) -> None:
    lists_below = any(child.kind != PART for child in draft.children)
    if draft.text is None or lists_below or (draft.kind == ITEM and draft.label is not None):
        return
    if draft.label is None or draft.kind == PART:
        cut = sentences(draft.text)
        draft.sentences = cut if len(cut) > 1 else ()
