"""`troth map` and `troth grants`, run as people run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chinook import run_script
from troth.policy import mapreading

SHOP = """create table users (id integer primary key, email text, password text);
create table orders (id integer primary key, user_id int references users, total int);
insert into users values (1, 'ann@example.org', 'x');
"""


def _troth(folder: Path, *arguments: str, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_program(), *arguments],
        cwd=folder,
        input=given,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _program() -> str:
    return str(Path(sys.executable).with_name("troth"))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    run_script(f"sqlite:///{tmp_path / 'shop.db'}", SHOP)
    return tmp_path


def test_a_map_is_drafted_to_standard_output_and_talk_goes_to_standard_error(shop: Path) -> None:
    done = _troth(shop, "map", "sqlite:///shop.db")

    assert done.returncode == 0
    assert set(mapreading.parse(done.stdout.encode()).stores["shop"].tables) == {"users", "orders"}
    assert done.stderr.strip() == "2 of 2 tables hold people's data; 1 question to answer."


def test_json_says_the_same(shop: Path) -> None:
    told = json.loads(_troth(shop, "map", "sqlite:///shop.db", "--name", "main", "--format", "json").stdout)

    assert told["schema"] == 1
    assert told["stores"] == ["main"]
    assert told["tables"] == {"personal": 2, "all": 2}
    assert [question["about"] for question in told["questions"]] == ["orders"]
    assert mapreading.parse(told["map"].encode()).stores


def test_the_url_comes_from_the_environment_or_standard_input_unseen(shop: Path) -> None:
    by_name = _troth(shop, "map", "${SHOP_URL}", SHOP_URL="sqlite:///shop.db")
    by_input = _troth(shop, "map", "-", given="sqlite:///shop.db\n")

    assert "connect: ${SHOP_URL}" in by_name.stdout
    assert by_input.returncode == 0


def test_no_drift_ends_with_zero_and_drift_with_one(shop: Path) -> None:
    (shop / "datamap.yaml").write_text(_troth(shop, "map", "sqlite:///shop.db").stdout)

    peace = _troth(shop, "map", "--check")
    run_script(f"sqlite:///{shop / 'shop.db'}", "alter table users add column phone_number text;\n")
    drift = _troth(shop, "map", "--check")
    as_json = _troth(shop, "map", "--check", "--format", "json")

    assert (peace.returncode, peace.stdout) == (0, "")
    assert drift.returncode == 1
    assert "users.phone_number in shop: the map does not name it; it looks like contact.phone" in drift.stdout
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["drift"][0]["kind"] == "column-not-mapped"


def test_drift_can_be_asked_of_another_address(shop: Path) -> None:
    (shop / "datamap.yaml").write_text(_troth(shop, "map", "sqlite:///shop.db").stdout)
    run_script(f"sqlite:///{shop / 'copy.db'}", SHOP + "drop table orders;\n")

    done = _troth(shop, "map", "sqlite:///copy.db", "--check")

    assert done.returncode == 1
    assert "orders in shop: the map names it and the store has no such table" in done.stdout


def test_fides_files_are_taken_over(shop: Path) -> None:
    (shop / "dataset.yml").write_text(
        "dataset: [{fides_key: crm, collections: [{name: people, fields: "
        "[{name: id, fides_meta: {primary_key: true}}, {name: mail, fides_meta: {identity: email}}]}]}]"
    )

    done = _troth(shop, "map", "--fides", "dataset.yml")

    assert done.returncode == 0
    assert mapreading.parse(done.stdout.encode()).people()["crm.people"].key == ("id",)


def test_grants_are_printed_for_a_store(shop: Path) -> None:
    (shop / "datamap.yaml").write_text(_troth(shop, "map", "sqlite:///shop.db").stdout)

    text = _troth(shop, "grants", "shop")
    as_json = _troth(shop, "grants", "shop", "--format", "json")

    assert text.returncode == 0
    assert "chmod 640" in text.stdout
    assert {each["table"] for each in json.loads(as_json.stdout)["reading"]} == {"users", "orders"}


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
        (("map", "--check"), "there is no such file"),
        (("map", "--fides", "gone.yml"), "there is no such file"),
        (("map", "--fides", "shop.db"), "binary"),
        (("grants", "shop"), "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_told_shortly_with_status_two(
    shop: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = _troth(shop, *arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) <= 3
    assert done.stdout == ""
