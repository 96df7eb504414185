"""Fragments become a changelog, and a bad fragment is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import changelog


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "changelog.d"
    made.mkdir()
    (made / "README.md").write_text("# Fragments\n")
    monkeypatch.setattr(changelog, "FOLDER", made)
    monkeypatch.setattr(changelog, "TARGET", tmp_path / "CHANGELOG.md")
    return made


def test_fragments_are_joined_by_kind_and_removed(folder: Path) -> None:
    (folder / "lint.fix.md").write_text("Lint sees dates\nin Chinese.\n")
    (folder / "keys.security.md").write_text("A key file that others can read is refused.")

    assert changelog.main(["0.2.0", "2026-12-01"]) == 0

    assert changelog.TARGET.read_text() == (
        changelog.HEAD + "\n## 0.2.0 (2026-12-01)\n\n### Security\n\n- A key file that others can read is refused.\n\n"
        "### Mended\n\n- Lint sees dates in Chinese.\n"
    )
    assert [path.name for path in folder.iterdir()] == ["README.md"]


def test_a_later_version_stands_above_the_earlier(folder: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        (folder / "x.new.md").write_text(f"New in {version}.")
        changelog.main([version, "2026-12-01"])

    text = changelog.TARGET.read_text()
    assert text.startswith(changelog.HEAD)
    assert text.count(changelog.HEAD) == 1
    assert text.index("0.2.0") < text.index("0.1.0")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lint.improvement.md", "Better."),
        ("Lint.fix.md", "Better."),
        ("fix.md", "Better."),
        ("lint.fix.md", ""),
        ("lint.fix.md", "No full stop"),
        ("lint.fix.md", "- A list."),
        ("lint.fix.md", "One.\n\nTwo."),
        ("lint.fix.md", "Long. " * 100),
    ],
)
def test_a_bad_fragment_is_named_and_nothing_is_written(
    name: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text(text)

    assert changelog.main(["0.2.0", "2026-12-01"]) == 1

    assert name in capsys.readouterr().err
    assert not changelog.TARGET.exists()
    assert (folder / name).exists()
