"""`Sec-GPC: 1` is obeyed and said to be; what programs look for below `/.well-known/` is there only when it is true."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.use.company import POLICY, Company, found_company
from tests.use.served import Served, hidden_token, serve
from troth.errors import DeclarationFaults
from troth.policy import settings
from troth.use.stopping import signals
from troth.use.stopping.signals import GlobalPrivacyControl
from troth.use.tables import objections, privacy_signals

ADS = POLICY.replace(
    "    guarding:",
    "    ads: {text: We show advertisements., uses: [{purpose: advertising, data: [usage.page], basis: legitimate-interests}]}\n"
    "    selling: {text: We share., uses: [{purpose: sharing, data: [usage.click], basis: legitimate-interests}]}\n"
    "    guarding:",
)
CENTRE = "/privacy/centre"
SETTINGS = """
gpc = 2026-11-22
change_password = "/account"
[security]
contact = ["mailto:security@example.org", "https://example.org/report"]
expires = 2027-10-01
languages = ["en", "de"]
policy = "https://example.org/disclosure"
"""


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with found_company(tmp_path, policy=ADS) as made:
        made.troth.register(id="17", email="ada@customer.example")
        yield made


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    path = company.folder / "troth.toml"
    path.write_text(path.read_text() + SETTINGS)
    company.troth.instance = settings.read(company.folder, company.environ)
    with serve(company) as running:
        yield running


def test_only_the_exact_value_is_the_signal() -> None:
    yes = [[(b"sec-gpc", b"1")], [(b"Sec-GPC", b"1"), (b"sec-gpc", b"1")]]
    no = [
        [],
        [(b"sec-gpc", b"0")],
        [(b"sec-gpc", b"true")],
        [(b"sec-gpc", b"1, 1")],
        [(b"sec-gpc", b"1"), (b"sec-gpc", b"0")],
        [(b"x-gpc", b"1")],
    ]
    assert all(signals.is_asked(headers) for headers in yes)
    assert not any(signals.is_asked(headers) for headers in no)


def test_a_signed_in_person_is_opted_out_of_sale_and_advertising_and_of_nothing_else(company: Company) -> None:
    troth = company.troth
    troth.give_consent("id=17", "marketing")
    assert troth.may("id=17", "advertising", "usage.page")

    assert troth.honour_signal("id=17")

    assert not troth.may("id=17", "advertising", "usage.page")
    assert not troth.may("id=17", "sharing", "usage.click")
    assert troth.may("id=17", "marketing", "contact.email")
    assert troth.may("id=17", "fraud", "device.ip")
    assert not troth.honour_signal("id=17"), "at most once a day"
    assert {row.method for row in company.rows(objections)} == {"gpc"}


def test_who_allows_it_afterwards_has_said_so_later(company: Company) -> None:
    company.troth.honour_signal("id=17")
    company.troth.lift_objection("id=17", "advertising")
    company.clock.advance(timedelta(days=2))

    assert company.troth.honour_signal("id=17")

    assert company.troth.may("id=17", "advertising", "usage.page")
    [row] = company.rows(privacy_signals)
    assert row.last_at - row.first_at == timedelta(days=2)


def test_the_centre_obeys_and_says_so(served: Served) -> None:
    with served.app() as app:
        path = app.post("/v1/centre-links", json={"person": "id=17"}).json()["url"].partition("example.com")[2]
    with served.browser() as browser:
        browser.post(path, data={"form_token": hidden_token(browser.get(path).text)})
        assert "Opt-out request honoured" not in browser.get(CENTRE).text
        assert served.company.count(privacy_signals) == 0
        assert "Opt-out request honoured" not in browser.get(CENTRE, headers={"Sec-GPC": "0"}).text
        assert "Opt-out request honoured" in browser.get(CENTRE, headers={"Sec-GPC": "1"}).text
    assert served.company.count(privacy_signals) == 1
    assert not served.company.troth.may("id=17", "advertising", "usage.page")


def test_of_a_stranger_nothing_is_kept(served: Served) -> None:
    with served.browser() as browser:
        assert "Opt-out request honoured" in browser.get(CENTRE, headers={"Sec-GPC": "1"}).text
    assert served.company.count(privacy_signals) == 0


def test_the_company_own_site_sees_the_signal_and_records_it_for_who_is_signed_in(company: Company) -> None:
    seen = []

    async def site(scope, receive, send) -> None:
        seen.append(scope.get(signals.SCOPE))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"shop"})

    app = GlobalPrivacyControl(
        site, lambda: company.office, lambda scope: "id=17" if (b"cookie", b"me") in scope["headers"] else None
    )

    async def visit() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shop.example.com") as client:
            await client.get("/", headers={"cookie": "me"})
            await client.get("/", headers={"Sec-GPC": "1"})
            assert company.count(privacy_signals) == 0
            for _ in range(2):
                assert (await client.get("/", headers={"Sec-GPC": "1", "cookie": "me"})).text == "shop"

    asyncio.run(visit())
    assert seen == [False, True, True, True]
    assert company.count(privacy_signals) == 1


def test_the_documents_say_what_the_settings_say(served: Served) -> None:
    with served.browser() as browser:
        gpc = browser.get("/.well-known/gpc.json")
        assert gpc.headers["content-type"] == "application/json"
        assert gpc.json() == {"gpc": True, "lastUpdate": "2026-11-22"}
        password = browser.get("/.well-known/change-password")
        assert (password.status_code, password.headers["location"]) == (302, "/account")
        security = browser.get("/.well-known/security.txt")
        assert security.headers["content-type"] == "text/plain; charset=utf-8"
        assert security.text.splitlines() == [
            "Contact: mailto:security@example.org",
            "Contact: https://example.org/report",
            "Expires: 2027-10-01T00:00:00Z",
            "Preferred-Languages: en, de",
            "Canonical: https://shop.example.com/.well-known/security.txt",
            "Policy: https://example.org/disclosure",
        ]
        lost = browser.get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200")
        assert lost.status_code == 404


def test_what_is_not_set_is_not_there(company: Company) -> None:
    with serve(company) as running, running.browser() as browser:
        for name in ("gpc.json", "security.txt", "change-password"):
            assert browser.get(f"/.well-known/{name}").status_code == 404
        assert "Opt-out request honoured" not in browser.get(CENTRE, headers={"Sec-GPC": "1"}).text


@pytest.mark.parametrize(
    "text",
    ['[security]\ncontact = ["security@example.org"]\nexpires = 2027-01-01\n', '[security]\ncontact = ["mailto:a@example.org"]\n',
     '[site]\nchange_password = "https://evil.example"\n', '[site]\ngpc = "yes"\n'],
    ids=["no-uri", "no-end", "elsewhere", "no-day"],
)  # fmt: skip
def test_settings_that_would_say_something_false_are_faults(tmp_path: Path, text: str) -> None:
    (tmp_path / "troth.toml").write_text(text)
    with pytest.raises(DeclarationFaults):
        settings.read(tmp_path, {})


def test_the_entry_in_the_ledger_names_the_purposes(company: Company) -> None:
    company.troth.honour_signal("id=17")
    leaf = next(each for each in company.leaves() if each.kind == "gpc.honoured")
    assert json.loads(leaf.content)["body"]["purposes"] == ["advertising", "sharing"]
