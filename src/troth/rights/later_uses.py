"""Find uses of people's data that came after those people had said stop.

An eye: it reads restrictions and objections from troth's store, and from the company's stores the rows that the data
map says are uses (`uses: {purpose, at}`). It joins them by keyed hashes, as identifiers stand in the store, and counts;
no identifier is kept or told. It asks no deed what should have happened.

It loads the database library: checks import it where they look, once there is a store to look at.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Table, func, select

from troth.errors import StoreError
from troth.foundation.proof import NothingToObserve
from troth.foundation.records import instants
from troth.policy.datamap import Place
from troth.use import tables as use_tables
from troth.use.log_reading import AHEAD, MOST_ROWS, way_to_people, who_is_who
from troth.use.tables import EVERY_PURPOSE
from troth.use.words import Objection, Restriction

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import SinglePath, TableMap, Use
    from troth.use.log_reading import Way


@dataclass(frozen=True, slots=True)
class Stop:
    """A time in which one person's data were not to be used: for `purpose`, or for anything where it is None."""

    person: int
    purpose: str | None
    since: dt.datetime
    until: dt.datetime | None

    def covers(self, purpose: str, at: dt.datetime) -> bool:
        """Whether a use for `purpose` at `at` came after the word was given and before it was taken back."""
        return self.purpose in {None, purpose} and self.since < at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen in one table: rows read, and how many of them went against a stop.

    `undated` are rows of people who had said stop whose time cannot be read: they may have gone against it.
    `followed` says whether its rows can be led to people here, `known` whether they lead to anybody troth knows;
    where they do not, nothing can be concluded from it. `whole`: all rows since the first stop were read.
    """

    place: str
    purpose: str
    rows: int = 0
    against: int = 0
    undated: int = 0
    followed: bool = True
    known: bool = False
    whole: bool = True


def restrictions(seen: Observation) -> tuple[Stop, ...]:
    """Each time in which a person's data were restricted, on any ground (GDPR Art. 18)."""
    stops: list[Stop] = []
    for person, words in _said(seen, use_tables.restrictions, "ground").items():
        for ground in dict.fromkeys(word.matter for word in words):
            said = [word for word in words if word.matter == ground]
            stops.extend(_between(person, None, said, Restriction.PLACED))
    return tuple(stops)


def objections(seen: Observation, purposes: Iterable[str]) -> tuple[Stop, ...]:
    """Each time in which a person's objection to one of `purposes` stood (Art. 21).

    A word about everything (`*`) is one about each purpose; the later word counts.
    """
    wanted = tuple(purposes)
    stops: list[Stop] = []
    for person, words in _said(seen, use_tables.objections, "purpose").items():
        for purpose in wanted:
            said = [word for word in words if word.matter in {purpose, EVERY_PURPOSE}]
            stops.extend(_between(person, purpose, said, Objection.RAISED))
    return tuple(stops)


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing that a person said: on what, placed or raised or lifted, when."""

    matter: str
    event: str
    at: dt.datetime


def later_uses(seen: Observation, stops: Iterable[Stop], counts: Callable[[str], bool]) -> Iterator[Looked]:
    """Each table whose rows are uses for a purpose that `counts`, held against `stops`.

    Raises RecordsError, and NothingToObserve where troth's store or key is missing.
    """
    by_person: dict[int, list[Stop]] = {}
    for stop in stops:
        by_person.setdefault(stop.person, []).append(stop)
    for where in seen.need_map().tables():
        for use in where.uses:
            if counts(use.purpose):
                for path in where.paths():
                    yield _look(seen, where, use, path, by_person)


def _look(
    seen: Observation, where: TableMap, use: Use, path: SinglePath, stops: Mapping[int, Iterable[Stop]]
) -> Looked:
    records = seen.need_records()
    way = way_to_people(seen, where, path)
    if way is None:
        return Looked(str(where.place), use.purpose, followed=False)
    records.catalogue(where.store).column(Place(where.store, where.name, use.at))
    moments = way.table.c[use.at]
    newest_first = (
        select(way.who, moments)
        .select_from(way.source)
        .where(way.where, way.who.is_not(None))
        .order_by(moments.desc())
        .limit(MOST_ROWS + 1)
    )
    rows = [(value, instants.read(moment)) for value, moment in records.execute(where.store, newest_first)]
    all_read = len(rows) <= MOST_ROWS
    rows = rows[:MOST_ROWS]
    numbers = who_is_who(seen, way.kind, {value for value, _ in rows})
    against = undated = 0
    for value, at in rows:
        said = [stop for stop in stops.get(numbers.get(value, -1), ()) if stop.purpose in {None, use.purpose}]
        if at is None or at > seen.now + AHEAD:
            undated += bool(said)
        else:
            against += any(stop.covers(use.purpose, at) for stop in said)
    first = min((stop.since for each in stops.values() for stop in each), default=seen.now)
    whole = all_read or _went_past(seen, where, way, use, [at for _, at in rows], first=first)
    return Looked(str(where.place), use.purpose, len(rows), against, undated, known=bool(numbers), whole=whole)


def _went_past(
    seen: Observation, where: TableMap, way: Way, use: Use, times: list[dt.datetime | None], *, first: dt.datetime
) -> bool:
    """Whether the newest rows of a table, at these `times`, hold all since `first`: what was not read came before it.

    Only where the order of the column was seen to be the order of time, and no row without a time is left over.
    """
    read = [at for at in times if at is not None]
    if len(read) < len(times) or any(later > earlier for earlier, later in itertools.pairwise(read)):
        return False
    timeless = (
        select(func.count())
        .select_from(way.source)
        .where(way.where, way.who.is_not(None), way.table.c[use.at].is_(None))
    )
    return read[-1] <= first and not next(iter(seen.need_records().execute(where.store, timeless)))[0]


def _said(seen: Observation, events: Table, about: str) -> dict[int, list[_Word]]:
    """What each person said, in the order of time."""
    query = select(events.c.person, events.c[about], events.c.event, events.c.at).order_by(events.c.at, events.c.id)
    found: dict[int, list[_Word]] = {}
    try:
        with seen.need_store().reading() as tx:
            for person, matter, event, at in tx.execute(query):
                found.setdefault(person, []).append(_Word(matter, event, at))
    except StoreError as problem:
        raise NothingToObserve(
            "what people have said cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    return found


def _between(person: int, purpose: str | None, words: Iterable[_Word], begins: str) -> Iterator[Stop]:
    """The times between a word that begins a stop and the next one that ends it."""
    since: dt.datetime | None = None
    for word in words:
        if word.event == begins:
            since = since or word.at
        elif since is not None:
            yield Stop(person, purpose, since, word.at)
            since = None
    if since is not None:
        yield Stop(person, purpose, since, None)
