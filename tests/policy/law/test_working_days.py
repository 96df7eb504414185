from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from troth.errors import DeclarationFaults, UnreadableFile
from troth.policy.law.working_days import WorkingCalendar, parse_holidays, read_holidays

TABLE = b"""date,name,kind
2026-12-25,Christmas Day,holiday
2026-02-14,Saturday worked for a holiday,working
"""


def test_saturday_and_sunday_are_days_off_and_nothing_else_without_a_table() -> None:
    calendar = WorkingCalendar()

    week = [dt.date(2026, 12, 21) + dt.timedelta(days=n) for n in range(7)]
    assert [calendar.is_working(each) for each in week] == [True] * 5 + [False] * 2


def test_a_table_of_holidays_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "holidays.csv"
    path.write_bytes(TABLE)

    calendar = read_holidays(path)

    assert not calendar.is_working(dt.date(2026, 12, 25))
    assert calendar.is_working(dt.date(2026, 2, 14))


def test_everything_wrong_in_a_table_is_told_at_once_with_its_line() -> None:
    broken = b"date,name,kind\n2026-02-30,No such day,holiday\n2026-05-01,Labour Day,holliday\n2026-12-25\n"

    with pytest.raises(DeclarationFaults) as caught:
        parse_holidays(broken, "holidays.csv")

    assert [(fault.line, fault.path) for fault in caught.value.faults] == [(2, "date"), (3, "kind"), (4, "kind")]


def test_a_table_with_other_columns_is_refused() -> None:
    with pytest.raises(DeclarationFaults, match="columns"):
        parse_holidays(b"day;what\n2026-12-25;Christmas\n", "holidays.csv")


def test_a_missing_binary_or_empty_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        read_holidays(tmp_path / "holidays.csv")
    with pytest.raises(UnreadableFile):
        parse_holidays(b"\xff\xfe\x00", "holidays.csv")
    with pytest.raises(UnreadableFile):
        parse_holidays(b"", "holidays.csv")


def test_a_week_without_work_is_refused_rather_than_counted_for_ever() -> None:
    with pytest.raises(ValueError, match="working day"):
        WorkingCalendar(weekend=frozenset(range(7)))
