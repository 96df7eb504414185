"""What every file of the tree must hold: size, names, no tie to one machine; and what the wheel brings."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "troth"
LONGEST = 400
SAYS_NOTHING = {"service", "services", "utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
NOT_OURS = {".git", ".venv", "build", "dist", ".demo"}
LITTER = re.compile(r"^(__pycache__|\..+_cache|\.hypothesis|.+\.egg-info)$")

# Machine paths, then hosts that packages are fetched from. The hosts are spelled in parts, so that this file does not
# find itself.
TIED = re.compile(
    r"(?<![\w.])/(?:root|home/\w+|Users/\w+|workspace|work|tmp)/\w"
    r"|\bpypi[.]org\b|files[.]pythonhosted|registry[.]npm"
    r"js|registry[.]yarnpkg|proxy[.]golang|deb[.]debian[.]org"
)


def own_files() -> Iterator[Path]:
    """Every file of the tree that would be committed."""
    waiting = [ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.name in NOT_OURS or LITTER.match(path.name):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file():
                yield path


def text_of(path: Path) -> str | None:
    """The text of `path`; None for pictures and other bytes."""
    data = path.read_bytes()
    if b"\0" in data[:8000]:
        return None
    return data.decode("utf-8", "replace")


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}

    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_every_module_is_named_for_what_it_keeps() -> None:
    names = {path.relative_to(ROOT) for path in SOURCE.rglob("*.py")}

    assert [str(name) for name in sorted(names) if {name.stem, *name.parent.parts} & SAYS_NOTHING] == []


def test_nothing_ties_the_tree_to_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {tie.group()}"
        for path in sorted(own_files())
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if (tie := TIED.search(line))
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "see /ro" + "ot/notes.txt",
        "open('/ho" + "me/someone/x')",
        "cp a /t" + "mp/x",
        "index-url = https://py" + "pi.org/simple",
        "https://registry.npm" + "js.org/x",
    ],
)
def test_a_tie_to_one_machine_is_seen(line: str) -> None:
    assert TIED.search(line)


@pytest.mark.parametrize(
    "line", ["GET /home", "the page /work", "https://example.org/ro" + "ot/x", "network/wo" + "rk/"]
)
def test_an_ordinary_path_is_no_tie(line: str) -> None:
    assert not TIED.search(line)


def test_no_lock_file_with_addresses_is_in_the_tree() -> None:
    assert [path.name for path in own_files() if path.name in {"uv.lock", "package-lock.json", "poetry.lock"}] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names in the wheel, built as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy: a build in the tree would leave build/ and egg-info behind, and two workers would meet there.
    for path in own_files():
        if path.is_relative_to(ROOT / "src") or path.parent == ROOT:
            copy = folder / "tree" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    build = "from setuptools import build_meta; print(build_meta.build_wheel('..'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build], cwd=folder / "tree", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return frozenset(archive.namelist())


def test_the_wheel_brings_every_file_of_the_package(wheel: frozenset[str]) -> None:
    wanted = {str(path.relative_to(ROOT / "src")) for path in own_files() if path.is_relative_to(SOURCE)}

    assert wanted - wheel == set()


def test_the_wheel_brings_nothing_but_the_package(wheel: frozenset[str]) -> None:
    assert {name.split("/", 1)[0] for name in wheel if ".dist-info/" not in name} == {"troth"}


def test_the_wheel_brings_the_licence(wheel: frozenset[str]) -> None:
    assert {name.rsplit("/", 1)[1] for name in wheel if "/licenses/" in name} == {"LICENSE", "NOTICE"}
