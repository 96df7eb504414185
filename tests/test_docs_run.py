"""What the documentation shows is what happens: the blocks of its pages are run, and the answers held against the page.

In a `console` block a line after `$ ` is a command (`> ` goes on with it), what follows is what it prints: a line `...`
stands for any lines, `...` within a line for any letters. A `python` block is a program. All blocks of a page run in
one shell, in order. Status 1 is an answer ("no", "broken") and has to be shown with one; 2 is a fault of the page.
Blocks of other kinds, and blocks without a kind, are not run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from troth import application
from troth.entrypoints import beginning

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = ROOT / "docs" / "tutorial"
FENCE = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- 8< --"
LIMIT_S = 240  # a page takes some ten seconds; a busy machine may take many times that
DATABASE = "sqlite:///shop.sqlite3"
HOW_TO = sorted(page.name for page in (ROOT / "docs" / "how-to").glob("*.md") if FENCE.search(page.read_text()))


@dataclass(frozen=True)
class Step:
    """One command of a page, and the lines that the page says it prints."""

    line: int
    command: str
    printed: tuple[str, ...]


def steps_of(text: str) -> list[Step]:
    found: list[Step] = []
    for block in FENCE.finditer(text):
        start = text.count("\n", 0, block.start()) + 2
        kind, body = block.groups()
        if kind == "python":
            found.append(Step(start, f"python - <<'PYTHON'\n{body}PYTHON", ()))
            continue
        for offset, line in enumerate(body.splitlines()):
            if line.startswith("$ "):
                found.append(Step(start + offset, line[2:], ()))
            elif line.startswith("> ") and not found[-1].printed:
                found[-1] = Step(found[-1].line, f"{found[-1].command}\n{line[2:]}", ())
            else:
                found[-1] = Step(found[-1].line, found[-1].command, (*found[-1].printed, line))
    return found


def is_as_shown(shown: tuple[str, ...], printed: str) -> bool:
    """Whether `printed` is what the page shows; trailing blanks and empty lines at the end do not count."""
    parts = [r"(?:.*\n)*?" if line.strip() == "..." else _pattern(line) + r"[ ]*\n" for line in shown]
    return re.fullmatch("".join(parts), printed.rstrip() + "\n" if printed.strip() else "") is not None


def _pattern(line: str) -> str:
    return r".*?".join(re.escape(part) for part in line.rstrip().split("..."))


def run_page(page: Path, folder: Path, environ: dict[str, str]) -> list[str]:
    """Run the blocks of `page` in `folder`; what differs from the page, one text for each step."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    steps = steps_of(page.read_text().replace("8000", str(port)))
    assert steps
    script = [f"{step.command}\nprintf '\\n{MARK} %s\\n' $?" for step in steps]
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
    } | environ
    shell = subprocess.Popen(
        ["bash", "--norc"],
        cwd=folder,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate("\n".join([*script, "kill $(jobs -p) 2>/dev/null; exit 0"]), timeout=LIMIT_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    answers = re.split(rf"\n{MARK} (\d+)\n", printed)
    wrong = []
    for step, answer, status in zip(steps, answers[::2], answers[1::2], strict=False):
        if int(status) > (1 if step.printed else 0) or (step.printed and not is_as_shown(step.printed, answer)):
            wrong.append(f"{page.name}:{step.line}: $ {step.command}\nended with {status} and printed\n{answer}")
    if len(answers) // 2 < len(steps):
        wrong.append(f"{page.name}: the shell stopped after {len(answers) // 2} of {len(steps)} steps\n{answers[-1]}")
    return wrong


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which the documentation and the environment stand as in a clone."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def tea(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The company of the tutorial at its end: database, policy, map, and customer 17 made known."""
    folder = checkout / "tea"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run([sys.executable, TUTORIAL / "shop.py", "make"], check=True, capture_output=True)
    for name in ("policy.yaml", "datamap.yaml"):
        shutil.copy(TUTORIAL / name, folder)
    list(beginning.begin(folder, {}, database=None, policy=None))
    with application.open(folder, {}) as company:
        company.register(id="17", email="dov.kettle@example.net")
    return folder


def test_the_tutorial_works_for_a_stranger(checkout: Path) -> None:
    assert run_page(ROOT / "docs" / "tutorial.md", checkout, {}) == []


@pytest.mark.parametrize("name", HOW_TO)
def test_a_how_to_page_does_what_it_says(tea: Path, name: str) -> None:
    assert run_page(ROOT / "docs" / "how-to" / name, tea, {"COMPANY_DATABASE_URL": DATABASE}) == []


def test_the_readme_does_what_it_says(tea: Path) -> None:
    assert run_page(ROOT / "README.md", tea, {"COMPANY_DATABASE_URL": DATABASE}) == []


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo no\nyes\n$ exit 3\n$ true\n```\n")

    wrong = run_page(page, tmp_path, {})

    assert [text.splitlines()[0] for text in wrong] == [
        "page.md:2: $ echo no",
        "page.md: the shell stopped after 1 of 3 steps",
    ]


def test_dots_stand_for_what_changes_and_for_nothing_else() -> None:
    assert is_as_shown(("since ...", "...", "end"), "since now\na\nb\nend\n")
    assert not is_as_shown(("since ...", "end"), "since now\na\nend\n")
