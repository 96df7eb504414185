"""What an erasure must still know of somebody after their rows are gone: who they are in each store, and their needles.

Gathered before the first row goes and sealed in troth's store, since a process may die right after it; wiped when the
erasure is proven. Without it nobody could ask again whether anything is left.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from troth.errors import StoreError
from troth.foundation.people import Identifier, Kind
from troth.foundation.records import erasing, recounting, shreds
from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.needles import Needle, full_names, names_of_row, needles_of
from troth.foundation.records.questions import question, ready, remembered
from troth.foundation.records.reach import Reach, ReachedTable
from troth.foundation.records.recounting import Gone, Target
from troth.foundation.records.settings import REDACTED, Fixed
from troth.foundation.records.sweep import Kept, count_in
from troth.foundation.records.together import Part, joined
from troth.foundation.sealed_values import is_sealed
from troth.policy.datamap import Place
from troth.rights import shredded
from troth.rights.shredded import Named

if TYPE_CHECKING:
    from sqlalchemy import Select

    from troth.foundation.keys import Keyring
    from troth.foundation.records.reading import Records
    from troth.policy.datamap import DataMap

MOST_POINTED = 20_000
_FEW_ROWS = 2_000  # of one table: so many are kept in memory rather than read twice
_MOST_VALUES = 20_000  # of one column: different values that are looked at, whatever it holds


@dataclass(frozen=True, slots=True)
class Remains:
    """`subjects` are the person in each store, `needles` what they would be known again by, `kept` what may stay.

    `pointed` is by store what rows of others may point at in rows that go; of one table and store at most so many as
    `MOST_POINTED`. `sealed` are the keys that their shredded values name (`shredded`).
    """

    subjects: tuple[Subject, ...] = field(repr=False)
    needles: tuple[Needle, ...] = field(repr=False)
    kept: Kept = field(repr=False)
    pointed: Mapping[str, Gone] = field(default_factory=dict, repr=False)
    sealed: Named = ()

    @property
    def keys(self) -> int:
        """How many keys pointers are looked for at."""
        return sum(len(keys) for gone in self.pointed.values() for keys in gone.values())

    def numbered(self, person: int) -> Remains:
        """The same, its needles under the number `person`, by which a sweep tells people apart."""
        needles = tuple(replace(each, person=person) for each in self.needles)
        kept = {(person, value, place): n for (_, value, place), n in self.kept.items()}
        return Remains(self.subjects, needles, kept, self.pointed, self.sealed)


def gather(
    records: Records, datamap: DataMap, subjects: Sequence[Subject], known_by: Iterable[Identifier] = ()
) -> Remains:
    """Read the person's own rows, mapped ones only, for what a sweep must look for. Raises RecordsError.

    `known_by`: how they named themselves; looked for also where no mapped row has it.
    """
    values: list[tuple[str | None, Any]] = [
        (f"contact.{one.kind}", one.value) for one in known_by if one.kind in {Kind.EMAIL, Kind.PHONE}
    ]
    values += [("contact.", value) for each in subjects for found in each.identifiers.values() for value in found]
    values += [("account.id", part) for each in subjects for part in each.key if isinstance(part, (str, uuid.UUID))]
    reading = [_Reading(records, _erasure(records, datamap, store), subjects) for store in records.stores]
    ours = {text for each in reading for text in each.constants()}
    found = needles_of(0, _chain(values, *(each.values() for each in reading)))
    needles = tuple(each for each in found if each.value not in ours)
    kept = count_in(_chain(*(each.staying() for each in reading)), needles)
    pointed = {each.erasure.store: each.pointed() for each in reading}
    return Remains(tuple(subjects), needles, kept, pointed, shredded.named(records, datamap, subjects))


def seal(keyring: Keyring, name: str, remains: Remains) -> bytes:
    """The remains closed for the erasure called `name`."""
    at = {each.value: number for number, each in enumerate(remains.needles)}
    plain = {
        "subjects": [
            {
                "kind": each.kind.id,
                "key": [_typed(part) for part in each.key],
                "identifiers": {known: list(found) for known, found in each.identifiers.items()},
            }
            for each in remains.subjects
        ],
        "needles": [[each.value, each.identifying, each.lone] for each in remains.needles],
        "kept": [
            [at[value], place.store, place.table, place.column, n] for (_, value, place), n in remains.kept.items()
        ],
        "pointed": [
            [store, table, list(columns), [[_typed(part) for part in key] for key in keys]]
            for store, gone in remains.pointed.items()
            for (table, columns), keys in gone.items()
        ],
        "sealed": [[at.store, at.table, at.column, key_id.hex()] for at, key_id in remains.sealed],
    }
    return keyring.seal(json.dumps(plain).encode(), context=_context(name))


def unseal(keyring: Keyring, datamap: DataMap, name: str, sealed: bytes) -> Remains:
    """What was sealed. Raises: StoreError where the map no longer knows such a kind of person; KeyUnavailable."""
    plain = json.loads(keyring.unseal(sealed, context=_context(name)))
    kinds = datamap.people()
    subjects = []
    for each in plain["subjects"]:
        if each["kind"] not in kinds:
            raise StoreError(
                f"the data map has no kind of person {each['kind']} any more, and erasure {name} is under way",
                where=datamap.file,
                repair="Put it back until the erasure is proven.",
            )
        identifiers = {known: tuple(found) for known, found in each["identifiers"].items()}
        subjects.append(Subject(kinds[each["kind"]], tuple(map(_untyped, each["key"])), identifiers))
    needles = tuple(Needle(0, *each) for each in plain["needles"])
    kept = {(0, needles[at].value, Place(*place)): n for at, *place, n in plain["kept"]}
    pointed: dict[str, dict[Target, list[tuple[Any, ...]]]] = {}
    for store, table, columns, keys in plain.get("pointed", ()):
        gone = [tuple(map(_untyped, key)) for key in keys]
        pointed.setdefault(store, {})[table, tuple(columns)] = gone
    named = tuple((Place(*place), bytes.fromhex(key_id)) for *place, key_id in plain.get("sealed", ()))
    return Remains(tuple(subjects), needles, kept, pointed, named)


_Wanted = tuple[ReachedTable, str | None, tuple[str, ...]]  # a table, the role of theirs in it, columns


@dataclass(frozen=True, slots=True)
class _Reading:
    """The person's rows in one store, read once where they are few."""

    records: Records
    erasure: erasing.Erasure
    subjects: Sequence[Subject]
    read: dict[str, tuple[tuple[str, ...], Iterable[Any]]] = field(default_factory=dict, repr=False)
    targets: dict[Target, dict[tuple[Any, ...], None]] = field(default_factory=dict, repr=False)

    def values(self) -> Iterator[tuple[str | None, Any]]:
        """Every different value of theirs with its category."""
        self.targets.update((each, {}) for each in recounting.targets(self.erasure))
        tables = {
            table: tuple(dict.fromkeys((*_columns(table), *self._keys(table)))) for table in self.erasure.reach.tables
        }
        all_rows = self._rows([(table, None, columns) for table, columns in tables.items() if columns])
        for (table, _, columns), rows in all_rows:
            personal = frozenset(_columns(table))
            shredded_here = self._shredded(table)
            seen: dict[str, set[Any]] = {name: set() for name in columns}
            named = names_of_row([table.column(name).category if name in personal else None for name in columns])
            together: set[tuple[Any, ...]] = set()
            keys = [
                (found, [columns.index(name) for name in at])
                for (to, at), found in self.targets.items()
                if to == table.name
            ]
            for row in rows:
                for found, places in keys:
                    key = tuple(row[place] for place in places)
                    if None not in key and len(found) < MOST_POINTED:
                        found[key] = None
                names = tuple(row[place] for place in named)
                if names and names not in together and len(together) < _MOST_VALUES:
                    together.add(names)
                    yield from full_names(names)
                for name, value in zip(columns, row, strict=True):
                    if name not in personal:
                        continue
                    if name in shredded_here and is_sealed(value):
                        continue  # it stays, and is no trace: nobody can open it afterwards
                    plain = _hashable(value)
                    if plain is not None and plain not in seen[name] and len(seen[name]) < _MOST_VALUES:
                        seen[name].add(plain)
                        yield table.column(name).category, value
            if isinstance(rows, list):
                self.read[table.name] = columns, rows

    def _shredded(self, table: ReachedTable) -> frozenset[str]:
        return frozenset(
            name for end, _, names in shreds.of_store(self.erasure) if end.name == table.name for name in names
        )

    def pointed(self) -> Gone:
        """What pointers may lead to in the rows that were read."""
        return {target: list(found) for target, found in self.targets.items() if found}

    def _keys(self, table: ReachedTable) -> Iterator[str]:
        for to, at in self.targets:
            if to == table.name:
                yield from at

    def constants(self) -> Iterator[str]:
        """What the map puts in the place of values: it stands in rows of others who are gone, and is nobody's."""
        yield REDACTED
        for each in self.erasure.ends.values():
            for end in each.ends:
                fixed = (one.value for one in end.settings.values() if isinstance(one, Fixed))
                yield from (value for value in fixed if isinstance(value, str))

    def staying(self) -> Iterator[tuple[Place, Any]]:
        """Every value that the map lets stand in a row that stays, as often as it stands there."""
        erasure = self.erasure
        for each in erasure.ends.values():
            if each.always_deletes:
                continue
            table = erasure.reach.table(each.name)
            for end in each.ends:
                names = [name for name in _columns(table) if name not in end.settings]
                if end.deletes or not names:
                    continue
                columns, rows = self.read.get(table.name, ((), [])) if end.role is None else ((), [])
                if not columns:
                    [((_, _, columns), rows)] = self._rows([(table, end.role, tuple(names))])
                for row in rows:
                    for name, value in zip(columns, row, strict=True):
                        if value is not None and name in names:
                            yield Place(self.erasure.store, table.name, name), value

    def _rows(self, wanted: Sequence[_Wanted]) -> Iterator[tuple[_Wanted, Iterable[Any]]]:
        """All of theirs, as a list; streamed where they are many."""
        store, reach, dialect = self.erasure.store, self.erasure.reach, self.records.dialect(self.erasure.store)
        keys = BoundKeys(self.subjects)

        def chosen(table: ReachedTable, role: str | None, names: Sequence[str]) -> Select[Any]:
            import sqlalchemy

            columns = (table.core.c[name] for name in names)
            return sqlalchemy.select(*columns).select_from(table.core).where(reach.whose(table, keys, role))

        def parts() -> Iterator[Part]:
            for each in wanted:
                statement, seen = chosen(*each).limit(_FEW_ROWS + 1), each[0].seen.columns
                if ready(dialect, statement, keys.slots).about(keys.slots):  # in the others they have nothing
                    yield Part(each, statement, tuple(seen[name] for name in each[2]))

        what = ("theirs", dialect.name, tuple((table.name, role, names) for table, role, names in wanted), keys.shape)
        asked = remembered(reach.prepared, what, lambda: question(dialect, joined(dialect, parts()), keys.slots))
        made = [each for _, each in asked.parts]
        found = self.records.read_each(store, made, asked.bound(self.subjects)) if made else []
        rows: dict[_Wanted, list[Any]] = {}
        for (joint, _), some in zip(asked.parts, found, strict=True):
            rows.update(joint.apart(some))
        for each in wanted:
            mine = rows.get(each, [])
            yield each, mine if len(mine) <= _FEW_ROWS else self.records.execute(store, chosen(*each))


