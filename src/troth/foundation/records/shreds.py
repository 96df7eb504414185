"""Columns that end by destroying the key under which their values are sealed: which they are, and what hinders it.

There is one key of sealed fields for a person, in all stores. So it may not go while a law makes us keep anything that
is sealed with it: such an erasure is refused, with the place, before anything is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.counting import count_of
from troth.foundation.records.settings import Shredded
from troth.foundation.sealed_values import sealed
from troth.policy.datamap import ChangeTo, DataMap, DeleteRow, OnErasure, Place, TableMap

if TYPE_CHECKING:
    from sqlalchemy import Select

    from troth.foundation.records.ends import End, TableEnd
    from troth.foundation.records.erasing import Erasure
    from troth.foundation.records.setwise import Setwise


def declared(datamap: DataMap) -> tuple[Place, ...]:
    """Every column of the map that says `shred`, in any store."""
    return tuple(
        dict.fromkeys(
            Place(table.store, table.name, name)
            for table in datamap.tables()
            for end in _ends_of(table)
            if not isinstance(end, DeleteRow)
            for name, change in end.change.items()
            if change.to is ChangeTo.SHRED
        )
    )


def _ends_of(table: TableMap) -> Iterator[OnErasure]:
    yield from (role.on_erasure for role in table.roles.values())
    yield table.on_erasure


def of_store(erasure: Erasure) -> Iterator[tuple[TableEnd, End, tuple[str, ...]]]:
    """The ends of one store by which columns are shredded, each with those columns."""
    for table in erasure.ends.values():
        for one in table.ends:
            names = tuple(name for name, setting in one.settings.items() if isinstance(setting, Shredded))
            if names:
                yield table, one, names


def asked(setwise: Setwise) -> Iterator[tuple[Any, Any]]:
    """For each end that keeps rows by law: how many of them hold something sealed that the key would take."""
    import sqlalchemy

    erasure = setwise.erasure
    if not declared(erasure.reach.datamap):
        return
    for end in erasure.ends.values():
        for one in end.ends:
            names = [] if one.kept is None else list(_kept(end, one))
            if names:
                core = setwise.core(end.name)
                found = sqlalchemy.or_(*(sealed(core.c[name]) for name in names))
                condition = sqlalchemy.and_(setwise.kept(end.name, one), found)
                yield ("sealed", f"{end.name}.{' or '.join(names)}", one.role), count_of(core, condition)


def hindered(counts: Mapping[Any, Any]) -> Iterator[str]:
    """Why the key may not go, by those counts."""
    for key, n in counts.items():
        if isinstance(key, tuple) and key[0] == "sealed" and n:
            yield (
                f"{key[1]}: {n} kept row{'' if n == 1 else 's'} with what is sealed under the person's key, which is "
                "to go for what the map shreds elsewhere. Keep it in clear, or let nothing say shred."
            )


def in_clear(erasure: Erasure) -> Iterator[tuple[Place, Select[Any]]]:
    """For each shredded column of a store the question in how many rows something stands that is not sealed."""
    import sqlalchemy

    for table, one, names in of_store(erasure):
        core = erasure.reach.table(table.name).core
        for name in names:
            setting = one.settings[name]
            assert isinstance(setting, Shredded)
            column = core.c[name]
            other = column.is_distinct_from(setting.otherwise)
            clear = sqlalchemy.and_(other, sealed(column).is_not(sqlalchemy.true()))
            counted = sqlalchemy.select(sqlalchemy.func.count()).select_from(core).where(clear)
            yield Place(erasure.store, table.name, name), counted


def notes(erasure: Erasure) -> Iterator[str]:
    """What a plan says of it."""
    for table, _, names in of_store(erasure):
        yield (
            f"What is sealed in {table.name}.{', '.join(names)} stays, and nobody can open it: the person's key of "
            "sealed fields is destroyed once all stores are done, for every copy and backup (GDPR Art. 17(1)). What is "
            "not sealed there goes."
        )


def _kept(end: TableEnd, one: End) -> Iterator[str]:
    """The columns of text that stay as they are in kept rows, but for keys."""
    assert one.kept is not None
    for name, column in end.seen.columns.items():
        mine = one.kept.keep is None or name in one.kept.keep
        if mine and name not in one.settings and column.kind is ColumnKind.TEXT and name not in end.seen.primary_key:
            yield name
