"""Find, or as root on Debian install, what the test suite needs beyond Python packages; name what is missing.

Run by `make test` before the suite; `--look` installs nothing. Never fails by itself: the tests that need a missing
thing skip by name, and with CI=true fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

APT_TIMEOUT_S = 600
FETCH_TIMEOUT_S = 300
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"  # a plain user's PATH often lacks them; mariadbd lives there


@dataclass(frozen=True, slots=True)
class Need:
    """One thing outside PyPI: what tests it serves, the Debian packages that bring it, how to see that it is here."""

    name: str
    serves: str
    packages: tuple[str, ...]
    found: Callable[[], str | None]


def program(*names: str) -> Callable[[], str | None]:
    """The path of the first of `names` that can be run; None where there is none."""
    search = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_FOLDERS])
    return lambda: next((path for name in names if (path := shutil.which(name, path=search))), None)


def font(language: str) -> Callable[[], str | None]:
    """A font file that draws `language`, as fontconfig tells."""

    def first() -> str | None:
        if not shutil.which("fc-list"):
            return None
        seen = subprocess.run(["fc-list", f":lang={language}", "file"], capture_output=True, text=True, check=False)
        lines = seen.stdout.split("\n")
        return lines[0].strip(": ") or None

    return first


def chromium() -> str | None:
    """The browser for tests and screenshots: the machine's own, else the one that playwright fetched."""
    if own := program("chromium", "chromium-browser", "google-chrome", "chrome")():
        return own
    fetched = Path.home() / ".cache" / "ms-playwright"
    return next((str(path) for path in sorted(fetched.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)


def postgresql() -> str | None:
    """Debian's PostgreSQL, which speaks TLS; without it the suite uses one from PyPI that does not."""
    if own := program("initdb")():
        return own
    return next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


NEEDS = (
    Need("postgresql", "stores on PostgreSQL, with TLS", ("postgresql",), postgresql),
    Need("mariadb", "stores on MariaDB", ("mariadb-server",), program("mariadbd", "mysqld")),
    Need("faketime", "a company on a leap day", ("faketime",), program("faketime")),
    Need("redis", "links to caches, with TLS", ("redis-server",), program("redis-server", "valkey-server")),
    Need("chromium", "pages in a browser, screenshots, axe", ("chromium",), chromium),
    Need("fonts", "pages as people see them", ("fontconfig", "fonts-dejavu-core"), font("en")),
    Need("chinese fonts", "pages in Chinese", ("fontconfig", "fonts-noto-cjk"), font("zh")),
)


def can_install() -> bool:
    return (
        hasattr(os, "geteuid")
        and os.geteuid() == 0
        and Path("/etc/debian_version").exists()
        and shutil.which("apt-get") is not None
    )


def install(packages: list[str]) -> None:
    """Install `packages` without a question; mariadb-server is not started as a service."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A package's own start-up script must not put a server on the machine: the tests start theirs on free ports.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(
                command,
                env=quiet,
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=APT_TIMEOUT_S,
            )
            if done.returncode != 0:
                last = (done.stderr.strip() or "no word why").split("\n")[-1]
                print(f"provide: `{' '.join(command[:2])}` failed: {last}", file=sys.stderr)
    except subprocess.TimeoutExpired:
        print(f"provide: apt-get took longer than {APT_TIMEOUT_S} s and was stopped", file=sys.stderr)
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def fetch_chromium() -> None:
    """Let playwright fetch its browser, where Debian could not bring one; the system's libraries are not touched."""
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    print("provide: fetching chromium by playwright", file=sys.stderr)
    try:
        subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"provide: playwright took longer than {FETCH_TIMEOUT_S} s and was stopped", file=sys.stderr)


def main() -> None:
    missing = [need for need in NEEDS if need.found() is None]
    looking = "--look" in sys.argv
    if missing and can_install() and not looking:
        packages = sorted({package for need in missing for package in need.packages})
        print(f"provide: installing {', '.join(packages)}", file=sys.stderr)
        install(packages)
        missing = [need for need in missing if need.found() is None]
    if not looking and any(need.name == "chromium" for need in missing):
        fetch_chromium()
        missing = [need for need in missing if need.found() is None]
    for need in missing:
        print(
            f"provide: MISSING {need.name}: {need.serves} will not be tested. "
            f"On Debian: apt-get install {' '.join(need.packages)}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
