"""What is compiled once for all stores is what each would have compiled itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tests import compiled
from troth.foundation.records.catalogue import Column, ColumnKind, TableKind
from troth.foundation.records.catalogue import Table as TableSeen
from troth.foundation.records.statements import core_table


def described(*columns: str, name: str = "orders") -> sa.Table:
    made = {each: Column(each, "text", ColumnKind.TEXT, nullable=True) for each in columns}
    return core_table(TableSeen(name, TableKind.TABLE, made, bare_name=name))


def key(statement: sa.Select[tuple[object, ...]], dialect: sa.Dialect) -> object:
    cached = statement._generate_cache_key()
    assert cached is not None
    return compiled._same_for_all((dialect, cached.key, (), False, False))


@pytest.fixture
def two() -> Iterator[tuple[sa.Engine, sa.Engine]]:
    """Two databases with the table `orders`, whose columns stand in another order in the second."""
    engines = tuple(sa.create_engine("sqlite://", poolclass=sa.StaticPool) for _ in range(2))
    for engine, columns in zip(engines, ("id, note", "note, id"), strict=True):
        with engine.begin() as tx:
            tx.exec_driver_sql(f"create table orders ({columns})")
            tx.exec_driver_sql("insert into orders (id, note) values (17, 'green')")
    yield engines[0], engines[1]
    for engine in engines:
        engine.dispose()


def test_a_table_that_is_described_anew_is_the_same_statement() -> None:
    first, again = (sa.select(described("id", "note").c.note) for _ in range(2))

    assert key(first, sqlite.dialect()) == key(again, sqlite.dialect())


def test_another_dialect_version_column_or_name_is_another_statement() -> None:
    asked = sa.select(described("id", "note").c.note)
    old, new = postgresql.dialect(), postgresql.dialect()
    old.server_version_info, new.server_version_info = (9, 6), (15, 1)

    others = [
        key(asked, sqlite.dialect()),
        key(asked, old),
        key(asked, new),
        key(sa.select(described("note").c.note), sqlite.dialect()),
        key(sa.select(described("id", "note", name="baskets").c.note), sqlite.dialect()),
    ]

    assert len(set(others)) == len(others)


def test_a_table_with_types_or_defaults_is_itself_alone() -> None:
    typed = [sa.Table("orders", sa.MetaData(), sa.Column("id", sa.Integer)) for _ in range(2)]
    filled = [sa.Table("orders", sa.MetaData(), sa.Column("id", default="x")) for _ in range(2)]

    for first, second in (typed, filled):
        assert key(sa.select(first), sqlite.dialect()) != key(sa.select(second), sqlite.dialect())


def test_rows_are_read_by_the_columns_of_whoever_asked(two: tuple[sa.Engine, sa.Engine]) -> None:
    for engine in two:
        table = described("id", "note")
        with engine.connect() as connection:
            row = connection.execute(sa.select(table)).one()._mapping
            assert (row[table.c.id], row[table.c.note]) == (17, "green")


def test_all_engines_share_one_cache(two: tuple[sa.Engine, sa.Engine]) -> None:
    assert two[0]._compiled_cache is two[1]._compiled_cache
