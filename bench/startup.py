"""`troth --help` and `import troth` against bare Python: what somebody waits for before anything happens."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.ratio import Figure, Measured, Work, compare

HELP_BUDGET_S = 0.3
PYTHON = sys.executable
TROTH = str(Path(PYTHON).with_name("troth"))
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once and kept, as pip leaves them; the first, unmeasured run does it."""


def run(*command: str) -> Work:
    """One process from start to end; raises CalledProcessError where it fails."""

    def once() -> None:
        subprocess.run(command, check=True, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    return once


def peak_bytes(*command: str) -> int:
    """The most memory that one process held, in bytes (Linux counts in KiB)."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return usage.ru_maxrss * 1024


def figures() -> Iterator[Figure]:
    """Seconds above bare Python, judged; the ratio to importing typer and rich and the memory, reported."""
    bare = run(PYTHON, "-c", "")
    shown = run(TROTH, "--help")
    above = compare(shown, bare, clock=time.perf_counter)
    yield within("troth --help, above bare Python", above, HELP_BUDGET_S)
    typer = compare(shown, run(PYTHON, "-c", "import typer, rich"), clock=time.perf_counter)
    yield Figure("troth --help, against importing typer and rich", f"{typer.ratio:.2f} x")
    imported = compare(run(PYTHON, "-c", "import troth"), bare, clock=time.perf_counter)
    yield within("import troth, above bare Python", imported, None)
    held, least = peak_bytes(TROTH, "--help"), peak_bytes(PYTHON, "-c", "")
    yield Figure("troth --help, memory", f"{held / 1e6:.0f} MB (bare Python {least / 1e6:.0f} MB)")


def within(what: str, measured: Measured, budget_s: float | None) -> Figure:
    """The seconds of ours that bare Python does not need."""
    extra = measured.ours_s - measured.floor_s
    shown = f"{extra:.3f} s ({measured.ours_s:.3f} s in all)"
    if budget_s is None:
        return Figure(what, shown)
    return Figure(what, shown, f"at most {budget_s} s", extra <= budget_s)
