"""Values come out exactly in JSON, and run in no spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import uuid
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.rights.packaging import values

PLUS_FIVE = dt.timezone(dt.timedelta(hours=5))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**63), "-9223372036854775808"),
        (0.1, 0.1),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (Decimal("12.500"), "12.500"),
        (dt.datetime(2026, 3, 1, 9, 30, 0, 123), "2026-03-01T09:30:00.000123"),
        (dt.datetime(2026, 3, 1, 9, 30, tzinfo=PLUS_FIVE), "2026-03-01T09:30:00+05:00"),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.time(9, 30), "09:30:00"),
        (dt.timedelta(days=1, hours=2, seconds=3, microseconds=500_000), "P1DT2H0M3.5S"),
        (-dt.timedelta(seconds=90), "-P0DT0H1M30S"),
        (b"\x00\xff", {"base64": "AP8="}),
        (memoryview(b"ab"), {"base64": "YWI="}),
        ({"a": [1, b"x"], "b": None}, {"a": [1, {"base64": "eA=="}], "b": None}),
        ((1, Decimal(2)), [1, "2"]),
        ({"b", "a"}, ["a", "b"]),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ("  spaces stay \n", "  spaces stay \n"),
        ("=1+1", "=1+1"),
    ],
)
def test_each_kind_of_value_has_one_exact_spelling_that_its_schema_takes(value: Any, said: Any) -> None:
    told = json.loads(values.utf8(values.row_json(("x",), (value,))))["x"]

    assert told == said
    assert type(told) is type(said)
    jsonschema.validate(told, values.schema_of(type(value)))


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())))
def test_what_json_can_say_comes_back_as_it_was(row: list[Any]) -> None:
    names = tuple(f"c{n}" for n in range(len(row)))

    back = json.loads(values.utf8(values.row_json(names, tuple(row))))

    for name, value in zip(names, row, strict=True):
        told = back[name]
        if isinstance(value, int) and abs(value) > values.LARGEST_INTEGER:
            told = int(told)
        if isinstance(value, float) and math.isinf(value):
            told = float(told)
        assert told == value


def test_half_a_character_is_told_as_json_tells_it() -> None:
    written = values.utf8(values.row_json(("x",), ("a\ud83d",)))

    assert json.loads(written) == {"x": "a\ud83d"}
    assert written.isascii()


STARTS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66", "\ufe62", "\ufe63", "\ufe6b", "\u2212"]
HIDDEN = ["", " ", "\t", "\r", "\n", "\r\n", "\x00", "\u00a0", "\u3000", "\u200b", "\ufeff", '"', "\u2028", " \t\r\n"]
FORMULA = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212]")


@pytest.mark.parametrize("lead", ["", "a;", "a\n", "a\r\n", "a\t", 'a";"', "a; ", "a\u2029"])
def test_no_text_runs_as_a_formula_wherever_a_cell_could_begin(lead: str) -> None:
    for before in HIDDEN:
        for start in STARTS:
            cell = values.safe_cell(f"{lead}{before}{start}cmd|' /C calc'!A0")

            for part in re.split("[;\t\r\n\x0b\x0c\x85\u2028\u2029]", cell):
                assert not FORMULA.match(part.strip(' "\t\u00a0\u3000\u200b\ufeff\u2400')), ascii(cell)


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\x00x", "\x00"])
def test_a_hidden_sign_at_the_start_of_a_cell_is_behind_an_apostrophe(text: str) -> None:
    cell = values.safe_cell(text)

    assert cell.startswith("'")
    assert "\x00" not in cell


@pytest.mark.parametrize(
    "text", ["plain", "a = b", "1 - 2", "x@example.org", "'quoted", "Ünïcode", "", "a,b", 'say "hi"']
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert values.safe_cell(text) == text


@pytest.mark.parametrize("number", [-5, -1.5, Decimal("-12.50"), 0, 7])
def test_numbers_stay_numbers_also_below_zero(number: Any) -> None:
    assert values.safe_cell(number) == str(number)


def test_a_formula_inside_json_and_bytes_is_inside_something_else() -> None:
    assert values.safe_cell({"a": "=1"}) == '{"a": "=1"}'
    assert values.safe_cell(["=1"]) == '["=1"]'
    assert values.safe_cell(b"\xfb\xff") == "'+/8="


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))), min_size=1))
def test_a_csv_line_is_read_back_as_the_cells_that_were_written(row: list[Any]) -> None:
    line = values.csv_line(tuple(row))

    [back] = csv.reader(io.StringIO(line, newline=""))

    assert back == [values.safe_cell(value) for value in row]
    assert line.endswith("\r\n")
