"""The record as one page that needs nothing else."""

from __future__ import annotations

from troth.entrypoints.reports import alone
from troth.entrypoints.ropa.sheets import Sheet
from troth.entrypoints.ropa.words import View

_TITLES = {
    View.CONTROLLER: ("Record of processing activities", "As controller, GDPR Art. 30(1)"),
    View.PROCESSOR: ("Record of processing for others", "As processor, GDPR Art. 30(2)"),
}


def of_record(sheets: tuple[Sheet, ...], view: View, *, company: str) -> str:
    """The record as a whole document."""
    title, reference = _TITLES[view]
    return alone.document("record/record.html", title=title, company=company, reference=reference, sheets=sheets)
