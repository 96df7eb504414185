"""A store on each engine, for the cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, Make, new_url


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    maker = Make(request.param, new_url(request, tmp_path, request.param))
    yield maker
    maker.close()
