"""What the company's apps file and see over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rights.desks import ADA, Office, approve_map, found_office
from tests.rights.site import browser, site_of
from troth.rights.tables import requests as table
from troth.rights.words import State
from troth.use import apps


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        approve_map(made)
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def app(office: Office, site: Any, name: str = "shop") -> httpx.Client:
    client = browser(site)
    token = apps.create_app_token(office.desk.office.store, name, office.now)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_an_app_files_for_its_customer_and_sees_how_it_goes(office: Office, site: Any) -> None:
    shop = app(office, site)
    filed = shop.post("/v1/requests", json={"right": "access", "person": "id=7"})
    assert filed.status_code == 201
    assert filed.json()["request"] == "2026-000001"
    assert filed.json()["due"] == "2026-12-22"
    assert shop.get("/v1/requests/2026-000001").json()["state"] == "done"


def test_an_erasure_that_an_app_files_waits_for_the_persons_own_link(office: Office, site: Any) -> None:
    app(office, site).post("/v1/requests", json={"right": "erasure", "person": {"id": "7"}})
    assert office.company.rows(table)[0].state is State.IDENTITY
    assert office.letters()[-1][0] == ADA.value


def test_the_same_key_is_one_request_and_with_another_body_refused(office: Office, site: Any) -> None:
    shop, key = app(office, site), {"Idempotency-Key": "order-17"}
    body = {"right": "restriction", "person": "id=7"}
    numbers = {shop.post("/v1/requests", json=body, headers=key).json()["request"] for _ in range(5)}
    other = shop.post("/v1/requests", json={"right": "erasure", "person": "id=7"}, headers=key)
    assert len(numbers) == 1
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    assert len(office.company.rows(table)) == 1


def test_an_app_sees_no_request_of_another_app_nor_of_the_centre(office: Office, site: Any) -> None:
    shop, desk = app(office, site), app(office, site, "help-desk")
    shop.post("/v1/requests", json={"right": "access", "person": "id=7"})
    other = office.file()
    answers = [
        desk.get("/v1/requests/2026-000001"),
        shop.get(f"/v1/requests/{other.number}"),
        shop.get("/v1/requests/x"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.text for answer in answers}) == 1


def test_nothing_is_taken_without_a_token_or_with_words_that_are_none(office: Office, site: Any) -> None:
    assert browser(site).post("/v1/requests", json={"right": "access", "person": "id=7"}).status_code == 401
    shop = app(office, site)
    for body in (
        {"right": "everything", "person": "id=7"},
        {"right": "access"},
        {"right": "access", "person": "needle@"},
        {"right": "access", "person": "id=7", "more": 1},
        {"right": "objection", "person": "id=7", "purpose": "service.provide"},
    ):
        answer = shop.post("/v1/requests", json=body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
        assert "needle" not in answer.text
    assert office.company.rows(table) == []
