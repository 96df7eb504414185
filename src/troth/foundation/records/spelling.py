"""What every kind of store can do, and each spells in its own way, compiled when the dialect is known.

- `exact(text)`: compared sign by sign, whatever the collation of the column.
- `same(column, text)`: equal sign by sign, found by an index on the bare column where there is one.
- `holds(text, part)`: whether `part` stands in `text`, sign by sign; no sign has a meaning of its own.
- `json_text(document, keys)`: the value at the end of `keys` as text; NULL where there is none, or no document.
- `json_holds(document, keys, value)`: the same where a step is a list ("[]"): whether any element has that value.
- `evened(text, ways)`: an identifier without what does not matter (case, spaces, underscores).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from troth.foundation.records.sqlite import LOWER
from troth.policy.datamap import Normalising

EACH = "[]"
"""The step of a way into JSON that means every element of a list."""


def as_text(expression: ColumnElement[Any]) -> ColumnElement[str]:
    """The expression as text, in every store."""
    return sqlalchemy.cast(expression, sqlalchemy.Text)


def evened(text: ColumnElement[str], ways: Iterable[Normalising]) -> ColumnElement[str]:
    """`text` without what does not matter. An underscore stands for a space, and goes where spaces go."""
    func = sqlalchemy.func
    chosen = set(ways)
    if Normalising.UNDERSCORES in chosen:
        text = func.replace(text, "_", " ")
    if Normalising.SPACES in chosen:
        text = func.replace(text, " ", "")
    return _lowered(text) if Normalising.CASE in chosen else text


class _lowered(FunctionElement[str]):  # noqa: N801 - reads as a function of SQL
    """One argument: the text, in small letters of every alphabet."""

    inherit_cache = True
    name = "lowered"
    type = String()


class exact(FunctionElement[Any]):  # noqa: N801 - reads as a function of SQL
    """One argument."""

    inherit_cache = True
    name = "exact"


class same(FunctionElement[bool]):  # noqa: N801 - reads as a function of SQL
    """Two arguments: the column, the text."""

    inherit_cache = True
    name = "same"
    type = sqlalchemy.Boolean()


class holds(FunctionElement[bool]):  # noqa: N801 - reads as a function of SQL
    """Two arguments: the text, the part."""

    inherit_cache = True
    name = "holds"
    type = sqlalchemy.Boolean()


class holds_bytes(FunctionElement[bool]):  # noqa: N801 - reads as a function of SQL
    """Two arguments: the bytes of a text in UTF-8, the part."""

    inherit_cache = True
    name = "holds_bytes"
    type = sqlalchemy.Boolean()


class _JsonText(FunctionElement[str]):
    """Three arguments: the document, the way as PostgreSQL writes it, the way as the others do."""

    inherit_cache = True
    name = "json_text"
    type = String()


class _JsonHolds(FunctionElement[bool]):
    """Arguments: the document, the value, the way as PostgreSQL and as MariaDB write it, then its parts for SQLite."""

    inherit_cache = True
    name = "json_holds"
    type = sqlalchemy.Boolean()


def json_text(document: ColumnElement[Any], keys: Sequence[str]) -> ColumnElement[str]:
    """The value at the end of `keys`, as text: 7 and "7" are the same."""
    array = "{" + ",".join(_in_quotes(key) for key in keys) + "}"
    return _JsonText(document, sqlalchemy.literal(array, String()), sqlalchemy.literal(_way(keys), String()))


def json_holds(document: ColumnElement[Any], keys: Sequence[str], value: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether one of the values that `keys` lead to, through lists, is `value`."""
    parts: list[list[str]] = [[]]
    for key in keys:
        if key == EACH:
            parts.append([])
        else:
            parts[-1].append(key)
    ways = [sqlalchemy.literal(way, String()) for way in (_way(keys), *map(_way, parts))]
    return _JsonHolds(document, value, *ways)


