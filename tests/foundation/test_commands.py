from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.stores import fresh_store
from troth.errors import TrothError
from troth.foundation import staff
from troth.foundation.clock import SystemClock
from troth.foundation.commands import staff as door
from troth.foundation.factors import codes
from troth.foundation.keys import Keyring
from troth.foundation.roles import Role
from troth.foundation.store import Store

PASSWORD = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "troth.toml").write_text(
        '[site]\nurl = "https://shop.example.com"\n[store]\nurl = "sqlite:///troth.db"\n'
    )
    fresh_store(tmp_path).close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str = "") -> Result:
    app = typer.Typer()
    app.add_typer(door, name="staff")
    return CliRunner().invoke(app, ["staff", *arguments], input=stdin)


def opened(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder / 'troth.db'}")


def test_an_account_is_made_with_a_password_from_standard_input(folder: Path, keyring: Keyring) -> None:
    done = run("add", "dora", "--role", "dpo", "--password-stdin", stdin=PASSWORD + "\n")
    assert done.exit_code == 0
    assert done.stdout == "dora may sign in as dpo.\n"
    with opened(folder) as store:
        token = staff.log_in(
            store, keyring, name="dora", password=PASSWORD, source="192.0.2.1", now=SystemClock().now()
        )
    assert token is not None


def test_an_account_is_made_with_a_link_that_signs_in_once(folder: Path) -> None:
    done = run("add", "adam", "--role", "administrator", "--link")
    address = done.stdout.strip()
    assert address.startswith("https://shop.example.com/console/sign-in/")
    with opened(folder) as store:
        token = address.rpartition("/")[2]
        session = staff.use_login_link(store, token, now=SystemClock().now())
        assert session is not None
        caller = staff.caller_of(store, session, now=SystemClock().now())
        assert caller is not None
        assert caller.role is Role.ADMINISTRATOR
        assert staff.use_login_link(store, token, now=SystemClock().now()) is None


def test_no_password_is_taken_from_the_arguments_and_none_is_waited_for_in_a_script(folder: Path) -> None:
    assert run("add", "dora", "--role", "dpo", "--password", PASSWORD).exit_code == 2
    refused = run("add", "dora", "--role", "dpo")
    assert isinstance(refused.exception, TrothError)
    assert "--password-stdin or --link" in str(refused.exception)
    with opened(folder) as store, store.reading() as tx:
        assert staff.list_(tx) == ()


def test_accounts_are_listed_as_text_and_as_json(folder: Path) -> None:
    assert run("list").stdout == ""
    run("add", "dora", "--role", "dpo", "--link")
    run("add", "adam", "--role", "agent", "--link")
    run("disable", "adam")
    lines = run("list").stdout.splitlines()
    assert lines[0].startswith("adam  agent          closed since 20")
    assert lines[1] == "dora  dpo            open  no second factor  no training on record"
    listed = json.loads(run("list", "--format", "json").stdout)
    assert [account["name"] for account in listed["staff"]] == ["adam", "dora"]
    assert listed["schema"] == 1


def test_a_role_is_changed_and_another_link_is_given(folder: Path) -> None:
    first = run("add", "dora", "--role", "dpo", "--link").stdout.strip()
    assert run("role", "dora", "auditor").stdout == "dora is auditor now.\n"
    second = run("link", "dora").stdout.strip()
    with opened(folder) as store:
        assert staff.use_login_link(store, first.rpartition("/")[2], now=SystemClock().now()) is None
        assert staff.use_login_link(store, second.rpartition("/")[2], now=SystemClock().now()) is not None


@pytest.mark.parametrize("arguments", [("disable", "nobody"), ("link", "nobody"), ("role", "nobody", "dpo")])
def test_an_account_that_is_not_there_is_told_in_one_line(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, TrothError)
    assert str(done.exception) == "there is no account of that name. See `troth staff list`."


def test_a_store_that_is_behind_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("list")
    assert isinstance(done.exception, TrothError)
    assert "troth upgrade" in str(done.exception)


def test_lost_factors_are_taken_away_by_who_has_the_machine(folder: Path, keyring: Keyring) -> None:
    run("add", "dora", "--role", "dpo", "--link")
    assert run("reset", "dora").stdout == "dora had none.\n"
    with opened(folder) as store:
        now = SystemClock().now()
        secret = codes.secret_of(codes.enrol(store, keyring, 1, now=now))
        assert codes.confirm(store, keyring, 1, codes.code_at(secret, codes.step_at(now)), now=now)
    assert "  code  " in run("list").stdout
    assert json.loads(run("list", "--format", "json").stdout)["staff"][0]["factors"] == ["code"]
    assert run("reset", "Dora ").stdout == "dora has no second factor now.\n"
    assert "no second factor" in run("list").stdout
    assert isinstance(run("reset", "nobody").exception, TrothError)


def test_who_left_is_named_and_closed_when_asked(folder: Path) -> None:
    for name in ("dora", "ann"):
        run("add", name, "--role", "agent", "--link")
    (folder / "people.csv").write_text("name\ndora\n")
    found = run("compare", "people.csv")
    assert found.exit_code == 1
    assert found.stdout == "ann  agent  not on the list\nOpen accounts: 2. Names: 1. Not on the list: 1.\n"
    closed = run("compare", "people.csv", "--close", "--format", "json")
    assert json.loads(closed.stdout)["gone"] == [{"name": "ann", "role": "agent", "closed": True}]
    assert run("compare", "people.csv").exit_code == 0
    assert isinstance(run("compare", "nowhere.csv").exception, TrothError)


def test_what_is_done_with_an_account_is_told_to_programs_too(folder: Path) -> None:
    assert run("add", "adam", "--role", "administrator", "--link").exit_code == 0

    told = {
        words[0]: json.loads(run(*words, "--format", "json").stdout)
        for words in (("link", "adam"), ("role", "adam", "auditor"), ("reset", "adam"), ("disable", "adam"))
    }

    assert told["link"]["link"].startswith("https://shop.example.com/console/sign-in/")
    assert told["role"] == {"schema": 1, "name": "adam", "role": "auditor"}
    assert told["reset"] == {"schema": 1, "name": "adam", "reset": False}
    assert told["disable"] == {"schema": 1, "name": "adam", "closed": True}
