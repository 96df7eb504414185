"""Make the views that `planning` plans, and keep in step with what people say whom they show.

1. In PostgreSQL and MariaDB they are views of the store, over a table of the people who may be used for the purpose; a
   role that may read the views alone sees nobody else. In SQLite, which has no roles, they are tables in a file of the
   purpose's own, made anew each time and put in place whole.
2. Who may is asked of the audience (`use/audience`): whoever objects, withdraws or is restricted is gone with the next
   round, which `keep_fresh` makes within seconds of a word in small stores, and else as often as the settings say.
3. Each round is written into the ledger first as intended, with the hash of its plan, then as done, with its count.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import Connection, column, select

from troth.errors import RecordsError, TrothError
from troth.foundation.ledger import leaves
from troth.foundation.observation import Observation
from troth.foundation.people import Kind
from troth.foundation.proof import NothingToObserve
from troth.foundation.records.connectors import address_of
from troth.foundation.records.writing import Writer, WritingLimits
from troth.foundation.store import changes
from troth.policy.datamap import StoreKind
from troth.use import log_reading
from troth.use.audience import Audience
from troth.use.company import Company, OpenCompany
from troth.use.tables import view_rounds
from troth.use.views import planning, reading, words
from troth.use.views.planning import Plan, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from troth.policy.settings import Instance
    from troth.policy.usesettings import ViewSettings

_PART = 5_000
_LOOK_S = 2.0
_IDLE_S = 60.0
_REST = 20
"""A round is followed by a pause of so many times what it took, whatever is said meanwhile."""


class ViewMaker(OpenCompany):
    """The company's stores for whoever makes views in them."""

    @classmethod
    def patience_s(cls, instance: Instance) -> float:
        """As `[retention] timeout` says: a view of everybody takes its time."""
        return instance.settings.retention.timeout

    @classmethod
    def at(cls, desk: Company) -> Self:
        """The maker of somebody who has all of this at hand, and who closes it."""
        return cls(desk.office, desk.instance, desk.datamap, desk.records)

    @property
    def settings(self) -> ViewSettings:
        return self.instance.settings.views

    def seen(self) -> Observation:
        """What planning looks through."""
        office = self.office
        return Observation(
            office.policy,
            office.clock.now(),
            self.instance.folder,
            datamap=self.datamap,
            records=self.records,
            store=office.store,
            keyring=office.keyring,
            settings=self.instance.settings,
        )

    def plans(self) -> tuple[Plan, ...]:
        """The plan for each purpose of `[views]`. Raises as `planning.plans`; TrothError where there are none."""
        if not self.settings.purposes or self.settings.store is None:
            raise TrothError(
                "no views are wanted yet.",
                where="[views] in troth.toml",
                expected='store = "shop" and purposes = ["analytics"]',
            )
        return tuple(planning.plans(self.seen(), self.settings))


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: for which purpose, with how many people, in how many views."""

    purpose: str
    people: int
    views: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The views that are there against those of a plan: names that are missing or differ, and names nobody plans."""

    purpose: str
    missing: tuple[str, ...]
    unplanned: tuple[str, ...]
    made_at: datetime | None
    people: int

    @property
    def same(self) -> bool:
        return not self.missing and not self.unplanned and self.made_at is not None


def compare(maker: ViewMaker, plan: Plan) -> Comparison:
    """What `make` would change. Raises RecordsError."""
    seen = maker.seen()
    wanted = {}
    for view in plan.views:
        day, month = ([words.DAY], [words.MONTH]) if view.dated else ([], [])
        wanted[view.name] = (words.PERSON, *day, *view.columns)
        wanted[view.groups_name] = (*month, *view.grouped_by, words.USES, words.PEOPLE)
    try:
        there = {each.name: each.columns for each in reading.look(seen, maker.settings, plan.purpose)}
    except NothingToObserve:
        there = {}
    last = reading.newest_round(seen, plan.purpose)
    return Comparison(
        plan.purpose,
        tuple(name for name, columns in wanted.items() if there.get(name) != columns),
        tuple(name for name in there if name not in wanted),
        last.at if last else None,
        last.people if last else 0,
    )


def statements(plan: Plan) -> tuple[str, ...]:
    """What makes the views of `plan` and grants them, as SQL for PostgreSQL or MariaDB; empty for SQLite."""
    if plan.kind is StoreKind.SQLITE:
        return ()
    return (*_tables(plan), *_views(plan), *grants(plan))


