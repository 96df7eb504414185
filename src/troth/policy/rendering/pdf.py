"""The policy as PDF: the same HTML document, set in pages. Needs the extra `pdf` (WeasyPrint)."""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

from troth.errors import TrothError
from troth.policy.model import Policy
from troth.policy.rendering.html import render_html


def render_pdf(policy: Policy, *, annexes: bool = True) -> bytes:
    """The policy as a tagged PDF (PDF/UA). Nothing is fetched: the document holds all it needs.

    Raises TrothError where the extra is not installed, or a library that it stands on is missing from the system.
    """
    try:
        weasyprint: Any = importlib.import_module("weasyprint")
    except ImportError:
        raise TrothError(
            "PDF needs the extra `pdf`, which is not installed.",
            where="troth policy render --format pdf",
            repair='Run `pip install "troth[pdf]"`, or take `--format html` and print it.',
        ) from None
    except OSError:  # WeasyPrint loads Pango when it is imported
        raise TrothError(
            "PDF needs the Pango library, which this system lacks.",
            where="troth policy render --format pdf",
            repair="Install Pango with the system's packages, or take `--format html` and print it.",
        ) from None
    document = weasyprint.HTML(string=render_html(policy, annexes=annexes), url_fetcher=_fetch_nothing)
    return bytes(document.write_pdf(pdf_variant="pdf/ua-1"))


def _fetch_nothing(url: str, *_: Any, **__: Any) -> NoReturn:
    raise ValueError(f"a policy loads nothing: {url[:60]}")
