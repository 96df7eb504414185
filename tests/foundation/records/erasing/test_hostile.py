"""Names of tables and columns that would break a statement built by hand: quoted exactly, or refused by the catalogue."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Column, Integer, MetaData, String, Table

from tests.foundation.records.erasing.company import ENGINES, NOW, Company, new_url, pseudonym
from tests.servers import fresh_database
from troth.foundation.records import carrying

PARTS = ('"', "`", "'", ";", "--", "/*", "*/", "%", "%s", "%(x)s", ":x", "?", "{", "}", "\\", " ", ".", "$1", "[", "]", "(", ")",
         "drop table users", "select", "order", "group", "where", "null", "名前", "ß", "é", "🦊", "\t", "0", "=", "or 1=1")  # fmt: skip
COUNT = 500
PER_TABLE = 5


def _names(engine: str) -> list[str]:
    """The same hostile names each time, no two alike to a store that does not care about case."""
    chance = random.Random(16)
    found: dict[str, str] = {}
    while len(found) < COUNT:
        name = "".join(chance.choices(PARTS, k=chance.randint(1, 4)))[:30].strip()
        if engine == "mariadb" and any(ord(sign) > 0xFFFF for sign in name):
            continue  # its names have no signs beyond the basic plane
        if name and len(name.encode()) <= 60 and not name.casefold().startswith("sqlite_"):
            found.setdefault(name.casefold(), name)
    return list(found.values())


@pytest.fixture(params=ENGINES)
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Company, list[Table]]]:
    engine: str = request.param
    names = _names(engine)
    metadata = MetaData()
    users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("email", String(80)))
    tables = []
    for at in range(0, COUNT, PER_TABLE):
        own, key, *columns = (sqlalchemy.quoted_name(name, quote=True) for name in names[at : at + PER_TABLE])
        if key.casefold() == "id":
            continue
        made = [Column(name, String(40)) for name in columns]
        tables.append(Table(own, metadata, Column("id", Integer, primary_key=True), Column(key, Integer), *made))
    lines = ["    person: {customer: {table: users, key: id, identifiers: {email: email}}}", "    tables:"]
    lines.append("      users: {whose: {person: customer}, columns: {email: contact.email}}")
    for table in tables:
        key, first, second, third = (column.name for column in list(table.c)[1:])
        whose = '"' + key.replace('"', '""') + '"'
        change = {key: None, first: "redact", second: "pseudonym", third: {"text": "gone; --"}}
        lines.append(f"      {_quoted(table.name)}:")
        lines.append(f"        whose: {_quoted({'by': whose})}")
        lines.append(f"        on_erasure: {_quoted({'change': change})}")
    if engine == "sqlite":
        yield from _made(new_url(request, tmp_path, engine), metadata, tables, lines)
        return
    with fresh_database(request.getfixturevalue(f"{engine}_url")) as url:
        yield from _made(url, metadata, tables, lines)
    assert users is not None


def _made(url: str, metadata: MetaData, tables: list[Table], lines: list[str]) -> Iterator[tuple[Company, list[Table]]]:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            metadata.tables["users"].insert(),
            [{"id": 1, "email": "a@example.org"}, {"id": 2, "email": "b@example.org"}],
        )
        for table in tables:
            _, key, *columns = table.c
            for person in (1, 2):
                values = dict.fromkeys(columns, f"needle {person}")
                connection.execute(table.insert().values({table.c.id: person, key: person, **values}))
    engine.dispose()
    company = Company(url, "\n".join(lines) + "\n")
    yield company, tables
    company.records.close()


def test_hostile_names_are_quoted_exactly(hostile: tuple[Company, list[Table]]) -> None:
    company, tables = hostile
    ann = company.find("1")
    plan = company.plan(ann)

    with company.writer() as writer:
        done = carrying.carry_out(writer, plan, ann, "r1", at=NOW, pseudonym=pseudonym)

    assert len(done.changed) == len(tables) >= COUNT // PER_TABLE - 2
    assert set(done.changed.values()) == {1}
    assert company.needles("needle 1") == []
    assert len(company.needles("needle 2")) == len(tables)


def _quoted(value: object) -> str:
    """In YAML's flow form, which takes JSON."""
    return json.dumps(value, ensure_ascii=False)
