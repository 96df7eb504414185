"""Statements as text, made once for people of the same shape; from person to person only what is bound changes.

To compose and compile the SQL of a store's paths takes longer than to run it. So whoever asks the same of everybody
remembers what was made: a `Question` holds statements and, for each bound name, which value of whom stands there. No
value of anybody is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from troth.foundation.records.keys import Slot, Subject

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Executable, Select

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Ready:
    """One statement as text, with what is bound; `names` in order where the driver counts places.

    `values` has None where a value of a person stands.
    """

    sql: str
    names: tuple[str, ...] | None
    values: Mapping[str, Any] = field(repr=False)

    def given(self, bound: Mapping[str, Any]) -> Any:
        """What the driver is given with the text."""
        if self.names is None:
            return {name: bound.get(name, value) for name, value in self.values.items()}
        return tuple([bound[name] if name in bound else self.values[name] for name in self.names])

    def about(self, slots: Mapping[str, Slot]) -> bool:
        """Whether a value of anybody is bound: without one, no path leads to a row."""
        return not slots.keys().isdisjoint(self.values)

    def run(self, connection: Connection, bound: Mapping[str, Any]) -> Any:
        """The driver's own cursor after the statement: nothing is between it and the text made before."""
        cursor = connection.connection.cursor()
        cursor.execute(self.sql, self.given(bound))
        return cursor


class Ask(Protocol):
    """Runs a SELECT and gives its rows: over a read-only connection, or inside a transaction."""

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""

    def __call__(self, statement: Select[Any], /) -> Sequence[Sequence[Any]]: ...

    def ready(self, asked: Ready, bound: Mapping[str, Any], /) -> Sequence[Sequence[Any]]:
        """The rows of a SELECT that was made ready before."""


@dataclass(frozen=True, slots=True)
class Question:
    """Several SELECTs made ready, each under what it is for; `slots`: what stands behind each bound name."""

    parts: tuple[tuple[Any, Ready], ...]
    slots: Mapping[str, Slot] = field(repr=False)

    def bound(self, people: Sequence[Subject]) -> dict[str, Any]:
        return bound(self.slots, people)


def remembered(known: MutableMapping[Any, Any], key: Any, make: Callable[[], Question]) -> Question:
    """The question of that key; made where it is not `known`."""
    found: Question | None = known.get(key)
    if found is None:
        found = make()
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = found
    return found


def question(dialect: Dialect, parts: Iterable[tuple[Any, Executable]], slots: Mapping[str, Slot]) -> Question:
    """The question of these statements. `slots` is looked at when they have been made, which fills it."""
    made = tuple((what, statement) for what, statement in parts)
    return Question(tuple((what, ready(dialect, statement, slots)) for what, statement in made), dict(slots))


def ready(dialect: Dialect, statement: Executable, slots: Mapping[str, Slot] | Iterable[str] = ()) -> Ready:
    """One statement as text for `dialect`; what is bound under a name of `slots` comes with each person."""
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})  # type: ignore[attr-defined]
    values = {name: None if name in slots else value for name, value in dict(compiled.construct_params() or {}).items()}
    names = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup is not None else None
    return Ready(compiled.string, names, values)


def bound(slots: Mapping[str, Slot], people: Sequence[Subject]) -> dict[str, Any]:
    """What stands at each bound name for these people."""
    known: dict[Any, Any] = {}
    found = {}
    for name, slot in slots.items():  # most statements ask for the same key
        same = (slot.person, slot.identifier, slot.at, slot.column.kind if slot.column is not None else None)
        if same not in known:
            known[same] = slot.value(people)
        found[name] = known[same]
    return found
