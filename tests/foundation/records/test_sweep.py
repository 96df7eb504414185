"""The sweep on SQLite, PostgreSQL and MariaDB: what is left of a person is found wherever it stands, and only that."""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Column, ColumnElement, Integer, LargeBinary, MetaData, String, Table, Text

from tests.foundation.records.stores import ENGINES
from troth.foundation.records import sweep as sweeping
from troth.foundation.records import unpacking
from troth.foundation.records.needles import Needle
from troth.foundation.records.reading import Records
from troth.foundation.records.statements import core_table
from troth.foundation.records.sweep import Kept, Left, Swept, count_in, rows_to_pass, sweep
from troth.policy.datamap import DataMap, Place, StoreKind, StoreMap, TableMap

EMAIL, NAME, CITY = "ann.lee@example.org", "Ann Müller-Lee", "Kleinkleckersdorf"
NEEDLES = [Needle(5, EMAIL, identifying=True), Needle(5, NAME, identifying=True), Needle(5, CITY, identifying=False)]

metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("email", String(80)), Column("name", String(80)), Column("city", String(80)))  # fmt: skip
cities = Table("cities", metadata, Column("id", Integer, primary_key=True), Column("name", String(80)))
log = Table("mail log", metadata, Column("id", Integer, primary_key=True), Column("to", String(200)), Column("payload", Text), Column("raw", LargeBinary), Column("size", Integer))  # fmt: skip


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found: str = (
        f"sqlite:///{tmp_path / 's.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue(f"{request.param}_scratch")
    )
    engine = sqlalchemy.create_engine(found, poolclass=sqlalchemy.NullPool)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            users.insert(),
            [{"id": i, "email": f"p{i}@example.org", "name": f"Person {i}", "city": "Bremen"} for i in range(1, 30)],
        )
        connection.execute(cities.insert(), [{"name": "Bremen"}, {"name": "Berlin"}])
        connection.execute(
            log.insert(),
            [{"to": f"p{i}@example.org", "payload": "{}", "raw": b"\x00\xff", "size": i} for i in range(50)],
        )
    engine.dispose()
    return found


