from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.rights.sampleshop import World, email, environ_of, found_world, sqlite_urls
from troth.errors import AccessDenied, DeclarationError, KeyUnavailable, MapUnapproved
from troth.foundation import staff
from troth.foundation.roles import Role
from troth.rights import erasure
from troth.rights.words import ErasureState


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with found_world(tmp_path, sqlite_urls(tmp_path), approved=False) as world:
        for name, value in {**world.company.environ, **environ_of(world.urls)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield world


def troth(*arguments: str) -> Result:
    from troth.entrypoints.commands import attach

    app = typer.Typer()
    attach(app)
    return CliRunner().invoke(app, list(arguments))


def test_a_map_is_approved_by_name_and_an_edit_needs_another(world: World) -> None:
    assert isinstance(troth("map", "--approve").exception, DeclarationError)
    done = troth("map", "--approve", "--as", "dora")
    assert done.exit_code == 0
    assert "approved as it is" in done.stdout
    assert json.loads(troth("map", "--approve", "--as", "dora", "--format", "json").stdout)["role"] == "dpo"

    staff.add(world.store, "gus", Role.AGENT, now=world.company.clock.now())
    assert isinstance(troth("map", "--approve", "--as", "gus").exception, AccessDenied)


def test_a_pause_holds_until_it_is_lifted(world: World) -> None:
    assert "Paused since" in troth("pause").stdout
    assert json.loads(troth("pause", "--format", "json").stdout)["paused"] is True
    assert json.loads(troth("resume", "--format", "json").stdout)["paused"] is False
    assert "Not paused" in troth("resume").stdout


def erased_and_restored(world: World) -> None:
    world.approve()
    news = world.company.folder / "news.db"
    shutil.copy(news, news.with_suffix(".backup"))
    request = world.request(2)
    erasure.execute(world.desk, request.id)
    assert erasure.prove(world.desk, request.id).state is ErasureState.PROVEN
    world.desk.close()
    shutil.copy(news.with_suffix(".backup"), news)


def test_a_guard_looks_then_erases_again_and_then_finds_nobody(world: World) -> None:
    erased_and_restored(world)

    looked = troth("restore-guard", "--look")
    assert looked.exit_code == 1
    assert "back     reader in news: 1" in looked.stdout
    assert email(2) in str(world.snapshot()["news"])

    done = troth("restore-guard", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["clean"], told["remembered"]) == (0, True, 1)
    assert told["again"][0] == {"request": "2026-000001+1", "state": "proven", "residue": []}
    assert email(2) not in str(world.snapshot()) + done.stdout

    again = troth("restore-guard")
    assert again.exit_code == 0
    assert "The system may be opened." in again.stdout


def test_without_the_key_or_an_approved_map_the_guard_refuses(world: World) -> None:
    erased_and_restored(world)
    (world.company.folder / "datamap.yaml").write_text((world.company.folder / "datamap.yaml").read_text() + "#\n")
    assert isinstance(troth("restore-guard").exception, MapUnapproved)

    (world.company.folder / "troth.key").rename(world.company.folder / "away")
    assert isinstance(troth("restore-guard").exception, KeyUnavailable)
    assert email(2) in str(world.snapshot()["news"])
