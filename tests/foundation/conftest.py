"""A store on each engine, a key and a clock, for all tests of the foundation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import fresh_store
from troth.foundation.keys import Keyring
from troth.foundation.store import Store
from troth.testing import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.create(tmp_path_factory.mktemp("key"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A SQLite store."""
    with fresh_store(tmp_path) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, then one on PostgreSQL."""
    url = request.getfixturevalue("postgresql_database") if request.param == "postgresql" else None
    with fresh_store(tmp_path, url=url) as store:
        yield store
