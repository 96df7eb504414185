"""Tombstones: who was erased, as keyed hashes, and whether any of them stands in a store again.

An eye: it reads and changes nothing. A company's backup knows nothing of what was erased after it was made, so that a
restore brings people back. Each key and identifier of an erased person is remembered as a hash, apart for its kind
(`key shop.customer`, `identifier shop.customer email`); without troth's key it says nothing about anybody.

Who is back, and who is new? A key may be given again, and an address may come back with somebody else, or with the
same person years later. The rule, for a row of a kind of person, by what it shares with the tombstones of one erasure:

1. A row that was made after the erasure is a newcomer's, whatever it shares. When a row was made is the earliest of the
   times that the map names (`starts:` of that table) and of columns of times that are named so.
2. Key and an identifier, or a key where nothing but the key was known: back.
3. The key alone, made before the erasure: back. Made nobody knows when: unclear, and a person decides.
4. An identifier alone, made before the erasure: back. Made nobody knows when: a newcomer, since every account of that
   identifier was erased under its own key.

Rows that hang on the key of somebody who has no row any more are back too, where the map cuts that key on erasure. Rows
known by an identifier that nobody with a row has (a guest's orders) are back when all their times lie before the
erasure, and unclear without any.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.gone import evened, hash_of, hashes_of, identifier_kind, key_kind, key_text
from troth.foundation.records.keys import Subject
from troth.foundation.tables import identifiers
from troth.policy.datamap import (
    AnyPath,
    ByIdentifier,
    ByKey,
    ChangeRow,
    KeepRow,
    OnErasure,
    PersonKind,
    SinglePath,
    TableMap,
)
from troth.protection.tables import departed
from troth.rights.tables import erasures, tombstones

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.records.reading import Records
    from troth.foundation.tombstone_file import Entry
    from troth.policy.datamap import DataMap

_MADE = re.compile(
    r"(^|_)(created?|inserted|added|joined|registered|registration|signed_?up|signup|since)", re.IGNORECASE
)


class Standing(StrEnum):
    """What a row that shares something with a tombstone is."""

    BACK = "back"
    UNCLEAR = "unclear"
    NEWCOMER = "newcomer"


@dataclass(frozen=True, slots=True)
class Tomb:
    """What is remembered of one erasure, or of one account that ended by its period: when that was, and of which kinds
    of person it knew an identifier.

    `erasure` is below 0 where only the file outside the store remembers it, and 0 for an account that ended: its `name`
    is the run's and a number.
    """

    erasure: int
    name: str
    person: int | None
    at: dt.datetime
    known: frozenset[str]  # the kinds of person of whom an identifier is remembered


@dataclass(frozen=True, slots=True)
class Tombs:
    """All tombstones, by kind and hash."""

    by_hash: Mapping[tuple[str, bytes], tuple[Tomb, ...]]

    @property
    def outside(self) -> tuple[Tomb, ...]:
        """Those that only the file remembers, each once."""
        found = {tomb: None for tombs in self.by_hash.values() for tomb in tombs if tomb.erasure < 0}
        return tuple(found)

    def __len__(self) -> int:
        return len({tomb.name for tombs in self.by_hash.values() for tomb in tombs})


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody who shares something with a tombstone, as they stand in a store now."""

    tomb: Tomb
    standing: Standing
    subject: Subject
    table: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row shares with one erasure, and when it was made; `only_key`: nothing but keys is remembered of it."""

    key: bool
    identifier: bool
    made: dt.datetime | None
    only_key: bool = False


def judge(facts: Facts, erased_at: dt.datetime) -> Standing:
    """Whether a person's row is back, new, or for somebody to decide; rules in the head, in their order."""
    if facts.made is not None and facts.made > erased_at:
        return Standing.NEWCOMER
    if facts.key and (facts.identifier or facts.only_key):
        return Standing.BACK
    if facts.key:
        return Standing.BACK if facts.made is not None else Standing.UNCLEAR
    return Standing.BACK if facts.made is not None else Standing.NEWCOMER


