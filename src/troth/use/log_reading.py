"""Read from the company's stores what was done with people's data, and hold it against what these people had said.

An eye: rows that the data map calls uses (`uses: {purpose, at}`) are joined, by keyed hashes of identifiers as they
stand in troth's store, with the consents and objections recorded there. Set-wise: one statement a table, one for what
was said, a few for who is who. It counts; no identifier is kept or told, and no deed is asked what should have been.

It loads the database library: checks import it where they look, once there is a store to look at.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, null, select, true, type_coerce

from troth.errors import PersonError, StoreError
from troth.foundation import people
from troth.foundation.people import Kind
from troth.foundation.proof import NothingToObserve, Saw, broken, counted, kept, unproven
from troth.foundation.records import instants
from troth.foundation.records.statements import where_clause
from troth.foundation.store.columns import Instant
from troth.foundation.tables import identifiers
from troth.policy.datamap import AnyPath, ByIdentifier, ByKey, ByRow, OwnRow, Place, SinglePath, TableMap, Use
from troth.use.tables import EVERY_PURPOSE, consent_events, objections
from troth.use.words import Consent, Objection

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.observation import Observation

MOST_ROWS = 200_000
"""At most so many rows of one table are read, the newest first."""

AHEAD = dt.timedelta(days=1)
"""A use that is said to come later than that has no time: whoever wrote it had another clock, or none."""

_CHUNK = 4_000
_DEEPEST = 8
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen of one purpose in one table.

    `rows` were read and lead to a person; `without` of them came when that person's choice did not stand, the newest of
    those at `latest`. `strangers` of `without` lead to nobody that troth knows. `undated` have no time that can be
    read, or one that is still to come. `known`: some row leads to somebody; where none does, nothing can be concluded.
    `whole`: all rows were read.
    """

    place: str
    purpose: str
    rows: int = 0
    without: int = 0
    strangers: int = 0
    undated: int = 0
    latest: dt.datetime | None = None
    known: bool = False
    whole: bool = True


def uses_without_choice(seen: Observation, table: TableMap, use: Use) -> Iterator[Looked]:
    """Hold the rows of `table` against the consents and objections for the purpose; one answer for each path to people.

    Raises RecordsError, and NothingToObserve where troth's store or key is missing or the path cannot be followed.
    """
    told = said(seen, use.purpose)
    for path in table.paths():
        yield _look(seen, table, use, path, told)


def judged(looked: Looked, *, repair: str) -> Iterator[Saw]:
    """What `looked` says for or against a sentence; nothing where the table has no row that leads to a person."""
    noun = f"{counted(looked.rows, 'use')} for {looked.purpose}"
    if looked.rows and not looked.known:
        yield unproven(
            looked.place,
            f"{noun}, and none of them leads to anybody troth knows",
            repair="register people with troth under the id that the table holds",
        )
        return
    if looked.without:
        day = f"; newest on {looked.latest:%Y-%m-%d}" if looked.latest else ""
        strangers = f", {looked.strangers} of them of people troth does not know" if looked.strangers else ""
        yield broken(
            looked.place,
            f"{looked.without} of {noun} came when that person's consent did not stand{strangers}{day}",
            repair=repair,
        )
    if looked.undated:
        yield unproven(
            looked.place,
            f"{looked.undated} of {noun} have no time that can be read, or one to come",
            repair="name the column of times under `uses` in datamap.yaml",
        )
    if not looked.whole:
        yield unproven(
            looked.place,
            f"only the newest {looked.rows} rows were read",
            repair="keep older uses elsewhere, or check more often",
        )
    if looked.rows and not looked.without and not looked.undated and looked.whole:
        yield kept(looked.place, f"{noun}, each while that person's consent stood")


@dataclass(frozen=True, slots=True)
class Way:
    """How the rows of a table lead to people: select `who` (an identifier of that `kind`) from `source`, where so.

    `table` is the table itself within `source`; `person` the kind of person in the data map, `shop.customer`. Rows
    whose way is broken off are not in `source`.
    """

    kind: str
    person: str
    table: Table
    who: ColumnElement[Any]
    source: FromClause
    where: ColumnElement[bool]

    @property
    def by_id(self) -> bool:
        """Whether it ends in the person's own key, not in an e-mail or a phone."""
        return self.kind == Kind.ID


