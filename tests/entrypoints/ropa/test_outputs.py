"""The record written out: JSON that fits its schema, tables without an empty cell, text that stays text."""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile

import jsonschema
import openpyxl
import pytest

from tests.entrypoints.ropa.records import SAID, record
from troth.entrypoints.ropa import columns, page, shapes, sheets, workbook
from troth.entrypoints.ropa.record import Record
from troth.entrypoints.ropa.words import Columns, View
from troth.errors import TrothError
from troth.policy.recordkeeping import RecordSettings

FORMULA = '=HYPERLINK("https://evil.example.org","look")'


@pytest.fixture(scope="module")
def whole() -> Record:
    return record()


@pytest.fixture(scope="module")
def bare() -> Record:
    """A record of which nothing but the policy is there."""
    return record(datamap=None, said=RecordSettings())


def test_json_fits_its_schema_as_controller_and_as_processor(whole: Record, bare: Record) -> None:
    for found in (whole, bare):
        for view in View:
            value = json.loads(shapes.to_text(shapes.of_record(found, view)))
            jsonschema.validate(value, shapes.schema())
    jsonschema.Draft202012Validator.check_schema(shapes.schema())


def test_the_schema_refuses_a_record_with_something_missing_or_added(whole: Record) -> None:
    for change in ({"controller": None}, {"surplus": 1}, {"record": "other"}):
        value = json.loads(shapes.to_text(shapes.of_record(whole) | change))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(value, shapes.schema())
    value = json.loads(shapes.to_text(shapes.of_record(whole)))
    del value["limits"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, shapes.schema())


def test_the_same_files_give_the_same_bytes(whole: Record) -> None:
    again = record()

    assert shapes.to_text(shapes.of_record(whole)) == shapes.to_text(shapes.of_record(again))
    made = [workbook.as_xlsx(_sheets(each), company="Example Company") for each in (whole, again)]
    assert made[0] == made[1]


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("form", list(Columns))
def test_no_cell_is_empty_in_any_form(whole: Record, bare: Record, view: View, form: Columns) -> None:
    for found in (whole, bare):
        for sheet in sheets.sheets(found, view, form):
            assert sheet.rows
            for row in sheet.rows:
                assert len(row) == len(sheet.heads), sheet.key
                assert all(cell.strip() for cell in row), (sheet.key, row)


def test_a_gap_stands_in_its_cell_with_the_place_to_mend(bare: Record) -> None:
    cells = dict(zip(columns.heads(Columns.TROTH), columns.rows(bare, Columns.TROTH)[0], strict=True))

    assert cells["Automated decisions"].startswith("GAP: ")
    assert "(troth.toml:7)" in cells["Automated decisions"]
    assert "(datamap.yaml)" in cells["Stores"]


def test_the_columns_of_the_authorities_have_what_art_30_asks_for() -> None:
    cnil, ico = columns.heads(Columns.CNIL), columns.heads(Columns.ICO)

    for wanted in (
        "Actors",
        "Main purpose",
        "Categories of persons",
        "Recipients",
        "Transfers, country, type of guarantee",
    ):
        assert wanted in cnil
    for wanted in (
        "Purpose of processing",
        "Categories of individuals",
        "Retention schedule",
        "Article 6 lawful basis",
    ):
        assert wanted in ico


def test_as_processor_each_controller_has_a_line() -> None:
    for_other = {
        "name": "Example Shop Two",
        "contact": "two@example.org",
        "categories": ["hosting of accounts"],
        "transfers": [{"country": "US", "ground": "standard-clauses"}],
    }
    said = RecordSettings.model_validate(SAID.model_dump() | {"processing_for": [for_other]})

    made = {sheet.key: sheet for sheet in sheets.sheets(record(said=said), View.PROCESSOR, Columns.TROTH)}

    row = dict(zip(made["activities"].heads, made["activities"].rows[0], strict=True))
    assert row["Controller"] == "Example Shop Two"
    assert row["Categories of processing"] == "hosting of accounts"
    assert row["Transfers to third countries"] == "United States: standard-clauses"
    assert "recipients" not in made


def test_nothing_in_a_policy_becomes_a_formula() -> None:
    found = record(
        ("label: Email", f"label: '{FORMULA}'"),
        ("why: as long as the account and 30 days to settle what is open", 'why: "=1+1"'),
    )
    made = workbook.as_xlsx(_sheets(found), company="=1+1")
    book = openpyxl.load_workbook(io.BytesIO(made))

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert any(str(cell.value).startswith(FORMULA) for cell in cells)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())
    text = workbook.as_csv(sheets.Sheet("a", "A", "", ("=1+1", "b"), (("@SUM(1)", "-2+3"),)))
    assert [cell[:1] for row in csv.reader(io.StringIO(text)) for cell in row] == ["'", "b", "'", "'"]


def test_a_letter_that_no_workbook_can_hold_does_not_break_it() -> None:
    sheet = sheets.Sheet("a", "A", "", ("Head", "Other"), (("a\x01b", "x" * 40_000),))

    book = openpyxl.load_workbook(io.BytesIO(workbook.as_xlsx((sheet,), company="C")))

    assert book["A"]["A3"].value == "a\N{REPLACEMENT CHARACTER}b"
    assert len(book["A"]["B3"].value) == 32_767


def test_every_sheet_prints_across_on_a4_with_its_head_on_each_page(whole: Record) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook.as_xlsx(_sheets(whole), company="Example & Company")))

    assert book.sheetnames == ["Controller", "Activities", "Recipients", "Time limits", "Measures", "Gaps", "About"]
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert str(sheet.page_setup.paperSize) == "9"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == "$2:$2"
        assert sheet.freeze_panes in {"A3", "B3"}
        assert sheet.auto_filter.ref.startswith("A2:")
        assert all(sheet.column_dimensions[letter].width >= 11 for letter in "AB")


def test_without_the_extra_the_workbook_says_what_to_install(whole: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(TrothError, match="extra `xlsx`") as raised:
        workbook.as_xlsx(_sheets(whole), company="Example Company")

    assert "troth[xlsx]" in str(raised.value)
    assert "--format csv" in str(raised.value)


def test_the_page_stands_alone_and_escapes_what_authors_write() -> None:
    found = record(("label: Email", "label: '<script>alert(1)</script>'"))

    text = page.of_record(_sheets(found), View.CONTROLLER, company="A & B")

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "A &amp; B" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "http-equiv" in text
    assert "src=" not in text


def _sheets(found: Record) -> tuple[sheets.Sheet, ...]:
    return sheets.sheets(found, View.CONTROLLER, Columns.TROTH)
