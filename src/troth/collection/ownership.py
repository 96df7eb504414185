"""Whose each row is, as the draft of a data map says it: kinds of people, paths to them, roles in shared rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troth.collection.discovery import ColumnFinding, Nature
from troth.collection.likely_keys import LikelyKey
from troth.collection.mapwriting import path_text, place_text
from troth.collection.relations import Link, View, is_staff
from troth.collection.words import Subject, person_word, singular, words
from troth.policy.datamap import Place

SURE = 0.8
"""From this confidence on, a column counts as the identifier that its finding says."""

_IDENTIFIERS = {"contact.email": "email", "contact.phone": "phone", "account.username": "username"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of person of the draft: the table with one row each, and its key."""

    name: str
    table: str
    key: tuple[str, ...]
    identifiers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """All that was found out about one store."""

    store: str
    views: Mapping[str, View]
    findings: Mapping[str, Sequence[ColumnFinding]]
    keys: Sequence[LikelyKey]
    addresses: Mapping[Place, LikelyKey] = field(default_factory=dict)
    """Where several kinds of people are known by an address: those among whom most of a column's addresses stand."""

    made: tuple[str, ...] = ()
    """Materialised views: their rows are made of other tables."""

    def personal(self, table: str) -> list[ColumnFinding]:
        """The findings of `table` that say personal."""
        return [finding for finding in self.findings[table] if finding.verdict is Nature.PERSONAL]


@dataclass(frozen=True, slots=True)
class Path:
    """What a draft says of whose the rows are: further facts of the table, why, and the columns that are told by it."""

    facts: Mapping[str, Any]
    note: str = ""
    told: frozenset[str] = frozenset()
    roles: bool = False


def kinds_of_people(known: Known) -> dict[str, Kind]:
    """The kinds of people of a store, by table."""
    found: dict[str, Kind] = {}
    taken: set[str] = set()
    for name, view in known.views.items():
        if not view.person:
            continue
        word = person_word(name) or singular((words(name) or ("person",))[-1])
        if word in taken:
            word = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or f"person_{len(taken) + 1}"
        taken.add(word)
        key = view.table.primary_key or next(iter(view.table.unique), ()) or tuple(view.table.columns)[:1]
        found[name] = Kind(word, name, key, _identifiers(known, name))
    return found


def _identifiers(known: Known, table: str) -> dict[str, str]:
    """Identifier by column: of the table itself, else of one that belongs to it row for row (`user_emails.email`)."""
    found: dict[str, str] = {}
    for finding in known.personal(table):
        identifier = _IDENTIFIERS.get(finding.category or "")
        if identifier and finding.confidence >= SURE and not finding.within and identifier not in found:
            found[identifier] = path_text([finding.place.column or ""])
    for name, view in known.views.items():
        if view.person or view.subject is not Subject.PROFILE or not any(link.table == table for link in view.owners):
            continue
        for finding in known.personal(name):
            identifier = _IDENTIFIERS.get(finding.category or "")
            if identifier and not finding.within and identifier not in found and len(view.owners) == 1:
                found[identifier] = place_text(name, finding.place.column or "")
    return found


def path_of(known: Known, view: View, kinds: Mapping[str, Kind]) -> Path:
    """The path from a row of a personal table to a person; the first of these that there is.

    1. The row is a person's own.                4. It hangs on a row that is somebody's.
    2. Several columns hold people: roles.       5. People's rows point at it: shared by reference.
    3. One column does.                          6. It holds an address that a person is known by.
    """
    name = view.table.name
    if view.person:
        return Path({"whose": {"person": kinds[name].name}})
    if len(view.owners) > 1:
        return _roles(view, kinds)
    if view.owners:
        return _owned(known, view, kinds)
    if view.parents:
        link = min(view.parents, key=lambda each: (not each.declared, each.columns))
        at = None if link.target_columns == known.views[link.table].table.primary_key else link.target_columns[0]
        return Path({"whose": path_text(link.columns, link.table, at)}, how(known, name, link), frozenset(link.columns))
    if view.about and view.shared:
        paths = [path_text(link.target_columns, link.table, link.columns[0]) for link in view.shared]
        whose: Any = paths[0] if len(paths) == 1 else {"any": paths}
        return Path({"whose": whose, "shared": "by-reference"}, "one row may be several people's")
    matched = matched_by(known, view, kinds)
    if matched is not None:
        return Path({"whose": matched}, "no key leads to a person; an address may", frozenset([str(matched["match"])]))
    return Path({"whose": "unidentified"}, "about people, and no column leads to one of them")


