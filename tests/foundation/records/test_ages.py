from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foundation.records.stores import fill, users, visit, visits
from troth.errors import NaiveTimeError
from troth.foundation.records import instants
from troth.foundation.records.reading import Records
from troth.policy.conditions import Compare, Comparison, parse
from troth.policy.datamap import Place

NEW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
OLD = dt.datetime(2024, 2, 29, 23, 30, tzinfo=dt.UTC)
LIMIT = dt.datetime(2025, 3, 1, 12, 0, tzinfo=dt.UTC)
WAYS = ("at_real", "at_text", "at_seconds", "at_millis")


def test_however_a_time_is_written_it_is_the_same_time(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(NEW), visit(OLD), visit(LIMIT)])

    for way in WAYS:
        place = Place("shop", "visits", way)
        assert records.oldest(place) == OLD, way
        assert records.times(place) == instants.Times(3, OLD, NEW, 0), way
        assert records.count_before(place, LIMIT) == 1, f"{way}: the limit itself is not before it"
        assert records.count_before(place, LIMIT + dt.timedelta(seconds=1)) == 2, way
        assert records.count_before(place, OLD) == 0, way


def test_conditions_narrow_the_rows_that_are_judged(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(NEW, note="a"), visit(OLD, note="b")])
    only_a = Compare("note", Comparison.EQUAL, "a")

    for way in WAYS:
        assert records.oldest(Place("shop", "visits", way), only_a) == NEW
        assert records.count_before(Place("shop", "visits", way), LIMIT, only_a) == 0


def test_an_empty_column_of_times_has_no_oldest(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(NEW) | dict.fromkeys(WAYS)])

    for way in WAYS:
        assert records.oldest(Place("shop", "visits", way)) is None
        assert records.times(Place("shop", "visits", way)) == instants.Times()


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2025-03-01 13:59:59+02:00", True),
        ("2025-03-01 14:00:00+02:00", False),
        ("2025-03-01T11:59:59.999Z", True),
        ("2025-03-01T07:00:00-0500", False),
        ("2025-02-28T23:00:00-12:00", True),
        ("2025-03-02T01:00:00+14:00", True),
        ("2025-03-01", True),
        ("2025-03-01 12:00", False),
        ("2025-03-01 11:59:59", True),
        ("2025-03-01T11:59:59.999999", True),
        ("2025-03-01T13:00:00.00+0130", True),  # as long as one with microseconds and no zone
        ("2025-03-01T11:00:00.123-01", False),
    ],
)
def test_zones_in_texts_are_minded_near_the_limit(text: str, before: bool) -> None:
    assert instants.read(text) is not None
    assert (instants.read(text) < LIMIT) is before  # type: ignore[operator] # read just above


@pytest.mark.parametrize(
    "text", ["2025-W09-6 12:00:00", "2025-02-29 12:00:00", "2025-03-01 12:00:60", "2025-03-01x12:00:00"]
)
def test_what_looks_like_a_time_and_is_none_is_not_read(text: str) -> None:
    assert instants.read(text) is None


def test_zones_are_minded_in_the_store_as_in_memory(records: Records, shop_url: str) -> None:
    texts = ["2025-03-01 13:59:59+02:00", "2025-03-01 14:00:00+02:00", "2025-02-27 10:00:00", "2025-03-03T10:00:00Z"]
    fill(shop_url, visits, [visit(NEW, text) for text in texts])

    place = Place("shop", "visits", "at_text")
    assert records.count_before(place, LIMIT) == 2
    assert records.oldest(place) == dt.datetime(2025, 2, 27, 10, 0, tzinfo=dt.UTC)


def test_texts_that_are_no_times_are_counted_and_not_guessed(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(OLD), visit(OLD, "yesterday"), visit(OLD, "")])

    times = records.times(Place("shop", "visits", "at_text"))

    assert (times.rows, times.unreadable, times.oldest) == (1, 2, OLD)
    assert records.count_before(Place("shop", "visits", "at_text"), LIMIT) == 1


def test_numbers_that_are_no_times_are_unreadable(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(OLD) | {"at_seconds": 2024}])

    assert records.times(Place("shop", "visits", "at_seconds")) == instants.Times(unreadable=1)
    assert records.times(Place("shop", "users", "id")).rows == 0


