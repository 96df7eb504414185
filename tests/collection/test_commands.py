"""`troth map` and `troth grants`: what they print, where, and with which status they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.chinook import run_script
from troth.collection import commands
from troth.errors import TrothError
from troth.policy import mapreading

SHOP = """create table users (id integer primary key, email text, password text);
create table orders (id integer primary key, user_id int references users, total int);
insert into users values (1, 'ann@example.org', 'x');
"""

app = typer.Typer()
app.command("map")(commands.map_)
app.command("grants")(commands.grants)


def _troth(*arguments: str, given: str = "", environ: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=given, env=environ)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small shop in it; commands run there."""
    run_script(f"sqlite:///{tmp_path / 'shop.db'}", SHOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mapped(shop: Path) -> Path:
    (shop / "datamap.yaml").write_text(_troth("map", "sqlite:///shop.db").stdout)
    return shop


@pytest.mark.usefixtures("shop")
def test_a_map_is_drafted_to_standard_output_and_talk_goes_to_standard_error() -> None:
    done = _troth("map", "sqlite:///shop.db")

    assert done.exit_code == 0
    assert set(mapreading.parse(done.stdout.encode()).stores["shop"].tables) == {"users", "orders"}
    assert done.stderr.strip() == "2 of 2 tables hold people's data; 1 question to answer."


@pytest.mark.usefixtures("shop")
def test_json_says_the_same() -> None:
    told = json.loads(_troth("map", "sqlite:///shop.db", "--name", "main", "--format", "json").stdout)

    assert told["schema"] == 1
    assert told["stores"] == ["main"]
    assert told["tables"] == {"personal": 2, "all": 2}
    assert [question["about"] for question in told["questions"]] == ["orders"]
    assert mapreading.parse(told["map"].encode()).stores


@pytest.mark.usefixtures("shop")
def test_the_url_comes_from_the_environment_or_standard_input_unseen() -> None:
    by_name = _troth("map", "${SHOP_URL}", environ={"SHOP_URL": "sqlite:///shop.db"})
    by_input = _troth("map", "-", given="sqlite:///shop.db\n")

    assert "connect: ${SHOP_URL}" in by_name.stdout
    assert by_input.exit_code == 0


def test_no_drift_ends_with_zero_and_drift_with_one(mapped: Path) -> None:
    peace = _troth("map", "--check")
    run_script(f"sqlite:///{mapped / 'shop.db'}", "alter table users add column phone_number text;\n")
    drift = _troth("map", "--check")
    as_json = _troth("map", "--check", "--format", "json")

    assert (peace.exit_code, peace.stdout) == (0, "")
    assert drift.exit_code == 1
    assert "users.phone_number in shop: the map does not name it; it looks like contact.phone" in drift.stdout
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["drift"][0]["kind"] == "column-not-mapped"


def test_drift_can_be_asked_of_another_address(mapped: Path) -> None:
    run_script(f"sqlite:///{mapped / 'copy.db'}", SHOP + "drop table orders;\n")

    done = _troth("map", "sqlite:///copy.db", "--check")

    assert done.exit_code == 1
    assert "orders in shop: the map names it and the store has no such table" in done.stdout


def test_fides_files_are_taken_over(shop: Path) -> None:
    (shop / "dataset.yml").write_text(
        "dataset: [{fides_key: crm, collections: [{name: people, fields: "
        "[{name: id, fides_meta: {primary_key: true}}, {name: mail, fides_meta: {identity: email}}]}]}]"
    )

    done = _troth("map", "--fides", "dataset.yml")

    assert done.exit_code == 0
    assert mapreading.parse(done.stdout.encode()).people()["crm.people"].key == ("id",)


@pytest.mark.usefixtures("mapped")
def test_grants_are_printed_for_a_store() -> None:
    text = _troth("grants", "shop")
    as_json = _troth("grants", "shop", "--format", "json")

    assert text.exit_code == 0
    assert "chmod 640" in text.stdout
    assert {each["table"] for each in json.loads(as_json.stdout)["reading"]} == {"users", "orders"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("map",), "no database is named"),
        (("map", "sqlite:///gone.db"), "there is no such file"),
        (("map", "postgresql://app:hunter2@127.0.0.1:1/shop"), "nothing answers at its address"),
        (("map", "postgresql://app:hunter2@nowhere.invalid/shop"), "the name of its host is not known"),
        (("map", "oracle://app:hunter2@127.0.0.1/shop"), "its kind cannot be read yet"),
        (("map", "hunter2"), "its connect string is no address"),
        (("map", "${NOT_SET}"), "the environment has no NOT_SET"),
        (("map", "-"), "standard input holds no URL"),
        (("map", "--check"), "there is no such file"),
        (("map", "--fides", "gone.yml"), "there is no such file"),
        (("map", "--fides", "shop.db"), "not UTF-8 text"),
        (("grants", "shop"), "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = _troth(*arguments)

    assert isinstance(done.exception, TrothError)
    told = str(done.exception)
    assert words in told
    assert "\n" not in told
    assert "hunter2" not in told + done.output
    assert done.stdout == ""


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("arguments", [("map", "--check", "--name", "shap"), ("grants", "shap")])
def test_a_store_that_the_map_does_not_name_is_told(arguments: tuple[str, ...]) -> None:
    done = _troth(*arguments)

    assert isinstance(done.exception, TrothError)
    assert "shop" in str(done.exception)


def test_the_program_itself_ends_with_two_and_a_message_and_no_traceback(shop: Path) -> None:
    program = Path(sys.executable).with_name("troth")
    done = subprocess.run(
        [program, "map", "postgresql://app:hunter2@127.0.0.1:1/shop"],
        cwd=shop,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("troth: shop  nothing answers at its address.")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