def grants(plan: Plan) -> tuple[str, ...]:
    """What gives the role of the purpose the views, and nothing else."""
    if plan.role is None or plan.kind is StoreKind.SQLITE:
        return ()
    named = _quoted(plan)
    role = named(plan.role)
    return tuple(
        f"GRANT SELECT ON {named(name)} TO {role}" for view in plan.views for name in (view.name, view.groups_name)
    )


def make(maker: ViewMaker, plan: Plan) -> Round:
    """Make the views of `plan`, or make them anew, with the people who may be used now.

    Raises: RecordsError where the store refuses; StoreError, and then nothing was done.
    """
    office = maker.office
    with office.deed() as tx:
        body = {"store": plan.store, "purpose": plan.purpose, "plan": plan.sha256.hex()}
        leaves.append(tx, office.keyring, "views.intended", None, body, office.clock.now())
    at = office.clock.now()
    allowed = Audience(office).of(plan.purpose, plan.categories)
    if plan.kind is StoreKind.SQLITE:
        people = _into_a_file(maker, plan, allowed)
    else:
        people = _into_the_store(maker, plan, allowed)
    with office.deed() as tx:
        told = {"store": plan.store, "purpose": plan.purpose, "people": people, "views": len(plan.views)}
        leaf = leaves.append(tx, office.keyring, "views.made", None, told, office.clock.now())
        tx.execute(
            view_rounds.insert().values(
                store=plan.store, purpose=plan.purpose, at=at, people=people, plan_sha256=plan.sha256, leaf=leaf
            )
        )
    return Round(plan.purpose, people, len(plan.views))


def make_all(maker: ViewMaker) -> tuple[Round, ...]:
    """One round of every purpose of the settings. Raises as `make`."""
    return tuple(make(maker, plan) for plan in maker.plans())


def keep_fresh(maker_now: Callable[[], ViewMaker], stop: threading.Event) -> None:
    """Make rounds until `stop` is set: soon after a word was said, and at least every `[views] refresh`."""
    version: str | None = None
    rested = due = 0.0
    while not stop.is_set():
        maker, now = maker_now(), time.monotonic()
        if not maker.settings.purposes:
            stop.wait(_IDLE_S)
            continue
        with maker.office.store.reading() as tx:
            newest = changes.version(tx)
        if now >= due or (newest != version and now >= rested):
            make_all(maker)
            took = time.monotonic() - now
            clock = maker.office.clock.now()
            version, rested = newest, time.monotonic() + _REST * took
            due = now + (maker.settings.refresh.after(clock) - clock).total_seconds() / 2
        stop.wait(_LOOK_S)


# --- who may be shown -------------------------------------------------------------------------------------------------


def _permitted(maker: ViewMaker, plan: Plan, person: str, allowed: Any) -> Iterator[tuple[Any, str]]:
    """The key and the pseudonym of each person of a kind who may be used, as the store has them."""
    kind = plan.kinds[person]
    seen = maker.seen()
    table = maker.records.table(kind.store, kind.table)
    keys = [row[0] for row in maker.records.execute(kind.store, select(table.c[kind.key[0]]))]
    for start in range(0, len(keys), _PART):
        part = keys[start : start + _PART]
        numbers = log_reading.who_is_who(seen, Kind.ID, set(part))
        for key in part:
            if numbers.get(key) in allowed:
                yield key, reading.pseudonym(maker.office.keyring, plan.purpose, person, key)


# --- SQLite: a file of the purpose's own ------------------------------------------------------------------------------


