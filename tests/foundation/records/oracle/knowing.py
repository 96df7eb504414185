"""Who somebody is, of each kind, by a key or by an address that is shown to be theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.foundation.records.oracle.meeting import Known, evened
from tests.foundation.records.oracle.worlds import Row, World


class Ambiguous(Exception):
    """It is not known who is meant."""


def person(world: World, kind: str, key: tuple[Any, ...]) -> list[Known]:
    """Everything that one person is, who has that key: of each kind at most one row, joined by mail addresses alone."""
    return _joined(world, {kind: _row_of(world, kind, key)}, ())


def person_of(world: World, mail: str) -> list[Known]:
    """The same of whoever has shown that this address is theirs. Raises Ambiguous where two rows of a kind have it."""
    found: dict[str, Row] = {}
    for kind, declared in world.people.items():
        rows = _holding(world, kind, "email", mail) if "email" in declared.identifiers else []
        if len(rows) > 1:
            raise Ambiguous
        if rows:
            found[kind] = rows[0]
    return _joined(world, found, (mail,))


def _joined(world: World, found: dict[str, Row], given: tuple[str, ...]) -> list[Known]:
    waiting = list(found)
    while waiting:
        for value in _alone(world, waiting.pop(), found):
            for other in world.people:
                if other in found or "email" not in world.people[other].identifiers:
                    continue
                rows = _holding(world, other, "email", value)
                if len(rows) > 1:
                    raise Ambiguous
                if rows:
                    found[other] = rows[0]
                    waiting.append(other)
    mails = tuple(dict.fromkeys((*given, *(str(v) for each in found for v in _alone(world, each, found)))))
    told = []
    for each in world.people:
        if each in found:
            told.append(_known(world, each, found[each], mails))
        elif "email" in world.people[each].identifiers:
            own = tuple(v for v in mails if not _holding(world, each, "email", v))
            told.append(Known(each, (), {"email": own}))
    return told


def _alone(world: World, kind: str, found: dict[str, Row]) -> Iterator[str]:
    """The mail addresses of a row that no other row of its kind has."""
    for value in _values(world, kind, found[kind], "email"):
        if len(_holding(world, kind, "email", value)) == 1:
            yield value


def _known(world: World, kind: str, row: Row, mails: tuple[str, ...]) -> Known:
    declared = world.people[kind]
    told: dict[str, tuple[str, ...]] = {}
    for name, (_, ways) in declared.identifiers.items():
        values = _values(world, kind, row, name)
        own = {evened(value, ways) for value in values}  # another spelling of it is none of its own
        values += [each for each in mails if evened(each, ways) not in own] if name == "email" else ()
        told[name] = tuple(v for v in dict.fromkeys(values) if all(r is row for r in _holding(world, kind, name, v)))
    return Known(kind, tuple(row[each] for each in declared.key), told)


def _values(world: World, kind: str, row: Row, name: str) -> list[str]:
    if name not in world.people[kind].identifiers:
        return []
    value = row[world.people[kind].identifiers[name][0]]
    return [str(value)] if value not in (None, "") else []


def _holding(world: World, kind: str, name: str, value: str) -> list[Row]:
    column, ways = world.people[kind].identifiers[name]
    rows = world.tables[world.people[kind].table].rows
    return [row for row in rows if row[column] is not None and evened(row[column], ways) == evened(value, ways)]


def _row_of(world: World, kind: str, key: tuple[Any, ...]) -> Row:
    declared = world.people[kind]
    return next(row for row in world.tables[declared.table].rows if tuple(row[each] for each in declared.key) == key)
