"""The rules that hold for every test hold indeed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = "192.0.2.1"  # RFC 5737: nobody's address, so that not even a failing guard reaches anyone


def run_suite(folder: Path, *sources: str, **environment: str) -> tuple[int, str]:
    """The exit status and the output of a suite of these files under the rules of tests/conftest.py."""
    for number, source in enumerate(sources):
        (folder / f"test_inner_{number}.py").write_text(source)
    rules = [
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *rules, "--rootdir", str(folder), str(folder)],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "CI"}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_connection_that_leaves_the_machine_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="only the loopback"):
        socket.create_connection((ELSEWHERE, 80), timeout=0.1)


def test_a_datagram_that_leaves_the_machine_fails_the_test() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(pytest.fail.Exception):
        sender.sendto(b"x", (ELSEWHERE, 53))


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(pytest.fail.Exception, match="only the loopback"):
        socket.getaddrinfo("shop.example.com", 443)


def test_a_probe_that_catches_every_error_does_not_hide_it() -> None:
    def probe() -> str:
        try:
            urllib.request.urlopen("http://shop.example.com/", timeout=0.1)
        except Exception:  # noqa: BLE001 - the very thing a careless probe does
            return "unreachable"
        return "reached"

    with pytest.raises(pytest.fail.Exception):
        probe()


def test_a_name_that_can_not_exist_is_unknown() -> None:
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://nowhere.invalid/", timeout=0.1)


@pytest.mark.parametrize("number", ["127.0.0.1", "127.1", "2130706433", "::1", ELSEWHERE])
def test_a_number_needs_no_look_up(number: str) -> None:
    assert socket.getaddrinfo(number, 80)


def test_the_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for name in ("127.0.0.1", "localhost"):
            socket.create_connection((name, port), timeout=1).close()


MISSING = "import pytest\ndef test_x() -> None:\n    pytest.skip('missing: mariadb (mariadbd was not found)')\n"


def test_a_missing_server_is_named_loudly(tmp_path: Path) -> None:
    status, said = run_suite(tmp_path, MISSING)

    assert status == 0
    assert "NOT TESTED" in said
    assert "mariadb (mariadbd was not found): 1 test skipped" in said


SKIPPED_EVERYWHERE = (
    MISSING,
    "import pytest\n@pytest.mark.skipif(True, reason='missing: chromium')\ndef test_x() -> None: ...\n",
    "import pytest\npytest.skip('missing: chromium', allow_module_level=True)\n",
    "import pytest\n@pytest.fixture\ndef x():\n    pytest.skip('missing: chromium')\ndef test_x(x) -> None: ...\n",
)


def test_a_missing_server_fails_in_ci_wherever_it_was_noticed(tmp_path: Path) -> None:
    status, said = run_suite(tmp_path, *SKIPPED_EVERYWHERE, "def test_x() -> None: ...\n", CI="true")

    assert status != 0
    assert said.count("With CI=true everything the suite needs must be there") >= len(SKIPPED_EVERYWHERE)
    assert "skipped" not in said.splitlines()[-1]


def test_a_skip_for_another_reason_passes_in_ci(tmp_path: Path) -> None:
    status, said = run_suite(tmp_path, MISSING.replace("missing: mariadb", "only on Windows"), CI="true")

    assert status == 0, said
