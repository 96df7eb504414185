"""How people are reached in one store, and erased from it: compiled once from the map and the live tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troth.foundation.records import erasing
from troth.foundation.records.reach import Reach

if TYPE_CHECKING:
    from troth.rights.desk import Desk


def compiled(desk: Desk, store: str) -> erasing.Erasure:
    """How people are erased from one store. Raises ErasureRefused."""
    kind, _ = desk.records.kind(store)
    return erasing.compile(reach_of(desk, store), kind)


def reach_of(desk: Desk, store: str) -> Reach:
    """The paths of one store."""
    return Reach.compile(desk.datamap, desk.records.catalogue(store))
