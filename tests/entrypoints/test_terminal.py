"""What comes from outside does nothing to the terminal that a command prints it on."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.entrypoints import cli, terminal

ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
POLICY = """
troth: 1
title: "Privacy \\e]0;ours\\a Policy"
controller: {name: "Example\\e[2J", country: IE, languages: [en]}
laws: [gdpr]
collection:
  number: "1"
  title: Collection
  text: "We collect\\e[8m this."
  account: {label: "Account\\e[2J", text: "Your \\e[31maddress", data: [contact.email]}
"""


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["troth", *words])
    with pytest.raises(SystemExit):
        cli.main()


@pytest.mark.parametrize(
    "words",
    [
        ["lint", "policy.yaml"],
        ["lint", "policy.yaml", "--format", "json"],
        ["policy", "render", "policy.yaml", "--format", "text"],
        ["policy", "render", "no\x1b[2Jsuch.yaml"],
        ["map", "sqlite:///shop.sqlite3", "--name", "shop"],
    ],
)
def test_no_control_character_reaches_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    with sqlite3.connect(tmp_path / "shop.sqlite3") as shop:
        shop.execute('CREATE TABLE "peo\x1b[2Jple" (id INTEGER PRIMARY KEY, "e\x9b31mmail" TEXT)')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run(words, monkeypatch)
    said = capsys.readouterr()
    assert said.out or said.err
    assert not ACTS.search(said.out + said.err)
    assert not isinstance(sys.stdout, terminal.Plain)


@given(st.text())
def test_a_text_is_shown_whole_and_json_stays_what_it_was(text: str) -> None:
    stream = io.StringIO(newline="")
    assert terminal.Plain(stream).write(text) == len(text)
    assert not ACTS.search(stream.getvalue().replace("\r\n", ""))
    if not ACTS.search(text):
        assert stream.getvalue() == text
    assert json.loads(terminal.shown(json.dumps(text, ensure_ascii=False))) == text