def _erasure(records: Records, datamap: DataMap, store: str) -> erasing.Erasure:
    return erasing.compile(Reach.compile(datamap, records.catalogue(store)), records.kind(store)[0])


def _columns(table: ReachedTable) -> list[str]:
    """The columns that hold data of the person whose row it is."""
    named = ((name, table.column(name)) for name in table.seen.columns)
    return [name for name, column in named if column.personal and column.link is None]


def _chain(*parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part


def _hashable(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, default=str)
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


_WRITTEN: Mapping[type, str] = {uuid.UUID: "uuid", Decimal: "decimal", dt.datetime: "time", dt.date: "date"}
_READ: Mapping[str, Callable[[str], Any]] = {
    "hex": bytes.fromhex,
    "uuid": uuid.UUID,
    "decimal": Decimal,
    "time": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
}


def _typed(value: Any) -> Any:
    """A part of a key as JSON that comes back as the driver gave it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"hex": bytes(value).hex()}
    word = _WRITTEN.get(type(value))
    if word is None:
        return value
    return {word: value.isoformat() if isinstance(value, dt.date) else str(value)}


def _untyped(value: Any) -> Any:
    if isinstance(value, dict):
        [(word, text)] = value.items()
        return _READ[word](text)
    return value


def _context(name: str) -> bytes:
    return f"erasure {name}".encode()