def _into_a_file(maker: ViewMaker, plan: Plan, allowed: Any) -> int:
    store = maker.datamap.stores[plan.store]
    assert store.connect is not None, "what was planned has an address"
    source = (
        maker.instance.folder / (address_of(store.connect, maker.instance.environ, store.name).database or "")
    ).resolve()
    path = reading.file_of(maker.instance.folder, maker.settings, plan.purpose)
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    with _beside(path) as made:
        people = 0
        with closing(sqlite3.connect(f"file:{quote(str(made))}", uri=True, isolation_level=None)) as there:
            try:
                there.execute("attach database ? as company", (f"file:{quote(str(source))}?mode=ro",))
                there.execute("begin")
                for person in plan.kinds:
                    name = words.may_name(plan.purpose, person)
                    there.execute(f'create temp table "{name}" (person primary key, pseudonym text)')
                    rows = list(_permitted(maker, plan, person, allowed))
                    people += len(rows)
                    there.executemany(f'insert into "{name}" values (?, ?)', rows)  # noqa: S608 - a name made here
                for view in plan.views:
                    there.execute(f'create table "{view.name}" as {plan.sql(view.rows)}')
                    there.execute(f'create table "{view.groups_name}" as {plan.sql(plan.groups(view))}')
                there.execute("commit")
            except sqlite3.Error:
                raise RecordsError(
                    "the file of the views cannot be made.", where=plan.store, repair="Look whether the disk is full."
                ) from None
        made.chmod(mode)
        made.replace(path)
    return people


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new file beside `path`, closed to others, gone at the end unless it was put in place."""
    made = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        made.unlink(missing_ok=True)
        made.touch(mode=0o600)
        yield made
    finally:
        made.unlink(missing_ok=True)


# --- PostgreSQL and MariaDB: views of the store -----------------------------------------------------------------------


def _into_the_store(maker: ViewMaker, plan: Plan, allowed: Any) -> int:
    wanted = {person: dict(_permitted(maker, plan, person, allowed)) for person in plan.kinds}
    limits = WritingLimits(timeout_s=maker.instance.settings.retention.timeout, base=maker.instance.folder)
    stale = _stale(maker, plan)

    def work(connection: Connection) -> None:
        for statement in _tables(plan):
            _execute(connection, statement)
        for person, rows in wanted.items():
            _fill(connection, words.may_name(plan.purpose, person), rows)
        if stale:
            for statement in _views(plan):
                _execute(connection, statement)

    with Writer(maker.datamap.stores[plan.store], maker.instance.environ, limits) as writer:
        writer.carry_out(work)
    maker.records.refresh(plan.store)
    return sum(map(len, wanted.values()))


def _execute(connection: Connection, statement: str) -> None:
    """Run a statement as it is written: a % in it is a %."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _stale(maker: ViewMaker, plan: Plan) -> bool:
    """Whether the views in the store are not those of the plan: never made, or of another policy, map or schema."""
    own = maker.records.refresh(plan.store).own
    if any(name not in own for view in plan.views for name in (view.name, view.groups_name)):
        return True
    newest = (
        select(view_rounds.c.plan_sha256)
        .where(view_rounds.c.store == plan.store, view_rounds.c.purpose == plan.purpose)
        .order_by(view_rounds.c.id.desc())
        .limit(1)
    )
    with maker.office.store.reading() as tx:
        made = tx.execute(newest).scalar()
    return made is None or bytes(made) != plan.sha256


def _fill(connection: Connection, name: str, rows: Mapping[Any, str]) -> None:
    """Bring the table of those who may in step: who may no longer goes first."""
    table = sqlalchemy.table(name, column("person"), column("pseudonym"))
    there = {row[0]: row[1] for row in connection.execute(select(table))}
    gone = [{"gone": key} for key, pseudonym in there.items() if rows.get(key) != pseudonym]
    new = [{"person": key, "pseudonym": each} for key, each in rows.items() if there.get(key) != each]
    if gone:
        connection.execute(table.delete().where(table.c.person == sqlalchemy.bindparam("gone")), gone)
    for start in range(0, len(new), _PART):
        connection.execute(table.insert(), new[start : start + _PART])


def _tables(plan: Plan) -> Iterator[str]:
    """The tables of those who may, their key of the store's own type; left as they are where they stand already."""
    named = _quoted(plan)
    for person, kind in plan.kinds.items():
        schema, _, bare = kind.table.rpartition(".")
        source = f"{named(schema)}.{named(bare)}" if schema else named(bare)
        key = named(kind.key[0])
        yield (
            f"CREATE TABLE IF NOT EXISTS {named(words.may_name(plan.purpose, person))} AS "  # noqa: S608 - quoted names
            f"SELECT {key} AS person, CAST('' AS CHAR(32)) AS pseudonym FROM {source} WHERE 1 = 0"
        )
        name = words.may_name(plan.purpose, person)
        yield f"CREATE UNIQUE INDEX IF NOT EXISTS {named(name + '_key')} ON {named(name)} (person)"


def _views(plan: Plan) -> Iterator[str]:
    named = _quoted(plan)
    for view in plan.views:
        yield f"DROP VIEW IF EXISTS {named(view.groups_name)}"
        yield f"DROP VIEW IF EXISTS {named(view.name)}"
    for view in plan.views:
        yield from _view(plan, view, named)


def _view(plan: Plan, view: View, named: Callable[[str], str]) -> Iterator[str]:
    yield f"CREATE VIEW {named(view.name)} AS {plan.sql(view.rows)}"
    yield f"CREATE VIEW {named(view.groups_name)} AS {plan.sql(plan.groups(view))}"


def _quoted(plan: Plan) -> Callable[[str], str]:
    preparer = plan.dialect.identifier_preparer
    return preparer.quote_identifier
