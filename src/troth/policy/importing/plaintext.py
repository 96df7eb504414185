"""Plain text into blocks. Headings are told from items by their place in the count and by what follows them."""

from __future__ import annotations

import re

from troth.policy.importing.blocks import (
    MAX_LIST_DEPTH,
    Found,
    FoundHeading,
    FoundItem,
    FoundTable,
    FoundText,
    Source,
    is_wide,
)
from troth.policy.importing.lines import Unit, units
from troth.policy.importing.marks import BULLET, CHINESE, DECIMAL, NAMED, Marked, follows, is_title, split_bare_number

_LABELLED = re.compile(r".{1,60}?[:\uff1a]\s*\S")
_ADDRESS = re.compile(r"@|https?://|www\.|\+[0-9]|[0-9]{5}")
_DELIMITER = re.compile(r":?-+:?\Z")
_SINGLE = re.compile(r"decimal (?:1|[^0-9].*)\Z")
_LONG = 40
_DEEPEST = 6


def read_text(text: str) -> Source:
    """The blocks of a plain text. The first line is the title where it reads like one."""
    lines = [_with_bare_number(unit) for unit in units(text)]
    title = None
    if lines and _is_page_title(lines[0]):
        title, lines = lines[0].words, lines[1:]
    return Source(tuple(_Reader(lines).blocks()), title)


def _is_page_title(line: Unit) -> bool:
    tells = _LABELLED.match(line.words) and re.search("[0-9@]", line.words)  # "Last updated: 1 May 2025"
    return line.mark is None and not line.is_row and not tells and is_title(line.words)


def _with_bare_number(unit: Unit) -> Unit:
    """A title with a number and no dot ("1 Introduction") has a mark, too."""
    if unit.mark is not None or unit.is_row or unit.indent or not unit.after_blank or not is_title(unit.words):
        return unit
    marked = split_bare_number(unit.words)
    if marked is None:
        return unit
    return Unit(marked.words, unit.line, 0, after_blank=True, mark=marked, before_blank=unit.before_blank)


