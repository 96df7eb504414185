"""Example Company as people meet it in a browser: one company, one browser, four who look at it, a worker each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.provide import chromium
from tests.example.proving import RunningCompany, company_running
from tests.pages.looking import Browsing, browsing, lived_in


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCompany]:
    """The company with two versions of its policy, and three days of verdicts of which some turned."""
    with company_running(tmp_path_factory.mktemp("pages"), people=60) as running:
        lived_in(running)
        yield running


@pytest.fixture(scope="module")
def browser(company: RunningCompany) -> Iterator[Browsing]:
    """Chromium, with somebody signed in wherever one can be.

    It ends with its module: while it is open, its event loop counts as this thread's, and other tests could run none.
    """
    program = chromium()
    if program is None:
        pytest.skip("missing: chromium")
    with browsing(company, program) as open_browser:
        yield open_browser
