"""The record as a workbook for spreadsheets (XLSX), and the activities as CSV. Needs the extra `xlsx` (openpyxl).

Every cell is text and stays text: nothing that stands in a policy can become a formula. Sheets print on A4, across,
their head on each page.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

from troth.entrypoints.ropa.sheets import Sheet
from troth.errors import TrothError
from troth.rights.packaging.values import safe_cell

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767
_INK, _PAPER, _HEAD, _LINE, _GAP = "FF1D1C1A", "FFFBFAF6", "FF23418A", "FFE2DED4", "FFFBE9E7"
_VERDICTS = {"kept": "FF1B6B4F", "broken": "FFA8281E", "unproven": "FF7D5C08"}
_FIRST = 3  # title and head stand above the rows
_NARROWEST = 11
_WIDEST = ((3, 92), (6, 44), (9, 27), (99, 22))  # up to so many columns, so many letters
_MUCH = 150  # letters in a cell from which its column is twice as wide
_PER_PAGE = 200  # letters across an A4 page that can still be read
_FIXED = (2020, 1, 1, 0, 0, 0)


def as_csv(sheet: Sheet) -> str:
    """One table as CSV (RFC 4180), no cell of which a spreadsheet takes for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(safe_cell, sheet.heads))
    writer.writerows([safe_cell(cell) for cell in row] for row in sheet.rows)
    return out.getvalue()


def as_xlsx(sheets: tuple[Sheet, ...], *, company: str) -> bytes:
    """The sheets as one workbook; the same sheets give the same bytes. Raises: TrothError without the extra `xlsx`."""
    try:
        import openpyxl
    except ImportError:
        raise TrothError(
            "XLSX needs the extra `xlsx`, which is not installed.",
            where="troth ropa --format xlsx",
            repair='Run `pip install "troth[xlsx]"`, or take `--format csv`.',
        ) from None
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        _fill(book.create_sheet(sheet.title), sheet, company)
    _describe(book, company)
    made = io.BytesIO()
    book.save(made)
    return _settled(made.getvalue())


def _fill(page: Worksheet, sheet: Sheet, company: str) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    widths = [_width(sheet, at) for at in range(len(sheet.heads))]
    line = Side(style="thin", color=_LINE)
    _write(page, 1, 1, sheet.title, Font(name="Calibri", size=14, bold=True, color=_INK))
    _write(page, 1, 2, sheet.note, Font(name="Calibri", size=10, color="FF5D5A54"))
    for at, head in enumerate(sheet.heads, start=1):
        cell = _write(page, _FIRST - 1, at, head, Font(name="Calibri", size=10, bold=True, color=_PAPER))
        cell.fill = PatternFill("solid", fgColor=_HEAD)
        cell.alignment = Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1)
    for number, row in enumerate(sheet.rows, start=_FIRST):
        for at, text in enumerate(row, start=1):
            bold = at == 1 or text in _VERDICTS
            font = Font(name="Calibri", size=10, bold=bold, color=_VERDICTS.get(text, _INK))
            cell = _write(page, number, at, text, font)
            cell.alignment = Alignment(horizontal="left", vertical="top", wrap_text=True, indent=1)
            cell.border = Border(bottom=line)
            if "GAP: " in text:
                cell.fill = PatternFill("solid", fgColor=_GAP)
        page.row_dimensions[number].height = _height(row, widths)
    page.row_dimensions[_FIRST - 1].height = 30
    for at, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(at)].width = width
    last = f"{get_column_letter(len(sheet.heads))}{_FIRST - 1 + len(sheet.rows)}"
    page.freeze_panes = f"B{_FIRST}" if len(sheet.heads) > 4 else f"A{_FIRST}"
    page.auto_filter.ref = f"A{_FIRST - 1}:{last}"
    _set_up(page, last, sum(widths), company)


def _write(page: Worksheet, row: int, column: int, text: str, font: Any) -> Any:
    cell = page.cell(row, column)
    cell.value = _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)[:_LONGEST]
    cell.data_type = "s"  # INVARIANT: text, whatever it begins with
    cell.quotePrefix = text[:1] in "=+-@"
    cell.font = font
    return cell


def _set_up(page: Worksheet, last: str, width: float, company: str) -> None:
    from openpyxl.worksheet.header_footer import HeaderFooterItem
    from openpyxl.worksheet.properties import PageSetupProperties

    page.sheet_view.showGridLines = False
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_setup.fitToWidth = max(1, round(width / _PER_PAGE))
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = f"{_FIRST - 1}:{_FIRST - 1}"
    if page.page_setup.fitToWidth > 1:
        page.print_title_cols = "A:A"
    page.print_area = f"A1:{last}"
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = 0.9
    page.page_margins.header = 0.4
    page.page_margins.bottom = 0.8
    page.page_margins.footer = 0.4
    head, foot = page.oddHeader, page.oddFooter
    assert isinstance(head, HeaderFooterItem)
    assert isinstance(foot, HeaderFooterItem)
    head.left.text = f"{company}: record of processing activities".replace("&", "&&")
    foot.left.text, foot.right.text = "&A", "&P / &N"


def _width(sheet: Sheet, at: int) -> int:
    """Wide enough for the longest line of the column, within reason."""
    most = next(width for count, width in _WIDEST if len(sheet.heads) <= count)
    if len(sheet.heads) > 3 and any(len(row[at]) > _MUCH for row in sheet.rows):
        most *= 2
    longest = max((len(line) for row in sheet.rows for line in row[at].split("\n")), default=0)
    return min(max(_NARROWEST, len(sheet.heads[at]) // 2, longest), most) + 3


def _height(row: tuple[str, ...], widths: list[int]) -> float:
    """Points for the row: spreadsheets that open a file do not all fit heights to wrapped text."""
    lines = max(
        sum(-(-max(len(line), 1) // max(width - 1, 1)) for line in text.split("\n"))
        for text, width in zip(row, widths, strict=True)
    )
    return min(409.0, 5 + 13.5 * lines)


def _describe(book: Workbook, company: str) -> None:
    import datetime as dt

    book.properties.title = f"Record of processing activities of {company}"
    book.properties.creator = "troth"
    book.properties.created = book.properties.modified = dt.datetime(*_FIXED, tzinfo=dt.UTC).replace(tzinfo=None)


def _settled(data: bytes) -> bytes:
    """The same workbook with the clock taken out of it: fixed times in the zip, and in the properties."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            body = before.read(info)
            if info.filename == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", body)
            after.writestr(zipfile.ZipInfo(info.filename, _FIXED), body, zipfile.ZIP_DEFLATED)
    return made.getvalue()
