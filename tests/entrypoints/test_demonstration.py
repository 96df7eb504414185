"""`troth demo` as it is started, and what stops it from starting."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
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


@pytest.mark.parametrize("fault", ["port", "folder"])
def test_what_stops_it_is_one_message_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        rest = ["--port", port] if fault == "port" else ["--folder", str(tmp_path), "--once"]
        monkeypatch.setattr(sys, "argv", ["troth", "demo", "--people", "60", *rest])

        with pytest.raises(SystemExit) as done:
            cli.main()

    told = capsys.readouterr()
    assert done.value.code == 2
    assert told.out == ""
    assert len(told.err.splitlines()) == 2  # what is wrong, and the way out
    assert "Traceback" not in told.err


def test_it_serves_shop_policy_centre_and_console_in_one_process_and_leaves_when_asked(tmp_path: Path) -> None:
    port = demonstration.free_port()
    site = f"http://localhost:{port}"

    with demo("--port", str(port), "--people", "60", folder=tmp_path) as (process, told):
        link = re.search(r"console +(\S+)", told)
        assert link is not None
        with httpx.Client(follow_redirects=True, headers={"Origin": site}, timeout=60) as visitor:
            pages = {path: visitor.get(site + path) for path in ("/", "/privacy", "/privacy/centre", "/console")}
            asked = visitor.get(link[1])
            token = re.search(r'name="form_token" value="([^"]+)"', asked.text)
            assert token is not None
            inside = visitor.post(link[1], data={"form_token": token[1]})
            again = httpx.get(f"{site}/console", follow_redirects=True, timeout=60)
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)

    assert {path: answer.status_code for path, answer in pages.items()} == dict.fromkeys(pages, 200)
    assert 'id="s3.2a"' in pages["/privacy"].text
    assert pages["/console"].url.path == again.url.path == "/console/sign-in"
    assert (inside.status_code, inside.url.path) == (200, "/console")
    assert "sentences are broken" in inside.text
    assert status == 0
    home = re.search(r"its folder +(\S+)", told)
    assert home is not None
    assert not Path(home[1]).exists()  # everybody is forgotten


@contextmanager
def demo(*arguments: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`troth demo` as a process of its own, once it says that it is ready; with what it said until then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "troth.entrypoints.cli", "demo", *arguments],
        cwd=folder, env=dict(os.environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watch = threading.Timer(240, process.kill)
    watch.start()
    try:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told += line
            if line.startswith("Ready after"):
                break
        yield process, told
    finally:
        watch.cancel()
        process.kill()
        process.communicate()
