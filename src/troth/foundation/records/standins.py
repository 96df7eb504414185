"""The stand-in person of each kind: a row of nobody, to which shared rows point when one of their people has gone.

There is one for a kind in a store, made when first needed, in the transaction that needs it, with only what its table
demands. Its key stands in `troth_step`, so that it is found again, and counts as nobody.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from troth.errors import ErasureRefused
from troth.foundation.clock import stamp
from troth.foundation.records import settings, steps
from troth.foundation.records.catalogue import Catalogue, Column, ColumnKind, Table
from troth.foundation.records.keys import fitted
from troth.foundation.records.questions import Ask
from troth.foundation.records.statements import core_table
from troth.policy.datamap import Normalising, PersonKind, StoreKind, TableMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Connection


def faults_of(kind: PersonKind, catalogue: Catalogue, tables: Mapping[str, TableMap]) -> Iterator[str]:
    """Why no stand-in of `kind` can be made; told when planning."""
    table, own = catalogue.table(kind.table), tables.get(kind.table)
    itself = _itself(table, kind, own)
    for column in _demanded(table, kind):
        place = f"{kind.table}.{column.name}"
        if column.name in itself:
            continue
        target = _target(table, column.name)
        link = own.columns[column.name].link if own is not None and column.name in own.columns else None
        if link is not None or (target is not None and target != kind.table):
            mapped = tables.get(target or "")
            if link is not None or mapped is None or mapped.personal:
                missing = f"a stand-in of {kind.name} must point at {target or link}, where nobody stands in"
                yield f"{place}: {missing}. Let it be NULL."
            continue
        try:
            _value(table, column, kind)
        except ValueError as problem:
            yield f"{place}: no stand-in of {kind.name} can be made: {problem}."


def find(connection: Connection, kind: PersonKind) -> tuple[Any, ...] | None:
    """The key of the stand-in of `kind`, or None where there is none yet (or no `troth_step`)."""
    found = steps.find(connection, steps.STAND_IN, kind.id)
    return None if not found else tuple(_read(each) for each in found["key"])


class Nobody:
    """The keys of stand-ins, as `Keys`: who counts as nobody."""

    def __init__(self, keys: Mapping[str, tuple[Any, ...]]) -> None:
        self._keys = keys

    def hold(
        self,
        kind: str,
        columns: Sequence[ColumnElement[Any]],
        seen: Sequence[Column],
    ) -> ColumnElement[bool]:
        import sqlalchemy

        key = self._keys.get(kind)
        if key is None:
            return sqlalchemy.false()
        fit = (fitted(value, each) for value, each in zip(key, seen, strict=True))
        return sqlalchemy.and_(*(column == value for column, value in zip(columns, fit, strict=True)))

    def equal(
        self,
        kind: str,  # noqa: ARG002
        identifier: str | None,  # noqa: ARG002
        text: ColumnElement[str],  # noqa: ARG002
        normalise: tuple[Normalising, ...],  # noqa: ARG002
    ) -> ColumnElement[bool]:
        import sqlalchemy

        return sqlalchemy.false()

    def some(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        key = self._keys.get(kind)
        if key is None or identifier is not None:
            return sqlalchemy.false()
        return sqlalchemy.or_(*(test(sqlalchemy.literal(str(value), sqlalchemy.String())) for value in key))


def known(ask: Ask, kind: StoreKind, kinds: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """The keys of the stand-ins of `kinds` (ids) that are there, by a read-only connection."""
    import sqlalchemy

    wanted = tuple(kinds)
    if not wanted or not ask(steps.exists_statement(kind))[0][0]:
        return {}
    made = steps.table()
    found = ask(sqlalchemy.select(made.c.step, made.c.counts).where(made.c.request == steps.STAND_IN))
    return {step: tuple(_read(each) for each in json.loads(counts)["key"]) for step, counts in found if step in wanted}


def ensure(
    connection: Connection, kind: PersonKind, catalogue: Catalogue, at: dt.datetime, own: TableMap | None = None
) -> tuple[Any, ...]:
    """The key of the stand-in of `kind`, whose table is mapped as `own`; its row is made where there is none.

    Where its table demands that it points at somebody of its kind, it points at itself.
    """
    import sqlalchemy

    table = catalogue.table(kind.table)
    made = core_table(table)
    there = find(connection, kind)
    if there is not None:
        meets = (made.c[name] == value for name, value in zip(kind.key, there, strict=True))
        if connection.execute(sqlalchemy.select(sqlalchemy.literal(1)).select_from(made).where(*meets)).first():
            return there
    itself = _itself(table, kind, own)
    values: dict[str, Any] = {}
    for column in _demanded(table, kind):
        if column.name not in itself:
            other = _pointer(table, column)
            values[column.name] = (
                _any_row(connection, table, column.name, catalogue) if other else _value(table, column, kind)
            )
    name = kind.key[0]
    key = table.columns[name]
    if key.given:  # at the first row there is, until its own key is known
        values |= {
            each: connection.execute(sqlalchemy.select(sqlalchemy.func.min(made.c[of]))).scalar()
            for each, of in itself.items()
        }
    else:
        values[name] = _new_key(connection, made.c[name], key)
        values |= {each: values.get(of) for each, of in itself.items()}
    if not key.given:
        connection.execute(made.insert().values(values))
        found = values[name]
    elif connection.dialect.name == "mysql" and not connection.dialect.insert_returning:
        found = connection.execute(made.insert().values(values)).lastrowid
    else:
        returned = made.insert().values(values) if values else _defaults(connection, made)
        found = connection.execute(returned.returning(made.c[name])).scalar_one()
    if key.given and itself:
        final = {each: found if of == name else values.get(of) for each, of in itself.items()}
        connection.execute(made.update().where(made.c[name] == found).values(final))
    _remember(connection, kind, (found,), at, there is not None)
    return (found,)


def _defaults(connection: Connection, made: Any) -> Any:
    name = next(iter(made.c)).name
    if connection.dialect.name == "mysql":
        import sqlalchemy

        return made.insert().values({name: sqlalchemy.text("DEFAULT")})
    return made.insert()


def _remember(connection: Connection, kind: PersonKind, key: Sequence[Any], at: dt.datetime, anew: bool) -> None:  # noqa: FBT001
    made = steps.table()
    counts = json.dumps({"key": [_written(each) for each in key]})
    if anew:
        connection.execute(
            made.update().where(made.c.request == steps.STAND_IN, made.c.step == kind.id).values(counts=counts)
        )
    else:
        connection.execute(made.insert().values(request=steps.STAND_IN, step=kind.id, counts=counts, at=stamp(at)))


def _demanded(table: Table, kind: PersonKind) -> list[Column]:
    """The columns beside the key that may not be NULL and that the store does not fill by itself."""
    return [
        column
        for column in table.columns.values()
        if not column.nullable and not column.given and not column.computed and column.name not in kind.key
    ]


def _itself(table: Table, kind: PersonKind, own: TableMap | None) -> dict[str, str]:
    """The demanded columns that point at a row of the same kind, by a rule or as a link, each with its target."""
    links = {
        name: kind.key[0] for name, each in (own.columns if own is not None else {}).items() if each.link == kind.id
    }
    rules = {
        mine: other
        for each in table.foreign_keys
        if each.table == table.name
        for mine, other in zip(each.columns, each.target_columns, strict=True)
    }
    demanded = {column.name for column in _demanded(table, kind)}
    return {name: of for name, of in (links | rules).items() if name in demanded}


def _pointer(table: Table, column: Column) -> bool:
    return _target(table, column.name) not in (None, table.name)


def _target(table: Table, column: str) -> str | None:
    return next((key.table for key in table.foreign_keys if column in key.columns), None)


def _any_row(connection: Connection, table: Table, column: str, catalogue: Catalogue) -> Any:
    """The first row of a table of no people (a country, a shop) that the stand-in must point at."""
    import sqlalchemy

    key = next(each for each in table.foreign_keys if column in each.columns)
    there = core_table(catalogue.table(key.table)).c[key.target_columns[key.columns.index(column)]]
    found = connection.execute(sqlalchemy.select(sqlalchemy.func.min(there))).scalar()
    if found is None:
        raise ErasureRefused([f"{table.name}.{column}: {key.table} has no row for a stand-in to point at."])
    return found


def _value(table: Table, column: Column, kind: PersonKind) -> Any:
    """What stands in a demanded column. Raises ValueError where nothing can."""
    unique = any(index.unique and column.name in index.columns for index in table.indexes)
    if column.kind is ColumnKind.TEXT:
        mail = f"stand-in-{kind.name}@example.invalid"
        text = mail if "mail" in column.name.casefold() else f"stand-in {kind.name}"
        most = settings.length_of(column)
        plain = settings.emptied(column)  # raises where only some words may stand there
        if most is None or len(text) <= most:
            return text
        return uuid.uuid4().hex[:most] if unique else plain
    return settings.emptied(column)


def _new_key(connection: Connection, made: ColumnElement[Any], column: Column) -> Any:
    import sqlalchemy

    if column.kind is ColumnKind.NUMBER:
        return int(connection.execute(sqlalchemy.select(sqlalchemy.func.max(made))).scalar() or 0) + 1
    if column.kind is ColumnKind.BINARY:
        return uuid.uuid4().bytes
    fresh = str(uuid.uuid4())
    return fresh if column.kind is ColumnKind.UUID else fresh[: settings.length_of(column) or 36]


def _written(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return {"hex": bytes(value).hex()}
    return value if isinstance(value, int) else str(value)


def _read(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
