"""Shops for these tests: with a small stand-in for troth, and with troth itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.example.proving import copy, running_company  # noqa: F401 - fixtures of these tests
from tests.example.running import Running, running
from tests.example.standin import StandIn
from tests.stores import fresh_store
from troth.example.shop.database import open_database
from troth.example.shop.seed import Seeded, seed

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Seeded]]:
    """The whole seeded shop of 2,000 people; to be read only."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('town') / 'shop.sqlite3'}")
    yield engine, seed(engine, now=NOW)
    engine.dispose()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Running]:
    """A small shop that asks a stand-in."""
    with running(tmp_path, StandIn()) as shop:
        yield shop


@pytest.fixture(scope="module")
def quiet_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One small shop for all tests of a module that change nothing in it but sessions and logs."""
    with running(tmp_path_factory.mktemp("quiet"), StandIn()) as shop:
        yield shop


@pytest.fixture(params=["stand-in", "troth"])
def any_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A small shop that asks a stand-in, and one that asks troth itself."""
    if request.param == "stand-in":
        with running(tmp_path, StandIn()) as shop:
            yield shop
    else:
        with real_troth(tmp_path) as troth, running(tmp_path, troth) as shop:
            yield shop


def real_troth(folder: Path) -> Any:
    """troth itself, with the example policy, in `folder`."""
    import troth
    import troth.application  # its tables must be known before they are made
    from troth.foundation.keys import Keyring

    (folder / "policy.yaml").write_bytes(files("troth.example").joinpath("policy.yaml").read_bytes())
    (folder / "troth.toml").write_text('[policy]\nfile = "policy.yaml"\n[store]\nurl = "sqlite:///troth.sqlite3"\n')
    Keyring.create(folder)
    fresh_store(folder, url=f"sqlite:///{folder / 'troth.sqlite3'}").close()
    return troth.open(folder, environ={})
