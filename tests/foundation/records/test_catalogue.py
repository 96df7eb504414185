from __future__ import annotations

import pytest
import sqlalchemy

from tests.foundation.records.stores import UGLY_COLUMN, UGLY_TABLE, WIDE_TABLE
from troth.errors import PlaceMissing
from troth.foundation.records.catalogue import ColumnKind, ForeignKey, TableKind
from troth.foundation.records.reading import Records
from troth.foundation.records.statements import core_table
from troth.policy.datamap import Place


def _run(url: str, *statements: str) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_tables_columns_and_keys_are_seen_as_they_are(records: Records) -> None:
    catalogue = records.catalogue("shop")

    users, visits = catalogue.table("users"), catalogue.table("visits")
    assert tuple(users.columns) == ("id", "email", "referrer_id", "joined", "born")
    assert users.primary_key == ("id",)
    assert users.unique == (("email",),)
    assert users.foreign_keys == (ForeignKey(("referrer_id",), "users", ("id",), "SET NULL"),)
    assert visits.foreign_keys == (ForeignKey(("user_id",), "users", ("id",), "CASCADE"),)
    assert not users.columns["email"].nullable
    assert users.columns["referrer_id"].nullable


def test_kinds_of_columns_have_the_same_words_on_every_store(records: Records) -> None:
    visits = records.catalogue("shop").table("visits")

    assert {name: column.kind for name, column in visits.columns.items()} == {
        "id": ColumnKind.NUMBER,
        "user_id": ColumnKind.NUMBER,
        "at_real": ColumnKind.TIME,
        "at_text": ColumnKind.TEXT,
        "at_seconds": ColumnKind.NUMBER,
        "at_millis": ColumnKind.NUMBER,
        "note": ColumnKind.TEXT,
    }
    assert records.catalogue("shop").table("users").columns["born"].kind is ColumnKind.TIME


def test_an_index_finds_rows_by_its_leading_columns_only(records: Records) -> None:
    visits = records.catalogue("shop").table("visits")

    assert visits.indexed(("user_id",))
    assert visits.indexed(("at_real", "user_id"))
    assert not visits.indexed(("at_real",))
    assert visits.indexed(("id",))


def test_a_partial_index_finds_only_some_rows(records: Records, shop_url: str) -> None:
    if shop_url.startswith("mysql"):
        pytest.skip("MariaDB has no partial indexes")
    _run(shop_url, "create index partly on visits (note) where note is not null")

    visits = records.refresh("shop").table("visits")

    assert next(index for index in visits.indexes if index.name == "partly").partial
    assert not visits.indexed(("note",))


def test_an_index_over_an_expression_or_a_prefix_is_not_whole(records: Records, shop_url: str) -> None:
    part = "note(10)" if shop_url.startswith("mysql") else "(lower(note))"
    _run(shop_url, f"create unique index cut on visits (user_id, {part})")

    visits = records.refresh("shop").table("visits")

    cut = next(index for index in visits.indexes if index.name == "cut")
    assert cut.columns == ("user_id",)
    assert not cut.whole
    assert ("user_id",) not in visits.unique


def test_hostile_names_are_names_like_others(records: Records, shop_url: str) -> None:
    catalogue = records.catalogue("shop")

    assert tuple(catalogue.table(UGLY_TABLE).columns) == (UGLY_COLUMN, "order", "50%")
    assert tuple(catalogue.table(WIDE_TABLE).columns) == ("größe", "Mixed Case")
    assert records.count(Place("shop", UGLY_TABLE, UGLY_COLUMN)) == 0
    assert records.count(Place("shop", UGLY_TABLE, "50%")) == 0
    assert records.sample(Place("shop", UGLY_TABLE, "order")) == []
    assert records.times(Place("shop", WIDE_TABLE, "größe")).rows == 0
    assert records.count(Place("shop", "users")) == 0, "the table that the column's name wanted dropped is still there"