class _Reader:
    """Goes through the lines once, with the headings it stands under and the lists it stands in."""

    def __init__(self, lines: list[Unit]) -> None:
        self.lines = lines
        self.spaced = sum(line.after_blank for line in lines) * 4 >= len(lines)
        self.styles: list[str] = []  # of the headings from the highest level down
        self.last: dict[str, Marked] = {}  # the last heading of each style
        self.lists: list[tuple[int, str]] = []  # (indent, style) of the lists we stand in

    def blocks(self) -> list[Found]:
        found: list[Found] = []
        index = 0
        while index < len(self.lines):
            line = self.lines[index]
            if line.is_row:
                end = index
                while end < len(self.lines) and self.lines[end].is_row and (end == index or not self._breaks(end)):
                    end += 1
                found.append(_table(self.lines[index:end]))
                index = end
                self.lists = []
                continue
            found.append(self._block(index, line))
            index += 1
        return found

    def _breaks(self, index: int) -> bool:
        """Whether a new table starts at `index`: its second line is a delimiter again."""
        after = self.lines[index + 1] if index + 1 < len(self.lines) else None
        return self.lines[index].after_blank and after is not None and after.is_row and _is_delimiter(after)

    def _block(self, index: int, line: Unit) -> Found:
        style = self._heading_style(index, line)
        if style is not None:
            self.lists = []
            level = min(self._level(style, line), _DEEPEST)
            return FoundHeading(level, line.mark.mark if line.mark else "", line.words, line.line)
        if line.mark is not None:
            return FoundItem(line.mark.mark, line.words, line.line, self._depth(line, line.mark))
        depth = sum(1 for indent, _ in self.lists if line.indent > indent)
        self.lists = self.lists[:depth]
        return FoundText(line.words, line.line, depth)

    # --- headings ---------------------------------------------------------------------------------------------

    def _heading_style(self, index: int, line: Unit) -> str | None:
        """The style of the heading that this line is; None where it is an item or a paragraph."""
        if line.underline:
            return f"under {line.underline}"
        if line.mark is not None:
            return self._marked_style(index, line, line.mark)
        words = line.words
        if not is_title(words) or words.endswith((":", "\uff1a")) or _ADDRESS.search(words):
            return None
        capitals = words.upper() == words and words.lower() != words and len(words.split()) <= 10 and not line.indent
        if capitals and (line.after_blank or not self.spaced):
            return "capitals"
        if not self.spaced or not line.after_blank or line.indent or _LABELLED.match(words) or len(words.split()) > 9:
            return None
        after = self.lines[index + 1] if index + 1 < len(self.lines) else None
        if after is None or after.is_row:
            return None
        opens = after.mark is not None or len(after.words) >= _LONG or after.words[-1] in ".:!?。\uff1a"
        return "plain" if opens or (is_wide(words) and len(after.words) > len(words)) else None

    def _marked_style(self, index: int, line: Unit, mark: Marked) -> str | None:
        if mark.kind == BULLET or not is_title(line.words):
            return None
        if line.words[-1] in ":\uff1a" and mark.depth > 1:
            return None  # "2.1 We collect the following:" opens a list
        if line.indent and not self.styles:
            return None
        if mark.kind not in (DECIMAL, NAMED, CHINESE) and mark.key.islower():
            return None
        before = self.lines[index - 1] if index else None
        after = self.lines[index + 1] if index + 1 < len(self.lines) else None
        if mark.kind != NAMED and self._in_a_run(before, line, after):
            return None
        if after is None or (before is not None and before.words.endswith((":", "\uff1a")) and mark.key == "1"):
            return None
        return mark.style

    def _in_a_run(self, before: Unit | None, line: Unit, after: Unit | None) -> bool:
        """Whether the neighbour counts on directly: headings have words between them, items stand in a row."""
        mark = line.mark
        assert mark is not None
        up = before is not None and before.mark is not None and follows(before.mark, mark)
        down = after is not None and after.mark is not None and follows(mark, after.mark)
        return up or down

    def _level(self, style: str, line: Unit) -> int:
        """The level of a heading: a new style stands under the one before it, a known one where it stood."""
        mark = line.mark
        if mark is not None and mark.kind == DECIMAL and mark.depth > 1:
            above = next((depth for depth, known in enumerate(self.styles, 1) if _SINGLE.match(known)), 0)
            level = above + mark.depth - 1 if above else mark.depth
            self.styles = [*self.styles[: level - 1], *[""] * (level - 1 - len(self.styles)), style]
            return level
        if style == "capitals" and style not in self.styles and "plain" in self.styles:
            style = "plain"  # capitals are never beneath a heading that is not even set apart
        if mark is not None and style in self.styles:
            style = self._inner(style, mark)
        if mark is not None:
            self.last[style] = mark
        if style not in self.styles:
            self.styles.append(style)
        level = self.styles.index(style) + 1
        self.styles = self.styles[:level]
        return level

    def _inner(self, style: str, mark: Marked) -> str:
        """A count that begins again while the outer one still runs is a count of its own, one level deeper."""
        inner = f"{style} again"
        if mark.ordinal == 1 and (self.last[style].ordinal or 0) >= 1:
            return inner
        counts_on = inner in self.styles and follows(self.last[inner], mark)
        return inner if counts_on and not follows(self.last[style], mark) else style

    # --- lists ------------------------------------------------------------------------------------------------

    def _depth(self, line: Unit, mark: Marked) -> int:
        """How deep the item lies: deeper where it is indented further, or where another style of marks begins."""
        while self.lists and line.indent < self.lists[-1][0]:
            self.lists.pop()
        own = [style == mark.style and line.indent <= indent + 1 for indent, style in self.lists]
        known = [at for at, is_own in enumerate(own, 1) if is_own]
        if known:
            self.lists = self.lists[: known[-1]]
        else:
            self.lists.append((line.indent, mark.style))
        return min(len(self.lists) - 1, MAX_LIST_DEPTH)


def _table(rows: list[Unit]) -> FoundTable:
    cells = [_cells(row.words) for row in rows]
    line = rows[0].line
    if len(rows) > 1 and _is_delimiter(rows[1]):
        return FoundTable(cells[0], tuple(cells[2:]), line)
    return FoundTable((), tuple(cells), line)


def _is_delimiter(unit: Unit) -> bool:
    return all(_DELIMITER.match(cell) for cell in _cells(unit.words))


def _cells(row: str) -> tuple[str, ...]:
    inner = row[1:-1] if not row.endswith("\\|") else row[1:]
    return tuple(cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", inner))
