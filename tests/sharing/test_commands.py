"""`troth share` as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sharing.gateworld import GateWorld
from troth.foundation.clock import SystemClock

CSV = "user,token,amount,ip\n1,tok_1,100,192.0.2.7\n2,tok_2,200,192.0.2.8\n"
ARGUMENTS = ("--purpose", "fraud", "--person", "user", "--columns", "token=payment.token,amount=transaction.purchase")


def run(folder: Path, *words: str, feed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "troth.entrypoints.cli", "share", *words]
    environ = {name: value for name, value in os.environ.items() if name != "TROTH_KEY"}
    return subprocess.run(command, cwd=folder, env=environ, input=feed, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(world: GateWorld) -> Path:
    """The company, whose contracts stand on the machine's own day."""
    end = SystemClock().now().year + 2
    path = world.folder / "policy.yaml"
    path.write_text(path.read_text().replace("until: 2027-03-31", f"until: {end}-03-31"))
    world.troth.object_to("id=2", "fraud")
    (world.folder / "rows.csv").write_text(CSV)
    return world.folder


def test_a_file_goes_through_and_the_record_is_printed(folder: Path) -> None:
    done = run(folder, "Example Pay", *ARGUMENTS, "--in", "rows.csv", "--out", "out.jsonl", "--format", "json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["disclosure"]
    assert (told["state"], told["rows"]) == ("done", 1)
    assert told["held_back"] == {
        "columns": ["ip"],
        "refused": {"objection-stands": 1},
        "small_groups": 0,
        "near_groups": 0,
    }
    assert json.loads((folder / "out.jsonl").read_text())["token"] == "tok_1"


def test_rows_pass_from_standard_input_to_standard_output_and_the_record_stands_beside(folder: Path) -> None:
    done = run(folder, "Example Pay", *ARGUMENTS, "--as", "csv", feed=CSV)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "person,token,amount"
    assert "held back: columns ip; 1 row: objection stands" in done.stderr


def test_a_refusal_says_why_and_nothing_has_left(folder: Path) -> None:
    (folder / "rows.csv").write_text(CSV + "3,4242424242424242,1,x\n")

    done = run(folder, "Example Pay", *ARGUMENTS, "--in", "rows.csv", "--out", "out.jsonl")

    assert done.returncode == 1
    assert "row 3, column token" in done.stderr
    assert "4242" not in done.stderr + done.stdout
    assert not (folder / "out.jsonl").exists()
    assert run(folder, "Example Pya", *ARGUMENTS, "--in", "rows.csv").returncode == 1
    assert run(folder, "Example Pay", *ARGUMENTS, "--in", "no.csv").returncode == 2
    assert run(folder, "Example Pay", "--purpose", "fraud").returncode == 2


def test_the_register_and_what_was_left_half_done_are_shown(folder: Path) -> None:
    listed = run(folder, "--list", "--format", "json")

    assert [each["name"] for each in json.loads(listed.stdout)["recipients"]][:2] == ["Example Pay", "Example Metrics"]
    assert "no contract" in run(folder, "--list").stdout
    assert run(folder, "--resume").stdout == "Nothing was left half done.\n"
