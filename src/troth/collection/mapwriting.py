"""Write a data map as people read one: a line for each fact, the reason beside it, every name quoted that needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troth.policy.conditions import quoted

_PLAIN = re.compile(r"[^\W\d_][\w.$/ -]*[\w.$/-]\Z|[^\W\d_]\Z")
_SPECIAL = re.compile(r"(?i)(?:null|true|false|yes|no|on|off|y|n|~)\Z")
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}\Z")
_WIDTH = 118


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """One column of the draft: its category or mapping, and why."""

    name: str
    value: Any
    note: str = ""


@dataclass(frozen=True, slots=True)
class DraftTable:
    """One table of the draft; `facts` are its keys (`whose`, `on_erasure`, ...) in the order of writing."""

    name: str
    facts: Mapping[str, Any]
    columns: Sequence[DraftColumn] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftStore:
    """One store of the draft; `people` are the kinds of person by name."""

    name: str
    connect: str
    people: Mapping[str, Mapping[str, Any]]
    tables: Sequence[DraftTable]


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """What only people can know; nothing runs on the store while it is open."""

    store: str
    about: str
    ask: str


def write_map(head: Sequence[str], questions: Sequence[DraftQuestion], stores: Sequence[DraftStore]) -> str:
    """The text of a datamap.yaml; `head` are the lines of its first comment."""
    lines = [f"# {line}".rstrip() for line in head]
    lines.append("troth: 1")
    if questions:
        lines += ["", "questions:"]
        for question in questions:
            lines.append(f"  - store: {scalar(question.store)}")
            lines.append(f"    about: {scalar(question.about)}")
            lines.append(f"    ask: {scalar(question.ask)}")
            lines.append("    answer:")
    lines += ["", "stores:"]
    for store in stores:
        lines += [f"  {scalar(store.name)}:", f"    connect: {scalar(store.connect)}"]
        if store.people:
            lines.append("    person:")
            lines += [f"      {scalar(name)}: {flow(facts)}" for name, facts in store.people.items()]
        lines.append("    tables:")
        for table in store.tables:
            lines += _table(table)
    return "\n".join(lines) + "\n"


def path_text(columns: Sequence[str], table: str | None = None, at: str | None = None) -> str:
    """A path as `whose:` reads it: `order_id > orders`, `id > members.group_id`; names quoted as paths need."""
    text = ", ".join(map(quoted, columns))
    if table is None:
        return text
    return f"{text} > {place_text(table, at)}"


def place_text(table: str, column: str | None = None) -> str:
    """`table.column` as paths and identifiers name it; a table of another schema keeps its dot."""
    parts = table.split(".")
    named = ".".join(map(quoted, parts)) if all(parts) else quoted(table)
    return named if column is None else f"{named}.{quoted(column)}"


def flow(value: Any) -> str:
    """`value` on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """One value so that it reads back as it is: plain where that is safe, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    if (_PLAIN.match(text) and not _SPECIAL.match(text) and ": " not in text and " #" not in text) or _VARIABLE.match(
        text
    ):
        return text
    if re.fullmatch(r"[\w., -]+ > [\w.]+", text) and text[0].isalpha():
        return text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\N")


def _table(table: DraftTable) -> list[str]:
    lines = [f"      {scalar(table.name)}:"]
    for key, value in table.facts.items():
        note = table.notes.get(key, "")
        if isinstance(value, Mapping) and len(flow(value)) > 80:
            lines.append(f"        {key}:{_comment(note, 9 + len(key))}")
            lines += [f"          {scalar(str(name))}: {flow(each)}" for name, each in value.items()]
        else:
            text = f"        {key}: {flow(value)}"
            lines.append(text + _comment(note, len(text)))
    if table.columns:
        lines.append("        columns:")
        for column in table.columns:
            text = f"          {scalar(column.name)}: {flow(column.value)}"
            lines.append(text + _comment(column.note, len(text)))
    return lines


def _comment(note: str, length: int) -> str:
    if not note:
        return ""
    return f"{' ' * max(2, 52 - length)}# {note}"[: max(0, _WIDTH * 2)]
