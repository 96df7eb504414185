"""Which rows are whose: the paths of a data map, held against the catalogue of one store, as conditions of SQL.

Nothing is executed here. `Reach.compile` tells every fault of a store's paths at once; after that `whose` gives, for
any table, the condition under which a row is one of these people's, and `others` whether somebody else is still on it.
The same condition serves a SELECT, an UPDATE and a DELETE, and one person or a batch (`keys`).

1. A path never matches NULL. `everyone` says why a row is nobody's; it takes no row from whom a path leads to.
2. A row that hangs on another is found by nested `IN (SELECT ...)`, which all stores answer from indexes. The depth is
   what the map's chain says; only a table that names itself on its own path is followed again and again.
3. A row with roles is theirs when any role is, or the one that is asked for.
4. `others` of a shared row (`shared: by-reference`): another row that is not theirs still points at it, whoever owns
   that one; of a row with roles: a role leads to somebody who is not among these people.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from troth.errors import DeclarationFaults
from troth.foundation.records import pathfaults, pathwalk
from troth.foundation.records.catalogue import Catalogue
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.keys import BoundKeys, Keys
from troth.foundation.records.pathclauses import Others, Theirs
from troth.foundation.records.pathowners import Numbers, Owner
from troth.foundation.records.pathwalk import Used
from troth.foundation.records.statements import core_table
from troth.policy.datamap import ColumnMap, DataMap, Place, TableMap

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

_KEPT = 16
_compiled: OrderedDict[tuple[str, int], Reach] = OrderedDict()


@dataclass(frozen=True, slots=True, eq=False)
class ReachedTable:
    """One table with a path to people: as the map has it, as the store says it is, and for statements."""

    table: TableMap
    seen: TableSeen
    core: Table

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def place(self) -> Place:
        return self.table.place

    def column(self, name: str) -> ColumnMap:
        """What the map says of a column; one that it does not name counts as personal, of no category."""
        return self.table.columns.get(name) or ColumnMap(name)

    def __repr__(self) -> str:
        return f"ReachedTable({self.place})"


class Reach:
    """The paths of one store."""

    def __init__(self, datamap: DataMap, catalogue: Catalogue, tables: tuple[ReachedTable, ...]) -> None:
        self.datamap = datamap
        self.catalogue = catalogue
        self.store = catalogue.store
        self.tables = tables
        self.prepared: dict[Any, Any] = {}  # what readers made of these paths and need not make again
        self._by_name = MappingProxyType({each.name: each for each in tables})

    def __repr__(self) -> str:
        return f"Reach({self.store})"

    @classmethod
    def compile(cls, datamap: DataMap, catalogue: Catalogue) -> Self:
        """The paths of the store that `catalogue` is of; the same object for the same map and catalogue.

        Raises DeclarationFaults with every table, column and join that the store does not have.
        """
        key = (datamap.sha256, id(catalogue))
        found = _compiled.get(key)
        if isinstance(found, cls) and found.catalogue is catalogue and found.datamap is datamap:
            return found
        faults = pathfaults.find(datamap, catalogue)
        if faults:
            raise DeclarationFaults(faults)
        tables = tuple(
            ReachedTable(table, seen, core_table(seen))
            for table in datamap.stores[catalogue.store].tables.values()
            if any(table.paths()) and (seen := catalogue.table(table.name))
        )
        made = cls(datamap, catalogue, tables)
        _compiled[key] = made
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
        return made

    def table(self, name: str) -> ReachedTable:
        """The reached table of that name. Raises KeyError for one that leads to nobody."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def whose(self, table: ReachedTable, keys: Keys, role: str | None = None) -> ColumnElement[bool]:
        """True for the rows of `table` that are these people's: in `role`, or in any where it is None."""
        return Theirs(self, keys).rows(table, table.core, role)

    def others(
        self, table: ReachedTable, keys: Keys, role: str | None = None, *, nobody: Keys | None = None
    ) -> ColumnElement[bool]:
        """True for the rows of `table` that somebody else is still on; with `role`, on in that role.

        `nobody`: keys that stand for nobody (the stand-ins of people who are gone).
        """
        if isinstance(keys, BoundKeys) and isinstance(nobody, BoundKeys) and keys.people and nobody.people:
            assert keys.name != nobody.name, "INVARIANT: the keys in one statement have different names"
        return Others(self, keys, nobody).rows(table, table.core, role)

    def owner(self, table: ReachedTable, numbers: Numbers, role: str | None = None) -> ColumnElement[int]:
        """The number, in the batch, of the person whose row it is: the lowest where several share it, else NULL."""
        return Owner(self, numbers).row(table, table.core, role)

    def columns_used(self, table: ReachedTable | None = None) -> tuple[Used, ...]:
        """By which columns rows are looked up, on the paths of `table` or on all paths: each wants an index."""
        chosen = self.tables if table is None else (table,)
        return tuple(dict.fromkeys(used for each in chosen for used in pathwalk.used(self, each)))

    def copies_of(self, place: Place) -> Iterator[Place]:
        """The columns of this store that repeat the one at `place`, at first or second hand."""
        waiting, seen = [place], {place}
        while waiting:
            original = waiting.pop()
            for where, column in self.datamap.columns():
                if column.copies == original and where not in seen:
                    seen.add(where)
                    waiting.append(where)
                    yield where

    def forget(self) -> None:
        """Drop all compiled paths; for tests."""
        _compiled.clear()
