"""Find one person in every store, of every kind, by what they are known by.

1. Strong are the company's own key (`id=`) and a verified e-mail. They find; two rows of one kind: PersonAmbiguous.
2. `id=7` means the one kind in which a row has that key; in several: PersonAmbiguous. `id=shop.customer:7` names
   the kind, `id=shop.member:3,7` a key of two columns.
3. Weak are a phone and an unverified e-mail. They are asked only where nothing strong is given, find only when one
   person has them, and join nothing.
4. From a row that was found, its own strong identifiers lead on to the other kinds and stores. A phone, a name and a
   user name are the same for different people in different stores: they never lead on.
5. An identifier that another row of the same kind holds too tells nobody apart: rows known by it alone are not reached.
6. Somebody without a row who is known by an identifier in other rows (a guest's order) has a Subject without a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from troth.errors import PersonAmbiguous, PersonError
from troth.foundation.people import Identifier, Kind
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import BoundKeys, Subject, fitted
from troth.foundation.records.pathclauses import Theirs
from troth.foundation.records.reach import Reach
from troth.foundation.records.spelling import as_text, evened, exact
from troth.policy.datamap import ByIdentifier, ByKey, DataMap, IdentifierMap, InJson, InText, PersonKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

    from troth.foundation.records.reading import Records

__all__ = ["Subject", "find_subjects"]

WEAK = frozenset({"phone", "name", "username"})
"""Identifiers that two people in two stores may share."""

_ENOUGH = 3  # rows asked for: two already say that it is ambiguous
_Key = tuple[Any, ...]


def find_subjects(records: Records, datamap: DataMap, known_by: Sequence[Identifier]) -> tuple[Subject, ...]:
    """The person of these identifiers, as each store knows them, in the order of the map; empty when nobody is.

    Raises: PersonAmbiguous, and nothing is found then; PersonError for an id that names a kind which is not there;
    RecordsError where a store does not answer; DeclarationFaults where the map does not fit a store.
    """
    search = _Search(records, datamap)
    strong = [one for one in known_by if one.strong and one.kind is not Kind.KEY]
    for one in strong:
        if one.kind is Kind.ID:
            search.by_id(one.value)
        else:
            search.by_identifier(one.kind.value, one.value)
    if not strong:
        search.by_weak([one for one in known_by if one.kind is not Kind.KEY])
    search.lead_on()
    return search.subjects([one.value for one in strong if one.kind is Kind.EMAIL])


@dataclass
class _Search:
    records: Records
    datamap: DataMap
    found: dict[str, dict[_Key, Subject]] = field(default_factory=dict)

    @property
    def kinds(self) -> Iterator[PersonKind]:
        return (kind for kind in self.datamap.people().values() if kind.store in self.records.stores)

    def reach(self, store: str) -> Reach:
        return Reach.compile(self.datamap, self.records.catalogue(store))

    # --- finding ----------------------------------------------------------------------------------------------------

    def by_id(self, text: str) -> None:
        prefix, colon, key = text.partition(":")
        named = self.datamap.people().get(prefix) if colon else None
        if named is not None:
            parts = tuple(part.strip() for part in key.split(",")) if len(named.key) > 1 else (key.strip(),)
            if len(parts) != len(named.key):
                raise PersonError(
                    f"the key of {named.id} has {len(named.key)} columns", expected=f"id={named.id}:VALUE,VALUE"
                )
            self._take(named, self._by_key(named, parts))
            return
        rows = {kind.id: (kind, self._by_key(kind, (text,))) for kind in self.kinds if len(kind.key) == 1}
        hits = [name for name, (_, subjects) in rows.items() if subjects]
        if len(hits) > 1:
            raise PersonAmbiguous(
                f"this id is a key of several kinds of person: {', '.join(hits)}; nothing was done",
                repair=f"Name the kind: id={hits[0]}:KEY.",
            )
        for kind, subjects in rows.values():
            self._take(kind, subjects)

    def by_identifier(self, name: str, value: str) -> None:
        for kind in self.kinds:
            if name in kind.identifiers:
                self._take(kind, self._holding(kind, name, [value]))

    def by_weak(self, known_by: Sequence[Identifier]) -> None:
        """Everybody who has them; whether that is one person shows when their own strong identifiers have led on."""
        candidates: list[Subject] = []
        for one in known_by:
            for kind in self.kinds:
                if one.kind.value in kind.identifiers:
                    candidates += self._holding(kind, one.kind.value, [one.value])
        for subject in candidates[:1]:
            self._take(subject.kind, [subject])
            self.lead_on()
        if any(subject.key not in self.found.get(subject.kind.id, {}) for subject in candidates):
            raise PersonAmbiguous(
                "a weak identifier is known of several people; nothing was done", repair="Say which one by id=KIND:KEY."
            )

    def lead_on(self) -> None:
        """From what is found to the kinds in which nothing is, by strong identifiers, until nothing new is found."""
        waiting = [subject for rows in self.found.values() for subject in rows.values()]
        while waiting:
            subject = waiting.pop()
            for name, values in subject.identifiers.items():
                for kind in self.kinds:
                    if name in WEAK or not values or name not in kind.identifiers or self.found.get(kind.id):
                        continue
                    rows = self._holding(kind, name, values)
                    self._take(kind, rows)
                    waiting += rows

    def _take(self, kind: PersonKind, subjects: Iterable[Subject]) -> None:
        rows = self.found.setdefault(kind.id, {})
        rows.update((subject.key, subject) for subject in subjects)
        if len(rows) > 1:
            raise PersonAmbiguous(
                f"the identifiers lead to several rows of {kind.id}; nothing was done",
                repair=f"Say which one by id={kind.id}:KEY.",
            )

    # --- asking -----------------------------------------------------------------------------------------------------

    def _by_key(self, kind: PersonKind, parts: Sequence[str]) -> list[Subject]:
        seen = self.records.catalogue(kind.store).table(kind.table)
        self.reach(kind.store)
        key = tuple(fitted(part, seen.columns[name]) for name, part in zip(kind.key, parts, strict=True))
        return [] if None in key else self._load(kind, [Subject(kind, key)])

    def _holding(self, kind: PersonKind, name: str, values: Sequence[str]) -> list[Subject]:
        """The rows of `kind` that have one of `values` as their identifier `name`, evened out as declared."""
        import sqlalchemy

        where = kind.identifiers[name]
        reach = self.reach(kind.store)
        table = reach.table(where.table)
        columns = kind.key if where.table == kind.table else _leading(reach, kind, where)
        statement = sqlalchemy.select(*(table.core.c[each] for each in columns)).distinct().limit(_ENOUGH)
        statement = statement.where(self._equals(reach, where, table.core, values))
        keys = [tuple(row) for row in self.records.execute(kind.store, statement) if None not in row]
        return self._load(kind, [Subject(kind, key) for key in keys])

    def _equals(
        self, reach: Reach, where: IdentifierMap, row: FromClause, values: Sequence[str]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        column: ColumnElement[Any] = row.c[where.column]
        if reach.table(where.table).seen.columns[where.column].kind is not ColumnKind.TEXT:
            column = as_text(column)
        bound = [sqlalchemy.literal(value, sqlalchemy.String()) for value in values]
        wanted = [exact(evened(value, where.normalise)) for value in bound]
        found: ColumnElement[bool] = exact(evened(column, where.normalise)).in_(wanted)
        return found

    def _load(self, kind: PersonKind, subjects: Sequence[Subject]) -> list[Subject]:
        """The same subjects with key and identifiers as they stand in the store; those that are not there fall out."""
        import sqlalchemy

        reach = self.reach(kind.store)
        own = reach.table(kind.table)
        here = [each for each in kind.identifiers.values() if each.table == kind.table]
        loaded = []
        for subject in subjects:
            keys = BoundKeys([subject])
            held = keys.hold(kind.id, [own.core.c[name] for name in kind.key], [own.seen.columns[n] for n in kind.key])
            names = (*kind.key, *(each.column for each in here))
            statement = sqlalchemy.select(*(own.core.c[name] for name in names)).where(held).limit(1)
            for row in self.records.execute(kind.store, statement):
                width = len(kind.key)
                values = {each.name: [value] for each, value in zip(here, row[width:], strict=True)}
                key = tuple(row[:width])
                for each in kind.identifiers.values():
                    if each.table != kind.table:
                        values[each.name] = self._elsewhere(reach, kind, each, key)
                told = {
                    name: tuple(dict.fromkeys(str(one) for one in each if one not in (None, "")))
                    for name, each in values.items()
                }
                loaded.append(Subject(kind, key, told))
        return loaded

    def _elsewhere(self, reach: Reach, kind: PersonKind, where: IdentifierMap, key: _Key) -> list[Any]:
        import sqlalchemy

        table = reach.table(where.table)
        columns = _leading(reach, kind, where)
        keys = BoundKeys([Subject(kind, key)])
        held = keys.hold(kind.id, [table.core.c[n] for n in columns], [table.seen.columns[n] for n in columns])
        statement = sqlalchemy.select(table.core.c[where.column]).where(held)
        return [row[0] for row in self.records.execute(kind.store, statement)]

    # --- what comes of it -------------------------------------------------------------------------------------------

    def subjects(self, emails: Sequence[str]) -> tuple[Subject, ...]:
        told: list[Subject] = []
        found = [subject for rows in self.found.values() for subject in rows.values()]
        known: dict[str, tuple[str, ...]] = {"email": tuple(emails)} if emails else {}
        for subject in found:
            for name, values in subject.identifiers.items():
                if name not in WEAK:
                    known[name] = tuple(dict.fromkeys((*known.get(name, ()), *values)))
        for kind in self.kinds:
            own = next(iter(self.found.get(kind.id, {}).values()), None)
            if own is not None:
                told.append(self._apart(own, known))
            elif (guest := self._without_row(kind, known)) is not None:
                told.append(guest)
        return tuple(told)

    def _apart(self, subject: Subject, known: Mapping[str, tuple[str, ...]]) -> Subject:
        """With the identifiers that are proven theirs, without those that another row of the kind holds too."""
        kind, used = subject.kind, _used(self.datamap, subject.kind)
        told = dict(subject.identifiers)
        for name in used:
            further = [value for value in known.get(name, ()) if value not in told.get(name, ())]
            values = [*told.get(name, ()), *self._new(kind, name, told.get(name, ()), further)]
            told[name] = tuple(
                value
                for value in values
                if all(other.key == subject.key for other in self._holding(kind, name, [value]))
            )
        return replace(subject, identifiers=told)

    def _new(self, kind: PersonKind, name: str, told: Sequence[str], further: Sequence[str]) -> list[str]:
        """Those of `further` that are not merely another spelling of what is told already."""
        ways = kind.identifiers[name].normalise
        have = {_plain(value, ways) for value in told}
        return [value for value in further if _plain(value, ways) not in have]

    def _without_row(self, kind: PersonKind, known: Mapping[str, tuple[str, ...]]) -> Subject | None:
        import sqlalchemy

        values = {name: known[name] for name in _used(self.datamap, kind) if known.get(name)}
        guest = Subject(kind, (), values)
        for store in self.datamap.stores.values() if values else ():
            if store.name not in self.records.stores:
                continue
            reach = self.reach(store.name)
            theirs = Theirs(reach, BoundKeys([guest]))
            for table in reach.tables:
                for path in table.table.paths():
                    if isinstance(path, (ByIdentifier, InJson, InText)) and path.person == kind.id and path.identifier:
                        met = theirs.path(table, table.core, path, (table.name,))
                        statement = sqlalchemy.select(sqlalchemy.literal(1)).select_from(table.core).where(met).limit(1)
                        if any(True for _ in self.records.execute(store.name, statement)):
                            return guest
        return None


def _leading(reach: Reach, kind: PersonKind, where: IdentifierMap) -> tuple[str, ...]:
    """The columns of a table of identifiers that hold the key of the person."""
    paths = reach.datamap.stores[kind.store].tables[where.table].paths()
    return next(path.columns for path in paths if isinstance(path, ByKey) and path.person == kind.id)


def _used(datamap: DataMap, kind: PersonKind) -> tuple[str, ...]:
    """The identifiers of `kind` by which rows of some table are reached."""
    paths = (path for table in datamap.tables() for path in table.paths())
    wanted = [p.identifier for p in paths if isinstance(p, (ByIdentifier, InJson, InText)) and p.person == kind.id]
    return tuple(dict.fromkeys(name for name in wanted if name is not None))


def _plain(value: str, ways: Iterable[str]) -> str:
    text = value.lower() if "case" in ways else value
    return text.replace(" ", "") if "spaces" in ways else text
