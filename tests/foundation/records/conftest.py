from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.stores import ENGINES, made_url
from troth.foundation.records.reading import Records


@pytest.fixture(params=ENGINES)
def shop_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database with the tables of `stores`, on each kind of store in turn."""
    return made_url(request, tmp_path, request.param)


@pytest.fixture
def records(shop_url: str) -> Iterator[Records]:
    with Records.of_address("shop", shop_url) as opened:
        yield opened
