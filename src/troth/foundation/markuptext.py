"""The text of an HTML page as a visitor without scripts reads it, and which element holds which part of it.

The part of the markup eye that follows elements: what is open, what an unwritten end tag closes, what is hidden.
Text is kept once, as a list of pieces; an element is two positions in it, so that a page nested a hundred thousand
deep costs no more than a flat one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

Attributes = dict[str, str]
Span = tuple[int, int, bool]

_VOID = frozenset(
    (
        "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track",
        "wbr",
    )
)  # fmt: skip
_SILENT = frozenset({"script", "style", "template", "noscript", "head", "datalist", "object", "iframe"})
_BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "br", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "label",
        "legend", "li", "main", "nav", "ol", "option", "p", "section", "summary", "table", "tbody", "tfoot", "thead",
        "tr", "ul",
    )
)  # fmt: skip
_ENDS_P = _BLOCKS - {"br", "label", "option", "html", "body"}
_ENDS: dict[str, frozenset[str]] = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "option": frozenset({"option"}),
    "body": frozenset({"head"}),
}
_SCOPES = frozenset({"table", "ul", "ol", "dl", "select", "html", "body", "div", "main", "section", "article"})
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NEAR = 32
"""How many elements up an unwritten end is looked for."""


def plain(chunks: tuple[str, ...] | list[str]) -> str:
    """Pieces of text as one, with single spaces."""
    return " ".join("".join(chunks).split())


@dataclass(slots=True)
class Opened:
    """One element whose end has not come yet."""

    tag: str
    attributes: Attributes
    start: int
    visible: bool
    cells: int = 0


class TextReader(HTMLParser):
    """Follows elements and gathers text. `began` and `ended` are told of each element, for what it means."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.chunks: list[str] = []
        self.title: list[str] = []
        self.spans: dict[str, list[Span]] = {}
        self.stack: list[Opened] = []
        self._open: dict[str, int] = {}

    def began(self, tag: str, attributes: Attributes) -> None:
        """An element has begun; its text, if any, comes later."""

    def ended(self, opened: Opened) -> None:
        """An element has ended; its text is `chunks` from `opened.start`."""

    def styled(self, style: str) -> None:
        """The text of a `<style>` element."""

    def inside(self, tag: str) -> bool:
        """Whether an element of this name is open."""
        return bool(self._open.get(tag))

    def finish(self) -> None:
        """Read what is left and end every element."""
        self.close()
        while self.stack:
            self._end_top()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: Attributes = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")  # the first of two equal attributes counts, as in browsers
        self._end_what_it_ends(tag)
        self.began(tag, attributes)
        if tag in {"td", "th"}:
            self._part_cells()
        elif tag in _BLOCKS:
            self.chunks.append(" ")
        around = self.stack[-1].visible if self.stack else True
        opened = Opened(tag, attributes, len(self.chunks), around and not _hides(tag, attributes))
        if tag in _VOID:
            self._note_span(opened)
            return
        self.stack.append(opened)
        self._open[tag] = self._open.get(tag, 0) + 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        # `<path/>` of a drawing ends at once; `<p/>` and `<a/>` are begun, as browsers read them
        if self.inside("svg") and self.stack[-1].tag == tag:
            self._end_top()

    def handle_endtag(self, tag: str) -> None:
        if not self.inside(tag):
            return
        while self.stack:
            ended = self.stack[-1].tag
            self._end_top()
            if ended == tag:
                break

    def handle_data(self, data: str) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and top.tag == "title" and not self.inside("svg"):
            self.title.append(data)
        elif top is not None and top.tag == "style":
            self.styled(data)
        elif top is None or top.visible:
            self.chunks.append(data)

    def _end_what_it_ends(self, tag: str) -> None:
        ends = _ENDS.get(tag, frozenset()) | ({"p"} if tag in _ENDS_P else frozenset())
        while any(self._open.get(each) for each in ends) and self._is_near(ends):
            self._end_top()

    def _is_near(self, tags: frozenset[str]) -> bool:
        """Whether one of `tags` is open around here: over a few elements, never over one that holds its own content."""
        for opened in reversed(self.stack[-_NEAR:]):
            if opened.tag in tags:
                return True
            if opened.tag in _SCOPES:
                return False
        return False

    def _end_top(self) -> None:
        opened = self.stack.pop()
        self._open[opened.tag] -= 1
        self._note_span(opened)
        self.ended(opened)
        if opened.tag in _BLOCKS:
            self.chunks.append(" ")

    def _note_span(self, opened: Opened) -> None:
        if element_id := opened.attributes.get("id"):
            self.spans.setdefault(element_id, []).append((opened.start, len(self.chunks), opened.visible))

    def _part_cells(self) -> None:
        row = next((each for each in reversed(self.stack[-_NEAR:]) if each.tag == "tr"), None)
        if row is not None:
            row.cells += 1
            self.chunks.append(" | " if row.cells > 1 else " ")


def _hides(tag: str, attributes: Attributes) -> bool:
    return tag in _SILENT or "hidden" in attributes or bool(_HIDING.search(attributes.get("style", "")))
