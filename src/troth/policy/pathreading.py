"""Read `whose:`: the path by which a row is somebody's, in each of its forms, and the roles of a shared row.

    user_id                       the column holds their key            [tenant_id, user_id]  a key of two columns
    order_id > orders             whoever owns that row of orders       id > members.group_id through a link table
    {match: guest_email, identifier: email}                             {json: payload.user.id}
    {by: object_id, where: "object_type = 'User'"}                      {text: session, pattern: 'user_id";i:{key};'}
    {any: [...]}                  any one of these paths                {person: customer}    the person's own row
    {sender: {by: ...}, recipient: {by: ...}}                           roles: several people in one row

A name with other characters than letters, digits, blanks and underscores stands in double quotes inside a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from troth.policy import conditions
from troth.policy.conditions import Condition
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ByRow,
    Copying,
    InJson,
    InText,
    Keys,
    Location,
    Normalising,
    Objects,
    OwnRow,
    PersonKind,
    Role,
    SinglePath,
    Whose,
)
from troth.policy.documents import Faults, Path_
from troth.policy.endreading import read_end
from troth.policy.entries import Entry, known, name_of, shown

UNIDENTIFIED = "unidentified"
FORMS = (
    "a column (user_id), a row that is theirs (order_id > orders), a mapping with person, by, match, json, text, any; "
    "or roles"
)
_FORM_KEYS = ("person", "by", "match", "json", "text", "any")
_NORMALISED_AS = {"email": (Normalising.CASE, Normalising.SPACES), "phone": (Normalising.SPACES,)}
_SEGMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^">,]*))\s*')
_JSON_PART = re.compile(r'(?:"((?:[^"]|"")+)"|([^".\[\]]+))(\[\])?(?:\.|\Z)')
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_-]*)\}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a path may name: kinds of person (those of its own store by bare name), tables of its store."""

    store: str
    people: Mapping[str, PersonKind]
    tables: Collection[str]
    location: Location | None = None

    def own(self) -> dict[str, PersonKind]:
        return {kind.name: kind for kind in self.people.values() if kind.store == self.store}


def read_whose(value: Any, faults: Faults, path: Path_, around: Surroundings) -> tuple[Whose | None, dict[str, Role]]:
    """The path of a table, or its roles; (None, {}) after a fault, or where the data lead to nobody."""
    if value == UNIDENTIFIED:
        return None, {}
    if isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
        return None, {
            name: role
            for name, each in value.items()
            if (role := _role(name, Entry(faults, (*path, name), each), around))
        }
    return _path(value, faults, path, around), {}


def read_identifier_place(text: str, table: str, tables: Collection[str]) -> tuple[str, str]:
    """Table and column that an identifier names: `email` of the person's own table, or `mails.address`."""
    target, column = _split_target(text, tables)
    return (target, column) if column else (table, _unquoted(text))


def normalised_as(identifier: str) -> tuple[Normalising, ...]:
    """What is evened out in an identifier of that name when the map does not say."""
    return _NORMALISED_AS.get(identifier, ())


def kind_of(entry: Entry, around: Surroundings) -> str | None:
    """The id of the kind of person that `person:` names, or that is meant where there is only one."""
    own = around.own()
    named = entry.text("person")
    if named is not None:
        if named in own:
            return own[named].id
        if named in around.people:
            return named
        others = (each.id for each in around.people.values() if each.store != around.store)
        known(named, [*own, *others], "kind of person", entry.faults, (*entry.path, "person"))
        return None
    return _only_kind(entry.faults, entry.path, around)


def _only_kind(faults: Faults, path: Path_, around: Surroundings) -> str | None:
    candidates = [kind.id for kind in around.own().values()] or list(around.people)
    if len(candidates) == 1:
        return candidates[0]
    names = ", ".join(around.people[each].name for each in candidates)
    problem = "it is not said whose key this is." if candidates else "no kind of person is declared for this store."
    faults.add(
        path, problem, expected=f"{{by: ..., person: ...}} with one of: {names}" if names else "`person:` in the store"
    )
    return None


def _role(name: str, entry: Entry, around: Surroundings) -> Role | None:
    path_keys = [key for key in entry.value if key not in ("on_erasure", "copy")]
    path = _path({key: entry.value[key] for key in path_keys}, entry.faults, entry.path, around)
    copying = entry.word("copy", Copying, "a way to copy") or Copying.YES
    if "on_erasure" not in entry:
        entry.add(
            "the role does not say what happens when they go.",
            expected="on_erasure: delete, or {change: {column: ...}}",
        )
        return None
    end = read_end(entry.value["on_erasure"], entry.faults, (*entry.path, "on_erasure"))
    return Role(name, path, end, copying) if path is not None else None


