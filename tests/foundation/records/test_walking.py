"""How much of a table one part covers: as much as time allows, and never more than could all be due in time."""

from __future__ import annotations

import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from troth.foundation.records.catalogue import Column, ColumnKind, Table, TableKind
from troth.foundation.records.walking import LARGEST, SMALLEST, Due, Pace, choose
from troth.policy.datamap import StoreKind


@given(st.lists(st.tuples(st.booleans(), st.floats(2e-7, 1e-4)), min_size=1, max_size=60))
def test_no_part_takes_a_second_after_the_first_however_rows_that_are_due_lie(ways: list[tuple[bool, float]]) -> None:
    """Rows that are not due cost next to nothing: parts grow over them, and then every row of the next one is due."""
    pace = Pace(0.5)
    slowest = max((cost for _, cost in ways), default=0.0)
    known = 5e-6
    for due, cost in ways:
        touched = pace.size if due else 0
        took = touched * cost + 1e-8 * pace.size
        if due and cost <= known * 0.7 and pace.size > SMALLEST:
            assert took < 1.0
        known = pace.row_s
        pace.after(touched, took)
        assert SMALLEST <= pace.size <= LARGEST
        assert pace.row_s <= max(slowest + 1e-8, 5e-6) * 1.01


def test_a_part_in_which_everything_is_due_is_expected_after_many_in_which_nothing_was() -> None:
    pace = Pace(0.5)
    for _ in range(30):
        pace.after(0, 0.001)

    assert pace.size * 5e-6 <= 0.7  # at the cost that is guessed before any row was touched


def test_a_slow_store_gets_small_parts_at_once() -> None:
    pace = Pace(0.5)

    pace.after(20_000, 4.0)

    assert pace.size <= 5_000


@given(
    st.sets(st.integers(-50, 3000), min_size=1, max_size=120).map(sorted),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_along_a_key_each_due_row_is_met_once_whatever_gaps_there_are(
    keys: list[int], sizes: list[int], every: int
) -> None:
    due_keys = [key for number, key in enumerate(keys) if not every or number % (every + 1) == 0]
    with sqlalchemy.create_engine("sqlite://").connect() as store:
        store.exec_driver_sql("create table t (id integer primary key, due int)")
        rows = [{"id": key, "due": int(key in due_keys)} for key in keys]
        table = sqlalchemy.table("t", sqlalchemy.column("id"), sqlalchemy.column("due"))
        store.execute(table.insert(), rows)
        seen = Table("t", TableKind.TABLE, {"id": Column("id", "integer", ColumnKind.NUMBER, False)}, ("id",))
        walk, due = choose(seen, StoreKind.SQLITE, store), Due(table, table.c.due == 1)
        made = sqlalchemy.select(table.c.id).where(due.condition).order_by(table.c.id)

        met, at, parts = [], walk.start(store, due), 0
        while at is not None:
            size = sizes[parts % len(sizes)]
            narrow, further = walk.part(store, due, at, size)
            found = store.execute(narrow(made)).scalars().all()
            assert len(found) <= size
            met += found
            at, parts = further(len(found)), parts + 1

    assert met == due_keys
    assert parts <= 2 * len(keys) + 2, "gaps are not walked through step by step"
