"""Look at a few real people's rows twice: along the map's paths, and by reading every text for who they are.

An eye: it reads the company's stores and tells places and counts, never a value. The second look knows nothing of
paths. It takes what a person is known by (mail address, user name, phone, as the map says where they stand) and
searches every text column of every table for it, mapped or not. A row that the second look finds and the first does
not is missing from the person's copy; a row that the first finds and that names somebody else alone is in the wrong
copy.

What is somebody else's own is no finding: a message of theirs that mentions the person stays theirs. A value of a whole
column that is the person's mail address is one, unless a path or a role of the map leads there.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from troth.errors import PersonAmbiguous, RecordsError
from troth.foundation.people import Identifier, Kind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from troth.foundation.records.catalogue import Table
    from troth.foundation.records.keys import Subject
    from troth.foundation.records.reach import Reach, ReachedTable
    from troth.foundation.records.reading import Records
    from troth.policy.datamap import DataMap, PersonKind

PEOPLE = 3
"""So many people of each kind are looked up, spread over the table."""

ROWS = 200_000
"""A table with more rows is not searched, and that is told."""

SECONDS = 20.0
"""After so long the tables of a store that are left are not searched, and that is told."""

_FOUND = 500  # rows that one search gives
_READ = 300  # rows along the paths, of one table, whose identifiers are looked up
_SHORTEST = {"email": 6, "phone": 7, "username": 5}
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+\Z")


@dataclass
class Looked:
    """What came of one store. Places are `table.column`; numbers are rows."""

    store: str
    people: int = 0
    searched: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    strayed: Counter[str] = field(default_factory=Counter)
    unsearched: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Person:
    """One of the sample: everything that stores know of them, and the texts that tell them from all others."""

    subjects: tuple[Subject, ...]
    texts: Mapping[str, str] = field(repr=False)  # folded text: the name of the identifier
    own: frozenset[str] = field(repr=False)  # all that their own row is known by, also where others share it


def look(records: Records, datamap: DataMap, store: str, *, seconds: float = SECONDS, rows: int = ROWS) -> Looked:
    """Both looks at one store. Raises RecordsError, and DeclarationFaults where the map does not fit the store."""
    from troth.foundation.records.reach import Reach

    catalogue = records.catalogue(store)
    reach = Reach.compile(datamap, catalogue)
    sample = [each for kind in datamap.stores[store].people.values() for each in _sample(records, reach, kind)]
    looked = Looked(store, people=len(sample))
    if not sample:
        return looked
    until = time.monotonic() + seconds
    for table in catalogue.tables.values():
        if not table.holds_rows:
            continue
        if time.monotonic() > until:
            looked.unsearched[table.name] = f"the time for one store ({seconds:g} s) was over"
            continue
        try:
            if not _is_small(records, store, table, rows):
                looked.unsearched[table.name] = f"it has more than {rows} rows"
                continue
            looked.missed += _missed(records, reach, table, sample)
            if table.name in reach:
                looked.strayed += _strayed(records, reach, reach.table(table.name), sample)
            looked.searched += 1
        except RecordsError as problem:
            looked.unsearched[table.name] = problem.message
    return looked


# --- who --------------------------------------------------------------------------------------------------------------


def _sample(records: Records, reach: Reach, kind: PersonKind) -> Iterator[_Person]:
    """A few people of one kind: the first, the last and one in the middle by their key."""
    from troth.foundation.records.subjects import find_subjects

    for key in _keys(records, reach, kind):
        text = ",".join(str(part) for part in key)
        try:
            subjects = find_subjects(records, reach.datamap, [Identifier(Kind.ID, f"{kind.id}:{text}")])
        except PersonAmbiguous:
            continue  # who cannot be told from somebody else is no witness
        own = next((each for each in subjects if each.kind.id == kind.id and each.key), None)
        texts = {} if own is None else _texts(records, reach, own)
        if texts:
            yield _Person(subjects, texts, _own(records, reach, kind, subjects))


def _keys(records: Records, reach: Reach, kind: PersonKind) -> list[tuple[Any, ...]]:
    import sqlalchemy

    table = reach.table(kind.table)
    columns = [table.core.c[name] for name in kind.key]
    known = [table.core.c[each.column].is_not(None) for each in kind.identifiers.values() if each.table == kind.table]
    statement = sqlalchemy.select(*columns).where(sqlalchemy.or_(*known)) if known else sqlalchemy.select(*columns)
    first = statement.order_by(*columns)
    last = statement.order_by(*(column.desc() for column in columns))
    middle = first.offset(min(table.seen.rows or 0, ROWS) // 2)
    found: dict[tuple[Any, ...], None] = {}
    for each, count in ((first, PEOPLE), (last, 1), (middle, 1)):
        rows = [tuple(row) for row in records.execute(reach.store, each.limit(count))]
        found |= dict.fromkeys(rows[:1])
    spread = list(found)
    further = (tuple(row) for row in records.execute(reach.store, first.limit(PEOPLE)))
    return list(dict.fromkeys((*spread, *further)))[:PEOPLE]


def _own(records: Records, reach: Reach, kind: PersonKind, subjects: Sequence[Subject]) -> frozenset[str]:
    import sqlalchemy

    from troth.foundation.records.keys import BoundKeys

    table = reach.table(kind.table)
    columns = [table.core.c[each.column] for each in kind.identifiers.values() if each.table == kind.table]
    statement = sqlalchemy.select(*columns).where(reach.whose(table, BoundKeys(subjects)))
    rows = list(records.execute(reach.store, statement)) if columns else []
    told = (value for each in subjects for values in each.identifiers.values() for value in values)
    return frozenset(_fold(value) for value in (*told, *(one for row in rows for one in row)) if value)


def _texts(records: Records, reach: Reach, own: Subject) -> dict[str, str]:
    """What tells this person from all others of the kind: long enough, and in nobody else's row."""
    import sqlalchemy

    found = {}
    for name, shortest in _SHORTEST.items():
        where = own.kind.identifiers.get(name)
        for value in own.identifiers.get(name, ()) if where is not None else ():
            text = value.casefold().strip()
            if where is None or len(text) < shortest:
                continue
            column = reach.table(where.table).core.c[where.column]
            same = sqlalchemy.select(sqlalchemy.func.count()).where(_folded(column) == _folded(_bound(text)))
            if next(iter(records.execute(reach.store, same)))[0] == 1:
                found[text] = name
    return found


