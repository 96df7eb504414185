"""Documents of one page that need nothing else: the record, and whatever else is set in the same frame.

The look is the console's; nothing is fetched and no script runs (the page forbids it to itself), so that it can be
mailed, kept and printed. Text is escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from troth.entrypoints.ropa.sheets import Sheet
from troth.entrypoints.ropa.words import View

if TYPE_CHECKING:
    from jinja2 import Environment

_PRINT = "@page{size:A4 landscape;margin:14mm}@media print{body{font-size:9.5pt}.card{border:0;padding:.4rem 0}}"
_TITLES = {
    View.CONTROLLER: ("Record of processing activities", "As controller, GDPR Art. 30(1)"),
    View.PROCESSOR: ("Record of processing for others", "As processor, GDPR Art. 30(2)"),
}


def of_record(sheets: tuple[Sheet, ...], view: View, *, company: str) -> str:
    """The record as a whole document, with a line end at the end."""
    title, reference = _TITLES[view]
    return alone("record/record.html", title=title, company=company, reference=reference, sheets=sheets)


def alone(template: str, **facts: Any) -> str:
    """A template of `record/` as a document of its own."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = _templates().get_template(template).render(style=Markup(style), style_hash=digest, **facts)  # noqa: S704 - ours
    return text if text.endswith("\n") else text + "\n"


@cache
def _style() -> str:
    return resources.files("troth.foundation.web").joinpath("static/troth.css").read_text(encoding="utf-8") + _PRINT


@cache
def _templates() -> Environment:
    from troth.foundation.web.pages import templates

    return templates("troth.entrypoints")