def _path(value: Any, faults: Faults, path: Path_, around: Surroundings) -> Whose | None:
    if isinstance(value, str):
        return _by(value, _Step(faults, path, around, lambda: _only_kind(faults, path, around)))
    if isinstance(value, list):
        if any(isinstance(each, dict) for each in value):
            faults.add(path, "a list is a key of several columns.", expected="{any: [...]} for several paths")
            return None
        columns = [name for at, each in enumerate(value) if (name := name_of(each, faults, (*path, at)))]
        return _by_key(tuple(columns), _Step(faults, path, around, lambda: _only_kind(faults, path, around)))
    if not isinstance(value, dict):
        faults.add(path, f"{shown(value)} is no path to a person.", expected=FORMS)
        return None
    entry = Entry(faults, path, value)
    form = next((key for key in ("any", "by", "match", "json", "text", "person") if key in value), None)
    if form is None:
        entry.only(*_FORM_KEYS, thing="a path")
        if not value:
            entry.add("the path is empty.", expected=FORMS)
        return None
    if form == "any":
        return _any(entry, around)
    return _single(form, entry, around)


def _any(entry: Entry, around: Surroundings) -> AnyPath | None:
    entry.only("any", thing="a choice of paths")
    parts = entry.value["any"]
    if not isinstance(parts, list) or len(parts) < 2:
        entry.add(
            "a choice of paths is a list of two or more.",
            key="any",
            expected="any: [user_id, {match: email, identifier: email}]",
        )
        return None
    found: list[SinglePath] = []
    for at, part in enumerate(parts):
        one = _path(part, entry.faults, (*entry.path, "any", at), around)
        if isinstance(one, AnyPath):
            entry.faults.add((*entry.path, "any", at), "a choice inside a choice.", expected="one list of paths")
        elif one is not None:
            found.append(one)
    return AnyPath(tuple(found)) if len(found) == len(parts) else None


def _single(form: str, entry: Entry, around: Surroundings) -> SinglePath | None:
    if form == "person":
        entry.only("person", thing="the person's own row")
        kind = kind_of(entry, around)
        return OwnRow(kind) if kind else None
    if form == "by":
        entry.only("by", "person", "where", thing="a path by key")
        step = _Step(entry.faults, (*entry.path, "by"), around, lambda: kind_of(entry, around), _where(entry))
        by = entry.value["by"]
        return _by(by, step) if isinstance(by, str) else _by_key(entry.names("by"), step)
    kind = kind_of(entry, around)
    where = _where(entry)
    if form == "match":
        entry.only("match", "identifier", "normalise", "person", "where", thing="a path by identifier")
        column = entry.name("match")
        identifier = _identifier(entry, around, kind, required=True)
        normalise = entry.words("normalise", Normalising, "a way to even out")
        if column is None or identifier is None or kind is None:
            return None
        declared = around.people[kind].identifiers[identifier].normalise
        return ByIdentifier(column, identifier, kind, declared if normalise is None else normalise, where)
    identifier = _identifier(entry, around, kind, required=False)
    if form == "json":
        entry.only("json", "identifier", "person", "where", thing="a path inside JSON")
        return _json(entry, around, kind, identifier, where)
    entry.only("text", "pattern", "identifier", "person", "where", thing="a path inside text")
    return _text(entry, kind, identifier, where)


def _where(entry: Entry) -> Condition | None:
    return entry.parsed("where", conditions.parse)


