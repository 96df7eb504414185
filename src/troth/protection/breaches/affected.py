"""Whom a breach concerns: the people whose rows stand in the places it touched, within its time where that is known.

Reads the company's stores along the map's paths, one statement a table; nothing is written. The list is of troth's own
numbers. People whom troth does not know are counted, by what leads to them, and cannot be listed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from troth.errors import TrothError, UnknownName
from troth.foundation.records import instants
from troth.policy.datamap import Place, TableMap
from troth.policy.documents import nearest
from troth.use.log_reading import way_to_people, who_is_who

if TYPE_CHECKING:
    from pyroaring import BitMap

    from troth.foundation.observation import Observation


@dataclass(frozen=True, slots=True)
class Concerned:
    """Who is in it. `strangers` are people by their rows whom troth does not know; `undated` rows have no time that
    can be read, and count as within. `categories` are the kinds of data of the places.
    """

    persons: BitMap = field(repr=False)
    strangers: int
    rows: int
    undated: int
    categories: tuple[str, ...]

    @property
    def people(self) -> int:
        """How many, those whom troth does not know with them."""
        return len(self.persons) + self.strangers


def find(
    seen: Observation,
    places: Iterable[str],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    at: str | None = None,
) -> Concerned:
    """Who stands in `places` (`store.table` or `store.table.column`, which counts rows that have a value there).

    `since` and `until` bound the rows by the column of times `at`; without it, by the one that the map names for the
    table (`starts`, `uses`). Raises: UnknownName for a place that the map lacks; TrothError where the rows of a table
    cannot be followed or have no time; RecordsError; NothingToObserve without map, store or key.
    """
    from pyroaring import BitMap

    persons, strangers = BitMap(), set[tuple[str, Any]]()
    rows = undated = 0
    categories: dict[str, None] = {}
    for table, column in [_place(seen, each) for each in places]:
        categories |= dict.fromkeys(_categories(table, column))
        bounded = _moment_of(table, at) if since or until else None
        for kind, value, moment in _rows(seen, table, column, bounded):
            if bounded is not None:
                read = instants.read(moment)
                if read is None:
                    undated += 1
                elif (since and read < since) or (until and read > until):
                    continue
            rows += 1
            strangers.add((kind, value))
    for kind in {kind for kind, _ in strangers}:
        known = who_is_who(seen, kind, {value for each, value in strangers if each == kind})
        persons.update(known.values())
        strangers -= {(kind, value) for value in known}
    return Concerned(persons, len(strangers), rows, undated, tuple(categories))


def _place(seen: Observation, text: str) -> tuple[TableMap, str | None]:
    """The table of the map that `text` names, and the column if it names one."""
    datamap = seen.need_map()
    tables = {f"{table.store}.{table.name}": table for table in datamap.tables()}
    if text in tables:
        return tables[text], None
    above, _, column = text.rpartition(".")
    if above in tables:
        table = tables[above]
        if column in table.columns:
            return table, column
        raise UnknownName(
            "the data map names no such column there.",
            where=above,
            expected=f"one of: {', '.join(table.columns)}",
            nearest=nearest(column, table.columns),
        )
    raise UnknownName(
        "the data map names no such place.",
        where=datamap.file,
        expected="store.table or store.table.column",
        nearest=nearest(text, tables),
    )


def _categories(table: TableMap, column: str | None) -> Iterator[str]:
    for name, each in table.columns.items():
        if each.category and column in {None, name}:
            yield each.category


def _moment_of(table: TableMap, at: str | None) -> str:
    named = at or next((each.at for each in table.uses), None) or next(iter(table.starts.values()), None)
    if named is None:
        raise TrothError(
            "the map names no column of times for its rows",
            where=f"{table.store}.{table.name}",
            repair="Name it: --time COLUMN.",
        )
    return named


def _rows(seen: Observation, table: TableMap, column: str | None, moment: str | None) -> Iterator[tuple[str, Any, Any]]:
    """(kind of identifier, who, time) of every row with its person, along every path of the table."""
    records = seen.need_records()
    for path in table.paths():
        way = way_to_people(seen, table, path)
        if way is None:
            raise TrothError(
                "whose its rows are cannot be followed to one column",
                where=f"{table.store}.{table.name}",
                repair="Count these people by hand, and name another place.",
            )
        for name in (column, moment):
            if name is not None:
                records.catalogue(table.store).column(Place(table.store, table.name, name))
        told = [way.who] if moment is None else [way.who, way.table.c[moment]]
        statement = select(*told).select_from(way.source).where(way.where, way.who.is_not(None))
        if column is not None:
            statement = statement.where(way.table.c[column].is_not(None))
        for row in records.execute(table.store, statement):
            yield way.kind, row[0], None if moment is None else row[1]