def _in_quotes(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _way(keys: Iterable[str]) -> str:
    return "$" + "".join("[*]" if key == EACH else f".{_in_quotes(key)}" for key in keys)


# --- how each says it -------------------------------------------------------------------------------------------------


@compiles(_lowered)
def _lower(element: _lowered, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(_lowered, "postgresql")
def _lower_postgresql(element: _lowered, compiler: Any, **kw: Any) -> str:
    text, collation = compiler.process(element.clauses, **kw), getattr(compiler.dialect, "troth_letters", None)
    return f'lower({text} COLLATE "{collation}")' if collation else f"lower({text})"


@compiles(_lowered, "sqlite")
def _lower_sqlite(element: _lowered, compiler: Any, **kw: Any) -> str:
    """SQLite's own knows the letters of ASCII only. Whatever has others is given to Python, which takes longer."""
    text = compiler.process(element.clauses, **kw)
    as_bytes = f"CAST({text} AS BLOB)"
    return f"CASE WHEN length({text}) = length({as_bytes}) THEN lower({text}) ELSE {LOWER}({as_bytes}) END"


@compiles(exact)
def _exact(element: exact, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(exact, "mysql", "mariadb")
def _exact_mysql(element: exact, compiler: Any, **kw: Any) -> str:
    return f"CAST(CONVERT({compiler.process(element.clauses, **kw)} USING utf8mb4) AS BINARY)"


@compiles(same)
def _same(element: same, compiler: Any, **kw: Any) -> str:
    column, text = _arguments(element, compiler, kw)
    return f"({column} = {text})"


@compiles(same, "mysql", "mariadb")
def _same_mysql(element: same, compiler: Any, **kw: Any) -> str:
    """By the collation, which may use an index, and then sign by sign, which takes out what that let through."""
    column, text = _arguments(element, compiler, kw)
    left, right = (f"CAST(CONVERT({each} USING utf8mb4) AS BINARY)" for each in (column, text))
    return f"({column} = {text} AND {left} = {right})"


@compiles(holds, "postgresql")
def _holds_postgresql(element: holds, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, kw)
    return f"(strpos(CAST({text} AS TEXT), {part}) > 0)"


@compiles(holds, "sqlite")
@compiles(holds_bytes, "sqlite")
def _holds_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, kw)
    return f"(instr(CAST({text} AS TEXT), {part}) > 0)"


@compiles(holds, "mysql", "mariadb")
def _holds_mysql(element: holds, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, kw)
    text, part = (f"CAST(CONVERT({each} USING utf8mb4) AS BINARY)" for each in (text, part))
    return f"(LOCATE({part}, {text}) > 0)"


@compiles(holds_bytes, "postgresql")
def _holds_bytes_postgresql(element: holds_bytes, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, kw)
    return f"(position(convert_to({part}, 'UTF8') in {text}) > 0)"


@compiles(holds_bytes, "mysql", "mariadb")
def _holds_bytes_mysql(element: holds_bytes, compiler: Any, **kw: Any) -> str:
    text, part = _arguments(element, compiler, kw)
    return f"(LOCATE(CAST(CONVERT({part} USING utf8mb4) AS BINARY), CAST({text} AS BINARY)) > 0)"


@compiles(_JsonText, "postgresql")
def _json_text_postgresql(element: _JsonText, compiler: Any, **kw: Any) -> str:
    document, array, _ = _arguments(element, compiler, kw)
    return f"({_document(document, compiler, 'JSON')} #>> CAST({array} AS TEXT[]))"


_TRUTH = "('true', 'false')"  # of JSON, which SQLite gives as 1 and 0: somebody's keys


@compiles(_JsonText, "sqlite")
def _json_text_sqlite(element: _JsonText, compiler: Any, **kw: Any) -> str:
    document, way = _without(element, 1, compiler, kw)
    found, kind = f"CAST(json_extract({document}, {way}) AS TEXT)", f"json_type({document}, {way})"
    return f"(CASE WHEN json_valid({document}) THEN CASE WHEN {kind} IN {_TRUTH} THEN {kind} ELSE {found} END END)"


@compiles(_JsonText, "mysql", "mariadb")
def _json_text_mysql(element: _JsonText, compiler: Any, **kw: Any) -> str:
    document, way = _without(element, 1, compiler, kw)
    found = f"JSON_EXTRACT({document}, {way})"
    return f"(CASE WHEN JSON_VALID({document}) AND JSON_TYPE({found}) <> 'NULL' THEN JSON_UNQUOTE({found}) END)"


@compiles(_JsonHolds, "postgresql")
def _json_holds_postgresql(element: _JsonHolds, compiler: Any, **kw: Any) -> str:
    document, value, way = (compiler.process(each, **kw) for each in list(element.clauses)[:3])
    found = f"jsonb_path_query({_document(document, compiler, 'JSONB')}, CAST({way} AS jsonpath))"
    return f"({value} IN (SELECT found.one #>> '{{}}' FROM {found} AS found(one)))"  # noqa: S608 - only SQL that was compiled


@compiles(_JsonHolds, "mysql", "mariadb")
def _json_holds_mysql(element: _JsonHolds, compiler: Any, **kw: Any) -> str:
    raw, key, way = (compiler.process(each, **kw) for each in list(element.clauses)[:3])
    # JSON_CONTAINS compares bytes: both in one set of signs, whatever the column has
    document, value = f"CONVERT({raw} USING utf8mb4)", f"CONVERT({key} USING utf8mb4)"
    found = f"JSON_EXTRACT({document}, {way})"
    as_number = f"CASE WHEN {value} REGEXP '^-?[0-9]+$' THEN JSON_CONTAINS({found}, {value}) ELSE 0 END"
    as_escaped = _json_holds_escaped(found, value)
    return f"(JSON_VALID({document}) AND (JSON_CONTAINS({found}, JSON_QUOTE({value})) OR {as_number} OR {as_escaped}))"


_BACKSLASH, _PERCENT = "CHAR(92 USING utf8mb4)", "CHAR(37 USING utf8mb4)"
_ONE_OF_THEM = "'^\"[$][[][0-9]+[]]\"$'"


def _json_holds_escaped(found: str, value: str) -> str:
    """JSON_CONTAINS compares bytes, and knows no letter that is written as an escape; JSON_SEARCH reads escapes. Its
    pattern is quoted, its order is that of bytes, and what it finds stands in the list itself, not deeper.
    """
    pattern = value
    for sign in (_BACKSLASH, _PERCENT, "'_'"):
        pattern = f"REPLACE({pattern}, {sign}, CONCAT({_BACKSLASH}, {sign}))"
    searched = f"JSON_SEARCH(CONVERT({found} USING utf8mb4) COLLATE utf8mb4_bin, 'one', {pattern})"
    return f"CASE WHEN LOCATE({_BACKSLASH}, {found}) > 0 THEN COALESCE({searched} REGEXP {_ONE_OF_THEM}, 0) ELSE 0 END"


@compiles(_JsonHolds, "sqlite")
def _json_holds_sqlite(element: _JsonHolds, compiler: Any, **kw: Any) -> str:
    document, value, _, *ways = list(element.clauses)
    whole = compiler.process(document, **kw)
    first, *further, last = (compiler.process(way, **kw) for way in ways)
    walk = f"json_each(CASE WHEN json_valid({whole}) THEN {whole} END, {first}) AS e0"
    for depth, way in enumerate(further, 1):
        walk += f", json_each({_inside(depth - 1)}, {way}) AS e{depth}"
    end = len(further)
    whole_element = str(ways[-1].value) == "$"  # a literal
    found = f"e{end}.value" if whole_element else f"json_extract({_inside(end)}, {last})"
    kind = f"e{end}.type" if whole_element else f"json_type({_inside(end)}, {last})"
    told = f"CASE WHEN {kind} IN {_TRUTH} THEN {kind} ELSE CAST({found} AS TEXT) END"
    return f"({compiler.process(value, **kw)} IN (SELECT {told} FROM {walk}))"  # noqa: S608 - only SQL that was compiled


def _inside(depth: int) -> str:
    return f"CASE WHEN e{depth}.type IN ('object', 'array') THEN e{depth}.value END"


def _document(text: str, compiler: Any, kind: str) -> str:
    """`text` as a document; what is none counts as NULL where the server can tell (PostgreSQL 16)."""
    if (compiler.dialect.server_version_info or (0,)) >= (16,):
        return f"CASE WHEN CAST({text} AS TEXT) IS JSON THEN CAST({text} AS {kind}) END"
    return f"CAST({text} AS {kind})"


def _arguments(element: FunctionElement[Any], compiler: Any, kw: dict[str, Any]) -> list[str]:
    return [compiler.process(each, **kw) for each in element.clauses]


def _without(element: FunctionElement[Any], left_out: int, compiler: Any, kw: dict[str, Any]) -> list[str]:
    """The arguments but one, which this dialect has no use for and which therefore must not be bound."""
    return [compiler.process(each, **kw) for at, each in enumerate(element.clauses) if at != left_out]
