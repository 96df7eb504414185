"""Pointers of which the map knows nothing, between any tables, and tables that are nobody's."""

from __future__ import annotations

from tests.foundation.records.oracle.basics import Basics
from tests.foundation.records.oracle.worlds import Key, Table


class Nobodys(Basics):
    """Adds them to what is there."""

    def loop(self) -> None:
        """Two tables that point at each other."""
        if len(self.leads) < 2:
            return
        one, other = self.random.sample(list(self.leads), 2)
        for left, right in ((one, other), (other, one)):
            self.pointer(self.world.tables[left], self.world.tables[right], nullable=self.chance(0.8))

    def pointer(self, table: Table, target: Table, *, nullable: bool = True) -> None:
        """A rule of the store of which the map knows nothing."""
        if not target.rows or any(end.keep == "all" for _, _, end in table.ends()):
            return
        column = self.column(table, "ref", "int", nullable)
        for row in table.rows:
            row[column.name] = self.one(*([None] if nullable else []), *(each["id"] for each in target.rows))
        table.keys.append(
            Key(
                (column.name,),
                target.name,
                ("id",),
                self.one(None, None, "CASCADE", "RESTRICT", "SET NULL")
                if nullable
                else self.one(None, "CASCADE", "RESTRICT"),
            )
        )

    def nobodys(self) -> None:
        """A table that is not personal, whose rows may point at somebody's."""
        table = self.numbered("wares")
        self.texts(table)
        table.said.clear()
        table.personal = False
        for _ in range(self.count()):
            row = self.row(table, {})
            for column in table.columns:
                if column.type == "text":
                    row[column.name] = "ware"
        if self.leads and self.chance(0.7):
            self.pointer(table, self.world.tables[self.one(*self.leads)], nullable=self.chance(0.8))
        self.leads.pop(table.name, None)

    def further_key(self) -> None:
        if len(self.leads) >= 1:
            self.pointer(
                self.one(*self.world.tables.values()),
                self.world.tables[self.one(*self.leads)],
                nullable=self.chance(0.85),
            )
