"""Plan the views for a purpose from policy and data map: which columns, how coarse, of whom. Nothing is written here.

1. A view shows the columns whose kind of data the policy declares for the purpose, and no other.
2. Who a row is about is a keyed pseudonym, another for each purpose. What names somebody is left out, and so is what
   people wrote: text of theirs may name anybody.
3. Times become days.
4. Only people are shown whose data may be used for the purpose now: those in the table that `making` keeps.
5. Beside each view stands one of groups: how many uses and people a month, by its words; a group of fewer people than
   the policy's `smallest_group` (5 by default) is left out.

Pseudonymised rows are personal data still (recital 26): who has the key, or knows enough, can tell whose they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import FromClause, Select, String, column, func, select

from troth.errors import TrothError, UnknownName
from troth.foundation.records.catalogue import ColumnKind
from troth.policy.datamap import StoreKind
from troth.policy.documents import nearest
from troth.use import log_reading
from troth.use.views import words

if TYPE_CHECKING:
    from sqlalchemy import Dialect

    from troth.foundation.observation import Observation
    from troth.foundation.records.catalogue import Catalogue
    from troth.policy.datamap import ColumnMap, PersonKind, TableMap
    from troth.policy.usesettings import ViewSettings
    from troth.use.log_reading import Way

_SHOWN = frozenset({ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.TIME})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column of declared data that a view does not show, or a table (`column` None), and why."""

    table: str
    column: str | None
    why: str


@dataclass(frozen=True, slots=True)
class View:
    """One view and the view of its groups. `person` is the kind of person its rows are about."""

    table: str
    name: str
    person: str
    columns: tuple[str, ...]
    categories: frozenset[str]
    grouped_by: tuple[str, ...]
    dated: bool
    rows: Select[Any] = field(repr=False)

    @property
    def groups_name(self) -> str:
        return self.name + words.GROUPS


@dataclass(frozen=True, slots=True)
class Plan:
    """The views for one purpose in one store. `kinds` are the kinds of person, each with the table of who may."""

    store: str
    kind: StoreKind
    purpose: str
    role: str | None
    smallest: int
    views: tuple[View, ...]
    left_out: tuple[LeftOut, ...]
    kinds: dict[str, PersonKind]
    dialect: Dialect = field(repr=False)

    @property
    def categories(self) -> tuple[str, ...]:
        """All kinds of data that the views show."""
        return tuple(sorted({category for view in self.views for category in view.categories}))

    @property
    def sha256(self) -> bytes:
        """One hash for all that the views are."""
        parts = [part for view in self.views for part in (view.name, self.sql(view.rows), self.sql(self.groups(view)))]
        return hashlib.sha256("\n".join(parts).encode()).digest()

    def groups(self, view: View) -> Select[Any]:
        """The groups of `view`, from the view itself, without those of too few people."""
        names = [words.PERSON, *([words.DAY] if view.dated else []), *view.columns]
        rows = sqlalchemy.table(view.name, *(column(name) for name in names))
        month = [func.substr(sqlalchemy.cast(rows.c[words.DAY], String(10)), 1, 7)] if view.dated else []
        by = [rows.c[name] for name in view.grouped_by]
        people = func.count(sqlalchemy.distinct(rows.c[words.PERSON]))
        shown = [each.label(words.MONTH) for each in month]
        statement = select(*shown, *by, func.count().label(words.USES), people.label(words.PEOPLE)).select_from(rows)
        if month or by:
            statement = statement.group_by(*month, *by)
        return statement.having(people >= self.smallest)

    def sql(self, statement: Select[Any]) -> str:
        """The statement with its values in it, as this store reads it."""
        made: Any = type(self.dialect)
        named = made(paramstyle="named")  # so that a % stays a %
        named.server_version_info = getattr(self.dialect, "server_version_info", None)
        return str(statement.compile(dialect=named, compile_kwargs={"literal_binds": True}))


def plans(seen: Observation, settings: ViewSettings) -> Iterator[Plan]:
    """The plan for each purpose of the settings.

    Raises: UnknownName for a purpose or store that is not declared; RecordsError; NothingToObserve without a map.
    """
    for purpose in settings.purposes:
        yield plan(seen, settings, purpose)


