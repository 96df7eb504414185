"""The policy as Markdown (CommonMark with pipe tables) that any renderer shows as the words that were published.

What could be read as markup is escaped, braces of template languages too, so that neither a Markdown renderer nor a
site generator in front of it finds anything to do. `<`, `>` and `&` are written as entities, which is the one
escape that all dialects honour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from troth.policy.model import Policy
from troth.policy.rendering.outline import BULLETS, Block, Heading, Items, Paragraph, Table, Words, outline
from troth.policy.rendering.text import one_line, with_mark

_SPECIAL = re.compile(r"[\\`*_{}\[\]|~$#]")
_ENTITY = re.compile(r"&(?=[A-Za-z#])")
_LINE_START = re.compile(r"(?:[-+=:]|[0-9]{1,9}(?=[.)]))")
_NUMBERED = re.compile(r"([0-9]{1,9})([.)])\Z")
_DEEPEST = 6


def render_markdown(policy: Policy) -> str:
    """The policy as Markdown, with a line end at the end; sections are headings of the second level."""
    return "\n\n".join(_blocks(outline(policy))) + "\n"


def escaped(text: str) -> str:
    """`text` so that Markdown shows it as it stands; one line (breaks and runs of spaces become a space)."""
    line = _ENTITY.sub("&amp;", one_line(text))
    line = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    line = line.replace("<", "&lt;").replace(">", "&gt;")
    start = _LINE_START.match(line)
    if start is None:
        return line
    head, rest = start[0], line[start.end() :]
    return f"{head}\\{rest}" if head[0].isdigit() else f"\\{head}{rest}"


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Heading):
            level = min(block.level, _DEEPEST)
            yield f"{'#' * level} {_inside(escaped(with_mark(block.mark, block.title)))}"
        elif isinstance(block, Paragraph):
            yield _words(block.words)
        elif isinstance(block, Items):
            yield _list(block)
        elif isinstance(block, Table):
            yield _table(block)


def _words(words: Words, before: str = "") -> str:
    """Each line of the words on its own line; `before` is a mark that Markdown has no list for."""
    lines = [escaped(line) for line in words.text.splitlines() if line.strip()]
    if words.label is not None and words.label.strip():
        name = f"**{_inside(escaped(words.label))}:**"
        lines[:1] = [f"{name} {_inside(lines[0])}" if lines else name]
    if before:
        lines[:1] = [f"{escaped(before)} {_inside(lines[0])}" if lines else escaped(before)]
    return "\\\n".join(lines)


def _inside(line: str) -> str:
    """An escaped line that no longer stands at the start of a line: what only mattered there is as it was."""
    return re.sub(r"\A(?:\\([-+=:])|([0-9]{1,9})\\([.)]))", lambda m: m[1] or m[2] + m[3], line)


def _list(items: Items) -> str:
    lines: list[str] = []
    last: tuple[int, str] | None = None
    for item in items.items:
        numbered = _NUMBERED.match(item.mark)
        number = (int(numbered[1]), numbered[2]) if numbered else None
        # a renderer counts on from the first number; where the page does not, the number is printed as words
        follows = number is not None and (last is None or number == (last[0] + 1, last[1]))
        mark, before = (item.mark, "") if follows else ("-", "" if item.mark in BULLETS else item.mark)
        last = number if follows else None
        indent = " " * (len(mark) + 1)
        parts = [_words(item.words, before), *_blocks(item.below)]
        tight = all(isinstance(block, Items) for block in item.below)
        body = ("\n" if tight else "\n\n").join(part for part in parts if part)
        lines.append(mark + " " + body.replace("\n", f"\n{indent}"))
    return "\n".join(lines)


def _table(table: Table) -> str:
    head = [*table.columns, *[""] * (table.width - len(table.columns))]
    return "\n".join((_row(head), "|" + "---|" * table.width, *(_row(row.cells) for row in table.rows)))


def _row(cells: Iterable[str]) -> str:
    return "|" + "".join(f" {_inside(escaped(cell))} |" for cell in cells)