def test_zero_means_no_time(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(OLD) | {"at_seconds": 0}, visit(NEW)])

    assert records.oldest(Place("shop", "visits", "at_seconds")) == NEW


def test_a_day_alone_is_before_what_comes_after_its_last_hour(records: Records, shop_url: str) -> None:
    fill(shop_url, users, [{"email": "ann@example.org", "joined": None, "born": dt.date(1990, 5, 1)}])
    born = Place("shop", "users", "born")

    assert records.oldest(born) == dt.datetime(1990, 5, 1, tzinfo=dt.UTC)
    assert records.count_before(born, dt.datetime(1990, 5, 1, 23, 59, tzinfo=dt.UTC)) == 0
    assert records.count_before(born, dt.datetime(1990, 5, 2, 0, 0, tzinfo=dt.UTC)) == 1
    assert records.count_before(born, dt.datetime(1990, 5, 2, 0, 1, tzinfo=dt.UTC)) == 1


def test_a_day_written_as_text_is_judged_as_a_day(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(OLD) | {"at_text": f"{LIMIT:%Y-%m-%d}"}, visit(NEW)])
    place = Place("shop", "visits", "at_text")

    assert records.count_before(place, LIMIT + dt.timedelta(hours=1)) == 0
    assert records.count_before(place, LIMIT.replace(hour=0) + dt.timedelta(days=1)) == 1


def test_sqlite_reads_whatever_stands_in_one_column(tmp_path: object) -> None:
    import sqlite3

    with sqlite3.connect(f"{tmp_path}/s.db") as file:
        file.execute("create table t (at)")
        rows = [("2024-02-29 23:30:00",), (1772366400,), (2460310.5,), (b"x",), (None,)]
        file.executemany("insert into t values (?)", rows[:2] + rows[3:])
        file.execute("create table julian (at real)")
        file.executemany("insert into julian values (?)", rows[2:3])
    file.close()

    with Records.of_address("shop", f"sqlite:///{tmp_path}/s.db") as records:
        times = records.times(Place("shop", "t", "at"))
        assert times == instants.Times(2, OLD, NEW, 1)
        assert records.oldest(Place("shop", "julian", "at")) == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def test_zero_dates_of_mariadb_are_unreadable_and_not_the_oldest(mariadb_database: str) -> None:
    from tests.chinook import run_script

    run_script(
        mariadb_database,
        """create table t (at datetime);
set sql_mode = '';
insert into t values ('0000-00-00 00:00:00'), ('2024-02-29 23:30:00');
""",
    )

    with Records.of_address("shop", mariadb_database) as records:
        place = Place("shop", "t", "at")
        assert records.times(place) == instants.Times(1, OLD, OLD, 1)
        assert records.count_before(place, LIMIT) == 1


def test_a_limit_without_a_zone_is_refused(records: Records) -> None:
    with pytest.raises(NaiveTimeError):
        records.count_before(Place("shop", "visits", "at_real"), LIMIT.replace(tzinfo=None))


@given(at=st.datetimes(min_value=dt.datetime(1971, 1, 1), max_value=dt.datetime(2100, 1, 1)))
def test_every_way_of_writing_reads_back(at: dt.datetime) -> None:
    instant = at.replace(tzinfo=dt.UTC)

    assert instants.read(at) == instant
    assert instants.read(instant.isoformat()) == instant
    assert instants.read(f"{at:%Y-%m-%d %H:%M:%S.%f}") == instant
    assert instants.read(int(instant.timestamp())) == instant.replace(microsecond=0)


@pytest.mark.parametrize(
    "value", ["", "2024-13-01", "24-01-01", "tomorrow", True, None, b"\xff", 12, -5, "2024-01-01x"]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert instants.read(value) is None


def test_rows_give_instants_however_they_are_stored(records: Records, shop_url: str) -> None:
    fill(shop_url, visits, [visit(NEW, note="x")])

    rows = list(records.rows("shop", "visits", [*WAYS, "note"], where=parse("note = 'x'"), instants_in=WAYS))

    assert rows == [(NEW, NEW, NEW, NEW, "x")]
