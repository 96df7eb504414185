"""What troth stands on: pinned, few, free to use, and light to import."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_PACKAGES = 50
HEAVY = {"starlette", "fastapi", "uvicorn", "typer", "click", "rich", "dbos", "playwright"}
LGPL_ALLOWED = {"psycopg", "psycopg-binary"}  # imported as it is, never changed or linked: docs/decisions/0002

PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)(?: ; (.+?))? \\$")


def pins(name: str) -> dict[str, str]:
    """Package and version of each pin in requirements/NAME.txt; raises where a line is neither pin nor hash."""
    found = {}
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    for number, line in enumerate(lines):
        if pin := PINNED.match(line):
            assert lines[number + 1].strip().startswith("--hash=sha256:"), f"{name}.txt:{number + 1}: no hash"
            found[pin[1]] = pin[2]
        else:
            assert line.strip().startswith("--hash=sha256:"), f"{name}.txt:{number + 1}: {line}"
    return found


@pytest.mark.parametrize("name", ["build", "core", "dev"])
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    assert pins(name)


def test_the_core_stays_small() -> None:
    assert len(pins("core")) <= MOST_PACKAGES


def test_one_package_has_one_version_everywhere() -> None:
    everywhere = [pins(name) for name in ("build", "core", "dev")]

    assert {
        package
        for pinned in everywhere
        for package in pinned
        if len({p[package] for p in everywhere if package in p}) > 1
    } == set()


def test_what_is_declared_is_pinned() -> None:
    declared = {
        canonical(re.match(r"[\w.-]+", text)[0]) for text in metadata.requires("troth") or [] if "extra ==" not in text
    }

    assert declared - set(pins("core")) == set()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(package: metadata.Distribution) -> str:
    """What the package says of its licence: the expression, else the classifiers, else the first line of the field."""
    said = package.metadata.get("License-Expression")
    if said:
        return said
    classifiers = [
        one.rsplit(" :: ", 1)[1] for one in package.metadata.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    field = (package.metadata.get("License") or "").strip().split("\n")[0]
    return " / ".join([*classifiers, field]).strip(" /")


def binds_us(licence: str) -> str | None:
    """ "AGPL", "GPL" or "LGPL" where there is no way around it; None where none, or where another may be chosen."""
    if re.search(r"\bOR\b", licence) and not all(binds_us(part) for part in re.split(r"\bOR\b", licence)):
        return None
    text = licence.lower()
    if "agpl" in text or "affero" in text:
        return "AGPL"
    if "lgpl" in text or "lesser general public" in text or "library general public" in text:
        return "LGPL"
    return "GPL" if re.search(r"\bgplv?|general public licen[cs]e|gnu gpl", text) else None


INSTALLED = {canonical(one.metadata["Name"]): one for one in metadata.distributions()}
PINNED_HERE = sorted((set(pins("core")) | set(pins("dev"))) & set(INSTALLED))


def test_no_dependency_binds_us_to_its_licence() -> None:
    bound = {name: binds_us(licence_of(INSTALLED[name])) for name in PINNED_HERE}

    assert {n: kind for n, kind in bound.items() if kind and not (kind == "LGPL" and n in LGPL_ALLOWED)} == {}


def test_every_dependency_names_its_licence() -> None:
    silent = {name for name in PINNED_HERE if not licence_of(INSTALLED[name]) and not has_licence_file(INSTALLED[name])}

    assert silent == set()


def has_licence_file(package: metadata.Distribution) -> bool:
    return any(re.match(r"(?i)licen[cs]e|copying", Path(str(file)).name) for file in package.files or [])


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("GPL-3.0-or-later", "GPL"),
        ("GNU General Public License v3 (GPLv3)", "GPL"),
        ("AGPL-3.0-only", "AGPL"),
        ("GNU Affero General Public License v3", "AGPL"),
        ("LGPL-3.0-only", "LGPL"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL"),
        ("MIT OR GPL-2.0-only", None),
        ("Apache-2.0", None),
        ("MPL-2.0", None),
        ("PSF-2.0", None),
    ],
)
def test_a_binding_licence_is_recognised(licence: str, kind: str | None) -> None:
    assert binds_us(licence) == kind


@pytest.mark.parametrize("module", ["troth", "troth.errors", "troth.policy.reading", "troth.testing"])
def test_a_plain_import_loads_no_heavy_package(module: str) -> None:
    code = f"import sys, {module}; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    assert HEAVY & set(done.stdout.split()) == set()