def load(tx: Connection, outside: Iterable[Entry] = ()) -> Tombs:
    """Every tombstone of troth's store, and those of the file `outside` that the store knows nothing of any more."""
    rows = tx.execute(
        select(tombstones.c.kind, tombstones.c.hash, tombstones.c.at, erasures.c.id, erasures.c.name, erasures.c.person)
        .join(erasures, erasures.c.id == tombstones.c.erasure)
        .order_by(tombstones.c.id)
    ).all()
    found = [(row.kind, bytes(row.hash), row.at, row.id, row.name, row.person) for row in rows]
    ended = tx.execute(select(departed).where(departed.c.at.is_not(None)).order_by(departed.c.id))
    found += [(row.kind, bytes(row.hash), row.at, 0, f"{row.run}.{row.person}", None) for row in ended]
    in_store = {(name, kind, hashed) for kind, hashed, _, _, name, _ in found}
    for number, entry in enumerate(outside, start=1):
        if all((entry.name, kind, hashed) in in_store for kind, hashed in entry.hashes):
            continue
        person = _number_of(tx, entry)
        found += [(kind, hashed, entry.at, -number, entry.name, person) for kind, hashed in entry.hashes]
    known: dict[str, set[str]] = {}
    for kind, _, _, _, name, _ in found:
        word, _, rest = kind.partition(" ")
        if word == "identifier":
            known.setdefault(name, set()).add(rest.partition(" ")[0])
    by_hash: dict[tuple[str, bytes], tuple[Tomb, ...]] = {}
    for kind, hashed, at, erasure, name, person in found:
        tomb = Tomb(erasure, name, person, at, frozenset(known.get(name, ())))
        by_hash[kind, hashed] = (*by_hash.get((kind, hashed), ()), tomb)
    return Tombs(by_hash)


def _number_of(tx: Connection, entry: Entry) -> int | None:
    """Whose number it is in the store as it stands now: by the hashes of identifiers that were theirs before."""
    numbers = set()
    for kind, hashed in entry.hashes:
        word, _, of = kind.partition(" ")
        if word == "person":
            mine = (identifiers.c.kind == of, identifiers.c.hash == hashed, identifiers.c.since <= entry.at)
            numbers |= set(tx.execute(select(identifiers.c.person).where(*mine)).scalars())
    return numbers.pop() if len(numbers) == 1 else None


# --- looking ----------------------------------------------------------------------------------------------------------


def look(
    records: Records, datamap: DataMap, keyring: Keyring, tombs: Tombs, *, stores: Iterable[str] | None = None
) -> tuple[Met, ...]:
    """Everybody in the stores who shares something with a tombstone, newcomers too. Raises RecordsError."""
    if not tombs.by_hash:
        return ()
    wanted = set(records.stores if stores is None else stores)
    found: list[Met] = []
    for kind in datamap.people().values():
        if kind.store in wanted & set(records.stores):
            found += _Looking(records, datamap, keyring, tombs, kind).everybody()
    return tuple(found)


