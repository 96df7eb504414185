"""A company of its own for each test: a policy with every kind of ground, a store, a key, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.use.company import NOW, POLICY, Company, found_company


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with found_company(tmp_path) as made:
        yield made


@pytest.fixture
def company_on_postgresql(tmp_path: Path, postgresql_database: str) -> Iterator[Company]:
    with found_company(tmp_path, url=postgresql_database) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def company_on_each(request: pytest.FixtureRequest) -> Company:
    """The same company on either engine."""
    name = "company" if request.param == "sqlite" else "company_on_postgresql"
    found: Company = request.getfixturevalue(name)
    return found


__all__ = ["NOW", "POLICY", "Callable"]
