"""The awkward shop as a fixture, on each engine in turn.

`awkward` is a new one, for a test that changes it; `awkward_read` is one for all tests that only read. On one engine:
`awkward_on(request, folder, engine)`. With another map: `shop.mapped(text)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.awkward import schema, seeding
from tests.awkward.seeding import Place, Seeded
from tests.servers import fresh_database
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

    def mapped(self, text: str) -> Awkward:
        """The same shop under another map."""
        return replace(self, text=text)

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


def awkward_on(request: pytest.FixtureRequest, folder: Path, engine: str) -> Awkward:
    """A new shop on that engine."""
    url = f"sqlite:///{folder / 'awkward.db'}" if engine == "sqlite" else request.getfixturevalue(f"{engine}_scratch")
    return made_at(url)


def made_at(url: str) -> Awkward:
    """A new shop in the empty database at `url`."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    schema.create(engine)
    told = seeding.seeded()
    seeding.write(engine, told)
    return Awkward(url, engine, told, MAP.read_text(encoding="utf-8"))


@pytest.fixture(params=ENGINES)
def awkward(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Awkward]:
    made = awkward_on(request, tmp_path, request.param)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session", params=ENGINES)
def awkward_read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Awkward]:
    if request.param == "sqlite":
        yield made_at(f"sqlite:///{tmp_path_factory.mktemp('awkward') / 'awkward.db'}")
        return
    with fresh_database(request.getfixturevalue(f"{request.param}_url")) as url:
        yield made_at(url)
