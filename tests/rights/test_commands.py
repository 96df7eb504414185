"""`troth request`, as a person types it and as a program reads it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.rights.desks import Office, approve_map, found_office
from troth.errors import PersonUnknown, TrothError
from troth.rights.commands import request
from troth.rights.tables import requests as table
from troth.rights.words import State


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        approve_map(made)
        monkeypatch.chdir(made.company.folder)
        for name, value in made.desk.instance.environ.items():
            monkeypatch.setenv(name, value)
        yield made


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(request, list(words), input=typed)


def test_the_plan_is_shown_and_nothing_is_done(office: Office, tmp_path: Path) -> None:
    done = run("erasure", "id=7", "--plan", "--picture", str(tmp_path / "plan.svg"))
    assert done.exit_code == 0, done.output
    assert "orders: 2 rows deleted" in done.stdout
    assert "users: 1 row deleted" in done.stdout
    assert "<svg" in (tmp_path / "plan.svg").read_text()
    assert office.company.rows(table) == []
    assert office.sql("select count(*) from users") == [(3,)]


def test_nothing_is_done_where_nobody_agrees(office: Office) -> None:
    done = run("erasure", "id=7")
    assert isinstance(done.exception, TrothError)
    assert office.company.rows(table) == []


def test_an_erasure_ends_proven_in_the_shape_that_others_rely_on(office: Office) -> None:
    done = run("erasure", "id=7", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told) == {
        "schema",
        "request",
        "state",
        "plan",
        "erased",
        "changed",
        "kept",
        "residue",
        "proof",
        "elsewhere",
    }
    assert (told["schema"], told["request"], told["state"]) == (1, "2026-000001", "proven")
    assert told["erased"] == {"shop": {"users": 1, "orders": 2}}
    assert (told["kept"], told["residue"]) == ([], [])
    assert isinstance(told["proof"]["entry"], int)
    assert len(bytes.fromhex(told["proof"]["root"])) == 32
    assert office.sql("select id from users") == [(8,), (9,)]
    assert office.company.rows(table)[0].state is State.DONE


def test_a_plan_as_json_has_the_same_shape(office: Office) -> None:
    told = json.loads(run("erasure", "id=7", "--plan", "--format", "json").stdout)
    assert (told["request"], told["state"], told["proof"]) == (None, "pending", {"entry": None, "root": None})
    assert {step["table"] for step in told["plan"]} == {"users", "orders"}


def test_the_alias_says_the_same(office: Office) -> None:
    assert run("deletion", "id=7", "--plan").stdout == run("erasure", "id=7", "--plan").stdout
    assert run("correction", "id=7", "--yes").exit_code == 1


def test_the_person_can_come_from_standard_input(office: Office) -> None:
    done = run("erasure", "-", "--plan", typed="email=ada@customer.example.org\n")
    assert "orders: 2 rows deleted" in done.stdout
    assert "ada@" not in done.output


def test_a_copy_is_made_and_can_be_written_out(office: Office, tmp_path: Path) -> None:
    done = run("access", "id=7", "--yes", "-o", str(tmp_path / "copy.zip"))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2026-000001  access, done")
    with zipfile.ZipFile(tmp_path / "copy.zip") as copy:
        assert any(name.endswith("index.html") for name in copy.namelist())
    assert "package.downloaded" in [leaf.kind for leaf in office.company.leaves()]
    assert (tmp_path / "copy.zip").stat().st_mode & 0o077 == 0


def test_what_a_copy_would_be_made_of_is_counted(office: Office) -> None:
    told = json.loads(run("access", "id=7", "--plan", "--format", "json").stdout)
    counted = {step["table"]: step["n"] for step in told["plan"]}
    assert counted == {"users": 1, "orders": 2}


def test_restriction_and_objection_are_done_at_once_and_the_others_by_hand(office: Office) -> None:
    assert run("restriction", "id=7", "--yes").exit_code == 0
    assert not office.company.troth.may("id=7", "service.provide", "contact.email")
    assert run("objection", "id=8", "--purpose", "fraud", "--yes").exit_code == 0
    by_hand = run("rectification", "id=8", "--note", "one d", "--yes")
    assert by_hand.exit_code == 1
    assert "your company does this by hand" in by_hand.stdout
    assert office.letters() == []


def test_nobody_is_told_before_anything_is_filed(office: Office) -> None:
    for right in ("access", "erasure", "restriction", "portability"):
        done = run(right, "id=99", "--yes")
        assert isinstance(done.exception, PersonUnknown), right
    assert office.company.rows(table) == []


def test_the_list_says_by_its_status_that_one_is_late(office: Office) -> None:
    run("rectification", "id=8", "--yes")
    assert run("list").exit_code == 0
    listed = json.loads(run("list", "--format", "json").stdout)
    assert [each["request"] for each in listed["requests"]] == ["2026-000001"]
    shown = run("show", "2026-000001")
    assert "rectification, working" in shown.stdout
    with office.desk.office.store.writing() as tx:
        tx.execute(table.update().values(due_at=office.now))
    late = run("list")
    assert (late.exit_code, "late" in late.stdout) == (1, True)


def test_what_cannot_go_on_is_told_with_its_number(office: Office) -> None:
    from troth.foundation.guards import pausing

    with office.desk.office.store.writing() as tx:
        pausing.pause(tx, office.desk.office.keyring, now=office.now)

    stopped = run("erasure", "id=8", "--yes")

    assert "2026-000001 is taken in, and goes on by itself" in stopped.stderr
    assert stopped.exception is not None
    assert "working" in run("list").stdout


def test_whom_the_stores_call_ambiguous_is_told_what_is_to_be_done(office: Office) -> None:
    office.sql("update users set email = 'cid@customer.example.org' where id = 9")
    office.company.troth.register(id="4711", email="cid@customer.example.org")

    stopped = run("access", "email=cid@customer.example.org", "--yes")

    assert stopped.exit_code == 1
    assert "troth request show" in stopped.stderr
