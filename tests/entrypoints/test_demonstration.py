"""`troth demo` as it is started, and what stops it from starting."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from troth.entrypoints import cli, demonstration
from troth.errors import TrothError


def test_once_prints_every_verdict_of_a_company_that_was_founded_served_and_judged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["troth", "demo", "--once", "--people", "60"])

    with pytest.raises(SystemExit) as done:
        cli.main()

    told = json.loads(capsys.readouterr().out)
    assert done.value.code == 0
    assert set(told) == {"schema", "check", "drill"}
    assert told["drill"] is None  # there is none yet, and it does not pretend
    assert len(told["check"]["clauses"]) == 71
    assert {"9.1a", "8.1a"} <= {c["number"] for c in told["check"]["clauses"] if c["verdict"] == "broken"}
    assert {"1.1a", "3.1a", "8a"} <= {c["number"] for c in told["check"]["clauses"] if c["verdict"] == "kept"}


def test_a_port_that_is_taken_is_told_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(TrothError, match=rf"port {port} is in use\. Name another with --port\."):
            demonstration.serve(port=port, people=60, folder=None)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(TrothError, match="the folder is not empty"):
        demonstration.once(people=60, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
