"""The sweep: look for people's needles in every text of every store, mapped or not.

One pass over each table answers for all people who wait. A store is asked to choose rows by itself where few needles
are looked for; where there are many, rows are streamed past one matcher instead. Each row chosen is read here again,
exactly (`needles`). What is found is sorted by whose row it stands in:

1. In a row that leads to somebody: that is another person's by now. Counted as weak, unless it is by the needle itself,
   in another spelling, that the row leads to somebody (`otherwise`).
2. A needle that is all of another person's value (a shared phone, a city) is shared: wherever it stands, weak.
3. At a place where the map says that it stays, as often as it stood there before: kept, not counted.
4. One that only identifies by being rare, in a table declared not personal (a list of cities): weak.
5. One word of a name (`Needle.lone`) amid other words, or in a table declared not personal (a composer's, in a list of
   songs): weak. Both names together are a needle of their own.
6. Anything else is residue.

Values that are packed (UTF-16, gzip, zlib, base64) are opened first; of those that nobody can open, the number is told.
Views are left out, since their rows stand elsewhere. Nothing but places and counts leaves this module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from troth.foundation.records import unpacking
from troth.foundation.records.catalogue import Column, ColumnKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.needles import Matcher, Needle, as_text
from troth.foundation.records.otherwise import Otherwise
from troth.foundation.records.statements import core_table
from troth.policy.datamap import DataMap, Place, StoreKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from troth.foundation.records.reading import Records

INLINE_ROWS = 1_000_000
"""Rows of all stores up to which a sweep belongs to the request itself; beyond, it is a pass for all who wait."""

FEW = 64
"""Signs up to which a store chooses the rows itself."""

Somebody = Callable[[str, str], "tuple[Table, ColumnElement[bool]] | None"]
"""Of a store and a table: the table for statements, and what is true for rows that lead to a person; None: none do."""

Kept = Mapping[tuple[int, str, Place], int]
"""By person, value and column: in how many rows the map lets the value stay."""

_TEXTS = frozenset(
    (
        ColumnKind.TEXT,
        ColumnKind.JSON,
        ColumnKind.BINARY,
        ColumnKind.UUID,
        ColumnKind.ADDRESS,
        ColumnKind.OTHER,
    )
)
_SHAPES = ("geometry", "point", "linestring", "polygon", "multi")
_BETWEEN = "\x1f"
_SMALL = 4_096  # bytes: binary values up to this are read, to tell whether they can be


@dataclass(frozen=True, slots=True)
class Left:
    """In `rows` rows of one column something of a person stands."""

    place: Place
    rows: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep saw: by person, what is left (residue) and what others share (weak). `rows` were passed in all.

    `closed`: values that nobody can search, encrypted or of an unknown form, whosever they are.
    """

    residue: Mapping[int, tuple[Left, ...]]
    weak: Mapping[int, tuple[Left, ...]]
    tables: int
    rows: int
    closed: tuple[Left, ...] = ()


@dataclass(slots=True)
class _Seen:
    """Where one needle was met: rows of others, rows of nobody, rows of nobody in which it tells of nobody; whether it
    was all of another's value.
    """

    others: Counter[Place] = field(default_factory=Counter)
    nobodys: Counter[Place] = field(default_factory=Counter)
    words: Counter[Place] = field(default_factory=Counter)
    shared: bool = False


def rows_to_pass(records: Records) -> int:
    """About how many rows a sweep of all stores passes, as the stores estimate or else count."""
    total = 0
    for store in records.stores:
        for name, seen in records.catalogue(store).tables.items():
            if seen.holds_rows:
                known = seen.rows is not None and seen.rows >= 0
                total += int(seen.rows or 0) if known else records.count(Place(store, name))
    return total


