"""One person as one store knows them, and where the keys of the people meant stand: in the statement, or in a table.

The conditions of `reach` are the same for one person and for ten thousand: they ask `Keys` for the part that differs.
`BoundKeys` binds the values of one or a few people; `keytables.KeyTable` is a temporary table with a whole batch.

Values are fitted to the column that they are compared with, so that PostgreSQL does not refuse them and MariaDB does
not find 7 in "7 apples". A value that cannot stand in the column matches nothing.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.spelling import evened, exact, same
from troth.policy.datamap import Normalising, PersonKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Subject:
    """One person as one store knows them, of one kind.

    `key` has the values as the driver gives them; it is empty for somebody without a row of their own, who is known
    there by identifiers only (a guest's order). `identifiers` has the values as they stand in the store, by the name
    that the map gives them.
    """

    kind: PersonKind
    key: tuple[Any, ...] = field(repr=False)
    identifiers: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)


class Keys(Protocol):
    """The people meant. Conditions come out as SQLAlchemy Core with every value bound or in a table of its own."""

    def hold(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> ColumnElement[bool]:
        """True where `columns` equal the key of one of the people of `kind`; NULL equals nobody's."""

    def equal(
        self, kind: str, identifier: str | None, text: ColumnElement[str], normalise: tuple[Normalising, ...]
    ) -> ColumnElement[bool]:
        """True where `text`, evened out, is an identifier of one of them (None: their key), sign by sign."""

    def some(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        """True where `test` is for one of the values of that identifier (None: their key) as text."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Which value of which person stands at one place of a statement, and the column that it must fit."""

    person: int
    identifier: str | None
    at: int
    column: Column | None

    def value(self, people: Sequence[Subject]) -> Any:
        """The value for these people; None, which equals nothing, where it cannot stand in the column."""
        subject = people[self.person]
        if self.identifier is not None:
            return subject.identifiers[self.identifier][self.at]
        value = subject.key[self.at]
        return text_of(value) if self.column is None else fitted(value, self.column)


class BoundKeys:
    """The keys of one person or a few, bound into the statement.

    `slots` names what stands behind each bound name, so that a statement made for one person serves another of the
    same `shape`. Two of them in one statement need different `name`s, or the values of one would stand for both.
    """

    def __init__(self, people: Iterable[Subject], name: str = "key") -> None:
        self.people = tuple(people)
        self.name = name
        self.slots: dict[str, Slot] = {}

    def __repr__(self) -> str:
        return f"BoundKeys({len(self.people)})"

    @property
    def shape(self) -> tuple[Any, ...]:
        """Equal for people whose statements are the same but for values."""
        return tuple(
            (
                each.kind.id,
                len(each.key),
                tuple(sorted((name, len(values)) for name, values in each.identifiers.items())),
            )
            for each in self.people
        )

    def hold(self, kind: str, columns: Sequence[ColumnElement[Any]], seen: Sequence[Column]) -> ColumnElement[bool]:
        import sqlalchemy

        meant = [at for at, each in enumerate(self.people) if each.kind.id == kind and each.key]
        rows = [[self._bound(Slot(person, None, at, column)) for at, column in enumerate(seen)] for person in meant]
        if len(columns) == 1:
            return _one_of(columns[0], [row[0] for row in rows])
        return sqlalchemy.or_(
            sqlalchemy.false(),
            *(sqlalchemy.and_(*(column == value for column, value in zip(columns, row, strict=True))) for row in rows),
        )

    def equal(
        self, kind: str, identifier: str | None, text: ColumnElement[str], normalise: tuple[Normalising, ...]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        found = self._values(kind, identifier)
        if not normalise and isinstance(text, sqlalchemy.Column):
            return sqlalchemy.or_(sqlalchemy.false(), *(same(text, value) for value in found))
        return _one_of(exact(evened(text, normalise)), [exact(evened(value, normalise)) for value in found])

    def some(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        return sqlalchemy.or_(sqlalchemy.false(), *(test(value) for value in self._values(kind, identifier)))

    def _values(self, kind: str, identifier: str | None) -> list[ColumnElement[str]]:
        import sqlalchemy

        found = []
        for person, each in enumerate(self.people):
            if each.kind.id == kind:
                count = len(each.key) if identifier is None else len(each.identifiers.get(identifier, ()))
                slots = (Slot(person, identifier, at, None) for at in range(count))
                found += [self._bound(slot, sqlalchemy.String()) for slot in slots]
        return found

    def _bound(self, slot: Slot, type_: Any = None) -> ColumnElement[Any]:
        """A bound value. Without a type of ours PostgreSQL reads it as the type of the column that it meets."""
        import sqlalchemy

        name = f"{self.name}_{len(self.slots)}"
        self.slots[name] = slot
        return sqlalchemy.bindparam(name, slot.value(self.people), type_ or sqlalchemy.types.NullType())


def text_of(value: Any) -> str:
    """A key as it is written inside JSON and serialised text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)


def fitted(value: Any, column: Column) -> Any:
    """`value` as it would stand in `column`; None where it can't."""
    if value is None or (type(value) is int and column.kind is ColumnKind.NUMBER and -_LARGEST <= value < _LARGEST):
        return value  # nearly all keys
    match column.kind:
        case ColumnKind.TEXT:
            return text_of(value)
        case ColumnKind.NUMBER | ColumnKind.BOOLEAN:
            text = text_of(value).strip()
            whole = int(text) if _WHOLE.match(text) else None
            if whole is None:
                return value if isinstance(value, (float, Decimal)) else None
            return whole if -_LARGEST <= whole < _LARGEST else None
        case ColumnKind.UUID:
            try:
                uuid.UUID(text_of(value))
            except ValueError:
                return None
            return text_of(value)
        case ColumnKind.BINARY:
            if isinstance(value, uuid.UUID):
                return value.bytes
            return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else text_of(value).encode()
        case _:
            return str(value) if isinstance(value, uuid.UUID) else value


def _one_of(expression: ColumnElement[Any], values: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    import sqlalchemy

    if not values:
        return sqlalchemy.false()
    found: ColumnElement[bool] = expression == values[0] if len(values) == 1 else expression.in_(values)
    return found
