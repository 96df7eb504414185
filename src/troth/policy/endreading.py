"""Read `on_erasure:`: delete; shred; change some columns; or keep what a law demands, until when, and cut the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from troth.policy import periods
from troth.policy.datamap import Change, ChangeRow, ChangeTo, DeleteRow, KeepRow, OnErasure, Until
from troth.policy.documents import Faults, Path_, nearest
from troth.policy.entries import Entry, shown

FORMS = "delete, shred, {change: {column: ...}}, or {keep: [...], ground: ..., until: column + 10 years, change: {...}}"
CHANGES = "null, redact, pseudonym, stand-in, generalise, shred, or the text, number or date that takes its place"
DETAILS = ("year", "month", "decade", "initial", "network", "region")
_WORDS = {word.value: word for word in ChangeTo if word is not ChangeTo.CONSTANT}


def read_end(value: Any, faults: Faults, path: Path_, personal: Sequence[str] = ()) -> OnErasure:
    """What happens to a row when its person goes; `delete` where a fault left nothing better.

    `personal` are the columns of the table that hold data of a declared kind: `shred` alone means all of them.
    """
    if value == "shred":
        if not personal:
            faults.add(path, "it is not said which columns are sealed.", expected="change: {column: shred}")
        return ChangeRow(MappingProxyType({name: Change(ChangeTo.SHRED) for name in personal}))
    if value is None or value == "delete":
        if value is None:
            faults.add(path, "nothing is said.", expected=FORMS)
        return DeleteRow()
    if not isinstance(value, dict):
        near = nearest(value, ["delete", "shred"]) if isinstance(value, str) else None
        faults.add(path, f"{shown(value)} is no end of a row.", expected=FORMS, nearest=near)
        return DeleteRow()
    entry = Entry(faults, path, value)
    entry.only("keep", "ground", "until", "change", thing="an end of a row")
    change = _changes(entry)
    if "keep" not in entry:
        for key in ("ground", "until"):
            if key in entry:
                entry.add(
                    f"`{key}` without `keep`.", key=key, expected="keep: all, or the columns that the law demands"
                )
        if not change:
            entry.add("nothing is deleted, kept or changed.", expected=FORMS)
        return ChangeRow(change)
    return _kept(entry, change)


def _kept(entry: Entry, change: Mapping[str, Change]) -> OnErasure:
    keep = None if entry.value["keep"] == "all" else entry.names("keep")
    ground = entry.text("ground", required="the law that demands the row, such as ground: tax-law")
    until = entry.text("until", required="until when, such as until: placed_at + 10 years")
    for column in keep or ():
        if column in change:
            entry.add(f"{column} is both kept and changed.", key="keep", expected="one of the two")
    if keep is not None and not keep:
        entry.add("no column is kept.", key="keep", expected="keep: all, or the columns that the law demands")
    end = _until(entry, until) if until else None
    return KeepRow(keep, ground, end, change) if ground and end else DeleteRow()


def _until(entry: Entry, text: str) -> Until | None:
    column, plus, period = (part.strip() for part in text.rpartition("+"))
    try:
        length = periods.parse(period)
    except ValueError:
        length = None
    if not plus or not column or length is None:
        entry.add(
            f"{shown(text)} is no date to count to.",
            key="until",
            expected="a column and a period: placed_at + 10 years",
        )
        return None
    return Until(column.strip('"'), length)


def _changes(entry: Entry) -> Mapping[str, Change]:
    found: dict[str, Change] = {}
    for column, value, path in entry.entries("change", expected="change: {column: null}"):
        change = _change(value, entry.faults, path)
        if change is not None:
            found[column] = change
    return MappingProxyType(found)


def _change(value: Any, faults: Faults, path: Path_) -> Change | None:
    if value is None:
        return Change(ChangeTo.NULL)
    if isinstance(value, (bool, int, float, dt.date)):
        return Change(ChangeTo.CONSTANT, value)
    if isinstance(value, dict) and len(value) == 1:
        (word, detail), *_ = value.items()
        if word == "text" and isinstance(detail, str):
            return Change(ChangeTo.CONSTANT, detail)
        if word == "generalise" and detail in DETAILS:
            return Change(ChangeTo.GENERALISE, detail=detail)
    if not isinstance(value, str):
        faults.add(
            path,
            f"{shown(value)} is no change.",
            expected=f"{CHANGES}; {{generalise: {' | '.join(DETAILS)}}}; {{text: ...}}",
        )
        return None
    if value in _WORDS:
        return Change(_WORDS[value])
    near = nearest(value, _WORDS)
    if near is not None:
        faults.add(
            path,
            f"{shown(value)} is no change.",
            expected=f"{CHANGES}; {{text: {value}}} for these very words",
            nearest=near,
        )
        return None
    return Change(ChangeTo.CONSTANT, value)