def sweep(
    records: Records,
    datamap: DataMap,
    needles: Sequence[Needle],
    *,
    somebody: Somebody,
    kept: Kept = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
) -> Swept:
    """Look for all `needles` in every store of `records`. `progress` gets tables done and tables in all.

    One statement a table; each has the time limit that `records` was opened with. Raises RecordsError: then nothing is
    known, and nobody's erasure is proven.
    """
    matcher = Matcher(needles)
    otherwise, plain = Otherwise(datamap), _not_personal(datamap)
    seen: dict[int, _Seen] = defaultdict(_Seen)
    tables = [
        (store, table)
        for store in records.stores
        for table in records.refresh(store).tables.values()
        if table.holds_rows and _columns(records.kind(store)[0], table)
    ]
    passed = 0
    closed: Counter[Place] = Counter()
    for done, (store, table) in enumerate(tables, start=1):
        if needles:
            personal = Place(store, table.name) not in plain
            passed += _pass(
                records, store, table, matcher,
                somebody=somebody, otherwise=otherwise, personal=personal, found=seen, closed=closed,
            )  # fmt: skip
        if progress is not None:
            progress(done, len(tables))
    unread = tuple(Left(place, n) for place, n in sorted(closed.items(), key=str))
    return replace(_sorted_out(datamap, matcher.needles, seen, kept, tables=len(tables), rows=passed), closed=unread)


def count_in(values: Iterable[tuple[Place, Any]], needles: Sequence[Needle]) -> Kept:
    """In how many of `values` each needle stands: what will stay of a person, counted before the erasure."""
    matcher = Matcher(needles)
    found: Counter[tuple[int, str, Place]] = Counter()
    for place, value in values:
        for at in {match.at for match in matcher.find(value)}:
            found[needles[at].person, needles[at].value, place] += 1
    return found


def _pass(
    records: Records,
    store: str,
    seen: TableSeen,
    matcher: Matcher,
    *,
    somebody: Somebody,
    otherwise: Otherwise,
    personal: bool,
    found: dict[int, _Seen],
    closed: Counter[Place],
) -> int:
    """Look through one table; gives how many rows were read here. `personal`: not declared to be of nobody."""
    import sqlalchemy

    kind = records.kind(store)[0]
    columns = _columns(kind, seen)
    table, whose = somebody(store, seen.name) or (core_table(seen), sqlalchemy.false())
    chosen = [_readable(kind, table, column).label(f"c{at}") for at, column in enumerate(columns)]
    statement = sqlalchemy.select(sqlalchemy.case((whose, 1), else_=0).label("whose"), *chosen).select_from(table)
    signs = matcher.signs()
    if kind is not StoreKind.SQLITE and len(signs) <= FEW:  # SQLite works in this process: nothing would be saved
        packed = (_may_be_packed(kind, table, column) for column in columns)
        statement = statement.where(
            sqlalchemy.or_(
                _any_of(kind, _joined(kind, table, columns), signs), *(each for each in packed if each is not None)
            )
        )
    places = [Place(store, seen.name, column.name) for column in columns]
    rows = 0
    for leads, *values in records.execute(store, statement):
        rows += 1
        inside = [unpacking.opened(value) for value in values]
        closed.update(place for place, value in zip(places, values, strict=True) if unpacking.is_closed(value))
        if not any(inside) and not matcher.may_find(_BETWEEN.join(map(as_text, values))):
            continue
        for place, value, texts in zip(places, values, inside, strict=True):
            for match in matcher.find(value).union(*map(matcher.find, texts)):
                where, needle = found[match.at], matcher.needles[match.at]
                others = leads and not otherwise.leads(place, value, needle.value)
                word = needle.lone and not (match.whole and personal)
                (where.others if others else where.words if word else where.nobodys)[place] += 1
                where.shared = where.shared or bool(others and match.whole)
    return rows


def _sorted_out(
    datamap: DataMap, needles: Sequence[Needle], seen: Mapping[int, _Seen], kept: Kept, *, tables: int, rows: int
) -> Swept:
    plain = _not_personal(datamap)
    residue: dict[int, Counter[Place]] = defaultdict(Counter)
    weak: dict[int, Counter[Place]] = defaultdict(Counter)
    for at, where in seen.items():
        needle = needles[at]
        for place, number in (*where.others.items(), *where.words.items()):
            weak[needle.person][place] = max(weak[needle.person][place], number)
        for place, number in where.nobodys.items():
            left = number - kept.get((needle.person, needle.value, place), 0)
            if left <= 0:
                continue
            rare = not needle.identifying and Place(place.store, place.table) in plain
            into = weak if where.shared or rare else residue
            into[needle.person][place] = max(into[needle.person][place], left)
    return Swept(_listed(residue), _listed(weak), tables, rows)


def _not_personal(datamap: DataMap) -> frozenset[Place]:
    return frozenset(table.place for table in datamap.tables() if not table.personal)


