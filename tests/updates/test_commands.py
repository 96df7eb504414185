"""`troth policy diff`, `publish` and `history` in a folder of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.updates.company import data_of, dated
from tests.updates.pages import _pattern
from troth.errors import StoreBehind
from troth.foundation.keys import Keyring
from troth.foundation.printing import Format
from troth.testing import FixedClock
from troth.updates import commands
from troth.updates.versions import NoticeTooShort
from troth.use import opening

TODAY = dated("2024-01-09", "2024-01-09")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # commands take the machine's clock; the day that a text names must not change under the test
    monkeypatch.setattr(opening, "SystemClock", FixedClock)
    shutil.copy(_pattern(), tmp_path / "troth.sqlite3")
    Keyring.create(tmp_path)
    (tmp_path / "policy.yaml").write_bytes(data_of(*TODAY))
    return tmp_path


def test_publishing_twice_makes_one_version(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.publish()
    commands.publish()

    first, second = capsys.readouterr().out.splitlines()
    assert first == "Version 1 is published. It holds from 2024-01-09."
    assert second == "Nothing to publish: the file is version 1, word for word."


def test_a_material_change_is_refused_with_its_repair_in_one_line(folder: Path) -> None:
    commands.publish()
    (folder / "policy.yaml").write_bytes(data_of(("country: DE", "country: US"), *dated("2026-11-22", "2026-11-22")))

    with pytest.raises(NoticeTooShort) as refused:
        commands.publish()
    assert str(refused.value).startswith("policy.yaml: 4.1: Example Mail is in US instead of DE; this is material")
    assert "\n" not in str(refused.value)


def test_diff_shows_what_is_material_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.publish()
    changes = (("We provide the service.", "We provide our service."), ("country: DE", "country: US"))
    (folder / "policy.yaml").write_bytes(data_of(*changes, *TODAY))
    capsys.readouterr()

    commands.diff()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "material   4.1     Example Mail is in US instead of DE"
    assert lines[-1] == "2 changes since version 1, 1 material."

    commands.diff(form=Format.JSON)
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["from"], told["material"], len(told["changes"])) == (1, 1, True, 2)


def test_history_lists_every_version_and_marks_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.history()
    assert "No version has been published yet." in capsys.readouterr().out

    commands.publish()
    capsys.readouterr()
    commands.history()
    assert capsys.readouterr().out.endswith("holds from 2024-01-09  first  = the file\n")

    commands.history(form=Format.JSON)
    (version,) = json.loads(capsys.readouterr().out)["versions"]
    assert (version["number"], version["material"]) == (1, False)


def test_diff_before_the_first_version_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.diff()

    assert capsys.readouterr().out == "No version has been published yet.\n"


def test_without_a_store_the_command_that_makes_one_is_named(folder: Path) -> None:
    (folder / "troth.sqlite3").unlink()

    with pytest.raises(StoreBehind, match="troth upgrade"):
        commands.publish()
