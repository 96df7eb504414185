"""A draft as the text of a policy.yaml that a lawyer can read: one entry a line, comments where they tell something."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from troth.policy.importing.arrangement import Draft
from troth.policy.importing.blocks import Link
from troth.policy.importing.company import Company
from troth.policy.reading import place_below

INDENT = "  "
_WIDEST_FLOW = 110

# What may stand without quotes: begins with a letter, holds nothing that YAML, or a reader, takes for more than words.
_PLAIN = re.compile(r"[^\W\d_](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff:#\[\]{}]|:(?=\S))*\Z")
_FLOW_PLAIN = re.compile(r"(?:[^\W\d_][\w.*/@ -]*|[0-9]{1,5} [a-z]+)\Z")
_NOT_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPED = re.compile('[\\x00-\\x1f\\x7f-\\x9f"\\\\\\u2028\\u2029\\ufeff\\ufffe\\uffff]')


def write(head: Iterable[str], root: Mapping[str, Any], company: Company, sections: list[Draft]) -> str:
    """The whole file. `head` are the comment lines at its top; `root` the title and the lead, where there are any."""
    lines = [f"# {_comment(line)}".rstrip() for line in head]
    lines.append("troth: 1")
    lines += [f"{name}: {scalar(value)}" for name, value in root.items()]
    languages = flow([company.language])
    lines.append(
        f"controller: {{name: {scalar(company.name, inside=True)}, country: {scalar(company.country, inside=True)}, "
        f"languages: {languages}}}"
    )
    lines.append(f"laws: {flow(list(company.laws))}")
    lines.append("rights_for: everyone")
    for section in sections:
        lines.append("")
        lines += _clause(section, 0)
    return "\n".join(lines) + "\n"


def scalar(value: Any, *, inside: bool = False) -> str:
    """A value as YAML; `inside` a flow list or mapping commas and brackets need quotes, too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    form = _FLOW_PLAIN if inside else _PLAIN
    plain = form.match(text) and text == text.strip() and text.lower() not in _NOT_WORDS
    return text if plain else _quoted(text)


def flow(value: Any) -> str:
    """A list or mapping on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(name, inside=True)}: {flow(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(entry) for entry in value) + "]"
    return scalar(value, inside=True)


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}.get(character)
    if short is not None:
        return short
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"


def _clause(draft: Draft, depth: int) -> list[str]:
    before, inner = INDENT * depth, INDENT * (depth + 1)
    lines = [*_comments(draft.links, before), f"{before}{scalar(draft.name, inside=True)}:"]
    lines += [f"{inner}{line}" for line in _words(draft)]
    lines += [f"{inner}{line}" for line in _meaning(draft.meaning)]
    for child in draft.children:
        lines += _clause(child, depth + 1)
    return lines


def _words(draft: Draft) -> Iterator[str]:
    if draft.written_number is not None:
        yield f"number: {_quoted(draft.written_number)}"
    if draft.written_mark is not None:
        yield f"mark: {_quoted(draft.written_mark)}"
    for name in ("title", "label"):
        value = getattr(draft, name)
        if value is not None:
            yield f"{name}: {scalar(value)}"
    if draft.sentences:
        yield "sentences:"
        yield from _sentences(draft)
    elif draft.text is not None:
        yield f"text: {scalar(draft.text)}"
    if draft.cells:
        yield f"cells: [{', '.join(scalar(cell, inside=True) for cell in draft.cells)}]"
    if draft.columns:
        yield f"columns: [{', '.join(scalar(column, inside=True) for column in draft.columns)}]"


def _sentences(draft: Draft) -> Iterator[str]:
    for index, text in enumerate(draft.sentences):
        letter = place_below("", index)
        meaning = draft.sentence_meanings[index] if draft.sentence_meanings else {}
        if not meaning:
            yield f"{INDENT}{letter}: {scalar(text)}"
            continue
        yield f"{INDENT}{letter}:"
        yield f"{INDENT * 2}text: {scalar(text)}"
        for line in _meaning(meaning):
            yield f"{INDENT * 2}{line}"


def _meaning(meaning: Mapping[str, Any]) -> Iterator[str]:
    for name, value in meaning.items():
        line = f"{name}: {flow(value)}"
        if len(line) <= _WIDEST_FLOW or not isinstance(value, list | Mapping) or not value:
            yield line
            continue
        yield f"{name}:"
        if isinstance(value, list):
            yield from (f"{INDENT}- {flow(entry)}" for entry in value)
        else:
            yield from (f"{INDENT}{scalar(key, inside=True)}: {flow(entry)}" for key, entry in value.items())
    if meaning:
        yield "guess: true"


def _comments(links: tuple[Link, ...], before: str) -> list[str]:
    return [f"{before}# {_comment(link.words)} leads to {_comment(link.address)}" for link in links]


def _comment(text: str) -> str:
    """Words fit for a comment: one line, nothing that can't be printed."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+", " ", text).strip()[:300]
