from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.policies import EXAMPLE
from tests.stores import fresh_store
from troth.errors import TrothError
from troth.foundation import keys
from troth.foundation.attestations import commands
from troth.foundation.keys import Keyring

WHOLE = ("--owner", "dpo", "--statement", "Nothing was sold.", "--document", "minutes.md", "--until", "2027-06-30")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "troth.toml").write_text('[store]\nurl = "sqlite:///troth.db"\n')
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "minutes.md").write_text("Nothing was sold.\n")
    with fresh_store(tmp_path) as store:
        keys.confirm(store, Keyring.create(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("attest")(commands.attest)
    return CliRunner().invoke(app, list(arguments))


def test_an_attestation_is_made_listed_and_taken_back(folder: Path) -> None:
    assert run("business-transfer", *WHOLE).stdout == (
        "Attestation 1: business-transfer is attested by dpo until 2027-06-30.\n"
    )
    [listed] = json.loads(run("--list", "--format", "json").stdout)["attestations"]
    assert (listed["about"], listed["document"], listed["fault"]) == ("business-transfer", "minutes.md", None)

    (folder / "minutes.md").write_text("Something was sold.\n")
    assert "hash differs" in run("--list").stdout

    assert run("--withdraw", "1").stdout == "Attestation 1 about business-transfer is withdrawn.\n"
    [listed] = json.loads(run("--list", "--format", "json").stdout)["attestations"]
    assert listed["withdrawn_at"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "not said what"),
        (("business-transfer", "--owner", "dpo"), "--statement, --document, --until"),
        (("busines-transfer", *WHOLE), 'Did you mean "business-transfer"'),
        (("anything", "--owner", "dpo"), "one of: "),
    ],
)
def test_what_is_not_whole_says_what_is_lacking(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    problem = run(*arguments).exception
    assert isinstance(problem, TrothError)
    assert told in str(problem)
