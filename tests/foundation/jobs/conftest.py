"""A store on each engine with a company's database beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.foundation.jobs.working import make_company
from tests.stores import fresh_store
from troth.foundation.jobs import registry
from troth.foundation.store import Store


@dataclass(frozen=True)
class World:
    """`company`: the database on which steps act; `jobs`: that of the jobs, and its schema there."""

    store: Store
    url: str
    company: str
    jobs: str
    schema: str | None
    folder: Path

    def arguments(self, **more: Any) -> dict[str, Any]:
        return {"store": self.url, "company": self.company, **more}


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        url, jobs, schema = f"sqlite:///{tmp_path}/troth.db", f"sqlite:///{tmp_path}/troth-jobs.db", None
        company = f"sqlite:///{tmp_path}/company.db"
        opened = fresh_store(tmp_path)
    else:
        url = jobs = company = request.getfixturevalue("postgresql_database")
        schema = "troth_jobs"
        opened = fresh_store(tmp_path, url=url)
    make_company(company)
    with opened as store:
        yield World(store, url, company, jobs, schema, tmp_path)


@pytest.fixture(autouse=True)
def _no_jobs_of_another_test() -> Iterator[None]:
    registry._jobs.clear()
    yield
    registry._jobs.clear()
