"""The awkward shop as a fixture, on each engine in turn: `awkward`; on one engine: `awkward_on(request, folder, engine)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.awkward import schema, seeding
from tests.awkward.seeding import PEOPLE, Place, Seeded
from troth.foundation.people import Identifier, Kind
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.datamap import DataMap

ENGINES = ("sqlite", "postgresql", "mariadb")
VARIABLE = "AWKWARD_DATABASE_URL"
MAP = Path(__file__).with_name("datamap.yaml")
KEPT_BY_LAW = (("order", "billing_name"),)


@dataclass
class Awkward:
    """A seeded shop. Whoever changes it makes it anew: the fixture is per test."""

    url: str
    engine: sqlalchemy.Engine
    told: Seeded
    text: str

    @property
    def datamap(self) -> DataMap:
        return mapreading.parse(self.text.encode(), MAP.name)

    @property
    def environ(self) -> dict[str, str]:
        return {VARIABLE: self.url}

    def records(self, **options: Any) -> Records:
        return Records.open(self.datamap, self.environ, **options)

    def known_by(self, person: str) -> tuple[Identifier, ...]:
        """How somebody names that person to troth."""
        kind, _, key = person.partition(":")
        if kind == "guest":
            return (Identifier(Kind.EMAIL, self.needles_of(person)["order", "guest_email"][0], verified=True),)
        return (Identifier(Kind.ID, f"awkward.{kind}:{key}"),)

    def needles_of(self, person: str) -> Mapping[Place, list[str]]:
        """What is this person's alone, by table and column."""
        return self.told.needles[person]

    def shared_of(self, person: str) -> Mapping[Place, list[str]]:
        """What stands in rows that this person shares with others."""
        return self.told.shared[person]

    def kept_of(self, person: str) -> set[str]:
        """What a law keeps when the person goes."""
        return {needle for place in KEPT_BY_LAW for needle in self.needles_of(person).get(place, ())}

    def expected_rows(self, person: str) -> dict[str, int]:
        """How many rows of each table are this person's, alone or with others."""
        counts = {name: sum(person in owners for owners in rows) for name, rows in self.told.owners.items()}
        return {name: count for name, count in counts.items() if count}

    def snapshot(self) -> dict[str, list[str]]:
        """Every row of every table as text, sorted: two of them are equal when nothing changed."""
        return snapshot(self.engine)


def snapshot(engine: sqlalchemy.Engine) -> dict[str, list[str]]:
    """Every row of every table (views and partitions apart) as text, by table."""
    found = {}
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        parts = {"visits_low", "visits_high"}
        for name in sorted(set(inspector.get_table_names()) - parts):
            columns = [sqlalchemy.column(each["name"]) for each in inspector.get_columns(name)]
            table = sqlalchemy.table(sqlalchemy.quoted_name(name, quote=True), *columns)
            found[name] = sorted(
                repr(tuple(row)) for row in connection.execute(sqlalchemy.select(*columns).select_from(table))
            )
    return found


def awkward_on(request: pytest.FixtureRequest, folder: Path, engine: str, text: str | None = None) -> Awkward:
    """A new shop on that engine, with the map given (the whole one)."""
    url = f"sqlite:///{folder / 'awkward.db'}" if engine == "sqlite" else request.getfixturevalue(f"{engine}_scratch")
    made = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    schema.create(made)
    told = seeding.seeded()
    seeding.write(made, told)
    return Awkward(url, made, told, MAP.read_text(encoding="utf-8") if text is None else text)


@pytest.fixture(params=ENGINES)
def awkward(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Awkward]:
    made = awkward_on(request, tmp_path, request.param)
    yield made
    made.engine.dispose()


@pytest.fixture(params=PEOPLE)
def person(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
