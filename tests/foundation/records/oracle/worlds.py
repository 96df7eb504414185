"""A small world: tables with rows, and what a data map says about them. Data alone; who reads it knows no SQL.

`text_of_map` writes the map as a company would, `create` makes the tables in an empty database. What should come of it
is said by `judging`, from the language of the map and nothing else.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
import yaml

Row = dict[str, Any]
Where = tuple[str, str] | None
"""A column and the text that stands in it."""


@dataclass
class Column:
    name: str
    type: str  # int, word, text, json, time, bytes
    nullable: bool = True


@dataclass
class Key:
    """A foreign key."""

    columns: tuple[str, ...]
    target: str
    at: tuple[str, ...]
    on_delete: str | None = None


@dataclass
class Own:
    person: str


@dataclass
class ByKey:
    columns: tuple[str, ...]
    person: str
    where: Where = None


@dataclass
class ByRow:
    columns: tuple[str, ...]
    table: str
    at: tuple[str, ...]
    where: Where = None
    said: bool = True
    """Whether the map names the columns of the other table, or leaves them to the store."""


@dataclass
class Match:
    column: str
    identifier: str
    person: str
    normalise: tuple[str, ...]
    where: Where = None


@dataclass
class InJson:
    column: str
    keys: tuple[str, ...]
    person: str
    identifier: str | None


@dataclass
class InText:
    column: str
    before: str
    after: str
    person: str
    identifier: str | None


Path = Own | ByKey | ByRow | Match | InJson | InText


@dataclass
class End:
    """`keep` None: nothing is kept, `all`: all columns. An end with neither `keep` nor `change` deletes."""

    change: dict[str, Any] = field(default_factory=dict)
    keep: list[str] | str | None = None
    until: str = ""
    years: int = 0

    @property
    def deletes(self) -> bool:
        return self.keep is None and not self.change


@dataclass
class Role:
    paths: list[Path]
    end: End


@dataclass
class Table:
    name: str
    columns: list[Column]
    primary: tuple[str, ...] = ()
    keys: list[Key] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    personal: bool = True
    paths: list[Path] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)
    delete: str = ""
    shared: bool = False
    end: End = field(default_factory=End)
    said: dict[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        return next(each for each in self.columns if each.name == name)

    def ends(self) -> list[tuple[str | None, list[Path], End]]:
        if self.roles:
            return [(name, role.paths, role.end) for name, role in self.roles.items()]
        return [(None, self.paths, self.end)] if self.paths else []

    def all_paths(self) -> list[Path]:
        return [path for _, paths, _ in self.ends() for path in paths]


@dataclass
class Person:
    """A kind of person. `identifiers`: the column of the own table, and what is evened out."""

    table: str
    key: tuple[str, ...]
    identifiers: dict[str, tuple[str, tuple[str, ...]]]


@dataclass
class World:
    people: dict[str, Person]
    tables: dict[str, Table]

    def size(self) -> int:
        return sum(3 + len(each.rows) + len(each.columns) for each in self.tables.values())


# --- the map as a company writes it -----------------------------------------------------------------------------------


def quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else '"' + name.replace('"', '""') + '"'


def text_of_map(world: World) -> str:
    """`datamap.yaml` with one store, `shop`."""
    people = {
        name: {
            "table": kind.table,
            "key": kind.key[0] if len(kind.key) == 1 else list(kind.key),
            "identifiers": {
                each: {"column": quoted(column), "normalise": list(ways)}
                for each, (column, ways) in kind.identifiers.items()
            },
        }
        for name, kind in world.people.items()
    }
    tables = {table.name: _table(table) for table in world.tables.values()}
    shop = {"connect": "${SHOP}", "person": people, "tables": tables}
    said: str = yaml.safe_dump({"troth": 1, "stores": {"shop": shop}}, sort_keys=False, allow_unicode=True)
    return said


def _table(table: Table) -> dict[str, Any]:
    columns = {each.name: table.said.get(each.name, "no") for each in table.columns}
    if not table.personal:
        return {"personal": False, "why": "nobody's", "columns": columns}
    made: dict[str, Any] = {}
    if table.roles:
        made["whose"] = {
            name: {**_whose(role.paths), "on_erasure": _end(role.end)} for name, role in table.roles.items()
        }
        made["delete"] = table.delete
    else:
        made["whose"] = _whose(table.paths)
        made["on_erasure"] = _end(table.end)
    if table.shared:
        made["shared"] = "by-reference"
    made["columns"] = columns
    return made


def _whose(paths: list[Path]) -> dict[str, Any]:
    said = [_path(path) for path in paths]
    told = [each for at, each in enumerate(said) if each not in said[:at]]
    return told[0] if len(told) == 1 else {"any": told}


def _path(path: Path) -> dict[str, Any]:
    match path:
        case Own(person):
            return {"person": person}
        case ByKey(columns, person, where):
            by: Any = quoted(columns[0]) if len(columns) == 1 else list(columns)
            return {"by": by, "person": person} | _where(where)
        case ByRow(columns, table, at, where, said):
            target = quoted(table) + (f".{quoted(at[0])}" if said and len(at) == 1 else "")
            return {"by": f"{', '.join(map(quoted, columns))} > {target}"} | _where(where)
        case Match(column, identifier, person, normalise, where):
            told = {"match": column, "identifier": identifier, "normalise": list(normalise), "person": person}
            return told | _where(where)
        case InJson(column, keys, person, identifier):
            way = quoted_json(column)
            for key in keys:
                way += "[]" if key == "[]" else f".{quoted_json(key)}"
            return {"json": way, "person": person} | ({"identifier": identifier} if identifier else {})
        case InText(column, before, after, person, identifier):
            pattern = f"{before}{{{identifier or 'key'}}}{after}"
            told = {"text": column, "pattern": pattern, "person": person}
            return told | ({"identifier": identifier} if identifier else {})


def quoted_json(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else '"' + name.replace('"', '""') + '"'


def _where(where: Where) -> dict[str, str]:
    if where is None:
        return {}
    column, text = where
    return {"where": f"{quoted(column)} = '{text}'"}


def _end(end: End) -> Any:
    if end.deletes:
        return "delete"
    made: dict[str, Any] = {"change": dict(end.change)} if end.change else {}
    if end.keep is not None:
        made |= {"keep": end.keep, "ground": "tax-law", "until": f"{end.until} + {end.years} years"}
    return made


# --- the tables -------------------------------------------------------------------------------------------------------

_TYPES: dict[str, Any] = {
    "int": sqlalchemy.Integer(),
    "word": sqlalchemy.String(60),
    "text": sqlalchemy.Text(),
    "json": sqlalchemy.Text(),
    "time": sqlalchemy.DateTime(),
    "bytes": sqlalchemy.LargeBinary(),
}


def create(world: World, engine: sqlalchemy.Engine) -> None:
    """All tables with their rows, in an empty database."""
    metadata = sqlalchemy.MetaData()
    made: dict[str, sqlalchemy.Table] = {}
    for table in world.tables.values():
        parts: list[Any] = [
            sqlalchemy.Column(
                sqlalchemy.quoted_name(each.name, quote=True),
                _TYPES[each.type],
                nullable=each.nullable,
                primary_key=each.name in table.primary,
                autoincrement=False,
            )
            for each in table.columns
        ]
        for number, key in enumerate(table.keys):
            target = list(made[key.target].c) if key.target in made else None
            at = (
                [f"{key.target}.{each}" for each in key.at]
                if target is None
                else [made[key.target].c[e] for e in key.at]
            )
            parts.append(
                sqlalchemy.ForeignKeyConstraint(
                    list(key.columns),
                    at,
                    name=f"fk_{len(made)}_{number}",
                    ondelete=key.on_delete,
                    use_alter=key.target not in made,
                )
            )
        made[table.name] = sqlalchemy.Table(sqlalchemy.quoted_name(table.name, quote=True), metadata, *parts)
    metadata.create_all(engine)
    unchecked = {
        "postgresql": "set session_replication_role = replica",
        "mysql": "set foreign_key_checks = 0",
        "mariadb": "set foreign_key_checks = 0",
    }.get(engine.dialect.name)
    with engine.begin() as connection:
        if unchecked:
            connection.exec_driver_sql(unchecked)
        for table in world.tables.values():
            if table.rows:
                connection.execute(made[table.name].insert(), table.rows)


def read(world: World, engine: sqlalchemy.Engine) -> dict[str, list[Row]]:
    """Every row of every table of the world, as it stands in the store now."""
    found: dict[str, list[Row]] = {}
    with engine.connect() as connection:
        for table in world.tables.values():
            columns = [
                sqlalchemy.column(sqlalchemy.quoted_name(each.name, quote=True), _TYPES[each.type])
                for each in table.columns
            ]
            name = sqlalchemy.table(sqlalchemy.quoted_name(table.name, quote=True), *columns)
            rows = connection.execute(sqlalchemy.select(*columns).select_from(name)).all()
            found[table.name] = [
                {each.name: plain(value) for each, value in zip(table.columns, row, strict=True)} for row in rows
            ]
    return found


def plain(value: Any) -> Any:
    """A value of a store as one of a world."""
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return value


def shown(world: World) -> str:
    """The world in short, for whoever has to look at it."""
    lines = [text_of_map(world)]
    for table in world.tables.values():
        columns = ", ".join(f"{c.name!r} {c.type}{'' if c.nullable else ' not null'}" for c in table.columns)
        lines.append(f"-- {table.name!r} ({columns}) primary {table.primary}")
        lines += [f"--    {key}" for key in table.keys]
        lines += [f"     {json.dumps(row, default=str, ensure_ascii=False)}" for row in table.rows]
    return "\n".join(lines)


def midnight(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 10, 30)
