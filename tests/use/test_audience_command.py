"""`troth audience`, as an operator types it."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from tests.use.company import Company
from troth.errors import StoreError, UnknownName
from troth.use.audiences import commands

app = typer.Typer()
app.command("audience")(commands.audience)


@pytest.fixture
def company(company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    company.troth.register_many([{"id": "17"}, {"id": "18"}, {"id": "ny, 19"}])
    company.troth.give_consents((f"id={who}", "marketing", None) for who in ("17", "ny, 19"))
    monkeypatch.chdir(company.folder)
    monkeypatch.setenv("STORE_URL", company.environ["STORE_URL"])
    return company


def run(*words: str, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, list(words), input=typed)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_it_lists_everybody_whom_a_decision_permits(company: Company) -> None:
    people = run("--purpose", "marketing").split()
    assert people == list(company.troth.audience("marketing", ["contact.email", "profile.name"]))
    assert len(people) == 2
    assert all(company.troth.may(person, "marketing", "contact.email") for person in people)
    assert run("--purpose", "marketing", "--format", "csv").split() == ["person", *people]
    assert json.loads(run("--purpose", "marketing", "--format", "json", "--rebuild")) == {"schema": 1, "people": people}
    assert run("--purpose", "marketing", "--data", "contact.email", "--to", "Example Mail", "--count") == "2\n"
    assert run("--purpose", "marketing", "--data", "profile.name", "--to", "Example Mail", "--count") == "0\n"
    assert json.loads(run("--purpose", "marketing", "--count", "--format", "json")) == {"schema": 1, "count": 2}


def test_of_a_list_of_one_s_own_it_gives_those_permitted_as_they_were_named(company: Company) -> None:
    asked = "id=18\nid=17\n\nid=99\nid=ny, 19\n"
    assert run("--purpose", "marketing", "--among", "-", typed=asked).splitlines() == ["id=17", "id=ny, 19"]
    (company.folder / "list").write_text(asked)
    assert run("--purpose", "marketing", "--among", "list", "--count") == "2\n"
    assert run("--purpose", "marketing", "--among", "list", "--format", "csv").splitlines()[2] == '"id=ny, 19"'


@pytest.mark.parametrize("words", [["--purpose", "markting"], ["--purpose", "marketing", "--data", "contact.emial"]])
def test_what_is_not_declared_is_an_error_with_the_nearest_name(company: Company, words: list[str]) -> None:
    with pytest.raises(UnknownName) as told:
        run(*words)
    assert "marketing" in told.value.diagnostics()


def test_when_the_store_fails_there_is_no_short_list(company: Company) -> None:
    with company.office.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE restrictions RENAME TO hidden")
    with pytest.raises(StoreError):
        run("--purpose", "marketing")
    with pytest.raises(StoreError):
        run("--purpose", "marketing", "--among", "-", typed="id=17\n")