def way_to_people(seen: Observation, table: TableMap, path: SinglePath) -> Way | None:
    """The way that `path` describes; None where no single column ends it (composite keys, values inside JSON or text).

    Raises RecordsError.
    """
    records, store = seen.need_records(), seen.need_map().stores[table.store]
    made = records.table(table.store, table.name)
    source: FromClause = made
    here: Any = made
    conditions: list[ColumnElement[bool]] = [true()]
    name = table.name
    for _ in range(_DEEPEST):
        where = None if isinstance(path, (OwnRow, AnyPath)) else path.where
        if where is not None:
            conditions.append(where_clause(here, (where,)))
        if not isinstance(path, ByRow):
            break
        above = records.catalogue(table.store).table(path.table)
        target = path.at or above.primary_key
        ways = tuple(store.tables[path.table].paths()) if path.table in store.tables else ()
        if len(path.columns) != 1 or len(target) != 1 or len(ways) != 1:
            return None
        there = records.table(table.store, path.table).alias()
        source = source.join(there, here.c[path.columns[0]] == there.c[target[0]])
        here, name, path = there, path.table, ways[0]
    found = _identifier_in(seen, name, path)
    if found is None:
        return None
    kind, person, column = found
    records.catalogue(table.store).column(Place(table.store, name, column))
    return Way(kind, person, made, here.c[column], source, and_(*conditions))


def _identifier_in(seen: Observation, table: str, path: SinglePath) -> tuple[str, str, str] | None:
    """The kind of identifier that a path ends in, the kind of person, and the column."""
    if isinstance(path, ByKey) and len(path.columns) == 1:
        return Kind.ID, path.person, path.columns[0]
    if isinstance(path, ByIdentifier) and path.identifier in {Kind.EMAIL, Kind.PHONE}:
        return path.identifier, path.person, path.column
    if isinstance(path, OwnRow):
        kind = seen.need_map().people()[path.person]
        if len(kind.key) == 1 and kind.table == table:
            return Kind.ID, path.person, kind.key[0]
    return None


def _look(seen: Observation, table: TableMap, use: Use, path: SinglePath, told: Said) -> Looked:
    records = seen.need_records()
    way = way_to_people(seen, table, path)
    if way is None:
        raise NothingToObserve(
            "whose its rows are cannot be followed here",
            where=str(table.place),
            repair="name a column that holds the person's key under `whose` in datamap.yaml",
        )
    records.catalogue(table.store).column(Place(table.store, table.name, use.at))
    moments = way.table.c[use.at]
    statement = (
        select(way.who, moments)
        .select_from(way.source)
        .where(way.where, way.who.is_not(None))
        .order_by(moments.desc())
        .limit(MOST_ROWS + 1)
    )
    rows = [(value, instants.read(moment)) for value, moment in records.execute(table.store, statement)]
    whole = len(rows) <= MOST_ROWS
    rows = rows[:MOST_ROWS]
    numbers = who_is_who(seen, way.kind, {value for value, _ in rows})
    without = strangers = undated = 0
    latest: dt.datetime | None = None
    for value, at in rows:
        number = numbers.get(value)
        if number is None:
            strangers += 1
        elif at is None or at > seen.now + AHEAD:
            undated += 1
            continue
        elif told.stood(number, at):
            continue
        without += 1
        latest = at if latest is None else latest
    return Looked(str(table.place), use.purpose, len(rows), without, strangers, undated, latest, bool(numbers), whole)


def said(seen: Observation, purpose: str) -> Said:
    """What everybody said about `purpose`; read once a run. Raises NothingToObserve."""
    return seen.once(("said", purpose), lambda: _said(seen, purpose))


