"""Each import contract holds here, and is shown to fail where a wrong import is planted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
SECTIONS = ("collection", "use", "protection", "sharing", "rights", "cookies", "links", "updates", "contact")


def lint_imports(folder: Path, *contracts: str) -> tuple[set[str], str]:
    """The names of the contracts (all, or those of these ids) that are broken in `folder`, and all that was said."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
            "--no-logo",
            *(f"--contract={contract}" for contract in contracts),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert "Contracts: " in said, said
    broken = set(re.findall(r"^(.+) BROKEN", said, flags=re.MULTILINE))
    assert bool(broken) == bool(done.returncode), said
    return broken, said


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its contracts alone: what is planted in a copy reaches no other test."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src" / "troth", tree / "troth", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "tests" / "architecture", tree / "tests" / "architecture")
    (tree / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


@pytest.fixture
def tree(clean_tree: Path, tmp_path: Path) -> Path:
    return shutil.copytree(clean_tree, tmp_path / "tree")


def plant(tree: Path, module: str, source: str) -> None:
    """Add `source` to `module` (dotted, below troth), made with its packages where it does not exist."""
    path = tree / "troth"
    *folders, name = module.split(".")
    for folder in folders:
        path /= folder
        path.mkdir(exist_ok=True)
        (path / "__init__.py").touch()
    package = path / name / "__init__.py"
    target = package if package.exists() else path / f"{name}.py"
    before = target.read_text() if target.exists() else ""
    target.write_text(f"{before}\n{source}\n")


def name_of(contract: str) -> str:
    return next(one["name"] for one in CONTRACTS if one["id"] == contract)


def test_every_contract_is_kept(clean_tree: Path) -> None:
    broken, said = lint_imports(clean_tree)

    assert not broken, said


# (contract, module that gets the wrong import, what is planted there, further modules that are needed)
PLANTED = {
    "a lower layer looks up": ("one-way", {"foundation.planted": "from troth.use import planted", "use.planted": ""}),
    "a section looks at one above": (
        "one-way",
        {"sharing.planted": "def later():\n    from troth.rights import planted", "rights.planted": ""},
    ),
    "two sections of one layer look at each other": (
        "one-way",
        {"rights.planted": "import troth.updates.planted", "updates.planted": ""},
    ),
    "the policy knows the foundation": (
        "one-way",
        {"policy.planted": "import troth.foundation.planted", "foundation.planted": ""},
    ),
    "a module of no layer": ("one-way", {"utilities": ""}),
    "two modules lean on each other": (
        "no-cycles",
        {"use.planted": "from troth.use import other", "use.other": "def later():\n    from troth.use import planted"},
    ),
    "a deed opens a door": ("doors", {"use.planted": "from troth.use import api", "use.api": ""}),
    "a door opens a door of its own section": (
        "doors",
        {"rights.console": "from troth.rights import centre", "rights.centre": ""},
    ),
    "the application opens a door": (
        "doors",
        {"application": "from troth.cookies import commands", "cookies.commands": ""},
    ),
    "a resident comes in by the front door": ("front-door", {"use.planted": "from troth import Decision"}),
    "the guest climbs through a window": (
        "guest",
        {"example.shop.planted": "from troth.use import planted", "use.planted": ""},
    ),
    "the application loads a web framework": ("light", {"application": "import starlette"}),
    "the front door loads the command line": ("light", {"__init__": "import typer"}),
    "a module on the way loads a browser": (
        "light",
        {"application": "from troth.use import planted", "use.planted": "if True:\n    import playwright.sync_api"},
    ),
    "a package on the way loads the job engine": (
        "light",
        {
            "application": "from troth.use.inner import planted",
            "use.inner.planted": "",
            "use.inner.__init__": "import dbos",
        },
    ),
}
for section in SECTIONS:
    PLANTED[f"a check of {section} asks a deed"] = (
        "checks-and-deeds",
        {f"{section}.checks": f"from troth.{section} import planted", f"{section}.planted": ""},
    )
PLANTED |= {
    "a check asks a deed through its eyes": (
        "checks-and-deeds",
        {
            "collection.checks": "from troth.collection import discovery",
            "collection.discovery": "from troth.collection import planted",
            "collection.planted": "",
        },
    ),
    "a check asks a deed when it runs": (
        "checks-and-deeds",
        {"use.checks": "def look():\n    from troth.use import planted", "use.planted": ""},
    ),
    "a check in a folder asks a deed of a section below": (
        "checks-and-deeds",
        {"rights.checks.planted": "from troth.use import planted", "use.planted": ""},
    ),
    "a section brings its deed along": (
        "checks-and-deeds",
        {"links.checks": "", "links.__init__": "from troth.links import planted", "links.planted": ""},
    ),
}


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_planted_wrong_import_breaks_its_contract(wrong: str, tree: Path) -> None:
    contract, files = PLANTED[wrong]
    if wrong == "a check in a folder asks a deed of a section below":
        (tree / "troth" / "rights" / "checks.py").unlink(missing_ok=True)
    for module, source in files.items():
        plant(tree, module, source)

    broken, said = lint_imports(tree, contract)

    assert broken == {name_of(contract)}, said


def test_every_contract_has_a_planted_wrong_import() -> None:
    assert {contract for contract, _ in PLANTED.values()} == {one["id"] for one in CONTRACTS}


# (contract that must not break, module and what stands there, further modules that are needed)
RIGHT = {
    "a deed loads the web framework only when it is asked to": (
        "light",
        {"application": "def serve():\n    import starlette, typer"},
    ),
    "a type is named that only the web framework has": (
        "light",
        {"application": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from starlette.types import Scope"},
    ),
    "a check looks through tables and eyes": (
        "checks-and-deeds",
        {
            "rights.checks": "from troth.rights import tables\nfrom troth.use import tables as use_tables",
            "rights.tables": "",
            "use.tables": "",
        },
    ),
    "entrypoints opens a door": ("doors", {"entrypoints.planted": "from troth.use import api", "use.api": ""}),
    "the guest comes in by the front door": ("guest", {"example.shop.planted": "import troth"}),
    "the front door opens for the guest": ("front-door", {"example.shop.planted": "import troth"}),
}


@pytest.mark.parametrize("right", RIGHT)
def test_a_right_import_breaks_nothing(right: str, tree: Path) -> None:
    contract, files = RIGHT[right]
    for module, source in files.items():
        plant(tree, module, source)

    broken, said = lint_imports(tree, contract)

    assert not broken, said
