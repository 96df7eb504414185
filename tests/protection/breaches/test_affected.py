"""Whom a breach concerns, counted in the example company's stores; and the doors of the register."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.rights.desks import Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from tests.shopworld import NOW, World
from troth.errors import TrothError, UnknownName
from troth.foundation.roles import Role
from troth.protection.breaches import affected, commands, reading

HERE = "/console/breaches"


def concerned(world: World, *places: str, **bounds: Any) -> affected.Concerned:
    with world.seen() as seen:
        return affected.find(seen, places, **bounds)


def test_everybody_with_a_row_there_is_in_it(world: World) -> None:
    rows, people = world.ask("select count(*), count(distinct user_id) from orders where user_id is not null")[0]
    found = concerned(world, "shop.orders")
    assert (found.rows, found.people, found.strangers) == (rows, people, 0)
    assert len(found.persons) == people
    assert "transaction.purchase" in found.categories


def test_two_places_count_each_person_once(world: World) -> None:
    everybody = world.ask("select count(*) from users")[0][0]
    assert concerned(world, "shop.users", "shop.orders").people == everybody


def test_a_column_counts_only_rows_that_have_something_there(world: World) -> None:
    with_phone = world.ask("select count(*) from users where phone is not null")[0][0]
    everybody = world.ask("select count(*) from users")[0][0]
    assert with_phone < everybody
    found = concerned(world, "shop.users.phone")
    assert (found.people, found.categories) == (with_phone, ("contact.phone",))


def test_only_rows_of_its_time_count_also_on_other_servers(world: World, served: World) -> None:
    since = NOW - dt.timedelta(days=60)
    expected = world.ask(
        "select count(distinct user_id) from orders where placed_at >= ?", f"{since:%Y-%m-%d %H:%M:%S.%f}"
    )[0][0]
    assert 0 < expected < concerned(world, "shop.orders").people
    for each in (world, served):
        assert concerned(each, "shop.orders", since=since, at="placed_at").people == expected


def test_people_whom_troth_does_not_know_are_counted_and_not_listed(world: World) -> None:
    with world.troth() as troth, troth.office.store.writing() as tx:
        tx.exec_driver_sql("delete from identifiers where person = 1")
    found = concerned(world, "shop.users")
    assert found.strangers == 1
    assert found.people == len(found.persons) + 1


@pytest.mark.parametrize(
    ("place", "told"),
    [("shop.order", 'Did you mean "shop.orders"'), ("shop.users.phon", 'Did you mean "phone"'), ("nowhere", "no such")],
)
def test_a_place_that_the_map_lacks_is_told_with_the_nearest(world: World, place: str, told: str) -> None:
    with pytest.raises(UnknownName, match=told):
        concerned(world, place)


def test_the_commands_go_from_entered_to_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    monkeypatch.setitem(os.environ, "SHOP_DATABASE_URL", world.address)
    for name in ("what", "effects", "measures"):
        (world.folder / f"{name}.txt").write_text(f"The {name}.\n")
    app = typer.Typer()
    app.add_typer(commands.breach, name="breach")

    def run(*arguments: str, stdin: str = "", code: int = 0) -> str:
        done = CliRunner().invoke(app, ["breach", *arguments], input=stdin)
        assert done.exit_code == code, done.exception
        return done.stdout

    made = json.loads(run("open", "--words", "-", "--place", "shop.orders", "--format", "json", stdin="Lost.\n"))
    number = made["breach"]["number"]
    assert {each["law"] for each in made["breach"]["duties"]} == {"gdpr", "uk-gdpr", "pipl", "ccpa"}
    assert "people" in run("affected", number)
    run("assess", number, "--risk", "unlikely", "--consequences", "effects.txt", "--measures", "measures.txt")
    assert "The effects." in run("letter", number, "--to", "authority")
    run("letter", number, "--to", "people", "-o", "letter.txt")
    assert (world.folder / "letter.txt").stat().st_mode & 0o777 == 0o600
    run("notify", number, "--law", "pipl", "--to", "authority", "--reference", "by post")
    run("notify", number, "--law", "ccpa", "--to", "people", "--not-needed", "effects.txt")
    assert "closed" in run("close", number)
    assert number in run("list")
    run("open", "--words", "what.txt", "--noticed", "2026-01-01T00:00+00:00")
    assert "LATE" in run("list", code=1)


def test_a_time_without_zone_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    monkeypatch.setitem(os.environ, "SHOP_DATABASE_URL", world.address)
    app = typer.Typer()
    app.add_typer(commands.breach, name="breach")
    done = CliRunner().invoke(app, ["breach", "open", "--words", "-", "--noticed", "2026-01-01T00:00"], input="Lost.")
    assert isinstance(done.exception, TrothError)
    assert "a zone too" in str(done.exception)


# --- the console ------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def test_whoever_is_of_staff_enters_a_breach_and_only_the_officer_goes_on(office: Office, site: Any) -> None:
    agent, officer = browser(site), browser(site)
    sign_in_staff(office, agent, Role.AGENT)
    sign_in_staff(office, officer, Role.DPO)

    assert "B2026-0001" in submit(agent, HERE, what="A list went astray.", role="controller").text
    one = f"{HERE}/B2026-0001"
    assert agent.get(one).status_code == 403
    assert submit(agent, HERE, f"{one}/close").status_code == 403
    assert "A list went astray." in officer.get(one).text
    assert "still to be told" not in officer.get(one).text
    assert submit(officer, one, f"{one}/close").status_code == 422
    weighed = {"risk": "risk", "consequences": "Little.", "measures": "Called back."}
    assert submit(officer, one, f"{one}/assess", **weighed).status_code == 200
    assert "Called back." in officer.get(f"{one}/letter/authority").text
    assert submit(officer, one, f"{one}/notify", duty="gdpr authority").status_code == 200
    assert "Closed" in submit(officer, one, f"{one}/close").text
    with office.desk.office.store.reading() as tx:
        [made] = reading.all_(tx)
    assert made.closed_at is not None


@pytest.mark.parametrize("path", ["/B2026-0099", "/B2026-0099/letter/people", "/nothing"])
def test_a_breach_that_is_none_is_not_found(office: Office, site: Any, path: str) -> None:
    officer = browser(site)
    sign_in_staff(office, officer, Role.DPO)
    assert officer.get(HERE + path).status_code == 404


def test_what_cannot_be_entered_is_told_and_what_was_typed_stays(office: Office, site: Any) -> None:
    officer = browser(site)
    sign_in_staff(office, officer, Role.DPO)
    answer = submit(officer, HERE, what="A list went astray.", noticed="2031-01-01T00:00")
    assert answer.status_code == 422
    assert "A list went astray." in answer.text
    assert "in the future" in answer.text
