"""Passkeys in a real browser, with the authenticator that Chromium brings for tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.provide import chromium
from tests.pages.looking import _LAUNCH
from tests.rights.desks import Office, found_office
from tests.rights.site import site_of
from troth.entrypoints.demonstration import free_port
from troth.entrypoints.serving import Door, listening
from troth.foundation import staff
from troth.foundation.roles import Role

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Office, str]]:
    port = free_port()
    with found_office(tmp_path) as office:
        file = tmp_path / "troth.toml"
        file.write_text(file.read_text().replace("https://shop.example.com", f"http://localhost:{port}"))
        with site_of(office) as site, listening(site, Door(port)):
            yield office, f"http://localhost:{port}"


@pytest.fixture
def tab() -> Iterator[Any]:
    program = chromium()
    if program is None:
        pytest.skip("missing: chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_LAUNCH))
        page = browser.new_context().new_page()
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_a_passkey_is_made_signs_in_alone_and_is_asked_for_before_grave_acts(
    served: tuple[Office, str], tab: Any
) -> None:
    office, address = served
    store, noise = office.desk.office.store, list[str]()
    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda problem: noise.append(str(problem)))
    devtools = tab.context.new_cdp_session(tab)
    devtools.send("WebAuthn.enable")
    device = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    staff.add(store, "dora", Role.DPO, now=office.now)
    tab.goto(f"{address}/console/sign-in/{staff.issue_login_link(store, 'dora', now=office.now)}")
    tab.click("main button")

    tab.goto(f"{address}/console/account")
    tab.click("text=Add one")
    tab.fill("input[name=label]", "My own device")
    tab.click("text=Make it")
    tab.wait_for_selector("main :text('My own device')")
    assert tab.url.endswith("/console/account")
    credentials = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert [(each["rpId"], each["isResidentCredential"]) for each in credentials] == [("localhost", True)]

    tab.click("text=Sign out")
    tab.wait_for_url("**/sign-in")
    tab.click("text=Sign in with a passkey")
    tab.wait_for_url("**/console")
    assert "dora" in tab.text_content("header")

    office.company.clock.advance(timedelta(minutes=6))
    tab.goto(f"{address}/console/staff")
    tab.click("text=Make an account")
    tab.fill("input[name=name]", "ann")
    tab.click("text=Make it")
    tab.wait_for_selector("h1:text-is('Show that it is you')")
    tab.click("text=Use a passkey")
    # The form itself is at /console/staff/new, so only a number says that the account was made.
    tab.wait_for_url(re.compile(r"/console/staff/\d+$"))
    assert tab.text_content("h1") == "ann"

    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    tab.click("text=Sign out")
    tab.click("text=Sign in with a passkey")
    tab.wait_for_selector("form[data-passkey] .error:not([hidden])")
    assert tab.url.endswith("/console/sign-in")
    assert noise == []


def test_without_scripts_the_sign_in_offers_what_works(served: tuple[Office, str], tab: Any) -> None:
    plain = tab.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{served[1]}/console/sign-in")
    assert plain.is_visible("text=Password")
    assert not plain.is_visible("text=Sign in with a passkey")