def test_views_hold_no_rows(records: Records, shop_url: str) -> None:
    _run(shop_url, "create view shown as select id, email from users")

    shown = records.refresh("shop").table("shown")

    assert shown.kind is TableKind.VIEW
    assert not shown.holds_rows
    assert tuple(shown.columns) == ("id", "email")


def test_a_table_that_is_gone_is_told_with_the_nearest_name(records: Records) -> None:
    with pytest.raises(PlaceMissing) as caught:
        records.count(Place("shop", "user"))

    assert str(caught.value) == (
        'shop: the store has no table "user". Did you mean "users"? '
        "Mend datamap.yaml, or run `troth map --check` to see all that differs in shop."
    )


def test_a_column_that_is_gone_is_told_with_the_nearest_name(records: Records) -> None:
    with pytest.raises(PlaceMissing, match='no column "emial"') as caught:
        records.sample(Place("shop", "users", "emial"))

    assert caught.value.nearest == "email"
    assert "\n" not in str(caught.value)


def test_other_schemas_of_postgresql_have_their_name_before_the_table(postgresql_database: str) -> None:
    _run(
        postgresql_database,
        "create schema crm",
        "create table people (id int primary key)",
        "create table crm.people (id int primary key, at timestamptz)",
        "create table crm.notes (about int references crm.people, by int references people)",
        "create table log (id int, at date) partition by range (at)",
        "create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01')",
        "insert into crm.people values (1, '2026-01-02 10:00+02'), (2, 'infinity')",
    )

    with Records.of_address("shop", postgresql_database) as records:
        catalogue = records.catalogue("shop")

        assert set(catalogue.tables) == {"people", "crm.people", "crm.notes", "log"}, "a partition is its parent"
        assert [key.table for key in catalogue.table("crm.notes").foreign_keys] == ["crm.people", "people"]
        assert records.count(Place("shop", "crm.people", "id")) == 2
        times = records.times(Place("shop", "crm.people", "at"))
        assert (times.rows, times.unreadable, f"{times.oldest:%H:%M}") == (1, 1, "08:00")
        assert sorted(records.sample(Place("shop", "crm.people", "at"))) == ["2026-01-02 08:00:00+00", "infinity"]


def test_what_an_extension_made_is_not_the_companys_table(postgresql_database: str) -> None:
    _run(
        postgresql_database,
        "create table mine (id int)",
        "create table theirs (id int)",
        "alter extension plpgsql add table theirs",
    )

    with Records.of_address("shop", postgresql_database) as records:
        assert set(records.catalogue("shop").tables) == {"mine"}


def test_a_full_text_index_is_one_table_and_not_its_shadows(tmp_path: object) -> None:
    _run(f"sqlite:///{tmp_path}/s.db", "create virtual table notes using fts5(body)", "create table t (a) ")

    with Records.of_address("shop", f"sqlite:///{tmp_path}/s.db") as records:
        catalogue = records.catalogue("shop")

        assert {name: table.kind for name, table in catalogue.tables.items()} == {
            "notes": TableKind.VIRTUAL,
            "t": TableKind.TABLE,
        }


def test_sqlite_foreign_keys_are_spelt_as_the_tables_are(tmp_path: object) -> None:
    _run(
        f"sqlite:///{tmp_path}/s.db",
        "create table Users (Id integer primary key)",
        "create table notes (user_id int references USERS)",
        "create table tags (user_id int references users (ID) on delete cascade)",
    )

    with Records.of_address("shop", f"sqlite:///{tmp_path}/s.db") as records:
        catalogue = records.catalogue("shop")

        assert catalogue.table("notes").foreign_keys == (ForeignKey(("user_id",), "Users", ("Id",), "NO ACTION"),)
        assert catalogue.table("tags").foreign_keys == (ForeignKey(("user_id",), "Users", ("Id",), "CASCADE"),)


def test_a_table_is_one_object_for_all_statements_also_when_it_is_read_anew(records: Records) -> None:
    users = records.table("shop", "users")

    assert core_table(records.refresh("shop").table("users")) is users
    assert records.table("shop", "visits") is not users
