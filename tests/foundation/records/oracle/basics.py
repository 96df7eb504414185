"""What every world is made of: names, people, tables, rows, ends; by chance, and the same each time for one seed."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from tests.foundation.records.oracle.worlds import (
    Column,
    End,
    Key,
    Own,
    Person,
    Row,
    Table,
    World,
)

NAMES = ["orders", "order", 'a"b', "x`y", "O'Brien; --", "sel ect", "50%", "名前", "größe", "a:b", "Mixed Case", "group",
         "notes", "threads", "items", "a>b", "c,d", "user_id", "logs", "t1", "t2", "t3", "%s", "{key}", "null"]  # fmt: skip
FIRST = ["ann", "bob", "cy", "dee", "Ünal", "zoë_m", "o'neil"]
DATES = [(2009, 3, 4), (2016, 11, 28), (2016, 11, 27), (2024, 2, 29), (2026, 1, 31)]


class Basics:
    """One world in the making."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = self.random.sample(NAMES, len(NAMES))
        self.world = World({}, {})
        self.mark = 0
        self.leads: dict[str, tuple[str, ...]] = {}  # tables that others may hang on: by these columns

    # --- chance -------------------------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *of: Any) -> Any:
        return self.random.choice(of)

    def name(self, plain: str) -> str:
        return self.names.pop() if self.chance(0.25) and self.names else plain

    # --- people -------------------------------------------------------------------------------------------------------

    def person(self, kind: str, count: int) -> None:
        composite = kind == "customer" and self.chance(0.15)
        words = not composite and self.chance(0.3)
        key = ("tenant", "no") if composite else (self.name("id"),)
        mail, handle = self.name("email"), self.name("username")
        columns = [Column(each, "word" if words else "int", False) for each in key]
        columns += [Column(mail, "word"), Column(handle, "word"), Column("bio", "text")]
        table = self.table(kind + "s", columns, key, mark=True)
        table.paths = [Own(kind)]
        table.said |= {
            mail: "contact.email",
            handle: "account.username",
            "bio": self.one("profile.bio", "profile.bio", {"data": "profile.bio", "copy": "no"}),
        }
        ways = self.one(["case", "spaces"], ["case", "spaces"], ["case"], [])
        handle_ways = self.one([], ["case", "underscores"], ["spaces", "underscores"], ["case"])
        self.world.people[kind] = Person(
            table.name, key, {"email": (mail, tuple(ways)), "username": (handle, tuple(handle_ways))}
        )
        names = self.random.sample(FIRST, min(count, len(FIRST)))
        for number in range(count):
            told: Row = dict(
                zip(key, (1, number + 1) if composite else (f"c{number + 1}" if words else number + 1,), strict=True)
            )
            name = names[number]
            address: str | None = f"{name}@example.org"
            if kind == "staff" and self.chance(0.5):
                address = self.one(*(self.values("customer", "email") or [address]))
            elif number and self.chance(0.12):
                address = self.one(table.rows[0][mail], None, "")
            told |= {mail: address, handle: self.one(name, f"{name}_x", f"{name} X", None), "bio": f"bio of {name}"}
            self.row(table, told)
        if self.chance(0.35) and not composite:
            loose = self.chance(0.2)
            link = self.column(table, "referrer", "word" if words or loose else "int", self.one(True, True, False))
            table.said[link.name] = {"link": kind}
            for row in table.rows:
                row[link.name] = self.one(*([None] if link.nullable else []), *(each[0] for each in self.keys(kind)))
            if loose and not words:
                for row in table.rows:
                    row[link.name] = None if row[link.name] is None else str(row[link.name])
            elif self.chance(0.7):
                table.keys.append(
                    Key(
                        (link.name,),
                        table.name,
                        key,
                        self.one(None, None, "SET NULL", "RESTRICT") if link.nullable else None,
                    )
                )

    def keys(self, kind: str) -> list[tuple[Any, ...]]:
        declared = self.world.people[kind]
        return [tuple(row[each] for each in declared.key) for row in self.world.tables[declared.table].rows]

    def values(self, kind: str, identifier: str) -> list[str]:
        if kind not in self.world.people:
            return []
        declared = self.world.people[kind]
        column = declared.identifiers[identifier][0]
        return [row[column] for row in self.world.tables[declared.table].rows if row[column]]

    def kind(self) -> str:
        return self.one(*self.world.people)  # type: ignore[no-any-return] # a name of a kind

    # --- tables -------------------------------------------------------------------------------------------------------

    def table(self, plain: str, columns: list[Column], primary: tuple[str, ...] = (), *, mark: bool = True) -> Table:
        name = self.name(plain)
        while name in self.world.tables:
            name = f"{name}_"
        table = Table(name, [*columns, Column("mark", "int", False)] if mark else columns, primary)
        self.world.tables[name] = table
        return table

    def numbered(self, plain: str, *columns: Column) -> Table:
        """A table with a key of its own, or sometimes without any."""
        if self.chance(0.1):
            return self.table(plain, list(columns))
        if self.chance(0.1):
            table = self.table(
                plain, [Column("part", "int", False), Column("nr", "word", False), *columns], ("part", "nr")
            )
        else:
            table = self.table(plain, [Column("id", "int", False), *columns], ("id",))
            self.leads[table.name] = ("id",)
        return table

    def column(self, table: Table, plain: str, type_: str, nullable: bool = True) -> Column:  # noqa: FBT002 - as in SQL
        name = self.name(plain)
        while any(each.name == name for each in table.columns):
            name += "_"
        table.columns.append(Column(name, type_, nullable))
        for row in table.rows:
            row[name] = None
        return table.columns[-1]

    def row(self, table: Table, values: Row) -> Row:
        self.mark += 1
        row: Row = {each.name: None for each in table.columns} | values | {"mark": self.mark}
        for name in table.primary:
            if row[name] is None:
                row[name] = f"k{self.mark}" if table.column(name).type == "word" else self.mark
        table.rows.append(row)
        return row

    def count(self) -> int:
        return self.random.randint(1, 5)

    def key_columns(self, table: Table, kind: str, plain: str) -> tuple[tuple[str, ...], bool]:
        """Columns that hold a key of `kind`, with a rule of the store or without; and whether they may be NULL."""
        declared = self.world.people[kind]
        nullable = self.chance(0.6)
        ruled = self.chance(0.6)
        names = []
        for each in declared.key:
            type_ = self.world.tables[declared.table].column(each).type
            if not ruled and self.chance(0.4):
                type_ = "word"
            names.append(
                self.column(table, f"{plain}_{each}" if len(declared.key) > 1 else plain, type_, nullable).name
            )
        if ruled:
            rule = self.one(None, None, "CASCADE", "RESTRICT", "SET NULL" if nullable else None)
            table.keys.append(Key(tuple(names), declared.table, declared.key, rule))
        return tuple(names), nullable

    def fill_key(self, table: Table, row: Row, columns: tuple[str, ...], kind: str, nullable: bool) -> None:
        key = self.one(*self.keys(kind))
        if nullable and self.chance(0.2):
            return
        for name, value in zip(columns, key, strict=True):
            row[name] = str(value) if table.column(name).type == "word" else value

    def texts(self, table: Table) -> None:
        """A text and a time, as most tables have them."""
        self.column(table, "body", "text", self.one(True, True, False))
        self.column(table, "at", "time")
        body, at = table.columns[-2].name, table.columns[-1].name
        rule = self.one(None, None, None, "redact", "keep", "ask", "no")
        table.said[body] = (
            "communication.message" if rule is None
            else {"data": "communication.message", "copy": "no"} if rule == "no"
            else {"data": "communication.message", "others": rule}
        )  # fmt: skip
        table.said[at] = "usage.visit_time"

    def told(self, table: Table) -> Row:
        """Values for `texts`."""
        word = self.one(
            "hello", "naïve", "it's", '"quoted"', "100% sure", "", "hello zed@example.net and more", "back\\slash"
        )
        mails = self.values("customer", "email")
        if mails and self.chance(0.2):
            word = f"write to {self.one(*mails)}"
        made: Row = {}
        for column in table.columns:
            if (
                column.name.startswith("body")
                or table.said.get(column.name) == "communication.message"
                or (
                    isinstance(table.said.get(column.name), dict)
                    and table.said[column.name].get("data") == "communication.message"
                )
            ):
                made[column.name] = word if not column.nullable or self.chance(0.85) else None
            elif table.said.get(column.name) == "usage.visit_time":
                made[column.name] = dt.datetime(*self.one(*DATES), 10, 30, 5) if self.chance(0.85) else None
        return made

    def end(self, table: Table, leading: tuple[str, ...] = (), *, kept: bool = True) -> End:
        """An end that fits: delete, change or keep. `leading`: the columns that lead to the person."""
        body = next(
            (
                n
                for n, s in table.said.items()
                if s == "communication.message" or (isinstance(s, dict) and s.get("data") == "communication.message")
            ),
            None,
        )
        at = next((n for n, s in table.said.items() if s == "usage.visit_time"), None)
        if self.chance(0.5):
            return End()
        change: dict[str, Any] = {}
        for name in leading:
            if name in table.primary:
                return End()
            change[name] = self.gone(table, name)
        if body and self.chance(0.8):
            change[body] = self.one(
                "redact",
                "redact",
                {"text": "gone"},
                "pseudonym",
                None if table.column(body).nullable else "redact",
                {"generalise": "initial"},
            )
        if at and self.chance(0.4):
            change[at] = self.one({"generalise": "year"}, {"generalise": "month"}, None)
        if kept and at and self.chance(0.4):
            change.pop(at, None)
            rest = [each for each in (body,) if each and each not in change]
            if self.chance(0.2):
                return End({}, "all", at, self.one(1, 10))
            return End(change, [at, *rest], at, self.one(1, 10))
        return End(change) if change else End()

    def gone(self, table: Table, name: str) -> Any:
        column = table.column(name)
        if column.nullable:
            return self.one(None, None, "redact")
        if column.type in ("word", "text"):
            ruled = any(name in key.columns for key in table.keys)
            return self.one("redact", "pseudonym", *([] if ruled else [{"text": "nobody"}]))
        return "stand-in"
