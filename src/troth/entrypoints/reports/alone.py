"""Documents of one page that need nothing else, in the look of the console.

Nothing is fetched and no script runs (the page forbids it to itself), so that it can be mailed, kept and printed. Text
is escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment

_PRINT = "@page{size:A4 landscape;margin:14mm}@media print{body{font-size:9.5pt}.card{border:0;padding:.4rem 0}}"


def document(template: str, **facts: Any) -> str:
    """A template that extends `record/alone.html` as a document of its own, with a line end at the end."""
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
