"""Column types whose values mean the same on SQLite and PostgreSQL.

- `Instant`: an aware datetime in UTC, in and out. SQLite keeps fixed-width UTC text, PostgreSQL `timestamptz`; both
  sort by time.
- `OneOf(SomeEnum)`: a member of a closed set of words, kept as its text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator

from troth.errors import NaiveTimeError, StoreError
from troth.foundation.clock import in_utc

Word = TypeVar("Word", bound=StrEnum)


class Instant(TypeDecorator[datetime]):
    """A moment with a zone. A naive time is refused on the way in: NaiveTimeError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise NaiveTimeError("an instant is needed, with date, time and zone")
        moment = in_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class OneOf(TypeDecorator[Word]):
    """One word of a closed set. What is not of the set is refused on the way in and on the way out."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[Word], length: int = 40) -> None:
        self.words = words
        super().__init__(length)

    def process_bind_param(self, value: Word | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        try:
            return self.words(value)
        except ValueError:
            raise StoreError(
                f"the store holds a word that this version does not know as {self.words.__name__}"
            ) from None
