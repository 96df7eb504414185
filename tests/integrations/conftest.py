"""A company whose doors are served on a real socket, and a client of its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.use.company import Company, found_company
from tests.use.served import Served, serve
from troth.integrations import Client


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with found_company(tmp_path) as made:
        made.troth.register_many([{"id": "17", "email": "canary-17@example.org"}, {"id": "18"}])
        made.troth.give_consent("id=17", "marketing")
        yield made


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    with serve(company) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.base, served.token) as made:
        yield made