def _owned(known: Known, view: View, kinds: Mapping[str, Kind]) -> Path:
    link = view.owners[0]
    path, note = _by(link, kinds), how(known, view.table.name, link)
    guest = _guest(known, view, link)
    if guest is None or "email" not in kinds[link.table].identifiers:
        return Path({"whose": path}, note, frozenset(link.columns))
    match: dict[str, Any] = {"match": guest, "identifier": "email"}
    if len(kinds) > 1:
        match["person"] = kinds[link.table].name
    return Path({"whose": {"any": [path, match]}}, f"{note}; guests by their address", frozenset(link.columns))


def _by(link: Link, kinds: Mapping[str, Kind]) -> Any:
    kind = kinds[link.table]
    if link.target_columns not in (kind.key, ()):
        return path_text(link.columns, link.table, link.target_columns[0])
    if len(kinds) > 1:
        by: Any = path_text(link.columns) if len(link.columns) == 1 else list(link.columns)
        return {"by": by, "person": kind.name}
    return path_text(link.columns) if len(link.columns) == 1 else list(link.columns)


def _roles(view: View, kinds: Mapping[str, Kind]) -> Path:
    """Each person of a shared row, and what happens to the row when they go."""
    told = frozenset(column for link in view.owners for column in link.columns)
    relation = bool(view.table.primary_key) and set(view.table.primary_key) <= told
    roles: dict[str, Any] = {}
    for link in view.owners:
        by = _by(link, kinds)
        change = {column: None if view.table.columns[column].nullable else "stand-in" for column in link.columns}
        end: Any = "delete" if relation else {"change": change}
        roles[_role_name(link, roles)] = (by if isinstance(by, dict) else {"by": by}) | {"on_erasure": end}
    facts = {"whose": roles, "delete": "with-any" if relation else "with-last"}
    return Path(facts, "several people in one row", told, roles=True)


def _role_name(link: Link, taken: Mapping[str, Any]) -> str:
    parts = [word for column in link.columns for word in words(column) if word not in ("id", "no", "key", "number")]
    name = "_".join(parts) or "person"
    while name in taken or name in ("any", "by", "match", "json", "text", "person"):
        name += "_too"
    return name


def matched_by(known: Known, view: View, kinds: Mapping[str, Kind]) -> dict[str, Any] | None:
    """The path by an e-mail address that the rows hold, where some kind of person is known by one.

    Of several kinds it is the one among whose addresses most of these stand; customers before staff where none do.
    """
    reached = sorted(
        (kind for kind in kinds.values() if "email" in kind.identifiers), key=lambda kind: is_staff(kind.table)
    )
    if not reached or view.subject is Subject.ORGANISATION:
        return None
    for finding in addresses_of(known, view.table.name):
        most = known.addresses.get(finding.place)
        kind = next((one for one in reached if most is not None and one.table == most.target.table), reached[0])
        found: dict[str, Any] = {"match": finding.place.column, "identifier": "email"}
        return found | ({"person": kind.name} if len(kinds) > 1 else {})
    return None


def addresses_of(known: Known, table: str) -> list[ColumnFinding]:
    """The columns of `table` that surely hold an e-mail address and nothing else."""
    mails = (each for each in known.personal(table) if each.category == "contact.email")
    return [each for each in mails if each.confidence >= SURE and not each.within]


def part_of(known: Known, view: View, kinds: Mapping[str, Kind], above: frozenset[str] = frozenset()) -> Path | None:
    """The path of rows in which nothing personal stands, where they are parts of rows that an address leads to."""
    if view.subject in (Subject.ORGANISATION, Subject.WORK):
        return None
    name = view.table.name
    for key in view.table.foreign_keys:
        whole = known.views.get(key.table)
        if whole is None or whole.person or whole.about or key.table in {name, *above}:
            continue
        led = known.personal(key.table) and matched_by(known, whole, kinds)
        if led or part_of(known, whole, kinds, above | {name}):
            at = None if key.target_columns == whole.table.primary_key else key.target_columns[0]
            whose = path_text(key.columns, key.table, at)
            return Path({"whose": whose}, "by foreign key", frozenset(key.columns))
    return None


def _guest(known: Known, view: View, link: Link) -> str | None:
    """The column with an address, in a row whose key to a person may be missing."""
    if not all(view.table.columns[column].nullable for column in link.columns):
        return None
    if view.subject not in (Subject.TRANSACTION, Subject.MESSAGE):
        return None
    mails = (each for each in known.personal(view.table.name) if each.category == "contact.email")
    return next((each.place.column for each in mails if each.confidence >= SURE), None)


def how(known: Known, table: str, link: Link) -> str:
    """Why a link is believed."""
    if link.declared:
        return "by foreign key"
    key = next((each for each in known.keys if each.place == Place(known.store, table, link.columns[0])), None)
    if key is None or key.share is None:
        return "by its name; the column is empty, and no foreign key says so"
    return f"by its name, and {key.share:.0%} of {key.sampled} values are there; no foreign key says so"
