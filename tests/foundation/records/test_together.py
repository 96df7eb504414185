"""Rows of several tables in one statement come as each table alone gives them, in type and in value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy

from tests.foundation.records import stores
from troth.foundation.records.catalogue import Column
from troth.foundation.records.questions import Question, question
from troth.foundation.records.reading import Records
from troth.foundation.records.statements import core_table
from troth.foundation.records.together import Joint, Part, joined

NOON = dt.datetime(2026, 5, 5, 12, 0, tzinfo=dt.UTC)
TABLES = ("users", "visits", stores.UGLY_TABLE, stores.WIDE_TABLE)


def parts(records: Records, names: tuple[str, ...] = TABLES, limit: int = 3) -> Iterator[Part]:
    for name in names:
        seen = records.catalogue("shop").table(name)
        core = core_table(seen)
        statement = sqlalchemy.select(*core.c).order_by(next(iter(core.c))).limit(limit)
        yield Part(name, statement, tuple(seen.columns.values()))


def asked(records: Records) -> Question:
    dialect = records.dialect("shop")
    return question(dialect, joined(dialect, parts(records)), {})


def test_rows_are_those_that_each_table_gives_alone(records: Records, shop_url: str) -> None:
    stores.fill(
        shop_url,
        stores.users,
        [
            {
                "id": 1,
                "email": "ann@example.org",
                "joined": dt.datetime(2025, 1, 2, 3, 4, 5),
                "born": dt.date(1990, 1, 2),
            },
            {"id": 2, "email": "%s <bob@example.org>", "joined": None, "born": None},
        ],
    )
    stores.fill(shop_url, stores.visits, [{"id": n, **stores.visit(NOON, note="naïve")} for n in range(1, 6)])
    stores.fill(shop_url, stores.ugly, [{stores.UGLY_COLUMN: "it's %", "order": 7, "50%": None}])

    one = asked(records)

    assert len(one.parts) == 1, "all in one statement"
    [(joint, made)] = one.parts
    found: dict[Any, list[Any]] = dict(joint.apart(records.read("shop", made, {})))
    assert list(found) == list(TABLES)
    for part in parts(records):
        alone = list(records.execute("shop", part.statement))
        assert sorted(map(repr, found[part.what])) == sorted(map(repr, alone)), "same values, same types"
    assert [len(rows) for rows in found.values()] == [2, 3, 1, 0], "each with its own limit"


def test_what_is_too_wide_or_too_much_comes_in_several_statements() -> None:
    core = sqlalchemy.table("t", sqlalchemy.column("a"))
    column = tuple(iter([Column("a", "text", None, nullable=True)]))  # type: ignore[arg-type]
    dialect = sqlalchemy.create_engine("sqlite://").dialect

    many = [Part(n, sqlalchemy.select(core.c.a), column) for n in range(30)]
    assert [len(joint.whats) for joint, _ in joined(dialect, many)] == [12, 12, 6]
    wide = [Part(n, sqlalchemy.select(core.c.a), column * 40) for n in range(3)]
    assert [len(joint.whats) for joint, _ in joined(dialect, wide)] == [1, 1, 1]


def test_the_rows_of_one_table_are_its_own() -> None:
    joint = Joint(("users",), (slice(1, 3),))

    assert list(joint.apart([("a", 1), ("b", 2)])) == [("users", [("a", 1), ("b", 2)])]
