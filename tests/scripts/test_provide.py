"""What the suite needs is found, and what is missing is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import provide

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_missing_is_named_with_the_packages_that_bring_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "provide.py"), "--look"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "MISSING chromium: pages in a browser, screenshots, axe will not be tested" in done.stderr
    assert "apt-get install chromium" in done.stderr


def test_a_program_is_found_under_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium-browser"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert provide.chromium() == str(browser)


def test_a_browser_that_playwright_fetched_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = tmp_path / ".cache" / "ms-playwright" / "chromium-1200" / "chrome-linux" / "chrome"
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert provide.chromium() == str(fetched)
