"""Find one person in every store, of every kind, by what they are known by.

1. Strong are the company's own key (`id=`) and a verified e-mail. They find; two rows of one kind: PersonAmbiguous.
2. `id=7` means the one kind in which a row has that key; in several: PersonAmbiguous. `id=shop.customer:7` names
   the kind, `id=shop.member:3,7` a key of two columns.
3. Weak are a phone and an unverified e-mail. They are asked only where nothing strong is given, find only when one
   person has them, and join nothing.
4. From a row that was found, its own strong identifiers lead on to the other kinds and stores. A phone, a name and a
   user name are the same for different people in different stores: they never lead on.
5. An identifier that another row of the same kind holds too tells nobody apart: rows known by it alone are not reached,
   and it does not lead on.
6. Somebody without a row who is known by an identifier in other rows (a guest's order) has a Subject without a key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from troth.errors import PersonAmbiguous, PersonError
from troth.foundation.people import Identifier, Kind
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import BoundKeys, Subject, fitted
from troth.foundation.records.pathclauses import Theirs
from troth.foundation.records.questions import Question, question, ready, remembered
from troth.foundation.records.reach import Reach, ReachedTable
from troth.foundation.records.spelling import as_text, evened, exact
from troth.policy.datamap import ByIdentifier, ByKey, DataMap, IdentifierMap, InJson, InText, Normalising, PersonKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Select

    from troth.foundation.records.reading import Records

__all__ = ["Subject", "find_each", "find_subjects"]

WEAK = frozenset({"phone", "name", "username"})
"""Identifiers that two people in two stores may share."""

_ENOUGH = 3  # rows asked for: two already say that it is ambiguous
_Key = tuple[Any, ...]


def find_subjects(records: Records, datamap: DataMap, known_by: Sequence[Identifier]) -> tuple[Subject, ...]:
    """The person of these identifiers, as each store knows them, in the order of the map; empty when nobody is.

    Raises: PersonAmbiguous, and nothing is found then; PersonError for an id that names a kind which is not there;
    RecordsError where a store does not answer; DeclarationFaults where the map does not fit a store.
    """
    return next(find_each(records, datamap, [known_by]))


def find_each(
    records: Records, datamap: DataMap, everybody: Iterable[Sequence[Identifier]]
) -> Iterator[tuple[Subject, ...]]:
    """As `find_subjects` for each in turn, at one moment: no store is asked the same thing twice. Raises as it does."""
    loaded: dict[tuple[str, _Key], list[Subject]] = {}
    held: dict[tuple[str, str, tuple[str, ...]], list[Subject]] = {}
    for known_by in everybody:
        yield _found(_Search(records, datamap, loaded, held), known_by)


def _found(search: _Search, known_by: Sequence[Identifier]) -> tuple[Subject, ...]:
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
    loaded: dict[tuple[str, _Key], list[Subject]] = field(default_factory=dict)
    held: dict[tuple[str, str, tuple[str, ...]], list[Subject]] = field(default_factory=dict)
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
                    if rows and (alone := self._alone(subject, name, values)) != values:
                        rows = self._holding(kind, name, alone) if alone else []
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
        return [] if None in key else self.load(kind, [key])

    def _holding(self, kind: PersonKind, name: str, values: Sequence[str]) -> list[Subject]:
        """The rows of `kind` that have one of `values` as their identifier `name`, evened out as declared.

        Asked once in a search.
        """
        what = (kind.id, name, tuple(values))
        if what not in self.held:
            rows = self._ask(kind, ("holding", name, len(values)), self._who_holds(kind, name, len(values)), values)
            if self._told_at_once(kind, name):
                self.held[what] = [self._told(kind, row) for row in rows]
            else:
                self.held[what] = self.load(kind, [tuple(row) for row in rows if None not in row])
        return self.held[what]

    def _told_at_once(self, kind: PersonKind, name: str) -> bool:
        """Whether the row that holds an identifier is the person's only one, and tells all of them."""
        alone = set(kind.key) == set(self.reach(kind.store).table(kind.table).seen.primary_key)
        return alone and kind.identifiers[name].table == kind.table

    def _who_holds(self, kind: PersonKind, name: str, n: int) -> Callable[[], Select[Any]]:
        def make() -> Select[Any]:
            import sqlalchemy

            where = kind.identifiers[name]
            reach = self.reach(kind.store)
            table = reach.table(where.table)
            if self._told_at_once(kind, name):
                statement = sqlalchemy.select(*(table.core.c[each] for each in _told_by(kind))).limit(_ENOUGH)
            else:
                columns = kind.key if where.table == kind.table else _leading(reach, kind, where)
                statement = sqlalchemy.select(*(table.core.c[each] for each in columns)).distinct().limit(_ENOUGH)
            column: ColumnElement[Any] = table.core.c[where.column]
            if table.seen.columns[where.column].kind is not ColumnKind.TEXT:
                column = as_text(column)
            given = (sqlalchemy.bindparam(f"given_{at}", None, sqlalchemy.String()) for at in range(n))
            wanted = [exact(evened(value, where.normalise)) for value in given]
            return statement.where(exact(evened(column, where.normalise)).in_(wanted))

        return make

    def load(self, kind: PersonKind, keys: Iterable[_Key]) -> list[Subject]:
        """The people of these keys, as they stand in the store; those that are not there fall out."""
        reach = self.reach(kind.store)
        own = reach.table(kind.table)

        def make() -> Select[Any]:
            import sqlalchemy

            statement = sqlalchemy.select(*(own.core.c[name] for name in _told_by(kind)))
            return statement.where(*_given(own, kind.key)).limit(1)

        people: list[Subject] = []
        for wanted in keys:
            fit = tuple(fitted(part, own.seen.columns[name]) for name, part in zip(kind.key, wanted, strict=True))
            if (kind.id, fit) not in self.loaded:
                told = [self._told(kind, row) for row in self._ask(kind, ("load",), make, fit)]
                self.loaded[kind.id, fit] = told
            people += self.loaded[kind.id, fit]
        return people

    def _told(self, kind: PersonKind, row: Sequence[Any]) -> Subject:
        """The person of a row that holds what `_told_by` names."""
        width = len(kind.key)
        key = tuple(row[:width])
        here = (each for each in kind.identifiers.values() if each.table == kind.table)
        values = {each.name: [value] for each, value in zip(here, row[width:], strict=True)}
        for each in kind.identifiers.values():
            if each.table != kind.table:
                values[each.name] = self._elsewhere(self.reach(kind.store), kind, each, key)
        told = {
            name: tuple(dict.fromkeys(str(one) for one in each if one not in (None, "")))
            for name, each in values.items()
        }
        return Subject(kind, key, told)

    def _elsewhere(self, reach: Reach, kind: PersonKind, where: IdentifierMap, key: _Key) -> list[Any]:
        table = reach.table(where.table)
        columns = _leading(reach, kind, where)

        def make() -> Select[Any]:
            import sqlalchemy

            return sqlalchemy.select(table.core.c[where.column]).where(*_given(table, columns))

        fit = [fitted(part, table.seen.columns[name]) for name, part in zip(columns, key, strict=True)]
        return [row[0] for row in self._ask(kind, ("elsewhere", where.name), make, fit)]

    def _ask(
        self, kind: PersonKind, what: tuple[Any, ...], make: Callable[[], Select[Any]], values: Sequence[Any]
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement that is made once for a kind of person; `values` are bound as `given_0` and on."""
        dialect, known = self.records.dialect(kind.store), self.reach(kind.store).prepared
        bound = {f"given_{at}": value for at, value in enumerate(values)}
        asked = remembered(
            known, ("subject", dialect.name, kind.id, *what), lambda: Question(((what, ready(dialect, make())),), {})
        )
        return self.records.read(kind.store, asked.parts[0][1], bound)

    # --- what comes of it -------------------------------------------------------------------------------------------

    def subjects(self, emails: Sequence[str]) -> tuple[Subject, ...]:
        told: list[Subject] = []
        found = [subject for rows in self.found.values() for subject in rows.values()]
        known: dict[str, tuple[str, ...]] = {"email": tuple(emails)} if emails else {}
        for subject in found:
            wanted = {name for kind in self.kinds if kind.id != subject.kind.id for name in _used(self.datamap, kind)}
            for name in wanted - WEAK:
                alone = self._alone(subject, name, subject.identifiers.get(name, ()))
                known[name] = tuple(dict.fromkeys((*known.get(name, ()), *alone)))
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
            told[name] = self._alone(subject, name, values)
        return replace(subject, identifiers=told)

    def _alone(self, subject: Subject, name: str, values: Iterable[str]) -> tuple[str, ...]:
        """Those of `values` that no other row of the kind holds."""
        kind = subject.kind
        return tuple(
            value for value in values if all(other.key == subject.key for other in self._holding(kind, name, [value]))
        )

    def _new(self, kind: PersonKind, name: str, told: Sequence[str], further: Sequence[str]) -> list[str]:
        """Those of `further` that are not merely another spelling of what is told already."""
        ways = kind.identifiers[name].normalise
        have = {_plain(value, ways) for value in told}
        return [value for value in further if _plain(value, ways) not in have]

    def _without_row(self, kind: PersonKind, known: Mapping[str, tuple[str, ...]]) -> Subject | None:
        values = {name: known[name] for name in _used(self.datamap, kind) if known.get(name)}
        guest = Subject(kind, (), values)
        for name in self.records.stores if values else ():
            reach, dialect, keys = self.reach(name), self.records.dialect(name), BoundKeys([guest])

            def make(reach: Reach = reach, dialect: Dialect = dialect, keys: BoundKeys = keys) -> Question:
                return question(dialect, _met_as_guest(reach, keys, kind), keys.slots)

            asked = remembered(reach.prepared, ("guest", dialect.name, kind.id, keys.shape), make)
            statements = [statement for _, statement in asked.parts]
            if statements and any(self.records.read_each(name, statements, asked.bound([guest]))):
                return guest
        return None


def _met_as_guest(reach: Reach, keys: BoundKeys, kind: PersonKind) -> Iterator[tuple[str, Select[Any]]]:
    """For each path by an identifier, whether any row is met by it."""
    import sqlalchemy

    theirs = Theirs(reach, keys)
    for table in reach.tables:
        for path in table.table.paths():
            if isinstance(path, (ByIdentifier, InJson, InText)) and path.person == kind.id and path.identifier:
                met = theirs.path(table, table.core, path, (table.name,))
                some: Select[Any] = sqlalchemy.select(sqlalchemy.literal_column("1").label("met")).select_from(
                    table.core
                )
                yield table.name, some.where(met).limit(1)


def _given(table: ReachedTable, columns: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    """That these columns equal what is given, which has no type of ours: it is read as one of the column's."""
    import sqlalchemy

    for at, name in enumerate(columns):
        yield table.core.c[name] == sqlalchemy.bindparam(f"given_{at}", None, sqlalchemy.types.NullType())


def _told_by(kind: PersonKind) -> tuple[str, ...]:
    """The columns of a person's own row that say who they are: the key, then the identifiers that stand there."""
    return (*kind.key, *(each.column for each in kind.identifiers.values() if each.table == kind.table))


def _leading(reach: Reach, kind: PersonKind, where: IdentifierMap) -> tuple[str, ...]:
    """The columns of a table of identifiers that hold the key of the person."""
    paths = reach.datamap.stores[kind.store].tables[where.table].paths()
    return next(path.columns for path in paths if isinstance(path, ByKey) and path.person == kind.id)


def _used(datamap: DataMap, kind: PersonKind) -> tuple[str, ...]:
    """The identifiers of `kind` by which rows of some table are reached."""
    paths = (path for table in datamap.tables() for path in table.paths())
    wanted = [p.identifier for p in paths if isinstance(p, (ByIdentifier, InJson, InText)) and p.person == kind.id]
    return tuple(dict.fromkeys(name for name in wanted if name is not None))


def _plain(value: str, ways: Collection[Normalising]) -> str:
    text = value.replace("_", " ") if Normalising.UNDERSCORES in ways else value
    text = text.replace(" ", "") if Normalising.SPACES in ways else text
    return text.lower() if Normalising.CASE in ways else text


def subjects_of(records: Records, datamap: DataMap, kind: PersonKind, keys: Iterable[_Key]) -> tuple[Subject, ...]:
    """The people whose own rows have these keys, as they stand in the store; those that are not there fall out."""
    return tuple(_Search(records, datamap).load(kind, keys))
