"""Rarer forms: copies of a column, rows about somebody, rows that hang on each other, keys that are nearly one."""

from __future__ import annotations

import json
from typing import Any

from tests.foundation.records.oracle.nobodys import Nobodys
from tests.foundation.records.oracle.worlds import ByKey, ByRow, Column, End, InJson, Match, Role, quoted


class Further(Nobodys):
    """Adds tables of these forms."""

    def archive(self) -> None:
        """A row that stays, with a column that repeats another one."""
        kind = self.kind()
        person = self.world.people[kind]
        column = person.identifiers["email"][0]
        table = self.numbered("archive")
        owner, nullable = self.key_columns(table, kind, "owner")
        copied = self.column(table, "old_mail", "word", self.one(True, False))
        table.said[copied.name] = {"data": "contact.email", "copies": f"{quoted(person.table)}.{quoted(column)}"}
        self.texts(table)
        table.paths = [ByKey(owner, kind)]
        for _ in range(self.count()):
            row = self.row(table, self.told(table) | {copied.name: "old@example.net"})
            self.fill_key(table, row, owner, kind, nullable)
        table.end = self.end(table, owner)
        if isinstance(table.end.keep, list) and self.chance(0.5):
            table.end.keep.append(copied.name)
        elif isinstance(table.end.keep, list):
            table.end.change[copied.name] = "redact"

    def about(self) -> None:
        """A note about somebody, of whom it says so inside JSON or by address, written by somebody else."""
        first, second = self.kind(), self.kind()
        if len(self.world.people[first].key) > 1:
            return
        table = self.numbered("remarks")
        by, nullable = self.key_columns(table, second, "author")
        facts = self.column(table, "facts", "json")
        self.texts(table)
        table.said[facts.name] = "note.about"
        for _ in range(self.count()):
            row = self.row(table, self.told(table))
            self.fill_key(table, row, by, second, nullable)
            who: Any = self.one(None, self.one(*self.keys(first))[0], str(self.one(*self.keys(first))[0]))
            row[facts.name] = self.one(None, json.dumps({"of": who}), json.dumps({"of": who}), "{}")
        said = self.one(End(), End({facts.name: "redact"}))
        written = {name: word for name, word in self.end(table, by, kept=False).change.items() if name in by}
        table.roles = {
            "about": Role([InJson(facts.name, ("of",), first, None)], said),
            "author": Role([ByKey(by, second)], End(written)),
        }
        table.delete = self.one("with-last", "with-any")

    def both_ways(self) -> None:
        """Rows of two tables that may hang on each other, and are somebody's by a key as well: refused, as a map."""
        kind = self.kind()
        one = self.table("boxes", [Column("id", "int", False)], ("id",))
        other = self.table("shelves", [Column("id", "int", False)], ("id",))
        for table in (one, other):
            owner, _ = self.key_columns(table, kind, "owner")
            for name in owner:
                table.column(name).nullable = True
            far = other if table is one else one
            up = self.column(table, "up", "int")
            table.paths = [ByKey(owner, kind), ByRow((up.name,), far.name, ("id",))]
            for _ in range(self.count()):
                row = self.row(table, {})
                if self.chance(0.4):
                    self.fill_key(table, row, owner, kind, nullable=True)
        for table, far in ((one, other), (other, one)):
            for row in table.rows:
                row[table.paths[1].columns[0]] = self.one(None, *(each["id"] for each in far.rows))  # type: ignore[union-attr]

    def two_ways(self) -> None:
        """A row that hangs on rows of two tables."""
        above = [self.world.tables[name] for name in self.leads if self.world.tables[name].personal]
        if len(above) < 2:
            return
        table = self.numbered("joined")
        for number, each in enumerate(self.random.sample(above, 2)):
            column = self.column(table, f"of_{number}", self.one("int", "word"))
            table.paths.append(ByRow((column.name,), each.name, ("id",)))
        for _ in range(self.count()):
            row = self.row(table, {})
            for path in table.paths:
                assert isinstance(path, ByRow)
                value = self.one(None, *(each["id"] for each in self.world.tables[path.table].rows))
                text = table.column(path.columns[0]).type == "word"
                row[path.columns[0]] = str(value) if text and value is not None else value

    def nearly(self) -> None:
        """Texts that are nearly a key, or an identifier."""
        kind = self.kind()
        if len(self.world.people[kind].key) > 1:
            return
        table = self.numbered("imports")
        owner, mail = self.column(table, "owner", "word"), self.column(table, "mail", "word")
        table.said[mail.name] = "contact.email"
        table.paths = [ByKey((owner.name,), kind), Match(mail.name, "email", kind, self.ways(kind, "email"))]
        for _ in range(self.count()):
            key = self.one(*self.keys(kind))[0]
            row = self.row(table, {owner.name: self.one(None, f"{key}", f"{key}x", f"0{key}", f"{key}.0", "", "x")})
            row[mail.name] = self.spelled(kind, "email") if self.chance(0.4) else None
        table.end = self.end(table, (owner.name, mail.name))

    def ways(self, kind: str, identifier: str) -> tuple[str, ...]:
        return (
            self.world.people[kind].identifiers[identifier][1]
            if self.chance(0.7)
            else self.one(("case",), ("case", "spaces", "underscores"), ())
        )

    def spelled(self, kind: str, identifier: str) -> str | None:
        found = self.values(kind, identifier) or ["zed@example.net"]
        text: str = self.one(*found, "zed@example.net")
        return self.one(
            text,
            text,
            text.upper(),
            f" {text} ",
            text.replace("_", " "),
            text.replace("_", "-"),
            f"{text}x",
            "",
            None,
            text.replace("ü", "u").replace("Ü", "U"),
        )  # type: ignore[no-any-return]
