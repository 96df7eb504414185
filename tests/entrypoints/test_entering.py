"""How staff come into the console, what they owe on the way, and what they are asked to show again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.entrypoints.makers import Seat, Try, form_token
from tests.entrypoints.matrix import REAL, ask, method_of, seat, staff_routes, state_of
from tests.rights.desks import Office, approve_map, found_office
from tests.rights.site import browser, site_of, submit
from troth.foundation import operations, staff
from troth.foundation.factors import codes
from troth.foundation.roles import Role

PASSWORD = "correct horse battery staple"
APPROVAL = '[requests]\ncooling_off = "0 days"\napproval = true\n'


@pytest.fixture
def office(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    with found_office(tmp_path, more=APPROVAL + getattr(request, "param", "")) as made:
        approve_map(made)
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def with_code(office: Office, name: str, role: Role = Role.DPO, password: str | None = PASSWORD) -> bytes:
    """An account whose second factor is a telephone; gives its secret."""
    store, keyring, clock = office.desk.office.store, office.desk.office.keyring, office.company.clock
    account = staff.add(store, name, role, now=clock.now(), password=password)
    secret = codes.secret_of(codes.enrol(store, keyring, account.id, now=clock.now()))
    assert codes.confirm(store, keyring, account.id, now_of(office, secret), now=clock.now())
    clock.advance(timedelta(seconds=codes.STEP_S))
    return secret


def now_of(office: Office, secret: bytes) -> str:
    return codes.code_at(secret, codes.step_at(office.now))


def signed_in(office: Office, site: Any, name: str, secret: bytes) -> httpx.Client:
    page = browser(site)
    submit(page, "/console/sign-in", name=name, password=PASSWORD)
    landed = submit(page, "/console/sign-in/factor", step_code=now_of(office, secret))
    assert landed.url.path == "/console"
    office.company.clock.advance(timedelta(seconds=codes.STEP_S))
    return page


def test_a_password_alone_leads_to_the_second_factor_and_opens_nothing(office: Office, site: Any) -> None:
    secret = with_code(office, "dora")
    page = browser(site)
    landed = submit(page, "/console/sign-in", name="dora", password=PASSWORD)
    assert landed.url.path == "/console/sign-in/factor"
    first = page.cookies["console_session"]
    assert page.get("/console/requests").url.path == "/console/sign-in/factor"
    wrong = submit(page, "/console/sign-in/factor", step_code="000000")
    assert wrong.status_code == 401
    assert "does not fit" in wrong.text

    landed = submit(page, "/console/sign-in/factor", step_code=now_of(office, secret))

    assert (landed.url.path, landed.status_code) == ("/console", 200)
    assert page.cookies["console_session"] != first
    thief = browser(site)
    thief.cookies.set("console_session", first, domain="shop.example.com")
    assert thief.get("/console").url.path == "/console/sign-in"


def test_a_one_time_link_owes_the_second_factor_too(office: Office, site: Any) -> None:
    with_code(office, "dora")
    token = staff.issue_login_link(office.desk.office.store, "dora", now=office.now)
    landed = submit(browser(site), f"/console/sign-in/{token}")
    assert landed.url.path == "/console/sign-in/factor"


def test_who_has_no_second_factor_comes_in_by_a_link_in_two_clicks(office: Office, site: Any) -> None:
    staff.add(office.desk.office.store, "officer", Role.DPO, now=office.now)
    token = staff.issue_login_link(office.desk.office.store, "officer", now=office.now)
    landed = submit(browser(site), f"/console/sign-in/{token}")
    assert (landed.url.path, landed.status_code) == ("/console", 200)


def test_a_session_put_into_a_browser_beforehand_is_not_the_one_that_opens(office: Office, site: Any) -> None:
    staff.add(office.desk.office.store, "dora", Role.DPO, now=office.now, password=PASSWORD)
    page = browser(site)
    page.cookies.set("console_session", "A" * 43, domain="shop.example.com")
    submit(page, "/console/sign-in", name="dora", password=PASSWORD)
    assert page.cookies["console_session"] != "A" * 43
    fixed = browser(site)
    fixed.cookies.set("console_session", "A" * 43, domain="shop.example.com")
    assert fixed.get("/console").url.path == "/console/sign-in"


def test_every_grave_act_asks_for_the_factor_again_and_does_nothing_until_it_is_shown(
    office: Office, site: Any
) -> None:
    secret = with_code(office, "dora")
    page = signed_in(office, site, "dora", secret)
    office.company.clock.advance(timedelta(minutes=5))
    page.follow_redirects = False
    with office.desk.office.store.reading() as tx:
        account = next(each for each in staff.list_(tx) if each.name == "dora")
    dora = Seat(staff.Caller(account.id, account.name, account.role), page)
    grave = [route for route in staff_routes(site) if route.operation.steps_up and method_of(route) == "POST"]
    assert {str(route.operation) for route in grave} >= {
        "own.factors", "map.approve", "requests.release", "erasure.approve", "staff.add", "staff.role", "staff.link",
    }  # fmt: skip
    for route in grave:
        make = REAL.get((method_of(route), route.path.removeprefix("/console")))
        what = make(office, dora, False) if make and not route.path.startswith("/console/account") else None
        before = state_of(office)
        answer = ask(dora, route, what or Try())
        assert answer.status_code == 200, route.path
        assert "Show that it is you" in answer.text, route.path
        assert state_of(office) == before, route.path


def test_what_was_sent_is_carried_out_once_the_factor_was_shown_and_not_before(office: Office, site: Any) -> None:
    secret = with_code(office, "dora")
    page = signed_in(office, site, "dora", secret)
    office.company.clock.advance(timedelta(minutes=5))
    old = page.cookies["console_session"]

    asked = submit(page, "/console/staff", "/console/staff/new", name="ann", role="agent")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text.partition("<main")[2]))
    assert hidden == {
        "form_token": hidden["form_token"],
        "step_to": "/console/staff/new",
        "name": "ann",
        "role": "agent",
    }
    wrong = page.post("/console/step-up", data={**hidden, "step_code": "000000"})
    assert wrong.status_code == 401
    assert names(office) == ["dora", "map-officer"]
    landed = page.post("/console/step-up", data={**hidden, "step_code": now_of(office, secret)})

    assert landed.status_code == 200
    assert names(office) == ["ann", "dora", "map-officer"]
    assert page.cookies["console_session"] != old
    thief = browser(site)
    thief.cookies.set("console_session", old, domain="shop.example.com")
    assert thief.get("/console").url.path == "/console/sign-in"


@pytest.mark.parametrize(
    "to",
    ["https://elsewhere.example.org", "//elsewhere.example.org", "/elsewhere", "/console/../privacy", "/console\\x"],
)
def test_nothing_is_sent_on_to_a_place_that_is_not_the_consoles(to: str, office: Office, site: Any) -> None:
    secret = with_code(office, "dora")
    page = signed_in(office, site, "dora", secret)
    page.follow_redirects = False
    answer = page.post(
        "/console/step-up",
        data={"form_token": form_token(page), "step_to": to, "step_code": now_of(office, secret)},
    )
    assert answer.headers["location"] == "/console/sign-in" or answer.headers["location"].startswith("/console/")
    assert "elsewhere" not in answer.headers["location"]
    assert answer.status_code != 307 or to.startswith("/console/")


def test_who_has_a_password_and_no_factor_shows_the_password_again(office: Office, site: Any) -> None:
    staff.add(office.desk.office.store, "dora", Role.DPO, now=office.now, password=PASSWORD)
    page = browser(site)
    submit(page, "/console/sign-in", name="dora", password=PASSWORD)
    asked = submit(page, "/console/staff", "/console/staff/new", name="ann", role="agent")
    assert "Your password" in asked.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text.partition("<main")[2]))
    page.post("/console/step-up", data={**hidden, "step_code": PASSWORD})
    assert "ann" in names(office)


@pytest.mark.parametrize("office", ['[staff]\nsecond_factor = "required"\n'], indirect=True)
def test_where_a_factor_is_required_nobody_sees_a_page_before_they_have_one(office: Office, site: Any) -> None:
    store = office.desk.office.store
    staff.add(store, "officer", Role.DPO, now=office.now)
    page = browser(site)
    submit(page, f"/console/sign-in/{staff.issue_login_link(store, 'officer', now=office.now)}")
    for path in ("/console", "/console/requests", "/console/staff", "/console/map"):
        assert page.get(path).url.path == "/console/account", path
    shown = submit(page, "/console/account", "/console/account/code")
    assert shown.url.path == "/console/account/code"
    secret = codes.secret_of(re.search(r"secret=([A-Z2-7]{32})", shown.text)[1])  # type: ignore[index]
    recovery = submit(page, "/console/account/code", "/console/account/code/confirm", code=now_of(office, secret))
    assert len(re.findall(r"<li><code>([a-z0-9-]{14})</code>", recovery.text)) == 10
    office.company.clock.advance(timedelta(seconds=codes.STEP_S))
    assert page.get("/console/requests").url.path == "/console/requests"


def test_a_role_change_closing_and_signing_out_are_felt_by_the_next_page(office: Office, site: Any) -> None:
    store = office.desk.office.store
    for end in (
        lambda: staff.set_role(store, "one-agent", Role.AUDITOR, now=office.now),
        lambda: staff.disable(store, "one-agent", now=office.now),
    ):
        with store.writing() as tx:
            tx.execute(staff.accounts.delete().where(staff.accounts.c.name == "one-agent"))
        one = seat(office, site, Role.AGENT, "one-agent")
        assert one.page.get("/console/requests").status_code == 200
        end()
        assert one.page.get("/console/requests").headers["location"] == "/console/sign-in"


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_leads_only_where_the_role_may_go(role: Role, office: Office, site: Any) -> None:
    one = seat(office, site, role, "one")
    nav = one.page.get("/console").text.partition("<nav")[2].partition("</nav>")[0]
    links = re.findall(r'href="([^"]+)"', nav)
    assert {one.page.get(link).status_code for link in links} == {200}
    assert ("/console/requests" in links) is operations.may(role, operations.Operation.REQUESTS_SEE)


def test_the_matrix_stands_on_the_page_of_staff(office: Office, site: Any) -> None:
    shown = seat(office, site, Role.AUDITOR, "una").page.get("/console/staff").text
    assert all(f"<code>{row}</code>" in shown for row in operations.Operation)


def names(office: Office) -> list[str]:
    with office.desk.office.store.reading() as tx:
        return [account.name for account in staff.list_(tx)]
