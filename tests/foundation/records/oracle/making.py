"""Worlds that nobody thought of: one for each seed, the same each time.

Every form of path and of end, with the traps of real schemas: hostile names, keys as text, composite keys, no keys at
all, pointers in circles and at oneself, rules that cascade, identifiers in other spellings or of two people, NULL.
"""

from __future__ import annotations

import json
from typing import Any

from tests.foundation.records.oracle.further import Further
from tests.foundation.records.oracle.worlds import (
    ByKey,
    ByRow,
    Column,
    End,
    InJson,
    InText,
    Key,
    Match,
    Own,
    Path,
    Role,
    Table,
    World,
)


class Maker(Further):
    """Adds tables of every form to people."""

    def made(self) -> World:
        self.person("customer", self.random.randint(2, 4))
        if self.chance(0.3):
            self.person("staff", self.random.randint(1, 3))
        forms = [
            self.by_key, self.by_key, self.by_row, self.by_row, self.by_row, self.matched, self.polymorphic, self.in_json,
            self.in_text, self.roles, self.roles, self.thread, self.folders, self.shared, self.either, self.nobodys,
            self.through_link, self.guests, self.loop, self.archive, self.about, self.both_ways, self.two_ways, self.nearly,
        ]  # fmt: skip
        for _ in range(self.random.randint(2, 5)):
            self.random.choice(forms)()
        if self.chance(0.4):
            self.further_key()
        return self.world

    # --- forms --------------------------------------------------------------------------------------------------------

    def by_key(self) -> None:
        kind = self.kind()
        table = self.numbered("owned")
        columns, nullable = self.key_columns(table, kind, "owner")
        self.texts(table)
        table.paths = [ByKey(columns, kind)]
        for _ in range(self.count()):
            self.fill_key(table, self.row(table, self.told(table)), columns, kind, nullable)
        table.end = self.end(table, columns)

    def by_row(self) -> None:
        if not self.leads:
            return self.by_key()
        above = self.world.tables[self.one(*self.leads)]
        if not above.personal:
            return None
        table = self.numbered("item")
        self.hang(table, above)
        table.end = self.end(table, table.all_paths()[0].columns if self.chance(0.3) else ())  # type: ignore[union-attr]
        table.end.change = {name: word for name, word in table.end.change.items() if word != "stand-in"}
        return None

    def hang(self, table: Table, above: Table) -> None:
        at = self.leads[above.name]
        ruled, nullable = self.chance(0.6), self.chance(0.6)
        names = tuple(
            self.column(
                table,
                f"{above.name.lower()[:3]}_{each}",
                above.column(each).type if ruled or self.chance(0.6) else "word",
                nullable,
            ).name
            for each in at
        )
        if ruled:
            rule = self.one(None, None, "CASCADE", "RESTRICT", "SET NULL" if nullable else None)
            table.keys.append(Key(names, above.name, at, rule))
        self.texts(table)
        table.paths = [ByRow(names, above.name, at, said=self.chance(0.5))]
        for _ in range(self.count()):
            row = self.row(table, self.told(table))
            if above.rows and not (nullable and self.chance(0.2)):
                target = self.one(*above.rows)
                for name, each in zip(names, at, strict=True):
                    row[name] = str(target[each]) if table.column(name).type == "word" else target[each]
        if not nullable and not above.rows:
            table.rows.clear()

    def either(self) -> None:
        """A row by account, or by the address of a guest."""
        kind = self.kind()
        table = self.numbered("mixed")
        columns, nullable = self.key_columns(table, kind, "owner")
        guest = self.column(table, "guest", "word")
        self.texts(table)
        table.said[guest.name] = "contact.email"
        table.paths = [ByKey(columns, kind), Match(guest.name, "email", kind, self.ways(kind, "email"))]
        for _ in range(self.count()):
            row = self.row(table, self.told(table))
            self.fill_key(table, row, columns, kind, nullable)
            row[guest.name] = self.spelled(kind, "email") if self.chance(0.6) else None
        table.end = self.end(table, (*columns, guest.name))

    def matched(self) -> None:
        kind, identifier = self.kind(), self.one("email", "username")
        table = self.numbered("mails")
        column = self.column(table, "who", "word")
        self.texts(table)
        table.said[column.name] = "contact.email"
        table.paths = [Match(column.name, identifier, kind, self.ways(kind, identifier))]
        for _ in range(self.count()):
            self.row(table, self.told(table))[column.name] = self.spelled(kind, identifier)
        table.end = self.end(table, (column.name,))

    guests = matched

    def polymorphic(self) -> None:
        kind = self.kind()
        if len(self.world.people[kind].key) > 1:
            return
        table = self.numbered("poly")
        sort, target = self.column(table, "sort", "word"), self.column(table, "target", self.one("int", "word"))
        self.texts(table)
        above = self.one(*[t for t in self.leads if self.world.tables[t].personal] or [None])
        table.paths = [ByKey((target.name,), kind, (sort.name, "User"))]
        if above:
            table.paths.append(ByRow((target.name,), above, self.leads[above], (sort.name, "Thing")))
        words = self.world.tables[self.world.people[kind].table].column(self.world.people[kind].key[0]).type == "word"
        if words and target.type == "int":
            target.type = "word"
        for _ in range(self.count()):
            row = self.row(table, self.told(table))
            row[sort.name] = self.one("User", "User", "Thing", "Other", None)
            value: Any = self.one(*self.keys(kind))[0]
            if row[sort.name] == "Thing" and above and self.world.tables[above].rows:
                value = self.one(*self.world.tables[above].rows)[self.leads[above][0]]
            row[target.name] = str(value) if target.type == "word" else value
        table.end = End()

    def in_json(self) -> None:
        kind = self.kind()
        identifier = self.one(None, "email")
        if identifier is None and len(self.world.people[kind].key) > 1:
            identifier = "email"
        table = self.numbered("events")
        column = self.column(table, "payload", "json", self.one(True, False))
        table.said[column.name] = "usage.interaction"
        listed = self.chance(0.3)
        name = self.one("user", "a key", "user-id")
        keys = (name, "[]", "id") if listed else self.one((name,), (name, "id"))
        table.paths = [InJson(column.name, keys, kind, identifier)]
        for _ in range(self.count()):
            value: Any = self.spelled(kind, "email") if identifier else self.one(*self.keys(kind))[0]
            if self.chance(0.3) and value is not None:
                value = str(value)
            inner = value if len(keys) == 1 else {"id": value}
            if listed:
                inner = [{"id": "other"}, inner] if self.chance(0.7) else []
            document = self.one(
                {name: inner}, {name: inner, "x": 1}, {name: None}, {name: True}, {}, [], {"other": inner}
            )
            row = self.row(table, {column.name: json.dumps(document, ensure_ascii=self.chance(0.5))})
            if column.nullable and self.chance(0.1):
                row[column.name] = None
        table.end = self.one(End(), End({column.name: self.one("redact", None if column.nullable else "redact")}))

    def in_text(self) -> None:
        kind = self.kind()
        identifier = self.one(None, "email")
        if identifier is None and len(self.world.people[kind].key) > 1:
            identifier = "email"
        table = self.numbered("sessions")
        column = self.column(table, "data", self.one("text", "bytes"))
        table.said[column.name] = "usage.interaction"
        before, after = self.one(("user=", ";"), ("<", ">"), ("%", "%"), ("it's:", "'"), ("\\", "_"), ('"u";i:', ";"))
        table.paths = [InText(column.name, before, after, kind, identifier)]
        for _ in range(self.count()):
            who = (
                self.one(*self.values(kind, "email"), "zed@example.net")
                if identifier
                else self.one(*self.keys(kind))[0]
            )
            text = self.one(
                f"a {before}{who}{after} b",
                f"{before}{who}{after}",
                f"{before}1{who}{after}",
                f"{who}",
                "none",
                f"{before}{str(who).upper()}{after}",
            )
            value: Any = text.encode() if column.type == "bytes" else text
            self.row(table, {column.name: value if self.chance(0.9) else None})
        table.end = self.one(End(), End({column.name: self.one("redact", None)}))

    def roles(self) -> None:
        first, second = self.kind(), self.kind()
        table = self.numbered("messages")
        from_, nullable = self.key_columns(table, first, "sender")
        path: Path
        if self.chance(0.2):
            to, also = (self.column(table, "to_mail", "word").name,), True
            path = Match(to[0], "email", second, self.ways(second, "email"))
        else:
            to, also = self.key_columns(table, second, "recipient")
            path = ByKey(to, second)
        self.texts(table)
        for _ in range(self.count() + 1):
            row = self.row(table, self.told(table))
            self.fill_key(table, row, from_, first, nullable)
            if isinstance(path, Match):
                row[to[0]] = self.spelled(second, "email")
            else:
                self.fill_key(table, row, to, second, also)
        one = self.end(table, from_, kept=self.chance(0.3))
        two = self.end(table, to, kept=False)
        two.change = {name: word for name, word in two.change.items() if name in to}
        if isinstance(one.keep, list):
            one.keep += [each for each in to if each not in one.keep]
        if not isinstance(path, ByKey):
            two.change = {name: "redact" if word == "stand-in" else word for name, word in two.change.items()}
        table.roles = {"sender": Role([ByKey(from_, first)], one), "recipient": Role([path], two)}
        table.delete = self.one("with-last", "with-last", "with-any", "never")
        if table.delete == "never":
            for role in table.roles.values():
                if role.end.deletes:
                    table.delete = "with-last"

    def thread(self) -> None:
        kind = self.kind()
        if len(self.world.people[kind].key) > 1:
            return
        threads = self.numbered("threads")
        if threads.name not in self.leads:
            return
        self.texts(threads)
        members = self.table("members", [Column("thread", "int", False)])
        columns, nullable = self.key_columns(members, kind, "member")
        members.paths = [ByKey(columns, kind)]
        members.end = End()
        members.keys.append(Key(("thread",), threads.name, ("id",), self.one(None, "CASCADE", "RESTRICT")))
        if self.chance(0.3):
            members.keys.pop()
        for _ in range(self.count()):
            self.row(threads, self.told(threads))
        for thread in threads.rows:
            for _ in range(self.random.randint(0, 3)):
                self.fill_key(members, self.row(members, {"thread": thread["id"]}), columns, kind, nullable)
        end = self.one(End(), End(), self.end(threads, kept=False))
        threads.roles = {"participant": Role([ByRow(("id",), members.name, ("thread",))], end)}
        threads.delete = "with-last" if end.deletes else self.one("with-last", "with-any")

    def folders(self) -> None:
        kind = self.kind()
        table = self.table("folders", [Column("id", "int", False)], ("id",))
        columns, _ = self.key_columns(table, kind, "owner")
        parent = self.column(table, "parent", "int")
        self.texts(table)
        for name in columns:
            table.column(name).nullable = True
        if self.chance(0.7):
            table.keys.append(
                Key((parent.name,), table.name, ("id",), self.one(None, "CASCADE", "RESTRICT", "SET NULL"))
            )
        inside = self.chance(0.6)
        table.paths = [ByKey(columns, kind)]
        if inside:
            table.paths.append(ByRow((parent.name,), table.name, ("id",)))
        for _ in range(self.count() + 2):
            row = self.row(table, self.told(table))
            if self.chance(0.4):
                self.fill_key(table, row, columns, kind, True)
        for row in table.rows:
            row[parent.name] = self.one(None, *(each["id"] for each in table.rows))
        table.end = self.end(table, columns) if not inside else End()
        self.leads[table.name] = ("id",)

    def shared(self) -> None:
        """A row that others point at, theirs as long as they do."""
        above = self.numbered("addresses")
        if above.name not in self.leads:
            return
        self.texts(above)
        for _ in range(self.count()):
            self.row(above, self.told(above))
        paths: list[Path] = []
        for name in self.random.sample(list(self.world.tables), min(2, len(self.world.tables))):
            table = self.world.tables[name]
            if table is above or not table.personal or table.shared or not table.ends():
                continue
            column = self.column(table, "shared_row", "int")
            if self.chance(0.7):
                table.keys.append(
                    Key((column.name,), above.name, ("id",), self.one(None, None, "RESTRICT", "SET NULL"))
                )
            for row in table.rows:
                row[column.name] = self.one(None, *(each["id"] for each in above.rows))
            paths.append(ByRow(("id",), name, (column.name,)))
            for _, _, end in table.ends():
                if not end.deletes and end.keep != "all" and self.chance(0.6):
                    end.change[column.name] = None
                    if isinstance(end.keep, list) and column.name in end.keep:
                        end.keep.remove(column.name)
        if not paths:
            above.personal = False
            above.said.clear()
            return
        above.paths, above.shared, above.end = paths, True, End()

    def through_link(self) -> None:
        """A row that is theirs through a link table, the other way round, without roles."""
        linked = [
            t
            for t in self.world.tables.values()
            if t.personal and not t.shared and any(k.target in self.leads for k in t.keys)
        ]
        if not linked:
            return self.by_row()
        link = self.one(*linked)
        key = next(k for k in link.keys if k.target in self.leads)
        target = self.world.tables[key.target]
        if target.roles or target.shared or len(key.columns) > 1 or any(isinstance(p, Own) for p in target.paths):
            return None
        if any(isinstance(p, ByRow) and p.table == target.name for p in link.all_paths()):
            return None
        target.paths.append(ByRow(("id",), link.name, key.columns))
        return None


def world_of(seed: int) -> World:
    """The world of that seed."""
    return Maker(seed).made()
