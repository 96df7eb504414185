"""Find uses of people's data that came after those people had said stop.

An eye: it reads restrictions and objections from troth's store, and from the company's stores the rows that the data
map says are uses (`uses: {purpose, at}`). It joins them by keyed hashes, as identifiers stand in the store, and counts;
no identifier is kept or told. It asks no deed what should have happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, Table, select

from troth.errors import PersonError, StoreError
from troth.foundation import people
from troth.foundation.people import Kind
from troth.foundation.proof import NothingToObserve
from troth.foundation.records import instants
from troth.foundation.tables import identifiers
from troth.policy.datamap import ByIdentifier, ByKey, ByRow, OwnRow, SinglePath, TableMap, Use
from troth.use import tables as use_tables
from troth.use.tables import EVERY_PURPOSE
from troth.use.words import Objection, Restriction

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.observation import Observation

ROWS = 200_000
"""At most so many rows of one table are read, the newest first."""

_SAMPLE = 200
_CHUNK = 400
_DEEPEST = 8


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
    """What was seen in one table: rows read, whether that was all since the first stop, and how many went against one.

    `known` says whether its rows lead to anybody troth knows; where they do not, nothing can be concluded from it.
    """

    place: str
    purpose: str
    rows: int
    against: int
    whole: bool
    known: bool


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


@dataclass(frozen=True, slots=True)
class _Told:
    """What people had said, ready to be held against rows: by person, by identifier, and since when at all."""

    stops: dict[int, list[Stop]]
    persons: dict[tuple[str, bytes], int]
    first: dt.datetime


def later_uses(seen: Observation, stops: Iterable[Stop], counts: Callable[[str], bool]) -> Iterator[Looked]:
    """Each table whose rows are uses for a purpose that `counts`, held against `stops`. Raises RecordsError."""
    by_person: dict[int, list[Stop]] = {}
    for stop in stops:
        by_person.setdefault(stop.person, []).append(stop)
    first = min((stop.since for each in by_person.values() for stop in each), default=seen.now)
    told = _Told(by_person, _hashes(seen, by_person), first)
    for where in seen.need_map().tables():
        for use in where.uses:
            if counts(use.purpose):
                for path in where.paths():
                    yield _look(seen, where, use, path, told)


def _look(seen: Observation, where: TableMap, use: Use, path: SinglePath, told: _Told) -> Looked:
    records = seen.need_records()
    found = _statement(seen, where, use.at, path)
    if found is None:
        raise NothingToObserve(
            f"{where.place}: whose its rows are cannot be followed here",
            repair="name the person's key in a column of it",
        )
    kind, statement = found
    keyring = seen.need_keyring()
    hashed: dict[object, bytes | None] = {}
    rows = against = 0
    past = False
    for value, moment in records.execute(where.store, statement.limit(ROWS)):
        instant = instants.read(moment)
        if instant is None:
            continue
        rows += 1
        past = instant <= told.first
        if past and len(hashed) >= _SAMPLE:
            break
        if value not in hashed:
            hashed[value] = _hash(keyring, kind, value)
        key = hashed[value]
        person = told.persons.get((kind, key)) if key is not None else None
        if person is not None:
            against += any(stop.covers(use.purpose, instant) for stop in told.stops[person])
    known = _any_known(seen, kind, [key for key in hashed.values() if key is not None][:_SAMPLE])
    return Looked(str(where.place), use.purpose, rows, against, past or rows < ROWS, known)


def _statement(
    seen: Observation, where: TableMap, at: str, path: SinglePath
) -> tuple[str, Select[tuple[Any, Any]]] | None:
    """The kind of identifier that the path ends in, and the SELECT of (identifier, time), newest first."""
    records, store = seen.need_records(), seen.need_map().stores[where.store]
    made = records.table(where.store, where.name)
    joined: Any = made
    here: Any = made
    table_name = where.name
    for _ in range(_DEEPEST):
        if isinstance(path, ByRow):
            above = records.catalogue(where.store).table(path.table)
            target = path.at or above.primary_key
            ways = tuple(store.tables[path.table].paths()) if path.table in store.tables else ()
            if len(path.columns) != 1 or len(target) != 1 or len(ways) != 1 or path.where is not None:
                return None
            there = records.table(where.store, path.table).alias()
            joined = joined.join(there, here.c[path.columns[0]] == there.c[target[0]])
            here, table_name, path = there, path.table, ways[0]
            continue
        found = _identifier_in(seen, table_name, path)
        if found is None:
            return None
        kind, name = found
        who = here.c[name]
        moments = made.c[at]
        return kind, select(who, moments).select_from(joined).where(who.is_not(None)).order_by(moments.desc())
    return None


def _identifier_in(seen: Observation, table_name: str, path: SinglePath) -> tuple[str, str] | None:
    """The kind and the column of the identifier that a path ends in; None for forms that are not followed here."""
    if isinstance(path, ByKey) and len(path.columns) == 1 and path.where is None:
        return Kind.ID, path.columns[0]
    if isinstance(path, ByIdentifier) and path.identifier in {*Kind} and path.where is None:
        return path.identifier, path.column
    if isinstance(path, OwnRow):
        key = seen.need_map().people()[path.person].key
        return (
            (Kind.ID, key[0]) if len(key) == 1 and seen.need_map().people()[path.person].table == table_name else None
        )
    return None


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


def _hashes(seen: Observation, persons: Iterable[int]) -> dict[tuple[str, bytes], int]:
    """Each live identifier of these people, as (kind, keyed hash)."""
    found: dict[tuple[str, bytes], int] = {}
    wanted = sorted(persons)
    with seen.need_store().reading() as tx:
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            query = select(identifiers.c.kind, identifiers.c.hash, identifiers.c.person)
            for kind, key, person in tx.execute(
                query.where(identifiers.c.person.in_(chunk), identifiers.c.until.is_(None))
            ):
                found[kind, bytes(key)] = person
    return found


def _any_known(seen: Observation, kind: str, keys: list[bytes]) -> bool:
    """Whether one of these hashes is of somebody troth knows."""
    with seen.need_store().reading() as tx:
        query = select(identifiers.c.person).where(identifiers.c.kind == kind, identifiers.c.hash.in_(keys)).limit(1)
        return bool(keys) and tx.execute(query).first() is not None


def _hash(keyring: Keyring, kind: str, value: object) -> bytes | None:
    """The keyed hash of a value that stands for a person in the company's store; None where it cannot be one."""
    try:
        return people.hash_of(keyring, people.identifier(kind, str(value)))
    except PersonError:
        return None
