"""Signing in by the company's own provider: who comes in, as whom, and what is refused of what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from tests.entrypoints.standin_provider import CLIENT, SECRET, StandIn, standing_in
from tests.rights.desks import Office, found_office
from tests.rights.site import ADDRESS, browser, site_of, submit
from troth.foundation import staff
from troth.foundation.roles import Role

PASSWORD = "correct horse battery staple"
ROLES = 'role_claim = "groups"\nroles = {"privacy-officers" = "dpo", "desk" = "agent"}\n'


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with standing_in() as made:
        yield made


@pytest.fixture
def office(tmp_path: Path, provider: StandIn, request: pytest.FixtureRequest) -> Iterator[Office]:
    settings = f'[staff.oidc]\nissuer = "{provider.address}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
    provider.alg, provider.claims, provider.description, provider.signs_with = "RS256", {}, {}, None
    with found_office(tmp_path, more=settings + getattr(request, "param", "")) as made:
        provider.now = int(made.now.timestamp())
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def come(provider: StandIn, site: Any, subject: str, page: httpx.Client | None = None, **claims: Any) -> httpx.Response:
    """Somebody goes by way of the provider, and what they see when they are back."""
    page = page or browser(site)
    page.follow_redirects = False
    sent = page.get("/console/sign-in/provider")
    assert sent.status_code == 303
    back = provider.let_in(sent.headers["location"], subject, **claims)
    page.follow_redirects = True
    return page.get(back.removeprefix(ADDRESS))


def dora_linked(office: Office, provider: StandIn, site: Any, subject: str = "s-1") -> httpx.Client:
    """Dora, who has signed in by a link and linked her account to the provider."""
    store = office.desk.office.store
    staff.add(store, "dora", Role.ADMINISTRATOR, now=office.now)
    page = browser(site)
    submit(page, f"/console/sign-in/{staff.issue_login_link(store, 'dora', now=office.now)}")
    asked = submit(page, "/console/account", "/console/account/provider")
    address = asked.text.partition('content="0;url=')[2].partition('"')[0].replace("&amp;", "&")
    landed = page.get(provider.let_in(address, subject).removeprefix(ADDRESS))
    assert "linked" in landed.text
    return page


def test_an_account_that_its_holder_linked_is_entered_by_the_provider(
    office: Office, provider: StandIn, site: Any
) -> None:
    dora_linked(office, provider, site)
    landed = come(provider, site, "s-1")
    assert (landed.status_code, landed.url.path) == (200, "/console")
    assert "dora" in landed.text


def test_an_address_or_a_name_that_fits_opens_nothing(office: Office, provider: StandIn, site: Any) -> None:
    dora_linked(office, provider, site)
    landed = come(
        provider, site, "s-2", email="dora@example.org", email_verified=True, preferred_username="dora", name="dora"
    )
    assert landed.status_code == 403
    assert "no account here is linked" in landed.text


@pytest.mark.parametrize("office", [ROLES], indirect=True)
@pytest.mark.parametrize("groups", [5, True, {"canteen": {}}, [["desk"]], "desks"])
def test_a_claim_that_lists_no_role_of_ours_gives_none_whatever_it_is(
    office: Office, provider: StandIn, site: Any, groups: Any
) -> None:
    landed = come(provider, site, "s-9", groups=groups, preferred_username="ann")
    assert landed.status_code == 403
    assert roles_of(office) == {}


@pytest.mark.parametrize("office", [ROLES], indirect=True)
def test_who_is_new_gets_an_account_of_the_role_that_the_claim_gives(
    office: Office, provider: StandIn, site: Any
) -> None:
    landed = come(provider, site, "s-9", groups=["desk", "canteen"], preferred_username="ann")
    assert landed.status_code == 200
    assert roles_of(office) == {"ann": Role.AGENT}


@pytest.mark.parametrize("office", [ROLES], indirect=True)
def test_a_role_that_changed_at_the_provider_changes_here_and_ends_the_sessions(
    office: Office, provider: StandIn, site: Any
) -> None:
    page = browser(site)
    come(provider, site, "s-9", page, groups="desk", preferred_username="ann")
    come(provider, site, "s-9", groups=["privacy-officers"], preferred_username="ann")
    assert roles_of(office) == {"ann": Role.DPO}
    assert page.get("/console").url.path == "/console/sign-in"
    gone = come(provider, site, "s-9", groups=["canteen"])
    assert gone.status_code == 403
    assert "no role here any more" in gone.text


@pytest.mark.parametrize("office", [ROLES], indirect=True)
def test_nobody_takes_over_an_account_by_being_called_the_same(office: Office, provider: StandIn, site: Any) -> None:
    staff.add(office.desk.office.store, "dora", Role.DPO, now=office.now)
    landed = come(provider, site, "s-5", groups="desk", preferred_username="Dora ")
    assert landed.status_code == 403
    assert roles_of(office) == {"dora": Role.DPO}


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://other.example.org"},
    "another audience": {"aud": "somebody-else"},
    "no audience": {"aud": None},
    "past its end": {"exp": 1},
    "another nonce": {"nonce": "nonce"},
    "no nonce": {"nonce": None},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "several audiences and none authorised": {"aud": [CLIENT, "x"], "azp": "x"},
    "not yet": {"nbf": 4102444800},
}


@pytest.mark.parametrize("lie", list(LIES))
def test_a_token_of_which_one_thing_does_not_hold_lets_nobody_in(
    lie: str, office: Office, provider: StandIn, site: Any
) -> None:
    dora_linked(office, provider, site)
    landed = come(provider, site, "s-1", **LIES[lie])
    assert landed.status_code == 403, lie
    assert come(provider, site, "s-1").status_code == 200


def test_a_token_is_signed_by_a_key_of_the_provider(office: Office, provider: StandIn, site: Any) -> None:
    dora_linked(office, provider, site)
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "rsa"})
    assert come(provider, site, "s-1").status_code == 403
    public = provider.keys["RS256"].as_pem(private=False)
    provider.alg, provider.signs_with = "HS256", OctKey.import_key(public.replace(b"-----", b"") + b"x", {"kid": "rsa"})
    assert come(provider, site, "s-1").status_code == 403
    provider.alg, provider.signs_with = "none", None
    assert come(provider, site, "s-1").status_code == 403
    provider.alg = "ES256"
    assert come(provider, site, "s-1").status_code == 200


def test_an_answer_is_for_the_browser_that_began_and_is_taken_once(
    office: Office, provider: StandIn, site: Any
) -> None:
    dora_linked(office, provider, site)
    page, thief = browser(site), browser(site)
    page.follow_redirects = thief.follow_redirects = False
    back = provider.let_in(page.get("/console/sign-in/provider").headers["location"], "s-1").removeprefix(ADDRESS)
    assert thief.get(back).status_code == 403
    thief.get("/console/sign-in/provider")
    assert thief.get(back).status_code == 403
    kept = page.cookies["console_awaited"]
    assert page.get(back).status_code == 303
    page.cookies.set("console_awaited", kept, domain="shop.example.com")
    assert page.get(back).status_code == 403


def test_a_way_that_took_longer_than_ten_minutes_is_begun_again(office: Office, provider: StandIn, site: Any) -> None:
    dora_linked(office, provider, site)
    page = browser(site)
    page.follow_redirects = False
    back = provider.let_in(page.get("/console/sign-in/provider").headers["location"], "s-1").removeprefix(ADDRESS)
    office.company.clock.advance(timedelta(minutes=10))
    assert page.get(back).status_code == 403


def test_a_provider_that_names_itself_otherwise_or_leads_off_tls_is_not_followed(
    office: Office, provider: StandIn, site: Any
) -> None:
    for lie in (
        {"issuer": "https://other.example.org"},
        {"token_endpoint": "http://provider.example.org/token"},
        {"authorization_endpoint": None},
    ):
        provider.description = lie
        page = browser(site)
        page.follow_redirects = False
        assert page.get("/console/sign-in/provider").status_code == 503


def test_an_answer_of_another_provider_is_refused(office: Office, provider: StandIn, site: Any) -> None:
    page = browser(site)
    page.follow_redirects = False
    back = provider.let_in(page.get("/console/sign-in/provider").headers["location"], "s-1").removeprefix(ADDRESS)
    assert page.get(f"{back}&iss=https%3A%2F%2Fother.example.org").status_code == 403


def test_only_administrators_come_in_another_way(office: Office, provider: StandIn, site: Any) -> None:
    store = office.desk.office.store
    for name, role, lands in (("adam", Role.ADMINISTRATOR, 200), ("ann", Role.AGENT, 403)):
        staff.add(store, name, role, now=office.now, password=PASSWORD)
        landed = submit(browser(site), "/console/sign-in", name=name, password=PASSWORD)
        assert landed.status_code == lands
    with store.reading() as tx:
        assert tx.execute(staff.sessions.select()).all()[0].staff == next(
            each.id for each in staff.list_(tx) if each.name == "adam"
        )
        assert len(tx.execute(staff.sessions.select()).all()) == 1


def test_before_grave_acts_the_provider_asks_again_and_it_must_be_the_same_and_recent(
    office: Office, provider: StandIn, site: Any
) -> None:
    dora_linked(office, provider, site)
    page = browser(site)
    come(provider, site, "s-1", page)
    asked = submit(page, "/console/staff", "/console/staff/new", name="new", role="administrator")
    assert "Confirm at the provider" in asked.text
    now = int(office.now.timestamp())
    for subject, claims, status in (("s-2", {"auth_time": now}, 403), ("s-1", {"auth_time": now - 900}, 403), ("s-1", {"auth_time": None}, 403), ("s-1", {"auth_time": now}, 200)):  # fmt: skip
        page.follow_redirects = False
        sent = page.get("/console/step-up/provider").headers["location"]
        assert parse_qs(urlsplit(sent).query)["prompt"] == ["login"]
        page.follow_redirects = True
        landed = page.get(provider.let_in(sent, subject, **claims).removeprefix(ADDRESS))
        assert landed.status_code == status, (subject, claims)
    done = submit(page, "/console/staff", "/console/staff/new", name="new", role="administrator")
    assert done.url.path.startswith("/console/staff/")


def roles_of(office: Office) -> dict[str, Role]:
    with office.desk.office.store.reading() as tx:
        return {account.name: account.role for account in staff.list_(tx)}
