"""HTML cut into tags and text, in one pass and in linear time whatever the page holds.

The parser of the standard library needs quadratic time for pages of unfinished comments and tags in some of the
versions troth runs on, so what it is needed for is done here: a policy needs no more of HTML than this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"})
"""Elements whose content is not cut further: it ends where they end."""

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][^\s/><]*)(?P<rest>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+)>")
_QUOTED_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][^\s/><]*)(?P<rest>(?:[^<>\"']|\"[^\"]{0,4000}\"|'[^']{0,4000}')*+)>"
)
_ATTRIBUTE = re.compile(r"([^\s=/\"'<>]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_MOST_QUOTED = 500


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag; `end` for a closing one. `line` counts from 1."""

    name: str
    end: bool
    rest: str
    line: int

    def attributes(self) -> dict[str, str]:
        """Its attributes, names in small letters; one without a value is the empty text."""
        return {
            name.lower(): unescape(value[1:-1] if value[:1] in ("'", '"') else value)
            for name, value in _ATTRIBUTE.findall(self.rest)
        }


@dataclass(frozen=True, slots=True)
class Words:
    """Text between tags, entities resolved; `raw` names the element whose content it is, where that is not cut."""

    text: str
    line: int
    raw: str = ""


def cut(page: str) -> Iterator[Tag | Words]:
    """The tags and texts of a page in their order; comments and declarations are left out."""
    lowered = page.lower()
    position, line, quoted = 0, 1, 0
    while position < len(page):
        start = page.find("<", position)
        if start < 0:
            start = len(page)
        if start > position:
            yield Words(unescape(page[position:start]), line)
            line += page.count("\n", position, start)
            position = start
            continue
        passed = _end_of_comment(page, position)
        if passed is not None:
            line += page.count("\n", position, passed)
            position = passed
            continue
        found = _TAG.match(page, position)
        if found is None and quoted < _MOST_QUOTED:
            quoted += 1
            found = _QUOTED_TAG.match(page, position)
        if found is None:
            yield Words("<", line)
            position += 1
            continue
        name = found["name"].lower()
        yield Tag(name, bool(found["end"]), found["rest"], line)
        line += page.count("\n", position, found.end())
        position = found.end()
        if name in RAW and not found["end"] and not found["rest"].endswith("/"):
            end = lowered.find(f"</{name}", position)
            end = len(page) if end < 0 else end
            yield Words(unescape(page[position:end]), line, raw=name)
            line += page.count("\n", position, end)
            position = end


def _end_of_comment(page: str, position: int) -> int | None:
    """Where the comment or declaration at `position` ends; None where there is none. One that never ends takes all."""
    if page.startswith("<!--", position):
        end = page.find("-->", position + 4)
        return len(page) if end < 0 else end + 3
    if page.startswith(("<!", "<?"), position):
        end = page.find(">", position)
        return len(page) if end < 0 else end + 1
    return None
