"""PDF is the page set in pages, and says what is missing where it can't be made."""

from __future__ import annotations

import importlib
import sys

import pytest

from tests.policy.rendering.worlds import example
from troth.errors import TrothError
from troth.policy.rendering.pdf import render_pdf


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    with pytest.raises(TrothError) as told:
        render_pdf(example())

    assert "\n" not in str(told.value)
    assert 'pip install "troth[pdf]"' in str(told.value)


def test_with_the_extra_the_policy_is_a_pdf() -> None:
    try:
        importlib.import_module("weasyprint")
    except (ImportError, OSError):
        pytest.skip("the extra `pdf` is not installed")

    data = render_pdf(example(), annexes=False)

    assert data.startswith(b"%PDF-")
    assert len(data) > 10_000
