"""Demands and transfers from the console and from a terminal, and two instances that hand a business over."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import browser, site_of, submit
from tests.use.company import Company, found_company
from troth.foundation import age, staff
from troth.foundation.roles import Role
from troth.sharing.handing.commands import demand, transfer
from troth.sharing.tables import transfers as transfers_table
from troth.use.tables import consent_events

PRIVATE, PUBLIC = age.new_key()
HERE = "/console/demands"
FORM = {
    "authority": "Example Court",
    "country": "ie",
    "reference": "s. 10 Example Act",
    "who": f"email={ADA.value}",
    "data": "transaction.*, contact.email",
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    (tmp_path / "seller").mkdir()
    with found_office(tmp_path / "seller") as made:
        yield made


@pytest.fixture
def buyer(tmp_path: Path) -> Iterator[Company]:
    (tmp_path / "buyer").mkdir()
    with found_company(tmp_path / "buyer") as made:
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def signed_in(office: Office, site: Any, role: Role) -> Any:
    """A browser of somebody of that role."""
    store = office.desk.office.store
    with store.reading() as tx:
        name = f"{role}-{len(staff.list_(tx))}"
    staff.add(store, name, role, now=office.now)
    token = staff.use_login_link(store, staff.issue_login_link(store, name, now=office.now), now=office.now)
    assert token is not None
    page = browser(site)
    page.cookies.set("console_session", token, domain="shop.example.com")
    return page


def at_the_terminal(company: Company, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**company.environ, **more}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(company.folder)


def test_a_demand_goes_through_the_console_from_the_letter_to_the_package(office: Office, site: Any) -> None:
    ana, dora, ben = (signed_in(office, site, role) for role in (Role.AGENT, Role.DPO, Role.AGENT))

    assert "names its reference" in submit(ana, HERE, HERE, **{**FORM, "reference": " "}).text
    shown = submit(ana, HERE, HERE, **FORM).text
    assert ADA.value in shown
    one = f"{HERE}/1"
    assert submit(ana, one, f"{one}/review", data="contact.email").status_code == 403
    assert "can only narrow" in submit(dora, one, f"{one}/review", data="profile.name").text
    submit(dora, one, f"{one}/review", data="transaction.purchase")
    assert submit(dora, one, f"{one}/approve").status_code == 403
    submit(ben, one, f"{one}/approve")
    assert "not a public key" in submit(ben, one, f"{one}/carry-out", key="age1no").text
    done = submit(ben, one, f"{one}/carry-out", key=PUBLIC)

    assert "carried out" in done.text
    assert "handed/demand-1.age" in done.text
    assert ADA.value not in done.text
    package = age.unsealed((office.company.folder / "handed" / "demand-1.age").read_bytes(), PRIVATE)
    assert [json.loads(line)["row"] for line in package.splitlines()] == [{"total": "12.50"}, {"total": "3.00"}]
    assert "fewer than 5" in browser(site).get("/privacy/demands").text


def test_an_auditor_reads_the_register_and_neither_names_nor_notes(office: Office, site: Any) -> None:
    submit(signed_in(office, site, Role.AGENT), HERE, HERE, **FORM, note="sealed words")
    olga = signed_in(office, site, Role.AUDITOR)
    shown = olga.get(f"{HERE}/1").text
    assert "Example Court" in shown
    assert "sealed words" not in shown
    assert ADA.value not in shown
    assert olga.get(f"{HERE}/2").status_code == 404
    assert re.search(r'href="/console/ledger/entries\?number=\d+"', shown)
    assert "/console/ledger/entries" not in signed_in(office, site, Role.AGENT).get(f"{HERE}/1").text


def test_a_transfer_goes_through_the_console_and_its_notice_is_public(office: Office, site: Any) -> None:
    here = "/console/transfers"
    dora = signed_in(office, site, Role.DPO)
    notice = {"buyer": "Example Buyer", "country": "ie", "notice": "We are sold to Example Buyer.\nYou can stay."}
    assert "two letters" in submit(dora, here, here, **{**notice, "country": "Eire"}).text
    submit(dora, here, here, **notice)
    told = browser(site).get("/privacy/transfers").text
    assert "You can stay." in told
    ask = browser(site).get(re.findall(r'class="button" href="([^"]+)"', told)[0])
    assert '<option value="*">' in ask.text, "whoever objects to every use does not go"
    assert "This business is being sold to Example Buyer" in browser(site).get("/privacy").text

    assert "1 stays behind" in submit(dora, here, f"{here}/1/stay", who=f"email={ADA.value}").text
    submit(dora, here, f"{here}/1/freeze")
    assert "have not had the notice" in submit(dora, here, f"{here}/1/export", key=PUBLIC).text
    office.company.clock.advance(dt.timedelta(days=31))
    dora = signed_in(office, site, Role.DPO)
    assert "2 people" in submit(dora, here, f"{here}/1/export", key=PUBLIC).text
    assert (office.company.folder / "handed" / "transfer-1.age").exists()
    assert "ended" in submit(dora, here, f"{here}/1/end").text
    assert "Example Buyer" not in browser(site).get("/privacy/transfers").text


def run(app: Any, *arguments: str, typed: str | None = None, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments), input=typed, catch_exceptions=code == 0)
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def test_two_instances_hand_a_business_over_from_their_terminals(
    office: Office, buyer: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    office.company.troth.give_consent("id=7", "marketing")
    at_the_terminal(office.company, monkeypatch, SHOP_DATABASE_URL=f"sqlite:///{office.shop}")
    words = ("--buyer", "Example Buyer", "--country", "IE", "--notice", "-")
    run(transfer, "announce", *words, typed="We are sold.\n")
    run(transfer, "stay", "1", "-", typed="id=8\n")
    run(transfer, "freeze", "1")
    with office.desk.office.store.writing() as tx:
        tx.execute(transfers_table.update().values(due=dt.date(2026, 11, 1)))
    bundle = str(tmp_path / "business.age")
    told = json.loads(run(transfer, "export", "1", "--key", PUBLIC, "--out", bundle, "--format", "json"))
    assert told["disclosure"]["held_back"]["refused"] == {"stays": 1}
    assert "exported" in run(transfer, "list")

    at_the_terminal(buyer, monkeypatch)
    (tmp_path / "key.txt").write_text(f"# a comment\n{PRIVATE}\n")
    given = ("import", bundle, "--identity", str(tmp_path / "key.txt"), "--into", str(tmp_path / "bought"))
    run(transfer, *given, "--fingerprint", "00" * 32, code=1)
    taken = json.loads(run(transfer, *given, "--fingerprint", told["fingerprint"], "--format", "json"))
    assert (taken["people"], taken["choices"], taken["new"]) == (2, {"consent": 1}, True)
    assert "nothing was done again" in run(transfer, *given, "--fingerprint", told["fingerprint"])
    assert [row.purpose for row in buyer.rows(consent_events)] == ["marketing"]


def test_a_demand_is_answered_from_a_terminal(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, role in (("ana", Role.AGENT), ("dora", Role.DPO), ("ben", Role.AGENT)):
        office.caller(name, role)
    at_the_terminal(office.company, monkeypatch, SHOP_DATABASE_URL=f"sqlite:///{office.shop}")
    assert "No authority" in run(demand, "list")
    asked = ("--authority", "Example Court", "--country", "IE", "--reference", "s. 10 Example Act")
    run(demand, "file", *asked, "--data", "transaction.*", "--person", "-", "--as", "ana", typed=f"email={ADA.value}\n")
    run(demand, "review", "1", "--as", "dora", "--data", "transaction.purchase", "--columns", "shop.orders.total")
    run(demand, "approve", "1", "--as", "ben")
    carry = ("carry-out", "1", "--as", "ben", "--key", PUBLIC, "--out", "out.age", "--format", "json")
    made = json.loads(run(demand, *carry))["disclosure"]
    assert (made["reason"], made["rows"], made["people"]) == ("legal-demand", 2, 1)
    [listed] = json.loads(run(demand, "list", "--format", "json"))["demands"]
    assert [each["by"] for each in listed["steps"]] == ["ana", "dora", "ben", "ben", None]
    assert "fewer than 5 demands" in run(demand, "report")
    assert json.loads(run(demand, "tell", "--format", "json"))["told"] == 0
