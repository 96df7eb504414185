"""Whether a row is somebody's by one path of the map, by its own values alone; rows of rows are followed by `judging`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.foundation.records.oracle.worlds import ByKey, ByRow, InJson, InText, Match, Own, Path, Row, Table, World


@dataclass(frozen=True)
class Known:
    """A person as one kind knows them."""

    kind: str
    key: tuple[Any, ...]
    identifiers: dict[str, tuple[str, ...]] = field(default_factory=dict)


def evened(text: Any, ways: Sequence[str]) -> str:
    made = str(text)
    if "underscores" in ways:
        made = made.replace("_", " ")
    if "spaces" in ways:
        made = made.replace(" ", "")
    return made.lower() if "case" in ways else made


def met(row: Row, path: Path) -> bool:
    """Whether the path's own condition holds."""
    where = getattr(path, "where", None)
    return where is None or row[where[0]] == where[1]


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Equal as values read: 7 and "7" are."""
    return all(a is not None and b is not None and str(a) == str(b) for a, b in zip(left, right, strict=True))


def theirs(world: World, table: Table, row: Row, path: Path, who: Known) -> bool:
    match path:
        case Own(kind):
            return bool(who.key) and same([row[each] for each in world.people[kind].key], who.key)
        case ByKey(columns):
            return bool(who.key) and same([row[each] for each in columns], who.key)
        case Match(column, identifier, _, ways):
            value = row[column]
            told = who.identifiers.get(identifier, ())
            return value is not None and any(evened(value, ways) == evened(each, ways) for each in told)
        case InJson(column, keys, kind, identifier):
            wanted = who.identifiers.get(identifier, ()) if identifier else tuple(map(str, who.key))
            ways = world.people[kind].identifiers[identifier][1] if identifier and "[]" not in keys else ()
            return any(evened(a, ways) == evened(b, ways) for a in inside(row[column], keys) for b in wanted)
        case InText(column, before, after, _, identifier):
            wanted = who.identifiers.get(identifier, ()) if identifier else tuple(map(str, who.key))
            value = row[column]
            if isinstance(value, bytes):
                return any(f"{before}{each}{after}".encode() in value for each in wanted)
            return value is not None and any(f"{before}{each}{after}" in value for each in wanted)
        case ByRow():
            raise AssertionError
    raise AssertionError


def somebody(world: World, table: Table, row: Row, path: Path) -> bool:
    """Whether anybody at all stands there."""
    match path:
        case Own():
            return True
        case ByKey(columns):
            return all(row[each] is not None for each in columns)
        case Match(column):
            return row[column] not in (None, "")
        case InJson(column, keys):
            return any(True for _ in inside(row[column], keys))
        case InText(column, before):
            value = row[column]
            return value is not None and (before.encode() if isinstance(value, bytes) else before) in value
        case ByRow():
            raise AssertionError
    raise AssertionError


def inside(text: str | None, keys: Sequence[str]) -> Iterator[str]:
    """The values, as text, at the end of a way into JSON."""
    if text is None:
        return
    try:
        found: list[Any] = [json.loads(text)]
    except ValueError:
        return
    for key in keys:
        if key == "[]":
            found = [each for one in found if isinstance(one, list) for each in one]
        else:
            found = [one[key] for one in found if isinstance(one, dict) and key in one]
    for each in found:
        if isinstance(each, (str, int)) and not isinstance(each, bool):
            yield str(each)


def coarser(value: Any, detail: str) -> Any:
    if value is None:
        return None
    if detail in ("year", "month"):
        month = value.month if detail == "month" else 1
        return value.replace(month=month, day=1, hour=0, minute=0, second=0)
    if detail == "initial":
        text = str(value).strip()
        return f"{text[0]}." if text and text[0].isalpha() else None
    raise AssertionError(detail)
