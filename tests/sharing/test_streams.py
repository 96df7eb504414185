"""Rows that are cut and put together a thousand at a time are those that CSV and JSON say, whatever stands in them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth import RowsUnreadable
from troth.collection.validators import is_card_number
from troth.sharing import safeguards, streams
from troth.sharing.words import Form

CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "plain", "a,b", 'say "so"', "two\nlines", "two\r\nlines", "\r", '"', '""', "é", "\u2028"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
DIGITS = st.text(st.sampled_from("0123456789 -.x\n٣"), max_size=60)


@pytest.fixture(autouse=True)
def three_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SIZE", 3)


def read(content: bytes, form: Form = Form.CSV) -> list[tuple[Any, ...]]:
    """The rows as they were read, each with its number."""
    found = []
    for batch in streams.read(io.BytesIO(content), form):
        rows = list(zip(*batch.columns.values(), strict=True))
        assert len(rows) == batch.count
        found += [(batch.first + n, *row) for n, row in enumerate(rows)]
    return found


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_what_was_written_as_csv_is_read_as_it_was(rows: list[list[str]], end: str, data: st.DataObject) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerow(("a", "b", "c"))
    for row in rows:
        marked = csv.QUOTE_ALL if {"\r", "\n"} & set("".join(row)) else csv.QUOTE_MINIMAL
        csv.writer(text, lineterminator=end, quoting=marked).writerow(row)
        text.write(end * data.draw(st.integers(0, 2)))
    last = data.draw(st.sampled_from([end, ""])) if rows and rows[-1][2] else end

    assert read((text.getvalue().rstrip("\r\n") + last).encode()) == [(n, *row) for n, row in enumerate(rows, 1)]


@given(st.text(st.sampled_from('ab,",,\n\n\r "'), max_size=60))
def test_any_text_is_read_or_refused_as_the_csv_of_the_library_does(body: str) -> None:
    content = "x,y\n" + body
    try:
        rows = [row for row in csv.reader(io.StringIO(content, newline=""), strict=True) if row][1:]
    except csv.Error:
        rows = None
    if rows is None or any(len(row) != 2 for row in rows):
        with pytest.raises(RowsUnreadable):
            read(content.encode())
    else:
        assert read(content.encode()) == [(n, *row) for n, row in enumerate(rows, 1)]


def test_a_fault_is_told_by_its_row_or_line_however_it_was_read() -> None:
    rows = "".join(f"{n},{n}\n" for n in range(10))

    for content, told in (
        (f"x,y\n{rows}1,2,3\n", "row 11"),
        (f'x,y\n{rows}"1",2,3\n', "row 11"),
        (f'x,y\n"a\nb",2\n{rows}1,2,3\n', "row 12"),
        (f'x,y\n{rows}1,"2"3\n', "line 12"),
        (f'x,y\n"a\nb",2\n{rows}1,"2"3\n', "line 14"),
        (f"x,y\n{rows}1,{'z' * (csv.field_size_limit() + 1)}\n", "line 12"),
    ):
        with pytest.raises(RowsUnreadable) as refused:
            read(content.encode())
        assert str(refused.value).startswith(told), told


@given(st.lists(st.tuples(CELLS, st.one_of(CELLS, st.integers(), st.none(), st.floats(allow_nan=False))), max_size=8))
def test_each_line_of_json_gives_its_row_back(rows: list[tuple[str, Any]]) -> None:
    file = io.BytesIO()
    writer = streams.writer(Form.JSONL, ("a%", 'b"'), file)

    for start in range(0, len(rows), 3):
        writer.write([list(column) for column in zip(*rows[start : start + 3], strict=True)])
    writer.close()

    lines = file.getvalue().decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [{"a%": a, 'b"': b} for a, b in rows]


def test_columns_of_two_lengths_are_never_written() -> None:
    with pytest.raises(ValueError, match="assign sequence"):
        streams.writer(Form.JSONL, ("a", "b"), io.BytesIO()).write([["1", "2"], ["1"]])


@given(st.lists(DIGITS, min_size=1, max_size=4))
def test_a_card_number_is_found_wherever_the_pattern_alone_would_find_one(texts: list[str]) -> None:
    pattern = re.compile(r"(?<!\d)[2-6](?:[ .\-]?\d){11,18}(?!\d)")
    expected = next(
        (
            n
            for n, text in enumerate(texts)
            if any(is_card_number(m[0].replace(".", "")) for m in pattern.finditer(text))
        ),
        None,
    )

    found = safeguards.card_row({"note": texts})

    assert (None if found is None else found[0]) == expected


@pytest.mark.parametrize("shape", ["{0}", "no {0}, thanks", "12 {0}", "é{0}é", "x{0}"])
@pytest.mark.parametrize(
    "parted", ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242"]
)
def test_a_card_number_in_any_of_its_spellings_is_found(shape: str, parted: str) -> None:
    times = ["2026-11-20 10:00:00"] * 2

    assert safeguards.card_row({"at": times, "note": ["nothing", shape.format(parted)]}) == (1, "note")
