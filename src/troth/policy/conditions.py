"""Which rows are meant, as a checked expression and never as free SQL: `object_type = 'User' and deleted_at is null`.

    condition  = some { "or" some }
    some       = one { "and" one }
    one        = "(" condition ")" | column comparison value | column ["not"] "in" "(" value { "," value } ")"
               | column "is" ["not"] "null"
    comparison = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
    value      = 'text' (a quote inside is doubled) | number | true | false
    column     = a plain name, or "any name" in double quotes

A comparison with a column that holds NULL is never true, whatever the comparison.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | bool | dt.datetime | dt.date


class Comparison(StrEnum):
    """How a column is compared; `in` and `not in` take a tuple, the two about null take nothing."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    NOT_IN = "not in"
    NULL = "is null"
    NOT_NULL = "is not null"


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison of one column."""

    column: str
    comparison: Comparison
    value: Value | tuple[Value, ...] | None = None

    def __str__(self) -> str:
        column = quoted(self.column)
        if self.comparison in (Comparison.NULL, Comparison.NOT_NULL):
            return f"{column} {self.comparison}"
        if isinstance(self.value, tuple):
            return f"{column} {self.comparison} ({', '.join(map(_literal, self.value))})"
        return f"{column} {self.comparison} {_literal(self.value)}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where all parts are."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where any part is."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))


Condition = Compare | AllOf | AnyOf

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")+")
      | (?P<number>[-+]?[0-9]+(?:\.[0-9]+)?)(?![\w.])
      | (?P<word>[^\W\d]\w*)
      | (?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_SIGNS = {sign: Comparison(sign) for sign in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": Comparison.DIFFERENT}
_RESERVED = frozenset(("and", "or", "not", "in", "is", "null", "true", "false"))
_PLAIN_NAME = re.compile(r"[^\W\d]\w*\Z")
_FORM = "a comparison such as \"object_type = 'User'\", joined by and/or"
_MAX_CHARACTERS, _MAX_DEPTH = 2000, 20


def parse(text: str) -> Condition:
    """Read an expression; raises ValueError that says what was expected at which place."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"an expression of at most {_MAX_CHARACTERS} characters")
    return _Parser(list(_tokens(text))).whole()


def columns(condition: Condition) -> tuple[str, ...]:
    """The columns that `condition` reads, each once, in the order of the text."""
    if isinstance(condition, Compare):
        return (condition.column,)
    return tuple(dict.fromkeys(name for part in condition.parts for name in columns(part)))


def quoted(name: str) -> str:
    """`name` as an expression or a path writes it: in double quotes unless it is a plain word."""
    if _PLAIN_NAME.match(name) and name.casefold() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Value | tuple[Value, ...] | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            gap = len(text[position:]) - len(text[position:].lstrip())
            raise ValueError(f"{_FORM}; character {position + gap + 1} has no meaning")
        position = match.end()
        kind = match.lastgroup or ""
        yield kind, match[kind]
    yield "end", ""


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = 0

    def whole(self) -> Condition:
        found = self._any_of(0)
        if self._kind != "end":
            raise ValueError(f'{_FORM}; "{self._text}" stands where the expression should end')
        return found

    @property
    def _kind(self) -> str:
        return self._tokens[self._next][0]

    @property
    def _text(self) -> str:
        return self._tokens[self._next][1]

    def _take(self) -> str:
        text = self._text
        self._next += 1
        return text

    def _word(self, *words: str) -> bool:
        if self._kind == "word" and self._text.casefold() in words:
            self._next += 1
            return True
        return False

    def _sign(self, sign: str) -> None:
        if self._kind != "sign" or self._text != sign:
            raise ValueError(f'{_FORM}; "{sign}" is missing')
        self._next += 1

    def _any_of(self, depth: int) -> Condition:
        if depth > _MAX_DEPTH:
            raise ValueError(f"at most {_MAX_DEPTH} brackets inside each other")
        parts = [self._all_of(depth)]
        while self._word("or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all_of(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self, depth: int) -> Condition:
        if self._kind == "sign" and self._text == "(":
            self._next += 1
            inside = self._any_of(depth + 1)
            self._sign(")")
            return inside
        column = self._column()
        if self._word("is"):
            negative = self._word("not")
            if not self._word("null"):
                raise ValueError(f'{_FORM}; after "is" comes "null" or "not null"')
            return Compare(column, Comparison.NOT_NULL if negative else Comparison.NULL)
        negative = self._word("not")
        if self._word("in"):
            self._sign("(")
            values = [self._value()]
            while self._kind == "sign" and self._text == ",":
                self._next += 1
                values.append(self._value())
            self._sign(")")
            return Compare(column, Comparison.NOT_IN if negative else Comparison.IN, tuple(values))
        if negative or self._text not in _SIGNS:
            raise ValueError(f"{_FORM}; {quoted(column)} is not compared with anything")
        return Compare(column, _SIGNS[self._take()], self._value())

    def _column(self) -> str:
        if self._kind == "name":
            return self._take()[1:-1].replace('""', '"')
        if self._kind == "word" and self._text.casefold() not in _RESERVED:
            return self._take()
        raise ValueError(f"{_FORM}; a column is missing{self._before()}")

    def _value(self) -> Value:
        if self._kind == "text":
            return self._take()[1:-1].replace("''", "'")
        if self._kind == "number":
            number = self._take()
            return float(number) if "." in number else int(number)
        if self._word("true"):
            return True
        if self._word("false"):
            return False
        raise ValueError(f"{_FORM}; a value is missing{self._before()} (texts stand in single quotes)")

    def _before(self) -> str:
        return f' before "{self._text}"' if self._text else " at the end"
