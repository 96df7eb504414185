"""SQLAlchemy types for the company's own tables: sealed text, JSON and bytes, and an index to look up by equality.

    class Message(Base):
        user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
        body: Mapped[str | None] = mapped_column(SealedText("shop.messages.body", person="user_id"))

A select brings the person's column along, so that a value opens only in a row of its own person. The ORM takes the
person from the same row (see `mapped`); Core is told: `insert(messages).values(user_id=17, body=of(17, "..."))`.
A column cannot be searched; what is to be found by equality gets a `BlindIndex` beside it.
Several fields that are read together belong into one `SealedJson`: one message, not one for each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Dialect, String, Text, cast, func, type_coerce
from sqlalchemy.types import TypeDecorator

from troth.errors import TrothError
from troth.foundation.people import Kind
from troth.foundation.sealed_values import place_of
from troth.protection.sealed_fields.fieldkeys import FIELD_KEYS, FieldKeys

Value = TypeVar("Value")
_BETWEEN = "|"


@dataclass(frozen=True, slots=True)
class Of(Generic[Value]):
    """A value and whose it is. Shows neither."""

    person: int | str = field(repr=False)
    value: Value = field(repr=False)


def of(person: int | str, value: Value) -> Of[Value]:
    """`value` of `person`, for statements that are not made by the ORM."""
    return Of(person, value)


class Sealed(TypeDecorator[Any]):
    """What the three types share. `place` is `store.table.column` as the data map names it; it is part of every value,
    so keep it when a table is renamed. `person` is the column of the same table that says whose a row is, and `kind`
    how troth knows them: by `id`, `email`, `phone` or `key`.
    """

    impl = Text
    cache_ok = True

    def __init__(self, place: str, *, person: str, kind: str = Kind.ID, keys: FieldKeys = FIELD_KEYS) -> None:
        super().__init__()
        if kind not in {*Kind}:
            raise TrothError("no such way to name a person", where=place, expected=f"one of: {', '.join(Kind)}")
        self.place = place
        self.person = person
        self.kind = str(kind)
        self.keys = keys
        bound = place_of(place)
        self._seal = keys.sealer(self.kind, bound)
        self._open = keys.opener(bound)

    def process_bind_param(self, value: Of[Any] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None or (isinstance(value, Of) and value.value is None):
            return None
        if not isinstance(value, Of):
            raise TrothError(
                "a sealed column was given a value without saying whose, or was compared with one",
                where=self.place,
                repair="Write `of(person, value)`; to find rows by a value, put a BlindIndex beside the column.",
            )
        if not isinstance(value.person, int | str) or isinstance(value.person, bool) or value.person == "":
            raise TrothError("a person is named by a number or a text here", where=self.place)
        return self._seal(str(value.person), self._bytes(value.value))

    def process_literal_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        raise TrothError("a sealed value is never written into a statement", where=self.place)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        person, between, sealed = value.rpartition(_BETWEEN)
        if not between:
            raise TrothError(
                "a sealed column was read without its person",
                where=self.place,
                repair=f"Take the column itself, and from what has `{self.person}` too.",
            )
        opened = self._open(person, sealed)
        return None if opened is None else self._value(opened)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The person's column and the value, as one text: so that the value cannot be read as somebody else's."""
        table = getattr(column, "table", None)
        owner = None if table is None else table.c.get(self.person)
        if owner is None:
            raise TrothError(
                f"a sealed column is read beside `{self.person}`, which is not there",
                where=self.place,
                repair=f"Have `{self.person}` in the inner query too.",
            )
        said = func.coalesce(cast(owner, String), "")
        return type_coerce(said + _BETWEEN + type_coerce(column, Text()), self)

    def _bytes(self, value: Any) -> bytes:
        raise NotImplementedError

    def _value(self, opened: bytes) -> Any:
        raise NotImplementedError


class SealedText(Sealed):
    """Text that only a key of its person opens."""

    cache_ok = True

    def _bytes(self, value: str) -> bytes:
        return value.encode("utf-8")

    def _value(self, opened: bytes) -> str:
        return opened.decode("utf-8")


class SealedJson(Sealed):
    """What JSON can say, sealed as one message: also a whole record, several fields at the price of one.

    A change inside a dict or list is not noticed; assign it anew.
    """

    cache_ok = True

    def _bytes(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

    def _value(self, opened: bytes) -> Any:
        return json.loads(opened)


class SealedBytes(Sealed):
    """Bytes that only a key of their person opens."""

    cache_ok = True

    def _bytes(self, value: bytes) -> bytes:
        return bytes(value)

    def _value(self, opened: bytes) -> bytes:
        return opened


class BlindIndex(TypeDecorator[str]):
    """A keyed hash to find rows by equality: `where(users.c.email_index == "ann@example.org")`.

    Set it to the same value as the sealed column. It leaks which rows hold the same value, and how often; who has the
    key can try values. It stays when a person's key is destroyed: the row's end must clear it.
    """

    impl = String(32)
    cache_ok = True

    def __init__(self, place: str, *, keys: FieldKeys = FIELD_KEYS) -> None:
        super().__init__()
        self.place = place
        self.keys = keys
        self._bound = place_of(place)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.keys.index(self._bound, value)
