"""A website, and a company with a gate, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sharing.gateworld import GateWorld, gate_world
from tests.sites import site


@pytest.fixture
def world(tmp_path: Path) -> Iterator[GateWorld]:
    with gate_world(tmp_path) as made:
        yield made


@pytest.fixture
def world_on_postgresql(tmp_path: Path, postgresql_database: str) -> Iterator[GateWorld]:
    with gate_world(tmp_path, url=postgresql_database) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def world_on_each(request: pytest.FixtureRequest) -> GateWorld:
    """The same company on either engine."""
    found: GateWorld = request.getfixturevalue("world" if request.param == "sqlite" else "world_on_postgresql")
    return found


__all__ = ["site"]
