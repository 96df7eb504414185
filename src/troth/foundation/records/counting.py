"""How many rows: many counts in one statement, which is composed once for people of the same shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troth.foundation.records.keys import BoundKeys, Keys, Subject
from troth.foundation.records.questions import Ask, Question, question, remembered
from troth.foundation.records.setwise import Setwise

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, ScalarSelect, Select, Table

    from troth.foundation.records.erasing import Erasure

_AT_ONCE = 40  # counts in one statement: all of an ordinary store, and no store's limit


def count_of(core: Table, condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many rows of the table meet `condition`, which is over this very object, as a subquery."""
    import sqlalchemy

    return sqlalchemy.select(sqlalchemy.func.count()).select_from(core).where(condition).scalar_subquery()


def count(
    erasure: Erasure,
    people: Sequence[Subject],
    ask: Ask,
    what: str,
    asked: Callable[[Setwise], Mapping[Any, Any]],
    *,
    day: dt.date,
    stand_ins: Mapping[str, tuple[Any, ...]],
    keys: Keys | None = None,
) -> dict[Any, Any]:
    """What each scalar subquery of `asked` gives, a few dozen in one statement.

    They are composed once for people of the same shape, and remembered under the word `what`. `keys` where a table
    holds the people: then nothing is remembered.
    """
    bound_keys = BoundKeys(people)

    def make() -> Question:
        setwise = Setwise(erasure, keys or bound_keys, day, stand_ins, temporary=False)
        return question(ask.dialect, _together(asked(setwise)), bound_keys.slots)

    if keys is not None:
        found, bound = make(), {}
    else:
        shape = bound_keys.shape
        key = (what, ask.dialect.name, shape, day, tuple(sorted((kind, str(of)) for kind, of in stand_ins.items())))
        found = remembered(erasure.prepared, key, make)
        bound = found.bound(people)
    return {name: n for names, made in found.parts for name, n in zip(names, ask.ready(made, bound)[0], strict=True)}


def counted(asked: Mapping[Any, Any], ask: Ask) -> dict[Any, Any]:
    """What each scalar subquery of `asked` gives, a few dozen in one statement."""
    return {name: n for names, statement in _together(asked) for name, n in zip(names, ask(statement)[0], strict=True)}


def _together(asked: Mapping[Any, Any]) -> Iterator[tuple[tuple[Any, ...], Select[Any]]]:
    """The subqueries, a few dozen in one statement, each with the names of what it asks for."""
    import sqlalchemy

    keys = tuple(asked)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        yield some, sqlalchemy.select(*(asked[key].label(f"n{at}") for at, key in enumerate(some)))
