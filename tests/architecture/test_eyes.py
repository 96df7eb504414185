"""Eyes only look: no module that a check may look through writes anything, anywhere."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITES = frozenset({"insert", "delete", "writing", "deed", "append_many", "write_text", "write_bytes", "unlink"})
"""What is called by who writes: statements, transactions, entries of the ledger, files."""


def _eyes() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [named] = [each["eyes"] for each in contracts if each["id"] == "checks-and-deeds"]
    return [name for name in named if "." in name]


def _files(module: str) -> list[Path]:
    place = ROOT / "src" / Path(*module.split("."))
    return sorted(place.glob("**/*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _writes(text: str) -> list[str]:
    """The calls by which `text` would write, with their lines."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        on_a_table = called == "update" and isinstance(node.func, ast.Name)
        of_the_ledger = ast.unparse(node.func) == "leaves.append"
        if called in WRITES or on_a_table or of_the_ledger:
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}")
    return found


@pytest.mark.parametrize("module", _eyes())
def test_eyes_write_nothing(module: str) -> None:
    files = _files(module)
    assert files
    assert {path.name: found for path in files if (found := _writes(path.read_text()))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "with store.writing() as tx: pass",
        "tx.execute(people.insert().values(number=1))",
        "tx.execute(update(people).values(number=1))",
        "leaves.append(tx, keyring, 'x', None, {}, now)",
        "path.write_text('x')",
    ],
)
def test_what_writes_is_seen(text: str) -> None:
    assert len(_writes(text)) == 1


def test_what_only_gathers_is_not_taken_for_writing() -> None:
    assert _writes("found.update(rows)\nnames.append('x')") == []
