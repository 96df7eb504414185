"""What a command loads, seen in a process of its own: a policy alone needs no database, no network, no templates."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.policies import EXAMPLE

HEAVY = frozenset(
    {
        "alembic", "argon2", "babel", "cryptography", "dbos", "fastapi", "httpx", "itsdangerous", "jinja2", "markdown_it",
        "playwright", "psycopg", "pymysql", "pyroaring", "rich", "sqlalchemy", "starlette", "uvicorn",
    }
)  # fmt: skip
"""Packages that each cost as much as the whole check of a policy alone, or nearly."""

OURS = frozenset(
    {
        "troth.collection.discovery", "troth.foundation.markup", "troth.foundation.network", "troth.foundation.store",
        "troth.policy.datamap", "troth.policy.law.laws", "troth.policy.rendering", "troth.updates.comparison",
    }
)  # fmt: skip
"""Modules of ours that only stores, pages or older versions need."""

MAP = """
troth: 1
stores:
  shop:
    connect: sqlite:///shop.db
    person: {customer: {table: users, key: id}}
    tables: {users: {whose: {person: customer}, columns: {id: no}}}
"""

WATCH = """
import sys
from troth.entrypoints import cli
sys.argv = ["troth", *sys.argv[1:]]
try:
    cli.main()
except SystemExit as end:
    status = end.code
print("\\n".join(sys.modules), file=sys.stderr)
raise SystemExit(status)
"""


def run(folder: Path, *words: str) -> tuple[str, frozenset[str]]:
    """What the command wrote, and every module that its process had loaded when it ended."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TROTH")}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout, frozenset(done.stderr.split())


def packages(loaded: frozenset[str]) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in loaded)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "policy.yaml")
    return tmp_path


@pytest.mark.parametrize("form", ["json", "sarif", "junit"])
def test_a_check_of_a_policy_alone_loads_no_library_that_it_does_not_use(form: str, folder: Path) -> None:
    written, loaded = run(folder, "check", "--format", form)

    assert written
    assert packages(loaded) & HEAVY == set()
    assert loaded & OURS == set()


def test_a_policy_alone_is_judged_whole(folder: Path) -> None:
    written, _ = run(folder, "check", "--format", "json")

    verdicts = [clause["verdict"] for clause in json.loads(written)["clauses"]]
    assert len(verdicts) == 71
    assert {"broken", "unproven"} <= set(verdicts)


def test_a_check_of_stores_loads_what_reads_them(folder: Path) -> None:
    (folder / "datamap.yaml").write_text(MAP)
    sqlite3.connect(folder / "shop.db").close()

    _, loaded = run(folder, "check", "--format", "json")

    assert "sqlalchemy" in packages(loaded)
    assert "troth.policy.datamap" in loaded


def test_help_loads_neither_the_policy_nor_a_library_that_reads_it(tmp_path: Path) -> None:
    written, loaded = run(tmp_path, "--help")

    assert "check" in written
    assert "serve" in written
    assert packages(loaded) & (HEAVY | {"pydantic", "yaml"}) == set()


def test_a_command_asked_for_by_name_is_found_behind_options_and_inside_its_group(folder: Path) -> None:
    written, _ = run(folder.parent, "-C", str(folder), "policy", "render", "--format", "text")

    assert written.startswith("Privacy Policy\n")
