"""Days and lengths of time are read as policies write them."""

from __future__ import annotations

import datetime as dt

import pytest

from troth.policy.importing.dates import find_date, find_interval, find_length


@pytest.mark.parametrize(
    "text",
    ["January 9, 2024", "9 January 2024", "9th of January 2024", "Jan 9 2024", "2024-01-09", "2024/1/9", "2024年1月9日",
     "9. Januar 2024", "9 janvier 2024"],
)  # fmt: skip
def test_days_are_read_as_people_write_them(text: str) -> None:
    found = find_date(text)

    assert found is not None
    assert found.day == dt.date(2024, 1, 9)


@pytest.mark.parametrize("text", ["31/02/2024", "soon", "version 2024", "99-99-9999", ""])
def test_what_is_no_day_is_not_read_as_one(text: str) -> None:
    assert find_date(text) is None


def test_a_day_that_could_be_two_is_doubtful() -> None:
    found = [find_date(text) for text in ("03/04/2024", "13/04/2024", "04/04/2024")]

    assert [date.doubtful for date in found if date] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "length"),
    [("for 13 months after", "13 months"), ("two years", "2 years"), ("thirty (30) days", "30 days"),
     ("3年", "3 years"), ("6个月", "6 months"), ("自2024年1月9日起", None), ("a while", None)],
)  # fmt: skip
def test_lengths_are_read_in_words_and_figures(text: str, length: str | None) -> None:
    found = find_length(text)

    assert (str(found) if found else None) == length


def test_regularly_is_no_interval() -> None:
    assert find_interval("regular audits") is None
    assert str(find_interval("audited annually")) == "12 months"