# --- the second look --------------------------------------------------------------------------------------------------


def _missed(records: Records, reach: Reach, table: Table, sample: Sequence[_Person]) -> Counter[str]:
    """Rows that name somebody of the sample and that no path leads to from them, by `table.column`."""
    import sqlalchemy

    from troth.foundation.records.keys import BoundKeys
    from troth.foundation.records.statements import core_table

    names = _text_columns(table)
    if not names:
        return Counter()
    reached = reach.table(table.name) if table.name in reach else None
    core = reached.core if reached is not None else core_table(table)
    columns = [_as_read(table, core.c[name], name) for name in names]
    texts = list(dict.fromkeys(text for person in sample for text in person.texts))
    hit = sqlalchemy.or_(*(_holds(column, text) for column in columns for text in texts))
    named = sqlalchemy.select(sqlalchemy.literal(1)).select_from(core).where(hit).limit(1)
    if not any(True for _ in records.execute(reach.store, named)):
        return Counter()  # most tables name nobody: whose their rows are need not be asked
    flags: list[ColumnElement[Any]] = []
    for at, person in enumerate(sample):
        theirs: ColumnElement[bool] = sqlalchemy.false()
        others: ColumnElement[bool] = sqlalchemy.false()
        if reached is not None:
            keys = BoundKeys(person.subjects, f"person_{at}")
            theirs, others = reach.whose(reached, keys), reach.others(reached, keys)
        flags += [sqlalchemy.case((theirs, 1), else_=0), sqlalchemy.case((others, 1), else_=0)]
    statement = sqlalchemy.select(*columns, *flags).select_from(core).where(hit).limit(_FOUND)
    found: Counter[str] = Counter()
    for row in records.execute(reach.store, statement):
        values, told = row[: len(names)], row[len(names) :]
        for at, person in enumerate(sample):
            theirs_, others_ = told[2 * at : 2 * at + 2]
            if theirs_:
                continue
            for name, value in zip(names, values, strict=True):
                if _names(value, person.texts, whole=bool(others_) or _is_free(reach, table.name, name)):
                    found[f"{table.name}.{name}"] += 1
    return found