@dataclass
class _Looking:
    """One look at one kind of person."""

    records: Records
    datamap: DataMap
    keyring: Keyring
    tombs: Tombs
    kind: PersonKind
    present: set[str] = field(default_factory=set, repr=False)  # keys of tombs that have a row of a person
    held: set[tuple[str, str]] = field(default_factory=set, repr=False)  # identifiers of people who have a row

    def everybody(self) -> Iterator[Met]:
        yield from self.people()
        for table in self.datamap.stores[self.kind.store].tables.values():
            for path, end in _ends(table):
                if isinstance(path, ByKey) and path.person == self.kind.id and _cuts(end, path.columns):
                    yield from self.hanging(table, path)
                elif isinstance(path, ByIdentifier) and path.person == self.kind.id and _cuts(end, (path.column,)):
                    yield from self.known(table, path)

    def people(self) -> Iterator[Met]:
        """Rows of people themselves."""
        kind, table = self.kind, self.datamap.stores[self.kind.store].tables.get(self.kind.table)
        own = {name: each.column for name, each in kind.identifiers.items() if each.table == kind.table}
        made = self._made(kind.table, table)
        columns = [*kind.key, *own.values(), *made]
        first = len(columns) - len(made)
        for row in self.records.rows(kind.store, kind.table, columns, instants_in=made):
            key = tuple(row[: len(kind.key)])
            values = dict(zip(own, row[len(kind.key) : first], strict=True))
            subject = Subject(kind, key, {name: (str(value),) for name, value in values.items() if value is not None})
            shared = self._shared(subject)
            if not shared:
                continue
            at = min((moment for moment in row[first:] if moment is not None), default=None)
            judged = {tomb: judge(facts, tomb.at) for tomb, facts in self._facts(shared, at)}
            self.present.add(key_text(key))
            tomb, standing = min(judged.items(), key=lambda each: list(Standing).index(each[1]))
            self.held |= {(name, evened(str(value))) for name, value in values.items() if value is not None}
            yield Met(tomb, standing, subject, kind.table)

    def hanging(self, table: TableMap, path: ByKey) -> Iterator[Met]:
        """Rows on the key of somebody erased who has no row."""
        for key in self._distinct(table, path.columns):
            if key_text(key) in self.present or any(part is None for part in key):
                continue
            for tomb in self.tombs.by_hash.get(self._named(key_kind(self.kind), key_text(key)), ())[-1:]:
                self.present.add(key_text(key))
                yield Met(tomb, Standing.BACK, Subject(self.kind, key, {}), table.name)

    def known(self, table: TableMap, path: ByIdentifier) -> Iterator[Met]:
        """Rows that an identifier leads to which nobody with a row has; those of somebody who is back go with them."""
        made = self._made(table.name, table) or self._times(table.name)
        oldest: dict[str, tuple[str, dt.datetime | None]] = {}
        for value, *moments in self.records.rows(table.store, table.name, [path.column, *made], instants_in=made):
            if value is None:
                continue
            at = max((moment for moment in moments if moment is not None), default=None)
            before = oldest.get(evened(str(value)))
            if before is None or (at is not None and (before[1] is None or at < before[1])):
                oldest[evened(str(value))] = (str(value), at)
        kind = identifier_kind(self.kind.id, path.identifier)
        for plain, (value, at) in oldest.items():
            if (path.identifier, plain) in self.held:
                continue
            for tomb in self.tombs.by_hash.get(self._named(kind, plain), ())[-1:]:
                subject = Subject(self.kind, (), {path.identifier: (value,)})
                dated = Standing.BACK if at is not None and at <= tomb.at else Standing.NEWCOMER
                yield Met(tomb, Standing.UNCLEAR if at is None else dated, subject, table.name)

    def _shared(self, subject: Subject) -> list[tuple[str, Tomb]]:
        return [
            (kind.partition(" ")[0], tomb)
            for kind, hashed in hashes_of(self.keyring, subject)
            for tomb in self.tombs.by_hash.get((kind, hashed), ())
        ]

    def _facts(self, shared: Sequence[tuple[str, Tomb]], made: dt.datetime | None) -> Iterator[tuple[Tomb, Facts]]:
        for tomb in dict.fromkeys(tomb for _, tomb in shared):
            words = {word for word, each in shared if each == tomb}
            yield tomb, Facts("key" in words, "identifier" in words, made, self.kind.id not in tomb.known)

    def _made(self, name: str, table: TableMap | None) -> list[str]:
        """The columns that say when a row of the table was made."""
        seen = self.records.catalogue(self.kind.store).table(name)
        declared = [] if table is None else [column for column in table.starts.values() if column in seen.columns]
        guessed = [
            column.name
            for column in seen.columns.values()
            if column.kind is ColumnKind.TIME and _MADE.search(column.name)
        ]
        return list(dict.fromkeys((*guessed, *declared)))

    def _times(self, name: str) -> list[str]:
        """Every column of times: none of a row that was there before the erasure lies after it."""
        seen = self.records.catalogue(self.kind.store).table(name)
        return [column.name for column in seen.columns.values() if column.kind is ColumnKind.TIME]

    def _distinct(self, table: TableMap, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        made = self.records.table(table.store, table.name)
        return self.records.execute(table.store, select(*(made.c[name] for name in columns)).distinct())

    def _named(self, kind: str, text: str) -> tuple[str, bytes]:
        return kind, hash_of(self.keyring, kind, text)


def _ends(table: TableMap) -> Iterator[tuple[SinglePath, OnErasure]]:
    """Each single path of the table with what becomes of the row when the person at its end goes."""
    ways = [(role.path, role.on_erasure) for role in table.roles.values()]
    if table.whose is not None:
        ways.append((table.whose, table.on_erasure))
    for whose, end in ways:
        for path in whose.paths if isinstance(whose, AnyPath) else (whose,):
            yield path, end


def _cuts(end: OnErasure, columns: Sequence[str]) -> bool:
    """Whether these columns of a row hold nobody any more afterwards."""
    return not isinstance(end, (KeepRow, ChangeRow)) or any(name in end.change for name in columns)
