"""The policy as one HTML document that needs nothing else: no script, no font, no address to fetch.

Every sentence has its number as anchor ("s3.2a"), every heading its clause ("c-protection.retention"). All text is
escaped and no template language is involved, so what an author writes can only be shown. The document forbids scripts
and loading by its own policy (CSP), beside the escaping. Made to be read without style and by screen readers
(WCAG 2.2 AA): one `main`, headings in order, tables with captions and header cells.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape

from troth.policy.model import Policy
from troth.policy.rendering import annexes as annex_tables
from troth.policy.rendering import jsonld
from troth.policy.rendering.annexes import Annex
from troth.policy.rendering.outline import BULLETS, Block, Heading, Item, Items, Paragraph, Row, Table, Words, outline
from troth.policy.rendering.text import with_mark

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf6;--ink:#1d1c1a;--soft:#5d5a54;--line:#e2ded4;--accent:#23418a}
@media(prefers-color-scheme:dark){
:root{--paper:#161513;--ink:#ece8df;--soft:#a8a296;--line:#35322d;--accent:#9db5f2}
}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.65 Charter,Georgia,"Noto Serif",serif}
main{max-width:42rem;margin:0 auto;padding:2.5rem 1.25rem 5rem;overflow-wrap:break-word}
h1,h2,h3,h4,h5,h6{line-height:1.2;margin:2rem 0 .4rem;font-size:1.15rem}
h1{font-size:2.25rem;margin-top:0}h2{font-size:1.5rem}
p,ul{margin:.4rem 0}.marked{list-style:none;padding-left:1.2rem}
:target{outline:2px solid var(--accent);outline-offset:3px}
a{color:var(--accent)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.scroll{overflow-x:auto;overflow-wrap:normal}
table{width:100%;border-collapse:collapse;margin:.8rem 0;font-size:.9375rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line)}
.annexes{border-top:1px solid var(--line);margin-top:3rem;padding-top:1rem}.soft{color:var(--soft);font-size:.9375rem}
@page{size:A4;margin:22mm 20mm;@bottom-center{content:counter(page) " / " counter(pages);font-size:9pt}}
@media print{
body{background:none;font-size:10.5pt}main{max-width:none;padding:0}
h1,h2,h3{break-after:avoid}tr,li{break-inside:avoid}.scroll{overflow-wrap:anywhere}
}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_DEEPEST = 6


def render_html(policy: Policy, *, annexes: bool = True) -> str:
    """The policy as a whole document, with a line end at the end.

    With `annexes` the generated tables follow the published words, marked as such, and the DPV graph is embedded;
    without, the document's text is the published text and nothing else.
    """
    body = "\n".join(_blocks(outline(policy)))
    head = (
        f"<!doctype html>\n<html lang={_quoted(policy.controller.languages[0])}>\n<head>\n"
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'\">\n"
        f"<title>{escape(f'{policy.title} · {policy.controller.name}'.strip(' ·'))}</title>\n<style>{STYLE}</style>\n"
    )
    graph = f'<script type="application/ld+json">{jsonld.embedded(policy)}</script>\n' if annexes else ""
    behind = _annexes(policy) if annexes else ""
    return f"{head}{graph}</head>\n<body>\n<main>\n{body}\n{behind}</main>\n</body>\n</html>\n"


def sentence_anchor(number: str) -> str:
    """The anchor of a sentence: `s3.2a`."""
    return "s" + "-".join(number.split())


def clause_anchor(clause_id: str) -> str:
    """The anchor of a heading: `c-protection.retention`."""
    return "c-" + "-".join(clause_id.split())


def _quoted(value: str) -> str:
    return f'"{escape(value)}"'


def _text(text: str) -> str:
    """Escaped text; a line break stays one."""
    return "<br>".join(escape(line) for line in text.split("\n"))


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Heading):
            tag = f"h{min(block.level, _DEEPEST)}"
            anchor = _quoted(clause_anchor(block.clause_id))
            yield f"<{tag} id={anchor}>{_text(with_mark(block.mark, block.title))}</{tag}>"
        elif isinstance(block, Paragraph):
            yield f"<p{_own_anchor(block.words)}>{_words(block.words)}</p>"
        elif isinstance(block, Items):
            plain = all(item.mark in BULLETS for item in block.items)
            items = "\n".join(_item(item, plain=plain) for item in block.items)
            yield f"<ul>\n{items}\n</ul>" if plain else f'<ul class="marked">\n{items}\n</ul>'
        elif isinstance(block, Table):
            yield _table(block)


def _own_anchor(words: Words) -> str:
    """The anchor of words that are one sentence; those of several carry one on each part."""
    return f" id={_quoted(sentence_anchor(words.sentences[0].number))}" if len(words.sentences) == 1 else ""


def _words(words: Words) -> str:
    label = "" if words.label is None else f"<strong>{_text(words.label)}:</strong>{' ' if words.text else ''}"
    if len(words.sentences) == 1:
        return label + _text(words.text)
    return label + "".join(
        f"<span id={_quoted(sentence_anchor(sentence.number))}>{_text(part)}</span>" if sentence else _text(part)
        for part, sentence in words.parts()
    )


def _item(item: Item, *, plain: bool) -> str:
    mark = "" if plain else _text(with_mark(item.mark, ""))
    below = "".join(f"\n{block}" for block in _blocks(item.below))
    return f"<li{_own_anchor(item.words)}>{mark}{_words(item.words)}{below}</li>"


def _table(table: Table) -> str:
    head = ""
    if table.columns:
        columns = [*table.columns, *[""] * (table.width - len(table.columns))]
        cells = "".join(f'<th scope="col">{_text(column)}</th>' if column else "<td></td>" for column in columns)
        head = f"<thead><tr>{cells}</tr></thead>\n"
    rows = "\n".join(_row(row) for row in table.rows)
    return f'<div class="scroll" tabindex="0"><table>\n{head}<tbody>\n{rows}\n</tbody>\n</table></div>'


def _row(row: Row) -> str:
    anchor = f" id={_quoted(sentence_anchor(row.sentence.number))}" if row.sentence else ""
    first, *others = row.cells
    cells = "".join(f"<td>{_text(cell)}</td>" for cell in others)
    head = f'<th scope="row">{_text(first)}</th>' if first else "<td></td>"
    return f"<tr{anchor}>{head}{cells}</tr>"


def _annexes(policy: Policy) -> str:
    anchors = {clause.number: clause_anchor(clause.id) for clause in policy.clauses() if clause.is_heading}
    anchors |= {number: sentence_anchor(number) for number in policy.by_number}
    tables = "\n".join(_annex(annex, anchors) for annex in annex_tables.annexes(policy))
    if not tables:
        return ""
    note = "Made from the policy's own declarations. The text above is the policy; these tables spell it out."
    return f'<div class="annexes" lang="en">\n<p class="soft">{note}</p>\n{tables}\n</div>\n'


def _annex(annex: Annex, anchors: dict[str, str]) -> str:
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in annex.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_annex_cell(cell, row.number, anchors)}</td>" for cell in row.cells) + "</tr>"
        for row in annex.rows
    )
    title = f"<h2 id={_quoted(annex.id)}>{_text(annex.title)}</h2>"
    return (
        f'<section aria-labelledby={_quoted(annex.id)}>\n{title}\n<div class="scroll" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>{_mark(annex)}\n</section>"
    )


def _mark(annex: Annex) -> str:
    """Which rules the table was made from, as they are carried out."""
    if annex.mark is None:
        return ""
    name, said = annex.mark
    return (
        f'\n<p class="soft">Made from the rules that are carried out: <code id={_quoted(name)}>{_text(said)}</code></p>'
    )


def _annex_cell(cell: str, number: str | None, anchors: dict[str, str]) -> str:
    if number is not None and cell == number and number in anchors:
        return f"<a href={_quoted('#' + anchors[number])}>{_text(cell)}</a>"
    if cell.startswith("https://"):
        return f'<a href={_quoted(cell)} rel="noreferrer">{_text(cell)}</a>'
    return _text(cell)
