"""The statements of an erasure as text, made once for people of the same shape; and the temporary tables beside them.

What is bound changes from person to person, the text does not. No statement here ends a transaction: MariaDB commits
where a table is made or dropped without the word TEMPORARY, and where an index is made on one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from troth.errors import ErasureRefused
from troth.foundation.records import questions, settings
from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.ends import TableEnd
from troth.foundation.records.keys import BoundKeys, Keys, Slot, Subject
from troth.foundation.records.ordering import Action, Deed
from troth.foundation.records.pointing import Guard
from troth.foundation.records.questions import Ready
from troth.foundation.records.settings import Made, Pseudonym
from troth.foundation.records.setwise import Setwise
from troth.foundation.records.statements import temporary_statement
from troth.policy.datamap import StoreKind

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable

    from troth.foundation.records.erasing import Erasure

_MANY_VALUES = 200  # new values from which on they are looked up by an index
_KEPT_STATEMENTS = 256


@dataclass(frozen=True, slots=True)
class PreparedMaking:
    name: str
    create: str
    ask: Ready
    setting: Made


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """`needless`: it is about nobody of this shape, and touches no row.

    `counted`: how many rows it touches, where the store takes some of them with others and does not tell.
    """

    action: Action
    making: tuple[PreparedMaking, ...]
    ready: Ready
    needless: bool = False
    counted: Ready | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """All statements for one shape of people. `slots`: what stands behind each bound key."""

    guards: tuple[tuple[Guard, Ready], ...]
    gathers: tuple[tuple[str, str, Ready], ...]
    kept: tuple[tuple[str, Ready], ...]
    statements: tuple[PreparedStatement, ...]
    slots: Mapping[str, Slot]


def remembered(
    connection: Connection,
    erasure: Erasure,
    people: Sequence[Subject],
    day: dt.date,
    stand_ins: Mapping[str, tuple[Any, ...]],
) -> tuple[Run, Mapping[str, Any]]:
    """The statements for people of this shape, made once, and the values that these people bind."""
    keys = BoundKeys(people)
    key = (connection.dialect.name, keys.shape, day, tuple(sorted((kind, str(of)) for kind, of in stand_ins.items())))
    run = erasure.prepared.get(key)
    if run is None:
        run = run_of(connection, erasure, keys, keys.slots, day=day, stand_ins=stand_ins)
        if len(erasure.prepared) >= _KEPT_STATEMENTS:
            erasure.prepared.clear()
        erasure.prepared[key] = run
    return run, questions.bound(run.slots, people)


def run_of(
    connection: Connection,
    erasure: Erasure,
    keys: Keys,
    slots: Mapping[str, Slot],
    *,
    day: dt.date,
    stand_ins: Mapping[str, tuple[Any, ...]],
) -> Run:
    import sqlalchemy

    setwise = Setwise(erasure, keys, day, stand_ins, temporary=True)

    def made_ready(statement: Executable) -> Ready:
        return questions.ready(connection.dialect, statement, slots)

    def count(name: str, condition: Any) -> Ready:
        asked = sqlalchemy.select(sqlalchemy.func.count()).select_from(setwise.core(name)).where(condition)
        return made_ready(asked)

    guards = tuple((guard, count(guard.pointer.table, setwise.guarded(guard))) for guard in erasure.guards)
    gathers = []
    for each in setwise.gathers():
        columns = [column.name for column in each.fill.selected_columns]
        into = sqlalchemy.Table(each.name, sqlalchemy.MetaData(), *(sqlalchemy.Column(name) for name in columns))
        create = temporary_statement(each.name, made_ready(each.shape).sql, erasure.kind)
        gathers.append((each.name, create, made_ready(into.insert().from_select(columns, each.fill))))
    kept = [
        (end.name, count(end.name, setwise.kept(end.name, one)))
        for end in erasure.ends.values()
        for one in end.ends
        if one.kept is not None and not told_by_change(erasure, end)
    ]
    statements = [
        PreparedStatement(
            each.action,
            tuple(
                PreparedMaking(made.name, made_ready(made.shape).sql, made_ready(made.fill), made.setting)
                for made in each.making
            ),
            ready := made_ready(each.statement),
            needless=bool(slots) and not ready.about(slots) and not any(name in ready.sql for name, _, _ in gathers),
            counted=count(each.action.table, setwise.going(each.action.table))
            if _untold(erasure, each.action)
            else None,
        )
        for each in setwise.statements()
    ]
    return Run(guards, tuple(gathers), tuple(kept), tuple(statements), dict(slots))


def _untold(erasure: Erasure, action: Action) -> bool:
    """Whether rows go with rows of the same table that they point at, uncounted: PostgreSQL alone counts those."""
    keys = erasure.reach.catalogue.table(action.table).foreign_keys
    takes = any(key.table == action.table and key.on_delete == "CASCADE" for key in keys)
    return takes and action.deed is Deed.DELETE and erasure.kind is not StoreKind.POSTGRESQL


def told_by_change(erasure: Erasure, end: TableEnd) -> bool:
    """Whether the rows changed are just the rows kept."""
    return len(end.ends) == 1 and bool(end.ends[0].settings) and end.name not in erasure.order.joined


def make_values(
    connection: Connection,
    kind: StoreKind,
    making: PreparedMaking,
    bound: Mapping[str, Any],
    pseudonym: Pseudonym | None,
) -> None:
    """The table from old values to new ones, filled."""
    try:
        new = settings.maker(making.setting, pseudonym)
    except ValueError as problem:
        raise ErasureRefused([f"{making.setting.column.name}: {problem}."]) from None
    old = [row[0] for row in making.ask.run(connection, bound).fetchall()]
    create = temporary_statement(making.name, making.create, kind)
    if kind is StoreKind.MARIADB and len(old) > _MANY_VALUES:
        create = create.replace(" AS ", f" (INDEX ({_prefix(making.setting)})) AS ", 1)
    fresh(connection, kind, making.name, create)
    if old:
        into = _values_table(making.name).insert()
        connection.execute(into, [{"old_value": value, "new_value": new(value)} for value in old])
    if kind is not StoreKind.MARIADB and len(old) > _MANY_VALUES:
        schema = "temp." if kind is StoreKind.SQLITE else ""
        connection.exec_driver_sql(f"CREATE INDEX {schema}{making.name}_old ON {making.name} (old_value)")


def _prefix(setting: Made) -> str:
    if setting.column.kind is not ColumnKind.TEXT:
        return "old_value"
    return f"old_value({min(settings.length_of(setting.column) or 100, 100)})"


def _values_table(name: str) -> Any:
    import sqlalchemy

    return sqlalchemy.Table(name, sqlalchemy.MetaData(), sqlalchemy.Column("old_value"), sqlalchemy.Column("new_value"))


def fresh(connection: Connection, kind: StoreKind, name: str, create: str) -> None:
    drop(connection, kind, name)
    _run_plain(connection, create)


def drop(connection: Connection, kind: StoreKind, name: str) -> None:
    temporary = "TEMPORARY " if kind is StoreKind.MARIADB else ""  # without the word MariaDB would commit
    schema = {StoreKind.SQLITE: "temp.", StoreKind.POSTGRESQL: "pg_temp."}.get(kind, "")
    _run_plain(connection, f"DROP {temporary}TABLE IF EXISTS {schema}{name}")


def _run_plain(connection: Connection, statement: str) -> None:
    """By the driver itself, which may have several statements under way."""
    connection.connection.cursor().execute(statement, ())