def _identifier(entry: Entry, around: Surroundings, kind: str | None, *, required: bool) -> str | None:
    named = entry.text("identifier", required="identifier: the kind of identifier, such as email" if required else None)
    if named is None or kind is None:
        return None
    names = around.people[kind].identifiers
    return named if known(named, names, f"identifier of {kind}", entry.faults, (*entry.path, "identifier")) else None


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a path stands in the file, and what goes with its columns. `kind` is asked only where a key is meant."""

    faults: Faults
    path: Path_
    around: Surroundings
    kind: Callable[[], str | None]
    where: Condition | None = None


def _by(text: str, step: _Step) -> ByKey | ByRow | None:
    try:
        sides = _sides(text)
    except ValueError as problem:
        step.faults.add(step.path, "this path cannot be read.", expected=str(problem))
        return None
    if len(sides) == 1:
        return _by_key(sides[0], step)
    if len(sides) > 2 or len(sides[1]) != 1:
        step.faults.add(step.path, "a path has one step; the next row has its own.", expected="order_id > orders")
        return None
    tables = step.around.tables
    table, at = _split_target(sides[1][0], tables)
    if not known(table, tables, "table of this store in the map", step.faults, step.path):
        return None
    if at is not None and len(sides[0]) != 1:
        count = len(sides[0])
        step.faults.add(step.path, f"{count} columns cannot equal one.", expected="one column, or the table alone")
        return None
    return ByRow(sides[0], table, None if at is None else (at,), step.where)


def _by_key(columns: tuple[str, ...], step: _Step) -> ByKey | None:
    kind = step.kind()
    if kind is None or not columns:
        return None
    width = len(step.around.people[kind].key)
    if len(columns) == width:
        return ByKey(columns, kind, step.where)
    if width == 1:
        step.faults.add(
            step.path,
            f"{len(columns)} columns, and one of them alone is a key of {kind}: several people in one row.",
            expected="a role for each person, with its own on_erasure",
        )
    elif width:
        problem = f"the key of {kind} has {width} columns, not {len(columns)}."
        step.faults.add(step.path, problem, expected=f"{width} columns")
    return None


def _json(
    entry: Entry, around: Surroundings, kind: str | None, identifier: str | None, where: Condition | None
) -> InJson | None:
    text = entry.text("json")
    if text is None or kind is None:
        return None
    parts: list[str] = []
    position = 0
    while position < len(text):
        match = _JSON_PART.match(text, position)
        if match is None:
            entry.add("this is no way into JSON.", key="json", expected="column.key.key, such as payload.user.id")
            return None
        parts.append(match[1].replace('""', '"') if match[1] else match[2])
        if match[3]:
            parts.append("[]")
        position = match.end()
    whole = isinstance(around.location, (Keys, Objects))
    column, keys = (None, parts) if whole else (parts[0], parts[1:])
    if not keys:
        entry.add("the way ends at the column.", key="json", expected="column.key, such as payload.user_id")
        return None
    return InJson(column, tuple(keys), kind, identifier, where)


def _text(entry: Entry, kind: str | None, identifier: str | None, where: Condition | None) -> InText | None:
    column = entry.name("text")
    pattern = entry.value.get("pattern")
    if not isinstance(pattern, str):
        entry.add("`pattern` is missing.", expected="the text around the key, such as 'user_id=\"{key}\"'")
        return None
    holders = list(_PLACEHOLDER.finditer(pattern))
    wanted = identifier or "key"
    if len(holders) != 1 or holders[0][1] != wanted:
        entry.add(
            "the pattern does not say where the value stands.", key="pattern", expected=f"{{{wanted}}} in it, once"
        )
        return None
    before, after = pattern[: holders[0].start()], pattern[holders[0].end() :]
    if not before or not after:
        entry.add(f"without a text on both sides of {{{wanted}}}, 1 would be found in 12.", key="pattern",
                  expected="the text before and after")  # fmt: skip
        return None
    return InText(column, before, after, kind, identifier, where) if column and kind else None


def _sides(text: str) -> list[tuple[str, ...]]:
    """`a, b > t` as [("a", "b"), ("t",)]; the quotes of the target are kept, so that its dots stay readable."""
    sides = [[part.strip() for part in _cut(side, ",")] for side in _cut(text, ">")]
    if any(not part for side in sides for part in side):
        raise ValueError("a column, or column > table, such as order_id > orders")
    return [tuple(map(_unquoted, sides[0])), *(tuple(side) for side in sides[1:])]


def _split_target(target: str, tables: Collection[str]) -> tuple[str, str | None]:
    """A table of the map, and the column after it where the whole is no table: `orders`, `crm.orders.id`."""
    parts = [_unquoted(part) for part in _cut(target, ".")]
    for end in range(len(parts), 0, -1):
        table = ".".join(parts[:end])
        if table in tables:
            return table, ".".join(parts[end:]) or None
    return ".".join(parts), None


def _cut(text: str, separator: str) -> list[str]:
    """`text` cut at each `separator` that is not inside double quotes; raises ValueError where a quote is left open."""
    parts, inside = [""], False
    for character in text:
        if character == '"':
            inside = not inside
        if character == separator and not inside:
            parts.append("")
        else:
            parts[-1] += character
    if inside:
        raise ValueError('a closing quote; a quote inside a quoted name is doubled ("")')
    return parts


def _unquoted(name: str) -> str:
    name = name.strip()
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name