def _listed(counted: Mapping[int, Mapping[Place, int]]) -> Mapping[int, tuple[Left, ...]]:
    """By person, each column with the most rows in which one needle of theirs stands, in the order of names."""
    return {
        person: tuple(Left(place, rows) for place, rows in sorted(places.items(), key=lambda each: str(each[0])))
        for person, places in counted.items()
    }


# --- what one kind of store makes of it -------------------------------------------------------------------------------


def _columns(kind: StoreKind, seen: TableSeen) -> list[Column]:
    """The columns that can hold text: in SQLite all, since any value may stand anywhere."""
    if kind is StoreKind.SQLITE:
        return list(seen.columns.values())
    return [
        column
        for column in seen.columns.values()
        if column.kind in _TEXTS and not column.type.lower().startswith(_SHAPES)
    ]


def _readable(kind: StoreKind, table: Table, column: Column) -> ColumnElement[Any]:
    """The column as it is read here: what the driver would turn into objects of its own comes as text."""
    import sqlalchemy

    made = table.c[column.name]
    if kind is StoreKind.POSTGRESQL and column.kind is not ColumnKind.BINARY:
        return sqlalchemy.cast(made, sqlalchemy.Text)
    return made


def _joined(kind: StoreKind, table: Table, columns: Sequence[Column]) -> ColumnElement[Any]:
    """All texts of a row as one, in lower case as far as the store knows how."""
    import sqlalchemy

    def text(column: Column) -> ColumnElement[Any]:
        made = table.c[column.name]
        if kind is StoreKind.MARIADB:
            return _utf8(made)
        if column.kind is ColumnKind.BINARY:
            return sqlalchemy.func.encode(made, "escape")
        return sqlalchemy.cast(made, sqlalchemy.Text)

    return sqlalchemy.func.lower(sqlalchemy.func.concat_ws(_BETWEEN, *map(text, columns)))


def _may_be_packed(kind: StoreKind, table: Table, column: Column) -> ColumnElement[bool] | None:
    """Whether a value could be a packing of text, or closed: then it is read here, whatever signs stand in it."""
    import sqlalchemy

    made = table.c[column.name]
    if column.kind is ColumnKind.BINARY:
        start = sqlalchemy.func.substr(made, 1, 2)
        marked = [sqlalchemy.literal(magic, sqlalchemy.LargeBinary()) for magic in unpacking.MAGIC]
        small = sqlalchemy.func.octet_length(made).between(unpacking.SHORTEST, _SMALL)
        zero = sqlalchemy.literal(b"\0", sqlalchemy.LargeBinary())
        halves = [sqlalchemy.func.substr(made, at, 1) == zero for at in (1, 2)]
        return sqlalchemy.or_(start.in_(marked), small, *halves)
    if column.kind is not ColumnKind.TEXT:
        return None
    operator = "~" if kind is StoreKind.POSTGRESQL else "regexp"
    text = sqlalchemy.cast(made, sqlalchemy.Text) if kind is StoreKind.POSTGRESQL else _utf8(made)
    return text.op(operator, is_comparison=True)(sqlalchemy.literal(unpacking.BASE64))


def _utf8(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """MariaDB: in one set of signs with one order, whatever the column has; otherwise nothing could be joined."""
    import sqlalchemy

    return sqlalchemy.collate(
        sqlalchemy.func.convert(text.op("using")(sqlalchemy.text("utf8mb4"))), "utf8mb4_general_ci"
    )


def _any_of(kind: StoreKind, text: ColumnElement[Any], signs: Sequence[tuple[str, ...]]) -> ColumnElement[bool]:
    """Whether one of `signs` stands in `text`, in the form that makes the text once a row and not once a sign."""
    import sqlalchemy

    if kind is StoreKind.POSTGRESQL:
        from sqlalchemy.dialects.postgresql import array

        likes = [f"%{'%'.join(map(_bare, parts))}%" for parts in signs]
        return text.like(sqlalchemy.any_(array(likes, type_=sqlalchemy.Text)))
    pattern = "|".join("[\\s\\S]{0,2}".join(parts) for parts in signs)
    return text.op("regexp", is_comparison=True)(pattern)


def _bare(part: str) -> str:
    """Letters and digits stand for themselves in both languages; anything else is any sign."""
    return "".join(sign if sign.isalnum() else "_" for sign in part)
