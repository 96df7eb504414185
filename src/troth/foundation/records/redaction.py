"""Other people in one person's copy (GDPR Art. 15(4)): what becomes of their keys and of what they wrote.

1. A column that leads to somebody else (`link:`, or the column of a role in which this person is not) becomes a label,
   "person 1", the same for the same person throughout the copy. One that leads to the person themself stays.
2. A column with `others:` in a row that several people share is another's when a role changes it on erasure and this
   person is not in that role; where no role does, it is everybody's who is in the row. What is another's, `redact`
   takes out, `keep` leaves, and `ask` marks for whoever releases the copy.
3. The same in a row that is one person's alone: `redact` takes other people's mail addresses out of the text, `ask`
   marks the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from troth.foundation.records.keys import Subject, text_of
from troth.foundation.records.reach import ReachedTable
from troth.policy.datamap import AnyPath, ByIdentifier, ByKey, ChangeRow, KeepRow, Others, Role, SinglePath

REDACTED = "[of another person]"
_LOCAL = r"[^\s<>\"'(),;:|=/\\]+"
_ADDRESS = re.compile(rf"{_LOCAL}(?:'{_LOCAL})*@{_LOCAL}\.\w+")  # an apostrophe may be part of a name, not its quote

Row = tuple[Any, ...]
Treatment = Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Asked:
    """A value that may be another person's: whoever releases the copy decides on it."""

    value: Any = field(repr=False)


class Labels:
    """Names for other people in one copy: the same person has the same label in every table and store."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str, str], str] = {}

    def __repr__(self) -> str:
        return f"Labels({len(self._labels)})"

    def of(self, kind: str, identifier: str | None, value: Any) -> str:
        """The label of whoever has that key (or identifier)."""
        return self._labels.setdefault((kind, identifier or "", text_of(value)), f"person {len(self._labels) + 1}")


def treatment(
    table: ReachedTable, names: Sequence[str], roles: Iterable[str], people: Sequence[Subject], labels: Labels
) -> Treatment | None:
    """What is to be done with each row of `table` in which the person has `roles`; None where nothing is."""
    held = set(roles)
    changes: list[tuple[int, Callable[[Any], Any]]] = []
    foreign = _leading_to_others(table, held)
    for at, name in enumerate(names):
        change = None
        if name in foreign:
            change = _labelled(*foreign[name], people, labels)
        elif (rule := table.column(name).others) not in (None, Others.KEEP) and _is_anothers(table, name, held):
            change = _marked if rule is Others.ASK else _taken_out
            if rule is Others.REDACT and not table.table.roles:
                change = _without_addresses(people)
        if change is not None:
            changes.append((at, change))
    if not changes:
        return None

    def treated(row: Row) -> Row:
        values = list(row)
        for at, change in changes:
            if values[at] is not None:
                values[at] = change(values[at])
        return tuple(values)

    return treated


def _leading_to_others(table: ReachedTable, held: set[str]) -> dict[str, tuple[str, str | None]]:
    """The columns that lead to somebody else, with the kind of person and the identifier that they hold."""
    found: dict[str, tuple[str, str | None]] = {
        column.name: (column.link, None) for column in table.table.columns.values() if column.link
    }
    own = {name for role in table.table.roles.values() if role.name in held for name in _columns(role)}
    for role in table.table.roles.values():
        if role.name not in held:
            found |= {name: told for name, told in _columns(role).items() if name not in own}
    return found


def _columns(role: Role) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    paths: tuple[SinglePath, ...] = role.path.paths if isinstance(role.path, AnyPath) else (role.path,)
    for path in paths:
        if isinstance(path, ByKey):
            found |= dict.fromkeys(path.columns, (path.person, None))
        elif isinstance(path, ByIdentifier):
            found[path.column] = (path.person, path.identifier)
    return found


def _is_anothers(table: ReachedTable, name: str, held: set[str]) -> bool:
    roles = table.table.roles
    if not roles:
        return True
    writers = {role.name for role in roles.values() if name in _changed(role)}
    return not writers & held if writers else not held >= set(roles)


def _changed(role: Role) -> Mapping[str, object]:
    end = role.on_erasure
    return end.change if isinstance(end, (ChangeRow, KeepRow)) else {}


def _labelled(kind: str, identifier: str | None, people: Sequence[Subject], labels: Labels) -> Callable[[Any], Any]:
    if identifier is None:
        own = {text_of(value) for each in people if each.kind.id == kind for value in each.key}
    else:
        own = {value for each in people if each.kind.id == kind for value in each.identifiers.get(identifier, ())}
    return lambda value: value if text_of(value) in own else labels.of(kind, identifier, value)


def _marked(value: Any) -> Asked:
    return Asked(value)


def _taken_out(_: Any) -> str:
    return REDACTED


def _without_addresses(people: Sequence[Subject]) -> Callable[[Any], Any]:
    own = {value.casefold() for each in people for values in each.identifiers.values() for value in values}

    def of_text(text: str) -> str:
        return _ADDRESS.sub(lambda found: found[0] if found[0].casefold().strip(".") in own else REDACTED, text)

    def change(value: Any) -> Any:
        if isinstance(value, str):
            return of_text(value)
        if isinstance(value, dict):
            return {name: change(each) for name, each in value.items()}
        return [change(each) for each in value] if isinstance(value, list) else value

    return change
