"""What is asked straight of the driver is what SQLAlchemy would have said, and its errors are told alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select

from troth.errors import StoreBehind
from troth.foundation.store import Store, migrations
from troth.foundation.store.plain import Plain
from troth.foundation.tables import people

AT = datetime(2026, 11, 22, 13, 30, 15, 250, tzinfo=timezone(timedelta(hours=1)))
SELECT = select(people.c.number, people.c.key, people.c.created_at).where(
    people.c.created_at <= bindparam("until", type_=people.c.created_at.type)
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'troth.sqlite3'}"
    scratch: str = request.getfixturevalue("postgresql_scratch")
    return scratch


def test_values_go_in_and_come_out_by_their_types(url: str) -> None:
    plain = Plain(SELECT.order_by(people.c.number))
    with Store.open(url) as store:
        migrations.upgrade(store)
        with store.writing() as tx:
            later = AT + timedelta(days=1)
            rows = [(1, AT), (2, AT), (3, later)]
            tx.execute(people.insert(), [{"number": n, "key": bytes([n]) * 16, "created_at": at} for n, at in rows])

        with store.reading_once() as tx:
            found = plain.rows(tx, {"until": AT})
            none = plain.rows(tx, {"until": AT - timedelta(seconds=1)})
        with store.reading() as tx:
            as_ever = tx.execute(SELECT.order_by(people.c.number), {"until": AT}).all()

    assert none == []
    assert [tuple(row) for row in found] == [tuple(row) for row in as_ever] != []
    assert found[0].created_at == AT
    assert found[0].created_at.tzinfo is UTC


def test_a_table_that_is_missing_is_told_as_it_is_otherwise(url: str) -> None:
    with Store.open(url) as store:
        migrations.upgrade(store)
        with store.writing() as tx:
            tx.exec_driver_sql("ALTER TABLE people RENAME TO hidden")

        with pytest.raises(StoreBehind), store.reading_once() as tx:
            Plain(SELECT).rows(tx, {"until": AT})