def plan(seen: Observation, settings: ViewSettings, purpose: str) -> Plan:
    """The views for one purpose. Raises as `plans`."""
    if purpose not in seen.policy.purposes:
        raise UnknownName(
            "a view is wanted for what is no purpose of this policy.",
            where="[views] purposes in troth.toml",
            expected=f"some of: {', '.join(seen.policy.purposes)}",
            nearest=nearest(purpose[:60], seen.policy.purposes),
        )
    stores = seen.need_map().stores
    if settings.store is None or settings.store not in stores:
        raise UnknownName(
            "the views are to show a store that is not in the data map.",
            where="[views] store in troth.toml",
            expected=f"one of: {', '.join(stores)}",
        )
    store = stores[settings.store]
    records = seen.need_records()
    catalogue = records.catalogue(store.name)
    declared = frozenset(use.category for use in seen.policy.uses if use.purpose == purpose)
    views: list[View] = []
    left: list[LeftOut] = []
    for table in store.tables.values():
        found = _view(seen, table, catalogue, purpose, declared)
        left += found.left
        if found.view is not None:
            views.append(found.view)
    if not views:
        raise TrothError(
            f"there is nothing to show for {purpose}: no table has data declared for it that names nobody",
            where=f"{purpose} in {seen.policy.file}",
        )
    people = seen.need_map().people()
    return Plan(
        store.name,
        records.kind(store.name)[0],
        purpose,
        settings.roles.get(purpose),
        smallest_group(seen, purpose),
        tuple(views),
        tuple(left),
        {view.person: people[view.person] for view in views},
        records.dialect(store.name),
    )


def smallest_group(seen: Observation, purpose: str) -> int:
    """How many people a group needs: as the sentence says that declares the purpose."""
    found = [
        sentence.meaning.smallest_group
        for sentence in seen.policy.sentences
        if sentence.meaning.smallest_group and any(use.purpose == purpose for use in sentence.meaning.uses)
    ]
    return max(found, default=words.SMALLEST_GROUP)


@dataclass(slots=True)
class _Found:
    view: View | None = None
    left: list[LeftOut] = field(default_factory=list)


def _view(seen: Observation, table: TableMap, catalogue: Catalogue, purpose: str, declared: frozenset[str]) -> _Found:
    found = _Found()
    wanted = [each for each in table.columns.values() if each.category in declared]
    if not wanted or not table.personal:
        return found
    shown: list[ColumnMap] = []
    for each in wanted:
        why = _why_not(each, catalogue, table)
        if why is None:
            shown.append(each)
        else:
            found.left.append(LeftOut(table.name, each.name, why))
    times = [each for each in shown if _kind(catalogue, table, each.name) is ColumnKind.TIME]
    plain = [each for each in shown if each not in times]
    paths = list(table.paths())
    way = log_reading.way_to_people(seen, table, paths[0]) if len(paths) == 1 else None
    if way is None or not way.by_id:
        found.left.append(LeftOut(table.name, None, "its rows lead to no single person by a key"))
        return found
    if not plain and not times:
        return found
    day = _time_of(table, times)
    categories = frozenset(each.category for each in (*plain, *times) if each.category)
    grouped = tuple(each.name for each in plain if _kind(catalogue, table, each.name) is ColumnKind.TEXT)
    columns = tuple(each.name for each in plain)
    found.view = View(
        table.name,
        words.view_name(purpose, table.name),
        way.person,
        columns,
        categories,
        grouped,
        day is not None,
        _rows(way, purpose, columns, day),
    )
    return found


def _why_not(each: ColumnMap, catalogue: Catalogue, table: TableMap) -> str | None:
    category = each.category or ""
    kind = _kind(catalogue, table, each.name)
    if words.names_somebody(category):
        return f"{category} names somebody"
    if kind is ColumnKind.TEXT and words.is_free_text(category):
        return f"{category} is what people wrote"
    if each.name in words.ADDED:
        return "a view has a column of that name already"
    if kind not in _SHOWN:
        return f"what a column of the kind {kind} holds cannot be made coarser"
    return None


def _kind(catalogue: Catalogue, table: TableMap, name: str) -> ColumnKind:
    return (
        catalogue.table(table.name).columns[name].kind
        if name in catalogue.table(table.name).columns
        else ColumnKind.OTHER
    )


def _time_of(table: TableMap, times: list[ColumnMap]) -> str | None:
    """The column that says when, of those that may be shown: that of a use, or of a period's start, else the first."""
    shown = [each.name for each in times]
    named = [*(use.at for use in table.uses), *table.starts.values()]
    return next(iter([*(name for name in named if name in shown), *shown]), None)


def _rows(way: Way, purpose: str, columns: tuple[str, ...], day: str | None) -> Select[Any]:
    may = sqlalchemy.table(words.may_name(purpose, way.person), column("person"), column("pseudonym"))
    source: FromClause = way.source.join(may, may.c.person == way.who)
    shown = [may.c.pseudonym.label(words.PERSON)]
    if day is not None:
        shown.append(func.date(way.table.c[day]).label(words.DAY))
    return select(*shown, *(way.table.c[name] for name in columns)).select_from(source).where(way.where)
