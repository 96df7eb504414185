"""Provisional: all rows of one person, plainly, until `reach` brings its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy

from troth.foundation.records.keys import BoundKeys, Subject
from troth.foundation.records.reach import Reach, ReachedTable
from troth.policy.datamap import Copying

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records


def rows_of(
    records: Records, reach: Reach, subjects: Sequence[Subject]
) -> Iterator[tuple[ReachedTable, str | None, tuple[str, ...], Iterator[tuple[Any, ...]]]]:
    """The rows of these subjects of one store."""
    keys = BoundKeys(subjects)
    for table in reach.tables:
        roles = [r for r in table.table.roles.values() if r.copy is Copying.YES]
        columns = tuple(
            n for n in table.seen.columns if table.column(n).copy is Copying.YES and table.column(n).personal
        )
        for role in [each.name for each in roles] if table.table.roles else [None]:
            where = reach.whose(table, keys, role)
            statement = sqlalchemy.select(*(table.core.c[n] for n in columns)).where(where)
            yield table, role, columns, records.execute(reach.store, statement)
