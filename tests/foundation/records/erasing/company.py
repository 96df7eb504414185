"""A small company of an erasure test: a store of any kind with its tables, its map, and what stands in it afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.chinook import run_script
from troth.foundation.people import Identifier, Kind
from troth.foundation.records import carrying, erasing, recounting
from troth.foundation.records.erasureplan import StepCounts, StorePlan
from troth.foundation.records.keys import Subject
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects
from troth.foundation.records.writing import Writer, WritingLimits
from troth.policy import mapreading
from troth.policy.datamap import DataMap, Place, StoreKind

ENGINES = ("sqlite", "postgresql", "mariadb")
NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
Row = tuple[Any, ...]


def pseudonym(value: bytes) -> bytes:
    return hashlib.blake2b(value, key=b"a key of tests", digest_size=16).digest()


def new_url(request: pytest.FixtureRequest, folder: Path, engine: str) -> str:
    """An empty database of that kind."""
    if engine == "sqlite":
        path = folder / "company.db"
        path.touch()
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue(f"{engine}_scratch")
    return url


@dataclass
class Company:
    """One store, `shop`, at `url`; `tables` is the `person:` and `tables:` part of its map."""

    url: str
    tables: str
    records: Records = field(init=False)
    datamap: DataMap = field(init=False)

    def __post_init__(self) -> None:
        text = f"troth: 1\nstores:\n  shop:\n    connect: ${{SHOP}}\n{self.tables}"
        self.datamap = mapreading.parse(text.encode())
        self.records = Records.open(self.datamap, {"SHOP": self.url})

    def mapped(self, tables: str) -> Company:
        """The same store under another map."""
        self.records.close()
        self.__init__(self.url, tables)  # type: ignore[misc] # the fixture closes the one that it knows
        return self

    @property
    def reach(self) -> Reach:
        return Reach.compile(self.datamap, self.records.catalogue("shop"))

    @property
    def kind(self) -> StoreKind:
        return self.records.kind("shop")[0]

    def writer(self, **limits: float) -> Writer:
        return Writer.of_address("shop", self.url, WritingLimits(timeout_s=20, **{"lock_s": 2, **limits}))

    def find(self, id_: str) -> tuple[Subject, ...]:
        found = find_subjects(self.records, self.datamap, [Identifier(Kind.ID, id_)])
        assert found, "nobody of that id"
        return found

    def plan(self, people: Sequence[Subject], **more: Any) -> StorePlan:
        ask = erasing.asker(self.records, "shop")
        return erasing.plan(erasing.compile(self.reach, self.kind), people, ask, at=NOW, **more)

    def erase(self, people: Sequence[Subject], request: str = "r1", **more: Any) -> StepCounts:
        """Plan and carry out; the plan's counts are those of the deed."""
        plan = self.plan(people)
        with self.writer() as writer:
            done = carrying.carry_out(writer, plan, people, request, at=NOW, pseudonym=pseudonym, **more)
        if not done.resumed and not erasing.compile(self.reach, self.kind).triggered:
            assert planned(plan) == done.as_json(), f"{planned(plan)} planned, {done.as_json()} done"
        return done

    def recount(self, people: Sequence[Subject]) -> dict[Place, int]:
        return recounting.recount(
            erasing.compile(self.reach, self.kind), people, erasing.asker(self.records, "shop"), at=NOW
        )

    def dangling(self) -> dict[Place, int]:
        return recounting.dangling(erasing.compile(self.reach, self.kind), erasing.asker(self.records, "shop"))

    def run(self, *statements: str) -> None:
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(
                    statement.replace("%", "%%") if engine.dialect.name != "sqlite" else statement
                )
        engine.dispose()

    def rows(self, table: str, *, order: str = "1") -> list[Row]:
        return self.ask(f"select * from {table} order by {order}")

    def ask(self, statement: str) -> list[Row]:
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(statement).all()]
        engine.dispose()
        return found

    def everything(self) -> dict[str, list[Row]]:
        """All rows of all tables but troth's own, as text."""
        return {
            name: [tuple(map(repr, row)) for row in self._whole(name)]
            for name, table in self.records.refresh("shop").tables.items()
            if table.kind.value == "table"
        }

    def needles(self, *needles: str) -> list[str]:
        """Where any of `needles` stands, in any column of any table."""
        return [
            f"{name}: {row}" for name, rows in self.everything().items() for row in rows
            if any(needle in value for needle in needles for value in row)
        ]  # fmt: skip

    def _whole(self, name: str) -> list[Row]:
        table = self.records.table("shop", name)
        return sorted(self.records.execute("shop", sqlalchemy.select(table)), key=repr)


def planned(plan: StorePlan) -> dict[str, dict[str, int]]:
    """The counts of a plan in the words of `StepCounts`."""
    found: dict[str, dict[str, int]] = {"erased": {}, "changed": {}, "cut": {}, "kept": {}}
    words = {"delete": "erased", "change": "changed", "keep": "changed", "cut": "cut"}
    for step in plan.steps:
        found[words[step.do]][step.table] = step.n or 0
    for kept in plan.kept:
        table = kept.where.removesuffix(" in shop")
        found["kept"][table] = found["kept"].get(table, 0) + kept.n
    return found


@dataclass
class Make:
    """Makes companies in one empty database of `engine`."""

    engine: str
    url: str
    made: list[Company] = field(default_factory=list)

    def __call__(self, script: str, tables: str) -> Company:
        """A company with the tables of `script` (statements end with `;` at the end of a line)."""
        if script:
            run_script(self.url, script)
        self.made.append(Company(self.url, tables))
        return self.made[-1]

    def close(self) -> None:
        for company in self.made:
            company.records.close()
