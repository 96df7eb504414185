"""HTML into blocks: the words that a visitor reads as the policy, without scripts, styles and navigation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from troth.errors import UnreadableFile
from troth.policy.importing.blocks import (
    MAX_LIST_DEPTH,
    Found,
    FoundHeading,
    FoundItem,
    FoundTable,
    FoundText,
    Link,
    Source,
    squeezed,
    words_of,
)
from troth.policy.importing.marks import BULLET, NAMED, counted, is_title, split_mark
from troth.policy.importing.tags import RAW, Tag, Words, cut
from troth.policy.rendering.outline import ITEM_MARK

_DROPPED = frozenset({"nav", "footer", "aside", "form", "button", "select", "dialog", "menu"})
_NEVER = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "head", "object", "audio", "video", "canvas"}
)
_DROPPED_ROLES = frozenset({"navigation", "banner", "contentinfo", "dialog", "search", "complementary", "alertdialog"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_BLOCKS = frozenset(
    {
        "p", "div", "section", "article", "main", "header", "address", "blockquote", "pre", "figure", "figcaption",
        "dl", "dt", "dd", "ul", "ol", "li", "table", "thead", "tbody", "tfoot", "caption", "details", "summary", "hr",
        "body", "html", "fieldset", "center", "br", "footer", "aside", "form", "nav", "menu", "dialog",
    }
)  # fmt: skip
_BOLD = frozenset({"b", "strong"})
_BOLD_LEVEL = 7
_ENOUGH = 0.2
_MOST_TABLES = 4
MAX_PIECES = 80_000
_MOST_BLOCKS = 10_000  # more than any policy has; who reads them refuses them


def read_html(page: str, file: str) -> Source:
    """The blocks of a page: of its `main` or `article` where it has one, otherwise of its body.

    Navigation, footers, forms and hidden parts are left out, unless little else remains.
    Raises UnreadableFile for more tags than a policy has; `file` is only named in it.
    """
    pieces = list(islice(cut(page), MAX_PIECES + 1))
    if len(pieces) > MAX_PIECES:
        raise UnreadableFile(
            "a page of more tags than a policy has.", where=file, repair="Cut out the policy and import that."
        )
    has_main = any(isinstance(piece, Tag) and piece.name in ("main", "article") for piece in pieces)
    total = sum(len(piece.text.strip()) for piece in pieces if isinstance(piece, Words) and not piece.raw)
    chosen = _Reader(drop=True, only_main=has_main).read(pieces)
    if has_main and words_of(chosen.blocks) < total * _ENOUGH:
        chosen = _Reader(drop=True).read(pieces)
    if words_of(chosen.blocks) < total * _ENOUGH:
        return _Reader(drop=False).read(pieces)
    return chosen


@dataclass(slots=True)
class _List:
    """A list we stand in: how its items are marked, and how many there were."""

    ordered: bool
    form: str
    ending: str
    count: int


@dataclass(slots=True)
class _Table:
    """A table we stand in."""

    line: int
    rows: list[list[str]] = field(default_factory=list)
    heads: list[bool] = field(default_factory=list)  # whether every cell of the row is a header cell
    links: list[Link] = field(default_factory=list)
    in_head: bool = False


class _Reader:
    """Goes through a page once. Words gather in `_words` until something ends their block."""

    def __init__(self, *, drop: bool, only_main: bool = False) -> None:
        self.drop = drop
        self.blocks: list[Found] = []
        self.left_out: dict[str, None] = {}
        self.title: str | None = None
        self._only_main = only_main
        self._main = 0
        self._skipped: list[str] = []  # the element that is left out, and those open inside it
        self._words: list[str] = []
        self._bold = 0  # characters of `_words` that are bold
        self._in_bold = 0
        self._line = 1
        self._links: list[Link] = []
        self._anchor: tuple[str, int] | None = None
        self._heading: int | None = None
        self._lists: list[_List] = []
        self._item: str | None = None  # the mark of the item whose first words are awaited
        self._tables: list[_Table] = []
        self._uncounted = 0  # tables deeper inside each other than we look
        self._cell = False

    def read(self, pieces: Iterable[Tag | Words]) -> Source:
        for piece in pieces:
            if isinstance(piece, Words):
                self._text(piece)
            elif self._skipped:
                self._skip(piece)
            elif piece.end:
                self._close(piece)
            else:
                self._open(piece)
            if len(self.blocks) > _MOST_BLOCKS:
                break
        self._flush()
        while self._tables:
            self._end_table()
        return Source(tuple(_levelled(self.blocks)), named=self.title, marked_up=True, left_out=tuple(self.left_out))

    # --- what is left out -------------------------------------------------------------------------------------

    def _skip(self, tag: Tag) -> None:
        """Inside something left out only its own kind is counted, so that a lost end tag costs no more than itself."""
        if tag.name != self._skipped[0] or tag.rest.endswith("/"):
            return
        if tag.end:
            self._skipped.pop()
        else:
            self._skipped.append(tag.name)

    def _is_left_out(self, tag: Tag) -> bool:
        if tag.name in _NEVER:
            return True
        if not self.drop:
            return False
        attributes = tag.attributes() if tag.rest.strip() else {}
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            self.left_out["hidden parts"] = None
            return True
        if tag.name in _DROPPED or attributes.get("role") in _DROPPED_ROLES:
            self.left_out[attributes.get("role") or tag.name] = None
            return True
        return False

    # --- tags -------------------------------------------------------------------------------------------------

    def _open(self, tag: Tag) -> None:
        name = tag.name
        if name not in _VOID and name not in RAW and self._is_left_out(tag):
            if not tag.rest.endswith("/"):
                self._flush()
                self._skipped = [name]
            return
        if name in ("main", "article"):
            self._main += 1
        if name == "a":
            self._anchor = (tag.attributes().get("href", ""), len(self._words))
        elif name in _BOLD:
            self._in_bold += 1
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":
            self._flush()
            self._heading = int(name[1])
        elif name == "br":
            self._break()
        elif name in ("td", "th"):
            self._open_cell(tag)
        elif name == "tr":
            self._end_cell()
            if self._tables:
                self._tables[-1].rows.append([])
                self._tables[-1].heads.append(True)
        elif name in _BLOCKS:
            self._open_block(tag)

    def _open_block(self, tag: Tag) -> None:
        name = tag.name
        self._flush()
        if name in ("ul", "ol"):
            attributes = tag.attributes()
            start = attributes.get("start", "1")
            count = int(start) - 1 if start.isascii() and start.isdigit() and len(start) < 4 else 0
            self._lists.append(
                _List(name == "ol", attributes.get("type", "1"), attributes.get("data-ending", "."), count)
            )
        elif name in ("li", "dt", "dd"):
            self._item = self._next_mark() if name == "li" else ITEM_MARK
        elif name == "table" and len(self._tables) < _MOST_TABLES:
            self._tables.append(_Table(tag.line))
        elif name == "table":
            self._uncounted += 1
        elif name == "thead" and self._tables:
            self._tables[-1].in_head = True
        elif name == "tbody" and self._tables:
            self._tables[-1].in_head = False

    def _close(self, tag: Tag) -> None:
        name = tag.name
        if name == "a":
            self._end_link()
        elif name in _BOLD:
            self._in_bold = max(0, self._in_bold - 1)
        elif self._heading is not None and name == f"h{self._heading}":
            self._flush()
        elif name in ("td", "th"):
            self._end_cell()
        elif name == "table" and self._uncounted:
            self._uncounted -= 1
        elif name == "table" and self._tables:
            self._end_table()
        elif name == "thead" and self._tables:
            self._tables[-1].in_head = False
        elif name in _BLOCKS:
            self._flush()
            if name in ("ul", "ol") and self._lists:
                self._lists.pop()
            if name in ("li", "dt", "dd"):
                self._item = None
        if name in ("main", "article"):
            self._flush()
            self._main = max(0, self._main - 1)

    def _break(self) -> None:
        if self._cell:
            self._words.append(" ")
        elif self._heading is None:
            self._flush()
        else:
            self._words.append(" ")

    # --- words ------------------------------------------------------------------------------------------------

    def _text(self, words: Words) -> None:
        if words.raw:
            if words.raw == "title" and self.title is None:
                self.title = squeezed(words.text) or None
            return
        if self._skipped or not words.text or (self._only_main and not self._main):
            return
        if not self._words and words.text.strip():
            self._line = words.line + words.text[: len(words.text) - len(words.text.lstrip())].count("\n")
        self._words.append(words.text)
        if self._in_bold:
            self._bold += len(words.text.strip())

    def _end_link(self) -> None:
        if self._anchor is None:
            return
        (address, start), self._anchor = self._anchor, None
        words = squeezed("".join(self._words[start:]))
        bare = address.removeprefix("mailto:").removeprefix("tel:").split("?")[0]
        if words and address and not address.startswith(("#", "javascript:")) and bare not in words:
            self._links.append(Link(words, squeezed(address)[:500]))

    def _flush(self) -> None:
        """End the block whose words have gathered; inside a table they stay in their cell."""
        if self._cell:
            self._words.append(" ")
            return
        if not self._words:
            self._heading = None
            return
        raw, self._words = "".join(self._words), []
        bold, self._bold = self._bold, 0
        links, self._links = tuple(self._links), []
        heading, self._heading = self._heading, None
        self._anchor = None
        words = squeezed(raw)
        if not words:
            return
        if heading is not None and not self._lists:
            self.blocks.append(_heading(heading, words, self._line, links))
        elif self._item is not None or self._lists:
            self._add_item(words, links)
        elif bold >= len(words.replace(" ", "")) and is_title(words) and not words.endswith((":", "\uff1a")):
            self.blocks.append(_heading(_BOLD_LEVEL, words, self._line, links))
        else:
            self.blocks.append(_paragraph(words, self._line, links))

    def _add_item(self, words: str, links: tuple[Link, ...]) -> None:
        depth = min(max(len(self._lists) - 1, 0), MAX_LIST_DEPTH)
        if self._item is None:
            self.blocks.append(FoundText(words, self._line, depth + 1, links))
            return
        mark, self._item = self._item, None
        written = split_mark(words) if mark == ITEM_MARK else None
        if written is not None and written.kind != BULLET:
            mark, words = written.mark, written.words  # a list whose marks are written out in its words
        self.blocks.append(FoundItem(mark, words, self._line, depth, links))

    def _next_mark(self) -> str:
        if not self._lists or not self._lists[-1].ordered:
            return ITEM_MARK
        current = self._lists[-1]
        current.count += 1
        return f"{counted(current.count, current.form)}{current.ending}"

    # --- tables -----------------------------------------------------------------------------------------------

    def _open_cell(self, tag: Tag) -> None:
        self._end_cell()
        if not self._tables:
            self._flush()
            return
        table = self._tables[-1]
        if not table.rows:
            table.rows.append([])
            table.heads.append(True)
        if tag.name == "td":
            table.heads[-1] = False
        self._cell = True

    def _end_cell(self) -> None:
        if not self._cell:
            self._flush()
            return
        self._cell = False
        table = self._tables[-1]
        if not table.rows:
            table.rows.append([])
            table.heads.append(False)
        table.rows[-1].append(squeezed("".join(self._words)))
        table.links.extend(self._links)
        self._words, self._links, self._anchor, self._bold = [], [], None, 0

    def _end_table(self) -> None:
        self._end_cell()
        table = self._tables.pop()
        rows = [(tuple(row), head) for row, head in zip(table.rows, table.heads, strict=True) if any(row)]
        if self._tables:
            self._words.append(" ".join(cell for row, _ in rows for cell in row) + " ")
            self._cell = True
            return
        if not rows:
            return
        if all(len(row) == 1 for row, _ in rows):
            # one column: a page's layout, not a table
            self.blocks.extend(_paragraph(row[0], table.line, ()) for row, _ in rows)
            return
        columns = rows[0][0] if rows[0][1] else ()
        body = tuple(row for row, _ in (rows[1:] if columns else rows))
        self.blocks.append(FoundTable(columns, body, table.line, tuple(table.links)))


def _heading(level: int, words: str, line: int, links: tuple[Link, ...]) -> FoundHeading:
    marked = split_mark(words)
    if marked is None or marked.kind == BULLET:
        return FoundHeading(level, "", words, line, links)
    return FoundHeading(level, marked.mark, marked.words, line, links)


def _paragraph(words: str, line: int, links: tuple[Link, ...]) -> Found:
    """A paragraph, or an item whose mark is written out in its words ("(a) ...", "• ...")."""
    marked = split_mark(words)
    if marked is None or marked.kind == NAMED:
        return FoundText(words, line, 0, links)
    return FoundItem(marked.mark, marked.words, line, 0, links)


def _levelled(blocks: list[Found]) -> Iterator[Found]:
    """The blocks with levels counted from the highest that is used, without gaps; bold lines stand under the others."""
    levels = sorted({block.level for block in blocks if isinstance(block, FoundHeading)})
    for block in blocks:
        if isinstance(block, FoundHeading):
            yield FoundHeading(levels.index(block.level) + 1, block.mark, block.words, block.line, block.links)
        else:
            yield block
