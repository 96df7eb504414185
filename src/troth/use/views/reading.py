"""Look at the views as they are: their columns, their rows, whom they show, who may read them. An eye; it asks no deed.

In PostgreSQL and MariaDB they are views of the store, in SQLite tables in a file of the purpose's own.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import column, select

from troth.errors import StoreError
from troth.foundation.people import Kind
from troth.foundation.proof import NothingToObserve
from troth.policy.datamap import StoreKind
from troth.policy.vocabulary import LegalBasis
from troth.use import log_reading
from troth.use.tables import restrictions, view_rounds
from troth.use.views import words
from troth.use.words import Restriction

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.foundation.observation import Observation
    from troth.policy.usesettings import ViewSettings

MOST = 200_000
"""Rows read of one view, at most."""
_REPAIR = "run `troth views create`"


@dataclass(frozen=True, slots=True)
class ViewSeen:
    """One view as it is: the table it shows, its columns and its rows. `whole`: all rows were read."""

    name: str
    table: str
    groups: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)
    whole: bool = True

    def values(self, name: str) -> Iterator[Any]:
        place = self.columns.index(name)
        return (row[place] for row in self.rows)


@dataclass(frozen=True, slots=True)
class RoundSeen:
    """The last round on record: when, and with how many people."""

    at: dt.datetime
    people: int


def pseudonym(keyring: Keyring, purpose: str, person: str, key: object) -> str:
    """What stands for a person in the views for one purpose; without the key nobody can compute or compare it."""
    return keyring.pseudonym("view", "\x00".join((purpose, person, str(key))).encode()).hex()


def file_of(folder: Path, settings: ViewSettings, purpose: str) -> Path:
    """The file of the views for a purpose on a store of SQLite."""
    return folder / settings.folder / f"{purpose}.db"


def look(seen: Observation, settings: ViewSettings, purpose: str) -> tuple[ViewSeen, ...]:
    """The views for `purpose` as they are now. Raises RecordsError; NothingToObserve where there are none."""
    store = settings.store or ""
    if seen.need_records().kind(store)[0] is StoreKind.SQLITE:
        found = tuple(_in_file(seen, settings, purpose))
    else:
        found = tuple(_in_store(seen, store, purpose))
    if not found:
        raise NothingToObserve(f"there are no views for {purpose}", where=store, repair=_REPAIR)
    return found


def newest_round(seen: Observation, purpose: str) -> RoundSeen | None:
    """When the views for `purpose` were last made. Raises NothingToObserve."""
    statement = (
        select(view_rounds.c.at, view_rounds.c.people)
        .where(view_rounds.c.purpose == purpose)
        .order_by(view_rounds.c.id.desc())
        .limit(1)
    )
    try:
        with seen.need_store().reading() as tx:
            row = tx.execute(statement).first()
    except StoreError as problem:
        raise NothingToObserve(
            "when the views were made cannot be read", where=problem.where, repair=problem.repair or _REPAIR
        ) from None
    return None if row is None else RoundSeen(row.at, row.people)


def persons(seen: Observation, purpose: str) -> dict[str, int | None]:
    """Who stands behind each pseudonym that a view for `purpose` may show: the number troth has, or None."""
    found: dict[str, int | None] = {}
    keyring = seen.need_keyring()
    for person, kind in seen.need_map().people().items():
        if len(kind.key) != 1 or kind.store != seen.settings.views.store:
            continue
        records = seen.need_records()
        table = records.table(kind.store, kind.table)
        keys = [row[0] for row in records.execute(kind.store, select(table.c[kind.key[0]]))]
        numbers = log_reading.who_is_who(seen, Kind.ID, set(keys))
        found.update((pseudonym(keyring, purpose, person, key), numbers.get(key)) for key in keys)
    return found


def refused(seen: Observation, purpose: str, numbers: set[int], at: dt.datetime) -> set[int]:
    """Those of `numbers` who at `at` had not agreed to `purpose`, had objected to it, or were restricted."""
    told = log_reading.said(seen, purpose)
    asks = any(use.basis is LegalBasis.CONSENT for use in seen.policy.uses if use.purpose == purpose)
    paused = _restricted(seen, at)
    return {
        number
        for number in numbers
        if number in paused or (not told.stood(number, at) if asks else told.objected(number, at))
    }


def identifiers(seen: Observation, store: str) -> frozenset[str]:
    """The values of a store that name people: of the columns whose kind of data says who somebody is."""
    found: set[str] = set()
    records = seen.need_records()
    for table in seen.need_map().stores[store].tables.values():
        names = [
            each.name
            for each in table.columns.values()
            if each.category is not None and each.scan and _identifies(each.category)
        ]
        if names:
            for row in records.rows(store, table.name, names, limit=MOST):
                found.update(value.strip().lower() for value in row if isinstance(value, str) and len(value) > 3)
    return frozenset(found)


def _identifies(category: str) -> bool:
    return category in {"account.username", "account.id", "profile.name"} or category.startswith("contact.")


def _restricted(seen: Observation, at: dt.datetime) -> frozenset[int]:
    statement = (
        select(restrictions.c.person, restrictions.c.ground, restrictions.c.event)
        .where(restrictions.c.at <= at)
        .order_by(restrictions.c.at, restrictions.c.id)
    )
    last: dict[tuple[int, str], Restriction] = {}
    try:
        with seen.need_store().reading() as tx:
            for person, ground, event in tx.execute(statement):
                last[person, ground] = event
    except StoreError as problem:
        raise NothingToObserve(
            "who is restricted cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    return frozenset(person for (person, _), event in last.items() if event is Restriction.PLACED)


def _in_file(seen: Observation, settings: ViewSettings, purpose: str) -> Iterator[ViewSeen]:
    path = file_of(seen.folder, settings, purpose)
    if not path.is_file():
        raise NothingToObserve(f"there are no views for {purpose}", where=str(settings.folder), repair=_REPAIR)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as there:
            names = [row[0] for row in there.execute("select name from sqlite_master where type in ('table', 'view')")]
            for name in names:
                listed = tuple(row[1] for row in there.execute(f"pragma table_info({_quote(name)})"))
                rows = there.execute(f"select * from {_quote(name)} limit {MOST + 1}").fetchall()  # noqa: S608 - a quoted name
                yield _seen(seen, settings.store or "", purpose, name, listed, rows)
    except sqlite3.Error:
        raise NothingToObserve("the file of the views cannot be read", where=path.name, repair=_REPAIR) from None


def _in_store(seen: Observation, store: str, purpose: str) -> Iterator[ViewSeen]:
    records = seen.need_records()
    for name, table in records.catalogue(store).own.items():
        if words.purpose_of(name, seen.policy.purposes) == purpose:
            listed = tuple(table.columns)
            made = sqlalchemy.table(name, *(column(each) for each in listed))
            rows = [tuple(row) for row in records.execute(store, select(made).limit(MOST + 1))]
            yield _seen(seen, store, purpose, name, listed, rows)


def _seen(  # noqa: PLR0917 - what one view is made of
    seen: Observation, store: str, purpose: str, name: str, listed: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> ViewSeen:
    groups = name.endswith(words.GROUPS)
    bare = name.removesuffix(words.GROUPS)
    tables = seen.need_map().stores[store].tables
    table = next((each for each in tables if words.view_name(purpose, each) == bare), "")
    return ViewSeen(name, table, groups, listed, tuple(rows[:MOST]), len(rows) <= MOST)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
