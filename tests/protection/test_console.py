"""What staff see and do about periods and holds, by role; and the same from a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.protection.keepershop import NOW, OFFICER, Shop, expected, found_shop, rows
from tests.rights.site import browser, submit
from troth import application
from troth.entrypoints import http
from troth.foundation import staff
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.protection import commands

HERE = "/console/periods"
HOLD = {"scope": "table", "what": "shop.visits", "reason": "a broken kettle", "review": "2027-06-01"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return found_shop(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}")


@pytest.fixture
def site(shop: Shop) -> Iterator[Any]:
    with (
        application.open(shop.folder, shop.environ, shop.clock) as troth,
        http.built(troth.instance, troth=troth) as made,
    ):
        yield made


def signed_in(shop: Shop, site: Any, name: str, role: Role | None = None) -> Any:
    with Store.open(f"sqlite:///{shop.folder / 'troth.sqlite3'}") as store:
        if role is not None:
            staff.add(store, name, role, now=NOW)
        token = staff.issue_login_link(store, name, now=NOW)
    page = browser(site)
    assert submit(page, f"/console/sign-in/{token}").status_code == 200
    return page


def test_an_officer_looks_at_the_plan_and_ends_what_is_past_its_time(shop: Shop, site: Any) -> None:
    page = signed_in(shop, site, OFFICER)
    shown = page.get(f"{HERE}/plan")
    assert "visits" in shown.text
    seen = re.findall(r'name="plan" value="([0-9a-f]{64})"', shown.text)

    assert submit(page, f"{HERE}/plan", f"{HERE}/run", plan="0" * 64).status_code == 409
    assert shop.all() == {name: sorted(found, key=repr) for name, found in rows().items()}
    assert submit(page, f"{HERE}/plan", f"{HERE}/run", plan=seen[0]).status_code == 200

    assert shop.all() == expected()
    after = page.get(HERE).text
    assert "retention-1" in after
    assert "done" in after
    assert "Nothing is past its time" not in after


def test_an_officer_places_a_hold_and_lifts_it(shop: Shop, site: Any) -> None:
    page = signed_in(shop, site, OFFICER)

    shown = submit(page, HERE, f"{HERE}/holds", **HOLD).text
    assert "a whole table" in shown
    assert "shop.visits" in shown
    assert "kettle" not in shown

    assert ">lifted<" in submit(page, HERE, f"{HERE}/holds/1/lift").text


def test_a_hold_that_is_not_whole_is_told_and_what_was_typed_stays(shop: Shop, site: Any) -> None:
    page = signed_in(shop, site, OFFICER)

    answer = submit(page, HERE, f"{HERE}/holds", **{**HOLD, "what": "shop.visit"})

    assert answer.status_code == 422
    assert "shop.visits" in answer.text
    assert 'value="shop.visit"' in answer.text


@pytest.mark.parametrize(
    ("role", "may_place", "may_lift"),
    [(Role.ADMINISTRATOR, False, False), (Role.AGENT, False, False), (Role.AUDITOR, False, False)],
)
def test_what_a_role_may(shop: Shop, site: Any, role: Role, may_place: bool, may_lift: bool) -> None:
    submit(signed_in(shop, site, OFFICER), HERE, f"{HERE}/holds", **HOLD)
    page = signed_in(shop, site, "somebody", role)

    assert page.get(HERE).status_code == 200
    assert ("Place a hold" in page.get(HERE).text) is may_place
    token = "/console" if not may_place else HERE
    placed = submit(page, token, f"{HERE}/holds", **HOLD)
    lifted = submit(page, token, f"{HERE}/holds/1/lift")
    run = submit(page, token, f"{HERE}/run", plan="0" * 64)

    assert (placed.status_code == 200) is may_place
    assert (lifted.status_code == 200) is may_lift
    assert run.status_code == 403


def test_a_stranger_sees_nothing(site: Any) -> None:
    page = browser(site)
    page.follow_redirects = False

    assert page.get(HERE).headers["location"] == "/console/sign-in"
    assert page.get(f"{HERE}/plan").headers["location"] == "/console/sign-in"


# --- from a terminal --------------------------------------------------------------------------------------------------


def troth(shop: Shop, monkeypatch: pytest.MonkeyPatch, *arguments: str, given: str | None = None) -> Any:
    monkeypatch.setenv("SHOP", shop.url)
    monkeypatch.chdir(shop.folder)
    group, *rest = arguments
    return CliRunner().invoke({"retention": commands.retention, "hold": commands.hold}[group], rest, input=given)


def test_plan_run_and_runs_from_a_terminal(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = troth(shop, monkeypatch, "retention", "plan", "--format", "json")
    assert plan.exit_code == 0, plan.output
    found = json.loads(plan.stdout)
    assert found["schema"] == 1
    assert {step["table"] for step in found["steps"]} >= {"visits", "orders", "customers"}

    refused = troth(shop, monkeypatch, "retention", "run")
    assert "--yes" in str(refused.exception)

    done = troth(shop, monkeypatch, "retention", "run", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["left"] == {}
    assert "retention-1  done" in troth(shop, monkeypatch, "retention", "runs").stdout
    assert len(shop.all()["visits"]) < len(rows()["visits"])


def test_what_no_rule_covers_is_said_once_a_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.rewrite("policy.yaml", "usage.page, usage.click]", "usage.page]")
    assert troth(shop, monkeypatch, "retention", "run", "--yes").stdout.count("left alone: clicks.at in shop") == 1
    nothing_due = troth(shop, monkeypatch, "retention", "run")
    assert nothing_due.stdout.count("left alone: clicks.at in shop") == 1
    assert nothing_due.exit_code == 1


def test_holds_from_a_terminal(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    common = ("--owner", OFFICER, "--review", "2099-01-01")
    placed = troth(
        shop, monkeypatch, "hold", "add", "--person", "-", "--reason", "claim", *common,
        given="email=ada@customer.example.org\n",
    )  # fmt: skip
    assert placed.exit_code == 0, placed.output
    assert placed.stdout.startswith("hold 1  person")
    assert "ada" not in placed.stdout
    two = troth(shop, monkeypatch, "hold", "add", "--table", "shop.visits", "--category", "device.ip",
                "--reason", "x", *common)  # fmt: skip
    assert "one of --person, --table, --category and --record" in str(two.exception)
    assert (
        json.loads(troth(shop, monkeypatch, "hold", "list", "--format", "json").stdout)["holds"][0]["scope"] == "person"
    )
    assert "may not lift" in str(troth(shop, monkeypatch, "hold", "lift", "1", "--as", "ed").exception)
    assert "lifted" in troth(shop, monkeypatch, "hold", "lift", "1", "--as", OFFICER).stdout
    assert troth(shop, monkeypatch, "hold", "list").stdout == "No hold stands.\n"
