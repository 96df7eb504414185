"""A store that is copied is a store that took its steps."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from tests.servers import fresh_database
from tests.stores import bring_up_to_date, fresh_store
from troth import sections
from troth.foundation.store import Store, drift
from troth.foundation.store.schema import metadata


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_a_copy_on_postgresql_is_current_and_has_every_table(postgresql_database: str, tmp_path: Path) -> None:
    sections.load_tables()

    with fresh_store(tmp_path, url=postgresql_database) as store:
        store.require_current()
        assert drift.differences(store, metadata) == ()


def test_two_copies_know_nothing_of_each_other(postgresql_url: str, tmp_path: Path) -> None:
    with fresh_database(postgresql_url) as one, fresh_database(postgresql_url) as other:
        bring_up_to_date(one)
        with Store.open(one) as store, store.writing() as tx:
            tx.execute(sa.text("CREATE TABLE only_here (id int)"))
        bring_up_to_date(other)

        assert "only_here" in tables(one)
        assert "only_here" not in tables(other)


def test_what_stands_in_a_database_is_kept_when_its_store_is_made(postgresql_database: str) -> None:
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.begin() as tx:
        tx.exec_driver_sql("create table customers (id int)")
    engine.dispose()

    bring_up_to_date(postgresql_database)

    assert {"customers", "ledger_leaves"} <= tables(postgresql_database)


def test_a_database_that_somebody_is_connected_to_is_not_put_away(postgresql_database: str) -> None:
    engine = sa.create_engine(postgresql_database)
    with engine.connect() as connection:
        bring_up_to_date(postgresql_database)

        assert connection.exec_driver_sql("select count(*) from ledger_leaves").scalar_one() == 0
    engine.dispose()
