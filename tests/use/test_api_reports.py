"""What programs report over HTTP: runs under a purpose, messages by class, accounts closed; once under one key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.use.company import found_company
from tests.use.served import Served, serve
from troth.use import apps
from troth.use.tables import closings, messages_sent, use_runs

SETTINGS = """
[messages.templates]
order-sent = "transactional"
newsletter = "marketing"
"""
CANARY = "canary-4c7e"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with found_company(tmp_path_factory.mktemp("reports"), settings=SETTINGS) as company:
        company.troth.register(id="17", email=f"{CANARY}@example.org")
        with serve(company) as running:
            yield running


@pytest.fixture
def app(served: Served) -> Iterator[httpx.Client]:
    with served.app() as client:
        yield client


def test_a_run_is_on_record_from_its_beginning_to_its_end(app: httpx.Client, served: Served) -> None:
    begun = app.post("/v1/runs", json={"program": "fraud-watch", "purpose": "fraud", "data": "device.ip"})
    assert begun.status_code == 201
    run = begun.json()["run"]
    ended = app.post(f"/v1/runs/{run}/end", json={"rows": 12, "people": 3})
    assert (ended.status_code, ended.json()) == (200, {"run": run, "state": "done"})
    row = next(row for row in served.company.rows(use_runs) if row.id == run)
    assert (row.program, row.purpose, row.state, row.rows, row.people) == ("fraud-watch", "fraud", "done", 12, 3)

    leaves = len(served.company.leaves())
    again = app.post(f"/v1/runs/{run}/end", json={"rows": 99, "failed": True})
    assert (again.status_code, len(served.company.leaves())) == (422, leaves)
    assert app.post("/v1/runs/99999/end", json={}).status_code == 422


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"purpose": "telling-fortunes", "data": "device.ip"}, 422),
        ({"purpose": "fraud", "data": "contact.email"}, 403),
    ],
)
def test_what_is_not_declared_is_refused_and_the_refusal_is_on_record(
    app: httpx.Client, served: Served, asked: dict[str, Any], status: int
) -> None:
    answer = app.post("/v1/runs", json={"program": "curious", **asked})
    assert answer.status_code == status
    assert served.company.rows(use_runs)[-1].state == "refused"


def test_a_message_has_the_class_of_its_template_and_a_transactional_one_an_order(
    app: httpx.Client, served: Served
) -> None:
    sent = {"person": "id=17", "template": "order-sent", "order": "A-1"}
    before = served.company.count(messages_sent)
    key = {"Idempotency-Key": "letter-1"}
    for _ in range(2):
        answer = app.post("/v1/messages", json=sent, headers=key)
        assert (answer.status_code, answer.json()) == (201, {"class": "transactional"})
    assert served.company.count(messages_sent) == before + 1
    assert app.post("/v1/messages", json={"person": "id=17", "template": "order-sent"}).status_code == 422
    assert app.post("/v1/messages", json={**sent, "template": "newsletter"}).status_code == 422
    assert app.post("/v1/messages", json={**sent, "template": "unheard"}).status_code == 422
    assert served.company.count(messages_sent) == before + 1


def test_a_closed_account_carries_no_use_and_opens_again(app: httpx.Client, served: Served) -> None:
    def may() -> bool:
        question = {"person": "id=17", "purpose": "service.provide", "data": "contact.email"}
        return bool(app.post("/v1/decisions", json=question).json()["permitted"])

    assert may()
    closed = {"person": "id=17", "word": "closed"}
    first = app.post("/v1/accounts", json=closed, headers={"Idempotency-Key": "close-1"})
    assert (first.status_code, first.json()["closed"]) == (201, True)
    assert not may()
    assert app.post("/v1/accounts", json={"person": "id=17", "word": "reopened"}).json()["closed"] is False
    assert may()
    # the first report comes again, late: it is not said a second time
    late = app.post("/v1/accounts", json=closed, headers={"Idempotency-Key": "close-1"})
    assert late.json()["closed"] is False
    assert may()
    assert served.company.count(closings) == 2


def test_a_run_that_is_told_twice_under_one_key_is_one(app: httpx.Client, served: Served) -> None:
    asked, key = {"program": "fraud-watch", "purpose": "fraud", "data": "device.ip"}, {"Idempotency-Key": "run-1"}
    before = served.company.count(use_runs)

    first, again = (app.post("/v1/runs", json=asked, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert served.company.count(use_runs) == before + 1
    assert app.post("/v1/runs", json={**asked, "program": "other"}, headers=key).status_code == 409

    run, key = first.json()["run"], {"Idempotency-Key": "end-1"}
    ended = [app.post(f"/v1/runs/{run}/end", json={"rows": 2}, headers=key) for _ in range(2)]
    assert [(each.status_code, each.json()) for each in ended] == [(200, {"run": run, "state": "done"})] * 2
    assert app.post(f"/v1/runs/{run}/end", json={"rows": 3}, headers={"Idempotency-Key": "end-2"}).status_code == 422


def test_a_refusal_that_is_asked_for_twice_under_one_key_is_one_refusal(app: httpx.Client, served: Served) -> None:
    asked, key = {"program": "curious", "purpose": "fraud", "data": "contact.email"}, {"Idempotency-Key": "no-1"}
    before = served.company.count(use_runs)

    assert [app.post("/v1/runs", json=asked, headers=key).status_code for _ in range(2)] == [403, 403]
    assert served.company.count(use_runs) == before + 1


def test_an_app_ends_its_own_runs_only(app: httpx.Client, served: Served) -> None:
    run = app.post("/v1/runs", json={"program": "fraud-watch", "purpose": "fraud", "data": "device.ip"}).json()["run"]
    with served.company.troth.run("here", "fraud", "device.ip") as here:
        assert app.post(f"/v1/runs/{here.id}/end", json={}).status_code == 422
    office = served.company.office
    token = apps.create_app_token(office.store, "other", office.clock.now())
    with httpx.Client(base_url=served.base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as other:
        assert other.post(f"/v1/runs/{run}/end", json={}).status_code == 422
    assert app.post(f"/v1/runs/{run}/end", json={}).status_code == 200


def test_what_no_store_could_keep_is_refused_before_it_is_tried(app: httpx.Client) -> None:
    run = app.post("/v1/runs", json={"program": "fraud-watch", "purpose": "fraud", "data": "device.ip"}).json()["run"]
    assert app.post(f"/v1/runs/{run}/end", json={"rows": 2**63}).status_code == 422
    assert app.post(f"/v1/runs/{run}/end", json={"rows": 2**40, "people": 2**33}).status_code == 200
    assert app.post(f"/v1/runs/{2**63}/end", json={}).status_code == 422
    early = {"person": "id=17", "word": "closed", "at": "0001-01-01T00:00:00+14:00"}
    assert app.post("/v1/accounts", json=early).status_code == 422
    assert app.get("/v1/requests/%00").status_code == 404


def test_a_body_that_is_not_understood_is_told_without_what_was_in_it(app: httpx.Client) -> None:
    answer = app.post("/v1/accounts", json={"person": "id=17", "word": CANARY})
    assert answer.status_code == 422
    assert CANARY not in answer.text
    assert {"at": "body/word", "is": "literal_error"} in answer.json()["faults"]


def test_the_standard_questions_answer_a_body_that_is_not_understood_with_400(app: httpx.Client) -> None:
    for body in (b"{", b'{"subject": 7}', b"[]"):
        answer = app.post("/access/v1/evaluation", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
