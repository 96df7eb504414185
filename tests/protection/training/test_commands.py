"""`troth training`: who is trained, and completions of another system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.policies import EXAMPLE
from tests.stores import fresh_store
from troth.errors import DeclarationFaults
from troth.foundation import keys, staff
from troth.foundation.clock import SystemClock
from troth.foundation.keys import Keyring
from troth.foundation.roles import Role
from troth.protection.training.commands import training


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.db"\n')
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE.read_bytes())
    with fresh_store(tmp_path) as store:
        keys.confirm(store, Keyring.create(tmp_path))
        for name in ("dora", "adam"):
            staff.add(store, name, Role.AGENT, now=SystemClock().now())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(training, name="training")
    return CliRunner().invoke(app, ["training", *arguments])


def test_the_list_ends_with_one_until_everybody_is_trained(folder: Path) -> None:
    today = SystemClock().now().date()
    before = run("list", "--format", "json")
    assert before.exit_code == 1
    assert [each["trained"] for each in json.loads(before.stdout)["staff"]] == [False, False]

    for name in ("dora", "adam"):
        (folder / "list.csv").write_text(f"name,course,completed_at\n{name},Basics,{today}\n")
        assert run("import", "list.csv").stdout == "1 taken in, 0 on record already.\n"
    done = run("list")
    assert done.exit_code == 0
    assert done.stdout.count("trained until") == 2


def test_a_faulty_list_is_refused_with_its_lines(folder: Path) -> None:
    (folder / "list.csv").write_text("name,course,completed_at\neve,Basics,2026-01-01\n")
    problem = run("import", "list.csv").exception
    assert isinstance(problem, DeclarationFaults)
    assert "list.csv:2:1" in str(problem)
    assert run("list").stdout.count("not trained") == 2
