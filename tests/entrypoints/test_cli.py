"""The command line as a person types it: results, statuses, and what wrong input gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from troth.entrypoints import cli

EXAMPLE = resources.files("troth.example").joinpath("policy.yaml").read_bytes()


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["troth", *arguments])
        capfd.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as done:
            status = int(done.code or 0)
        shown = capfd.readouterr()
        return Ran(status, shown.out, shown.err)

    return go


def test_every_command_says_what_it_is_for_with_an_example_and_its_statuses(run: Run) -> None:
    shown = run("--help")

    assert shown.status == 0
    for command in ("demo", "init", "check", "lint", "policy", "map", "grants", "may", "consent", "serve", "upgrade"):
        assert command in shown.out
        described = run(command, "--help").out
        if command not in ("policy", "consent"):
            assert "Example: troth" in described, command
            assert "Exit status" in described, command


def test_a_list_of_commands_cuts_none_of_their_sentences(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in ((), ("request",), ("staff",), ("breach",)):
        shown = run(*words, "-h").out
        assert "..." not in shown.partition("Commands:")[2]
        assert max(map(len, shown.splitlines())) <= 80
    assert "(GDPR Art. 30)" in " ".join(run("-h").out.split())


def test_init_takes_the_address_by_a_variable_and_names_it_in_the_map(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.executescript(
            "create table customers (id integer primary key, email text, name text);"
            "create table clicks (ip text, browser text);"
            "create table staff (id integer primary key, email text, name text);"
        )
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{tmp_path / 'shop.db'}")

    made = run("init", "--from", "${SHOP_URL}")

    assert made.status == 0, made.err
    assert "connect: ${SHOP_URL}" in (tmp_path / "datamap.yaml").read_text()
    assert "COMPANY_DATABASE_URL" not in made.err
    assert "question" in made.err
    assert "the environment has no NOWHERE" in run("init", "--from", "${NOWHERE}").err


def test_check_of_a_policy_alone_gives_all_71_and_claims_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)

    ran = run("check", "--format", "json")

    found = json.loads(ran.out)
    assert len(found["clauses"]) == 71
    assert ran.status == 1  # the placeholders of section 9 stand in the text itself
    broken = {c["number"] for c in found["clauses"] if c["verdict"] == "broken"}
    assert broken >= {"9.1a", "9.1b", "9.1c", "9.1d", "8.1a"}
    assert {c["number"] for c in found["clauses"] if c["verdict"] == "kept"} <= {"2.2c", "2.2d", "8.1b"}


def test_check_of_one_sentence_shows_its_finding_and_repair(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)

    ran = run("check", "--clause", "9.1c")

    assert ran.status == 1
    assert "+86-XXX-XXXX-XXXX" in ran.out
    assert "repair" in ran.out


@pytest.mark.parametrize("form", ["sarif", "junit", "json", "text"])
def test_check_writes_every_form(run: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)

    ran = run("check", "--format", form)

    assert ran.status == 1
    assert "9.1a" in ran.out


def test_require_proof_makes_unproven_a_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(
        b"troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: Use, one: {text: We use it.}}"
    )

    assert run("check").status == 0
    assert run("check", "--require-proof").status == 1


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("absent", None, "there is no such file"),
        ("empty", b"", "empty"),
        ("binary", b"\x00\x01\x02\x03", "binary"),
        ("not text", b"\xff\xfe\xfd", "UTF-8"),
        ("deep", b"[" * 10_000, "nested deeper"),
        ("no yaml", b"a: [1, 2", "not YAML"),
        ("no policy", b"just words", "a policy is a mapping"),
    ],
)
@pytest.mark.parametrize("command", ["check", "lint"])
def test_a_policy_that_cannot_be_read_is_one_message_and_status_2(
    run: Run, tmp_path: Path, command: str, name: str, data: bytes | None, says: str
) -> None:
    if data is not None:
        (tmp_path / "policy.yaml").write_bytes(data)

    ran = run(command)

    assert ran.status == 2, name
    assert says in ran.err
    assert "policy.yaml" in ran.err
    assert "Traceback" not in ran.err + ran.out
    assert ran.out == ""


def test_a_policy_of_fifty_megabytes_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "policy.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)

    ran = run("check")

    assert (ran.status, "MiB" in ran.err) == (2, True)


def test_a_sentence_that_does_not_exist_is_told_with_the_nearest(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)

    ran = run("check", "--clause", "protection.retention.aa")

    assert ran.status == 2
    assert 'Did you mean "protection.retention.a"?' in ran.err


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("[stor]\nurl = 'x'", 'Did you mean "store"?'),
        ("[store\n", "not TOML"),
        ("[store]\nurl = '${NO_SUCH_VARIABLE}'", "the environment has no NO_SUCH_VARIABLE"),
        ("[mail]\nport = 'many'", "troth.toml:2"),
    ],
)
def test_settings_that_cannot_be_used_name_their_line(run: Run, tmp_path: Path, settings: str, says: str) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)
    (tmp_path / "troth.toml").write_text(settings)

    ran = run("check")

    assert ran.status == 2
    assert says in ran.err


def test_an_unreachable_database_leaves_sentences_unproven_and_hides_the_password(
    run: Run, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)
    (tmp_path / "datamap.yaml").write_bytes(resources.files("troth.example").joinpath("datamap.yaml").read_bytes())
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://troth:s3cret-word@127.0.0.1:1/shop")

    ran = run("check", "--format", "json")

    verdicts = {clause["number"]: clause["verdict"] for clause in json.loads(ran.out)["clauses"]}
    assert verdicts["1.1a"] == "unproven"
    assert verdicts["3.2a"] == "unproven"
    assert "s3cret-word" not in ran.out + ran.err


def test_init_makes_an_instance_that_checks_and_never_writes_over(run: Run, tmp_path: Path) -> None:
    first = run("init")
    mine = (tmp_path / "policy.yaml").read_bytes().replace(b"Your Company", b"Made Up Company")
    (tmp_path / "policy.yaml").write_bytes(mine)
    second = run("init")

    assert (first.status, second.status) == (0, 0)
    assert (tmp_path / "policy.yaml").read_bytes() == mine
    assert (tmp_path / "troth.key").stat().st_mode & 0o777 == 0o600
    assert "kept  policy.yaml" in second.err
    assert run("check").status == 0
    assert run("may", "id=17", "--purpose", "marketing", "--data", "contact.email").status == 1


def test_import_then_render_gives_the_text_back(run: Run, tmp_path: Path) -> None:
    text = run("policy", "render", str(_written(tmp_path / "policy.yaml", EXAMPLE)))
    (tmp_path / "old.txt").write_text(text.out)

    imported = run("policy", "import", "old.txt", "-o", "new.yaml")

    assert imported.status == 0
    assert run("policy", "render", "new.yaml").out == text.out
    refused = run("policy", "import", "old.txt", "-o", "new.yaml")
    assert (refused.status, "nothing was written" in refused.err) == (2, True)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_fault_of_our_own_shows_its_place_and_no_value(run: Run, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("mail of ada@customer.example")

    monkeypatch.setattr("troth.entrypoints.checking.check", failing)

    ran = run("check")

    assert ran.status == 2
    assert "RuntimeError at test_cli.py" in ran.err
    assert "ada" not in ran.err


def test_output_into_a_closed_pipe_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(EXAMPLE)
    process = subprocess.Popen(
        [sys.executable, "-m", "troth.entrypoints.cli", "check", "--all"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()

    _, err = process.communicate(timeout=60)

    assert b"Traceback" not in err
