"""Whatever stands in an address where a number or a token is meant, no page fails on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from tests.entrypoints.makers import PASSWORD, form_token
from tests.entrypoints.matrix import Seat, seat
from tests.rights.desks import Office, found_office
from tests.rights.site import sign_in_person, site_of
from troth.foundation.roles import Role
from troth.use import apps

HOSTILE = ("9" * 20, "9" * 5000, "%C2%B2", "%00%FF%0D%0AX-Other:1")
"""Too large for a column, too long for a number, a digit of another kind, and no text at all."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with found_office(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


@pytest.fixture(scope="module")
def officer(office: Office, site: Any) -> Seat:
    """Somebody who is signed in on both sides of the house."""
    made = seat(office, site, Role.DPO, "one")
    sign_in_person(office, made.page)
    return made


def test_no_page_fails_on_what_stands_in_its_address(site: Any, officer: Seat) -> None:
    failed, token = [], form_token(officer.page)
    for route in (each for each in site.app.routes if isinstance(each, Route) and "{" in each.path):
        method = next(iter((route.methods or {"GET"}) - {"HEAD"}))
        for hostile in HOSTILE:
            path = re.sub(r"{\w+(:\w+)?}", hostile, route.path)
            form = {"form_token": token} if method == "POST" else None
            answer = officer.page.request(method, path, data=form)
            if answer.status_code >= 500:
                failed.append((method, route.path, hostile[:20], answer.status_code))
    assert failed == []


def test_no_address_of_the_api_fails_on_what_stands_in_it(office: Office, site: Any, officer: Seat) -> None:
    token = apps.create_app_token(office.desk.office.store, "shop", office.now)
    told = {"Authorization": f"Bearer {token}"}
    for hostile in HOSTILE:
        assert officer.page.post(f"/v1/runs/{hostile}/end", json={}, headers=told).status_code < 500, hostile[:20]
        assert officer.page.get(f"/v1/requests/{hostile}", headers=told).status_code < 500, hostile[:20]


def test_a_password_that_was_left_out_changes_nothing(officer: Seat) -> None:
    for fields in ({}, {"again": ""}, {"password": PASSWORD}):
        answer = officer.page.post("/console/account/password", data={**fields, "form_token": form_token(officer.page)})
        assert answer.status_code == 422, fields
