"""Read `columns:` of a table: what each column holds about the person whose row it is.

email: contact.email          a category; the source is the policy's unless said here
id: no                        not personal
password_hash: {data: account.password, copy: no, why: a credential}
referrer_id: {link: customer} points at another person; not theirs
old_email: {copies: users.email}   repeats another column, and follows its change and erasure
"""

from __future__ import annotations

from typing import Any

from troth.policy.datamap import ColumnMap, Copying, Others, Place
from troth.policy.documents import Faults, Path_, nearest
from troth.policy.entries import Entry, entry_of, known, shown
from troth.policy.pathreading import Surroundings, read_identifier_place
from troth.policy.vocabulary import CATEGORIES, Source

KEYS = ("data", "source", "link", "copies", "copy", "others", "personal", "scan", "why")
_FORMS = "a category, no, or a mapping with data, link or copies"


def read_columns(table: Entry, around: Surroundings) -> dict[str, ColumnMap]:
    """Every column that the table's entry names, in the order of the file."""
    return {
        name: _column(name, value, table.faults, path, around)
        for name, value, path in table.entries("columns", expected="columns: {email: contact.email}")
    }


def _column(name: str, value: Any, faults: Faults, path: Path_, around: Surroundings) -> ColumnMap:
    if value is False or value == "no":
        return ColumnMap(name, personal=False)
    if isinstance(value, str):
        return ColumnMap(name, category=_category(value, faults, path))
    entry = entry_of(value, faults, path, expected=_FORMS)
    if entry is None:
        return ColumnMap(name, personal=False)
    entry.only(*KEYS, thing="a column")
    data, link, why = entry.text("data"), entry.text("link"), entry.text("why")
    scan = entry.yes("scan", default=True)
    personal = entry.yes("personal", default=True)
    if not scan and why is None:
        entry.add("values are not looked at, and it is not said why.", expected="why: the reason")
    if data and link:
        entry.add("data of this person, or a link to another; not both.", expected="data or link")
    if not personal and (data or link):
        entry.add("personal and not personal.", expected="data, link, or personal: no")
    if personal and not (data or link or "copies" in entry or not scan):
        entry.add("it is not said what the column holds.", expected=_FORMS)
    return ColumnMap(
        name=name,
        category=_category(data, faults, (*path, "data")) if data else None,
        source=entry.word("source", Source, "a source"),
        link=_link(link, faults, (*path, "link"), around) if link else None,
        personal=personal and bool(data or link or "copies" in entry),
        copy=entry.word("copy", Copying, "a way to copy") or Copying.YES,
        others=entry.word("others", Others, "a way to treat others' data"),
        copies=_copies(entry, around),
        scan=scan,
        why=why,
    )


def _category(name: str, faults: Faults, path: Path_) -> str | None:
    if name in CATEGORIES:
        return name
    near = nearest(name, CATEGORIES)
    faults.add(path, f"{shown(name)} is no data category.", expected="a category such as contact.email", nearest=near)
    return None


def _link(name: str, faults: Faults, path: Path_, around: Surroundings) -> str | None:
    names = {kind.name: kind.id for kind in around.own().values()} | {each: each for each in around.people}
    return names[name] if known(name, names, "kind of person", faults, path) else None


def _copies(entry: Entry, around: Surroundings) -> Place | None:
    text = entry.text("copies")
    if text is None:
        return None
    try:
        table, column = read_identifier_place(text, "", around.tables)
    except ValueError as problem:
        entry.add("this place cannot be read.", key="copies", expected=str(problem))
        return None
    if not table:
        problem_text = f"{shown(text)} is no column of a table in this store."
        entry.add(problem_text, key="copies", expected="table.column, such as users.email")
        return None
    return Place(around.store, table, column)