@pytest.fixture(params=["chosen by the store", "streamed"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways through a table find the same."""
    if request.param == "streamed":
        monkeypatch.setattr(sweeping, "FEW", -1)


def put(url: str, table: Table, **values: Any) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(table.insert().values(**values))
    engine.dispose()


DATAMAP = DataMap(
    "datamap.yaml",
    {"shop": StoreMap("shop", StoreKind.UNKNOWN, "", {}, {"cities": TableMap("shop", "cities", personal=False)})},
    (),
    "",
)


def swept(url: str, needles: list[Needle] = NEEDLES, kept: Kept | None = None) -> Swept:
    with Records.of_address("shop", url, timeout_s=60) as records:

        def somebody(store: str, name: str) -> tuple[Table, ColumnElement[bool]] | None:
            if name != "users":
                return None
            made = core_table(records.catalogue(store).table(name))
            return made, made.c["id"].is_not(None)

        return sweep(records, DATAMAP, needles, somebody=somebody, kept=kept or {})


def left(table: str, column: str, rows: int = 1) -> Left:
    return Left(Place("shop", table, column), rows)


def test_nothing_is_found_where_nothing_is(url: str) -> None:
    result = swept(url)

    assert (dict(result.residue), dict(result.weak)) == ({}, {})
    assert result.tables == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("to", EMAIL),
        ("to", f"Ann <{EMAIL.upper()}>"),
        ("payload", json.dumps({"event": "opened", "who": {"name": NAME}})),
        ("payload", f"https://shop.example.org/u?name={NAME.replace(' ', '%20')}"),
        ("raw", b"\x01\x02" + EMAIL.encode() + b"\xfe"),
        ("raw", NAME.encode() + b"\x00"),
    ],
)
def test_what_an_unmapped_table_still_has_is_residue(url: str, column: str, value: object) -> None:
    put(url, log, **{column: value})
    put(url, log, **{column: value})

    result = swept(url)

    assert dict(result.residue) == {5: (left("mail log", column, 2),)}
    assert not result.weak


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("raw", EMAIL.encode("utf-16")),
        ("raw", f"to: {EMAIL}".encode("utf-16-le")),
        ("raw", gzip.compress(f"... {NAME} ...".encode())),
        ("raw", zlib.compress(json.dumps({"to": EMAIL}).encode())),
        ("raw", base64.b64encode(gzip.compress(EMAIL.encode()))),
        ("payload", base64.b64encode(json.dumps({"name": NAME}).encode()).decode()),
        ("payload", base64.urlsafe_b64encode(zlib.compress(EMAIL.encode())).decode()),
        ("payload", base64.encodebytes(EMAIL.encode() * 5 + b" " + EMAIL.encode()).decode()),
    ],
    ids=["utf-16", "utf-16-le", "gzip", "zlib", "gzip-base64", "base64", "zlib-base64", "base64-lines"],
)
def test_what_is_packed_is_opened(url: str, column: str, value: object) -> None:
    put(url, log, **{column: value})
    assert dict(swept(url).residue) == {5: (left("mail log", column),)}


def test_what_nobody_can_open_is_counted_and_not_taken_for_empty(url: str) -> None:
    for content in (os.urandom(48), os.urandom(4_000), b"plain words that can be read", gzip.compress(b"so can these")):
        put(url, log, raw=content)
    result = swept(url)
    assert not result.residue
    assert result.closed == (left("mail log", "raw", 2),)


def test_a_packing_that_would_burst_is_opened_only_so_far() -> None:
    bomb = gzip.compress(b"0" * (unpacking.MOST + 1000) + EMAIL.encode())
    [text] = unpacking.opened(bomb)
    assert len(text) == unpacking.MOST
    deep = EMAIL.encode()
    for _ in range(unpacking.DEPTH + 2):
        deep = gzip.compress(deep)
    assert not any(EMAIL in text for text in unpacking.opened(deep))


@pytest.mark.parametrize(
    "value", [None, "", 7, "plain", b"", b"plain text, and long", b"\x00", "A" * 30, b"\x1f\x8bno", b"\x78\x9cno"]
)
def test_an_ordinary_or_a_damaged_value_holds_nothing_packed(value: object) -> None:
    assert not any("@" in text for text in unpacking.opened(value))


def test_what_stands_in_another_persons_row_is_weak(url: str) -> None:
    put(url, users, id=99, email="bob@example.org", name=f"friend of {NAME}", city="x")
    put(url, log, to=EMAIL)

    result = swept(url)

    assert dict(result.weak) == {5: (left("users", "name"),)}
    assert dict(result.residue) == {5: (left("mail log", "to"),)}, "a mention does not excuse the log"


def test_a_value_that_another_person_has_too_is_weak_everywhere(url: str) -> None:
    put(url, users, id=99, email="bob@example.org", name="Bob", city=CITY)
    put(url, log, payload=f"to {CITY}")

    result = swept(url)

    assert not result.residue
    assert dict(result.weak) == {5: (left("mail log", "payload"), left("users", "city"))}


def test_a_rare_value_in_a_list_that_is_nobodys_is_weak_and_a_name_there_is_not(url: str) -> None:
    put(url, cities, name=CITY)
    assert dict(swept(url).weak) == {5: (left("cities", "name"),)}

    put(url, cities, name=NAME)
    assert dict(swept(url).residue) == {5: (left("cities", "name"),)}


def test_what_the_map_lets_stay_is_not_counted_and_one_row_more_is(url: str) -> None:
    kept = count_in([(Place("shop", "mail log", "to"), f"invoice to {EMAIL}")], NEEDLES)
    put(url, log, to=f"invoice to {EMAIL}")
    assert not swept(url, kept=kept).residue

    put(url, log, to=f"reminder to {EMAIL}")
    assert dict(swept(url, kept=kept).residue) == {5: (left("mail log", "to"),)}


def test_all_who_wait_are_looked_for_at_once_and_told_apart(url: str) -> None:
    put(url, log, to="carla@example.org")
    many = [Needle(i, f"waiting{i}@example.org", identifying=True) for i in range(300)]

    result = swept(url, [*many, Needle(1000, "carla@example.org", identifying=True), *NEEDLES])

    assert dict(result.residue) == {1000: (left("mail log", "to"),)}


def test_the_rows_of_all_stores_are_estimated(url: str) -> None:
    with Records.of_address("shop", url) as records:
        assert rows_to_pass(records) >= 50


@pytest.fixture
def arrays(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgresql_database")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "create table odd (id int, tags text[], x xml, h tsvector, d jsonb, who inet, big bytea);"
            "create schema other; create table other.hidden (v varchar(90));"
            "create view seen as select v from other.hidden;"
            "create materialized view copied as select 'ann.lee@example.org'::text as v"
        )
    engine.dispose()
    return url


@pytest.mark.parametrize(
    ("insert", "place"),
    [
        ("insert into odd (tags) values (array['a', 'ann.lee@example.org'])", "odd tags"),
        ("insert into odd (x) values ('<a>ann.lee@example.org</a>')", "odd x"),
        ("insert into odd (h) values (to_tsvector('simple', 'mail ann.lee@example.org now'))", "odd h"),
        ('insert into odd (d) values (\'{"a": ["Ann M\\u00fcller-Lee"]}\')', "odd d"),
        ("insert into odd (big) values ('Ann Müller-Lee'::bytea)", "odd big"),
        ("insert into other.hidden values ('ann.lee@example.org')", "other.hidden v"),
    ],
)
def test_types_of_postgresql_are_read_as_text_and_views_are_not(arrays: str, insert: str, place: str) -> None:
    engine = sqlalchemy.create_engine(arrays, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(insert)
    engine.dispose()

    result = swept(arrays)

    table, column = place.split()
    assert {each.place for each in result.residue[5]} == {Place("shop", table, column), Place("shop", "copied", "v")}


FAMILY = [Needle(5, "Nielsen", identifying=True, lone=True), Needle(5, "Kara Nielsen", identifying=True)]


@pytest.mark.parametrize(
    ("table", "values", "residue"),
    [
        ("cities", {"name": "Carl Nielsen"}, False),  # a composer, in what is declared to be of nobody
        ("cities", {"name": "Nielsen"}, False),
        ("cities", {"name": "Kara Nielsen"}, True),
        ("log", {"payload": "Symphony No. 4, Nielsen, live"}, False),
        ("log", {"payload": "nielsen, kara called; KARA  NIELSEN wants her tea"}, True),
        ("log", {"payload": json.dumps({"first": "Kara", "last": "Nielsen"})}, True),
        ("log", {"to": "Nielsen"}, True),  # a column of last names
    ],
)
def test_one_word_of_a_name_is_a_trace_only_where_it_is_all_that_stands_there(
    url: str, table: str, values: dict[str, Any], residue: bool
) -> None:
    put(url, {"cities": cities, "log": log}[table], **values)

    result = swept(url, FAMILY)

    assert (5 in result.residue, 5 in result.weak or residue) == (residue, True)
