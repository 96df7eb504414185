"""Keys that a schema does not declare but names suggest: believed when the values agree.

A sample of the column's values is looked up in the key it seems to point at. Nearly all found: likely. Few found: not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from troth.collection.relations import View, views
from troth.errors import RecordsError
from troth.foundation.records.catalogue import Catalogue
from troth.foundation.records.reading import Records
from troth.policy.datamap import Place

if TYPE_CHECKING:
    from sqlalchemy import Table

SAMPLE = 200
BELIEVED = 0.9
"""The share of sampled values that must stand in the key; a few orphans are usual where no foreign key forbids them."""


@dataclass(frozen=True, slots=True)
class LikelyKey:
    """`place` seems to point at `target`: `share` of `sampled` values stand there; None where the column is empty."""

    place: Place
    target: Place
    share: float | None
    sampled: int

    @property
    def believed(self) -> bool:
        return self.share is None or self.share >= BELIEVED


def likely_keys(records: Records, store: str) -> tuple[LikelyKey, ...]:
    """Every undeclared key that names suggest, measured."""
    catalogue = records.catalogue(store)
    found: dict[Place, LikelyKey] = {}
    for name, view in views(catalogue).items():
        for link in (*view.links, *view.parents):
            if not link.declared and len(link.columns) == len(link.target_columns) == 1:
                place = Place(store, name, link.columns[0])
                target = Place(store, link.table, link.target_columns[0])
                found.setdefault(place, share_of(records, place, target))
    return tuple(found.values())


def believed_views(catalogue: Catalogue, keys: Collection[LikelyKey]) -> dict[str, View]:
    """How tables stand to people when only believed keys count."""
    denied = frozenset((key.place.table, key.place.column or "") for key in keys if not key.believed)
    return views(catalogue, denied)


def share_of(records: Records, place: Place, target: Place, *, fold: bool = False) -> LikelyKey:
    """How many of a sample of the values at `place` stand at `target`; `fold`: in whatever case."""
    import sqlalchemy

    own: Table = records.table(place.store, place.table)
    other: Table = records.table(place.store, target.table)
    column, key = own.c[place.column or ""], other.c[target.column or ""]
    some = sqlalchemy.select(column.label("v")).where(column.is_not(None)).limit(SAMPLE).subquery()
    left: sqlalchemy.ColumnElement[Any] = key
    right: sqlalchemy.ColumnElement[Any] = some.c.v
    if records.catalogue(place.store).column(place).kind is not records.catalogue(place.store).column(target).kind:
        text = sqlalchemy.String(190)  # a number on one side and a text on the other may still be the same key
        left, right = sqlalchemy.cast(key, text), sqlalchemy.cast(some.c.v, text)
    if fold:
        left, right = sqlalchemy.func.lower(left), sqlalchemy.func.lower(right)
    matched = sqlalchemy.exists().where(left == right)
    counted = sqlalchemy.select(
        sqlalchemy.func.count(), sqlalchemy.func.sum(sqlalchemy.case((matched, 1), else_=0))
    ).select_from(some)
    try:
        ((sampled, found),) = records.execute(place.store, counted)
    except RecordsError:  # too slow to tell: not believed, and said so
        return LikelyKey(place, target, 0.0, 0)
    return LikelyKey(place, target, float(found or 0) / sampled if sampled else None, int(sampled))