def _is_free(reach: Reach, table: str, column: str) -> bool:
    """Whether the map says that discovery must not judge the values of a column by what they look like."""
    mapped = reach.datamap.stores[reach.store].tables.get(table)
    said = mapped.columns.get(column) if mapped is not None else None
    return said is not None and not said.scan


# --- the first look ---------------------------------------------------------------------------------------------------


def _strayed(records: Records, reach: Reach, table: ReachedTable, sample: Sequence[_Person]) -> Counter[str]:
    """Rows of one owner that the paths give to somebody of the sample, and that name another person alone."""
    import sqlalchemy

    from troth.foundation.records.keys import BoundKeys

    names = _text_columns(table.seen)
    if not names or table.table.roles or table.table.shared:
        return Counter()
    columns = [_as_read(table.seen, table.core.c[name], name) for name in names]
    suspects: list[tuple[str, str]] = []
    for person in sample:
        theirs = reach.whose(table, BoundKeys(person.subjects))
        statement = sqlalchemy.select(*columns).select_from(table.core).where(theirs).limit(_READ)
        for row in records.execute(reach.store, statement):
            if any(_names(value, dict.fromkeys(person.own, ""), whole=False) for value in row):
                continue
            mails = ((name, _fold(value)) for name, value in zip(names, row, strict=True) if isinstance(value, str))
            suspects += ((name, text) for name, text in mails if _MAIL.match(text))
    known = _addresses(records, reach, {text for _, text in suspects})
    return Counter(f"{table.name}.{name}" for name, text in suspects if text in known)


def _addresses(records: Records, reach: Reach, texts: set[str]) -> set[str]:
    """Those of `texts` that are somebody's mail address where the map says who people are."""
    import sqlalchemy

    found: set[str] = set()
    for kind in reach.datamap.stores[reach.store].people.values():
        where = kind.identifiers.get("email")
        if where is not None and texts:
            column = _folded(reach.table(where.table).core.c[where.column])
            wanted = [_folded(_bound(text)) for text in sorted(texts)[:_READ]]
            statement = sqlalchemy.select(column).where(column.in_(wanted))
            found |= {_fold(row[0]) for row in records.execute(reach.store, statement)}
    return found


# --- words ------------------------------------------------------------------------------------------------------------


def _is_small(records: Records, store: str, table: Table, rows: int) -> bool:
    import sqlalchemy

    from troth.foundation.records.statements import core_table

    if table.rows and table.rows <= rows:
        return True
    # there is no estimate, or a high one: SQLite's goes by the highest key, whatever gaps there are
    some = sqlalchemy.select(sqlalchemy.literal(1)).select_from(core_table(table)).offset(rows).limit(1)
    return not any(True for _ in records.execute(store, some))


def _text_columns(table: Table) -> tuple[str, ...]:
    from troth.foundation.records.catalogue import ColumnKind

    kinds = (ColumnKind.TEXT, ColumnKind.JSON)
    return tuple(name for name, column in table.columns.items() if column.kind in kinds)


def _as_read(table: Table, column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    from troth.foundation.records.catalogue import ColumnKind
    from troth.foundation.records.spelling import as_text

    return as_text(column) if table.columns[name].kind is ColumnKind.JSON else column


def _bound(text: str) -> ColumnElement[str]:
    import sqlalchemy

    return sqlalchemy.literal(text, sqlalchemy.String())


def _folded(text: ColumnElement[Any]) -> ColumnElement[str]:
    import sqlalchemy

    from troth.foundation.records.spelling import as_text

    return sqlalchemy.func.lower(as_text(text))


def _holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    from troth.foundation.records.spelling import holds

    return holds(_folded(column), _bound(text))


def _fold(value: object) -> str:
    return str(value).strip().casefold()


def _names(value: object, texts: Mapping[str, str], *, whole: bool) -> bool:
    """Whether `value` is one of `texts`, in quotes or bare; or, where not `whole`, holds a mail address among them."""
    if not isinstance(value, str):
        return False
    folded = _fold(value)
    return any(
        folded == text or f'"{text}"' in folded or (not whole and "@" in text and _apart(text, folded))
        for text in texts
    )


def _apart(text: str, inside: str) -> bool:
    """Whether `text` stands in `inside` as a word of its own: ada@example.org is not in nada@example.org."""
    return re.search(rf"(?<![\w.+-]){re.escape(text)}(?![\w-]|\.\w)", inside) is not None
