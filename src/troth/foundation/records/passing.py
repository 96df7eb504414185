"""Whether the time in a column lies before an instant, as a condition of SQL that a DELETE can take.

Numbers are told apart row by row by their size (seconds, milliseconds, ... since 1970; Julian days). Texts of ISO form
without a zone, or in UTC, are compared to the second; with another zone they count from the day after; a day alone
counts from its last hour. A row may stay a day longer, never shorter. What is no time never passes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from troth.foundation.records import instants
from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.instants import ISO
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_RANGES = (
    (1_700_000, 5_400_000, 86_400.0),
    (1e7, 1e11, 1.0),
    (1e11, 1e14, 1e-3),
    (1e14, 1e17, 1e-6),
    (1e17, 1e20, 1e-9),
)
_DAY = dt.timedelta(days=1)


def before(made: ColumnElement[Any], column: Column, instant: dt.datetime, kind: StoreKind) -> ColumnElement[bool]:
    """True where the value in `made`, which is `column`, is a time before `instant` (aware)."""
    import sqlalchemy

    instant = instant.astimezone(dt.UTC)
    if kind is StoreKind.SQLITE:  # a column holds whatever was put in
        of = sqlalchemy.func.typeof(made)
        return sqlalchemy.or_(
            _text(made, instant, plain=True), sqlalchemy.and_(of.in_(["integer", "real"]), _number(made, instant))
        )
    if column.kind is ColumnKind.TIME:
        return _real(made, column, instant)
    if column.kind is ColumnKind.TEXT:
        return _text(made, instant)
    if column.kind is ColumnKind.NUMBER:
        return _number(made, instant)
    return sqlalchemy.false()


def _text(made: ColumnElement[Any], instant: dt.datetime, *, plain: bool = False) -> ColumnElement[bool]:
    """`plain`: texts compare sign by sign there, so that nothing needs to be cut out of most rows, nor their type asked
    for: no number reads as ISO, and no bytes are less than a text.
    """
    import sqlalchemy

    func, both = sqlalchemy.func, sqlalchemy.and_
    instant = max(instant, instants.EARLIEST)
    day, limit = func.substr(made, 1, 10), f"{instant:%Y-%m-%d}".rjust(10, "0")
    second, rest = func.replace(func.substr(made, 1, 19), "T", " "), func.substr(made, 20)
    unzoned = both(func.length(made) >= 19, rest.not_like("%+%"), rest.not_like("%-%"))
    alone = func.length(made) == 10
    near = sqlalchemy.or_(both(unzoned, second < f"{limit} {instant:%H:%M:%S}"), both(alone, day < limit))
    yesterday = f"{max(instant - _DAY, instants.EARLIEST):%Y-%m-%d}".rjust(10, "0")
    sure = (sqlalchemy.collate(made, "BINARY") if plain else day) < sqlalchemy.literal(yesterday)
    return both(sqlalchemy.or_(sure, both(day <= limit, near)), made.like(ISO))


def _number(made: ColumnElement[Any], instant: dt.datetime) -> ColumnElement[bool]:
    import sqlalchemy

    return sqlalchemy.or_(
        *(
            sqlalchemy.and_(made >= low, made < high, made < instants.number_at(instant, unit))
            for low, high, unit in _RANGES
        )
    )


def _real(made: ColumnElement[Any], column: Column, instant: dt.datetime) -> ColumnElement[bool]:
    bound: Any = instant if "with time zone" in column.type else instant.replace(tzinfo=None)
    return made < (instant.date() if column.type.lower() == "date" else bound)
