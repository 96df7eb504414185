"""The bitmaps that audiences are taken from, held against everybody's words, read and counted anew.

An eye: it asks no deed. What is kept in troth's store is right for one version of it; who has changed since is read
anew before any answer, and is left aside here. For everybody else each plane must be what their last words say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection, Table, select

from troth.errors import StoreError
from troth.foundation.proof import NothingToObserve
from troth.foundation.store import changes
from troth.foundation.tables import identifiers
from troth.use.tables import (
    EVERY_PURPOSE,
    audience_planes,
    audience_state,
    closings,
    consent_events,
    objections,
    restrictions,
)
from troth.use.words import Closing, Consent, Objection, Restriction

if TYPE_CHECKING:
    from collections.abc import Callable

    from troth.foundation.observation import Observation

_STREAMED = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one plane (`given marketing`): people whom it has and their words do not, and the other way round."""

    plane: str
    too_many: int
    too_few: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared: how many people; each plane with how it differs, whether or not it does. None kept: empty."""

    people: int
    planes: tuple[Difference, ...]


def compare(seen: Observation) -> Comparison:
    """Everybody's words against what is kept. Raises NothingToObserve where troth's store cannot be read."""
    try:
        with seen.need_store().reading() as tx:
            return _compare(tx)
    except StoreError as problem:
        raise NothingToObserve(
            "the audiences cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None


def _compare(tx: Connection) -> Comparison:
    state = tx.execute(select(audience_state)).first()
    if state is None:
        return Comparison(0, ())
    since = changes.since(tx, state.version)
    if since.people is None:  # it will be read anew by whoever takes it
        return Comparison(0, ())
    kept = {row.name: BitMap.deserialize(row.bits) for row in tx.execute(select(audience_planes))}
    known = BitMap(tx.execute(select(identifiers.c.person).where(identifiers.c.until.is_(None)).distinct()).scalars())
    aside = BitMap(since.people)
    found = []
    for name, plane in sorted(kept.items()):
        truth = (_truth(tx, name, state.saved_at) & known) - aside
        has = plane - aside
        found.append(Difference(name, len(has - truth), len(truth - has)))
    return Comparison(len(known - aside), tuple(found))


def _truth(tx: Connection, name: str, at: Any) -> BitMap:
    """Everybody of whom the plane called `name` should say yes."""
    kind, _, purpose = name.partition(" ")
    if kind == "known":
        return BitMap(tx.execute(select(identifiers.c.person).where(identifiers.c.until.is_(None))).scalars())
    if kind == "restricted":
        return _whose(tx, restrictions, None, lambda last: any(r.event is Restriction.PLACED for r in last))
    if kind == "ended":
        return BitMap(_ended(tx, at))
    if kind == "objected":
        return _whose(tx, objections, purpose, lambda last: max(last, key=_order).event is Objection.RAISED)
    wanted = Consent.GIVEN if kind == "given" else Consent.WITHDRAWN

    def stands(last: list[Any]) -> bool:
        word = max(last, key=_order)
        until = getattr(word, "until", None)
        return word.event is wanted and (wanted is not Consent.GIVEN or until is None or until > at)

    return _whose(tx, consent_events, purpose, stands)


def _ended(tx: Connection, at: Any) -> Iterator[int]:
    """Whose account is closed by the last word on it, its time being up."""
    statement = select(closings).order_by(closings.c.person, closings.c.at, closings.c.id)
    for person, told in groupby(tx.execute(statement), key=lambda row: row.person):
        *_, last = told
        if last.event is Closing.CLOSED and (last.until is None or last.until <= at):
            yield int(person)


def _whose(tx: Connection, table: Table, purpose: str | None, stands: Callable[[list[Any]], bool]) -> BitMap:
    """The people whose last words in `table` (about `purpose` or everything; of restrictions, on each ground) stand."""
    about = table.c.ground if purpose is None else table.c.purpose
    statement = select(table).order_by(table.c.person).execution_options(yield_per=_STREAMED)
    if purpose is not None:
        statement = statement.where(about.in_([purpose, EVERY_PURPOSE] if table is objections else [purpose]))
    found = BitMap()
    for person, said in groupby(tx.execute(statement), key=lambda row: row.person):
        if stands(list(_last(said, about.name))):
            found.add(person)
    return found


def _last(said: Iterator[Any], about: str) -> Iterator[Any]:
    """The word that counts about each thing."""
    last: dict[str, Any] = {}
    for row in said:
        known = last.get(getattr(row, about))
        if known is None or _order(row) > _order(known):
            last[getattr(row, about)] = row
    yield from last.values()


def _order(row: Any) -> tuple[Any, int]:
    return row.at, row.id
