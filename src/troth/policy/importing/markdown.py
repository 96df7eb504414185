"""Markdown into blocks: rendered by markdown-it, then read as the page that its readers see."""

from __future__ import annotations

import re
from dataclasses import replace

from troth.errors import UnreadableFile
from troth.policy.importing.blocks import Source
from troth.policy.importing.webpage import read_html

MAX_MARKUP = 20_000
MAX_LINE = 20_000

_FRONT = re.compile(r"\A---\n(?P<front>(?:[^\n]*\n){0,50}?)(?:---|\.\.\.)\n")
_TITLE = re.compile(r"^title:\s*[\"']?(?P<title>.+?)[\"']?\s*$", re.MULTILINE)
_MARKUP = re.compile(r"[*_`\[\]<&!~>]")


def read_markdown(text: str, file: str) -> Source:
    """The blocks of a Markdown text (CommonMark with pipe tables; HTML in it is read as HTML).

    Front matter is left out, but for its title where the text has none.
    Raises UnreadableFile for more markup, or longer lines, than a policy has; `file` is only named in it.
    """
    from markdown_it import MarkdownIt

    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    # its inline rules take time that grows with the square of what they find open
    if sum(1 for _ in _MARKUP.finditer(body)) > MAX_MARKUP or max(map(len, body.split("\n"))) > MAX_LINE:
        raise UnreadableFile(
            "more markup, or longer lines, than a policy has.", where=file, repair="Cut out the policy and import that."
        )
    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    tokens = parser.parse(body)
    for token in tokens:
        if token.type == "ordered_list_open":
            token.attrSet("data-ending", token.markup)
    source = read_html(str(parser.renderer.render(tokens, parser.options, {})), file)
    title = _TITLE.search(front["front"]) if front else None
    left_out = (*source.left_out, "front matter") if front else source.left_out
    return replace(source, named=title["title"] if title else source.named, left_out=left_out)
