"""Markdown into blocks: rendered by markdown-it, then read as the page that its readers see."""

from __future__ import annotations

import re
from dataclasses import replace

from troth.policy.importing.blocks import Source
from troth.policy.importing.webpage import read_html

MAX_BYTES = 512 * 1024
_FRONT = re.compile(r"\A---\n(?P<front>(?:[^\n]*\n){0,50}?)(?:---|\.\.\.)\n")
_TITLE = re.compile(r"^title:\s*[\"']?(?P<title>.+?)[\"']?\s*$", re.MULTILINE)


def read_markdown(text: str) -> Source:
    """The blocks of a Markdown text (CommonMark with pipe tables; HTML in it is read as HTML).

    Front matter is left out, but for its title where the text has none.
    """
    from markdown_it import MarkdownIt

    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    tokens = parser.parse(body)
    for token in tokens:
        if token.type == "ordered_list_open":
            token.attrSet("data-ending", token.markup)
    source = read_html(str(parser.renderer.render(tokens, parser.options, {})))
    title = _TITLE.search(front["front"]) if front else None
    left_out = (*source.left_out, "front matter") if front else source.left_out
    return replace(source, named=title["title"] if title else source.named, left_out=left_out)
