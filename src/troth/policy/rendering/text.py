"""The policy as plain text: the published words, line for line, and nothing else.

One line for each heading, paragraph, item and row; no blank lines, no line end after the last line. A line break
inside a text is printed as it stands. A bar inside a cell is escaped by a backslash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from troth.policy.model import Policy
from troth.policy.rendering.outline import Block, Heading, Items, Paragraph, Table, outline

INDENT = "  "

_BREAKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")


def render_text(policy: Policy) -> str:
    """The policy as text; a policy that was imported from text gives that text back, word for word."""
    return "\n".join(_lines(outline(policy), ""))


def with_mark(mark: str, words: str) -> str:
    """`words` behind their mark: a space between, none after full-width punctuation, nothing for no mark."""
    if not mark:
        return words
    wide = unicodedata.east_asian_width(mark[-1]) in "WF" and unicodedata.category(mark[-1]).startswith("P")
    return f"{mark}{words}" if wide else f"{mark} {words}"


def one_line(text: str) -> str:
    """`text` with every break and run of spaces as one space; no-break and wide spaces stay what they are."""
    return _BREAKS.sub(" ", text).strip(" ")


def cell_text(cell: str) -> str:
    """A cell as it stands between bars: on one line, its own bars escaped."""
    return one_line(cell).replace("|", "\\|")


def _lines(blocks: Iterable[Block], indent: str) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Heading):
            yield one_line(with_mark(block.mark, block.title))
        elif isinstance(block, Paragraph):
            yield indent + block.words.printed
        elif isinstance(block, Items):
            for item in block.items:
                yield indent + with_mark(item.mark, item.words.printed)
                yield from _lines(item.below, indent + INDENT)
        elif isinstance(block, Table):
            yield from _table(block, indent)


def _table(table: Table, indent: str) -> Iterator[str]:
    if table.columns:
        yield indent + _row(table.columns)
        yield indent + "|" + "---|" * table.width
    for row in table.rows:
        yield indent + _row(row.cells)


def _row(cells: Iterable[str]) -> str:
    return "|" + "".join(f" {cell_text(cell)} |" for cell in cells)