@dataclass(frozen=True, slots=True)
class Said:
    """What everybody said about one purpose: for each person, instants in order and whether the choice stood after."""

    consents: Mapping[int, tuple[list[dt.datetime], list[bool]]]
    objections: Mapping[int, tuple[list[dt.datetime], list[bool]]]

    def objected(self, person: int, at: dt.datetime) -> bool:
        """Whether an objection stood at `at`."""
        return _last(self.objections, person, at)

    def stood(self, person: int, at: dt.datetime) -> bool:
        """Whether the choice stood at `at`. What is kept in whole seconds is judged with a second's grace."""
        if self._stood(person, at):
            return True
        return at.microsecond == 0 and (self._stood(person, at - _SECOND) or self._stood(person, at + _SECOND))

    def _stood(self, person: int, at: dt.datetime) -> bool:
        return _last(self.consents, person, at) and not _last(self.objections, person, at)


def _last(words: Mapping[int, tuple[list[dt.datetime], list[bool]]], person: int, at: dt.datetime) -> bool:
    times, states = words.get(person, ([], []))
    place = bisect_right(times, at)
    return states[place - 1] if place else False


def _said(seen: Observation, purpose: str) -> Said:
    try:
        with seen.need_store().reading() as tx:
            given = _words(tx, consent_events, (purpose,), Consent.GIVEN)
            raised = _words(tx, objections, (purpose, EVERY_PURPOSE), Objection.RAISED)
    except StoreError as problem:
        raise NothingToObserve(
            "what people have said cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    return Said(given, raised)


def _words(
    tx: Connection, events: Table, purposes: tuple[str, ...], begins: Consent | Objection
) -> dict[int, tuple[list[dt.datetime], list[bool]]]:
    ends = type_coerce(events.c.until if "until" in events.c else null(), Instant)
    statement = (
        select(events.c.person, events.c.at, events.c.event, ends.label("until"))
        .where(events.c.purpose.in_(purposes))
        .order_by(events.c.person, events.c.at, events.c.id)
    )
    found: dict[int, tuple[list[dt.datetime], list[bool]]] = {}
    for person, rows in groupby(tx.execute(statement), key=lambda row: row.person):
        spoken = _with_ends([(row.at, row.event is begins, row.until) for row in rows])
        found[person] = [at for at, _ in spoken], [begun for _, begun in spoken]
    return found


def _with_ends(words: list[tuple[dt.datetime, bool, dt.datetime | None]]) -> list[tuple[dt.datetime, bool]]:
    """The words in order, and where one ends by itself before the next is said, that end as a word of its own."""
    told: list[tuple[dt.datetime, bool]] = []
    following = [at for at, _, _ in words[1:]]
    for (at, begun, until), after in zip_longest(words, following):
        told.append((at, begun))
        if begun and until is not None and (after is None or until < after):
            told.append((max(until, at), False))
    return told


def who_is_who(seen: Observation, kind: str, values: set[Any]) -> dict[Any, int]:
    """The person for each value that stands for somebody troth knows; a live identifier before a retired one.

    Raises NothingToObserve where troth's store or key is missing.
    """
    keyring = seen.need_keyring()
    # Many tables are about the same people: each value is hashed once in a run.
    before: dict[Any, bytes | None] = seen.once(("hashes of", kind), dict)
    before.update((value, _hash(keyring, kind, value)) for value in values if value not in before)
    hashed = {value: key for value in values if (key := before[value]) is not None}
    keys = list(set(hashed.values()))
    known: dict[bytes, int] = {}
    try:
        with seen.need_store().reading() as tx:
            for start in range(0, len(keys), _CHUNK):
                rows = tx.execute(
                    select(identifiers.c.hash, identifiers.c.person)
                    .where(identifiers.c.kind == kind, identifiers.c.hash.in_(keys[start : start + _CHUNK]))
                    .order_by(identifiers.c.until.is_(None), identifiers.c.strong, identifiers.c.id)
                )
                known.update((bytes(row.hash), row.person) for row in rows)
    except StoreError as problem:
        raise NothingToObserve(
            "who is who cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    return {value: known[key] for value, key in hashed.items() if key in known}


def _hash(keyring: Keyring, kind: str, value: object) -> bytes | None:
    """The keyed hash of a value that stands for a person in the company's store; None where it cannot be one."""
    try:
        return people.hash_of(keyring, people.identifier(kind, str(value)))
    except PersonError:
        return None
