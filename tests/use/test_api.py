"""The door for the company's apps, over real HTTP: what it answers, what it refuses, and what it never repeats."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.use.company import Company, found_company
from tests.use.served import ADDRESS, Served, serve
from troth import errors
from troth.use import apps
from troth.use.tables import app_tokens

CANARY = "canary-91f0"
WHO = {"id": "17", "email": f"{CANARY}@example.org"}


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    company.troth.register(**WHO)
    with serve(company) as running:
        yield running


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One company for all tests in which nothing is to change."""
    with found_company(tmp_path_factory.mktemp("resting")) as company:
        company.troth.register(**WHO)
        with serve(company) as running:
            yield running


@pytest.fixture
def resting_app(resting: Served) -> Iterator[httpx.Client]:
    with resting.app() as client:
        yield client


@pytest.fixture
def app(served: Served) -> Iterator[httpx.Client]:
    with served.app() as client:
        yield client


def _decide(app: httpx.Client, **asked: Any) -> Any:
    question = {"person": "id=17", "purpose": "marketing", "data": "contact.email", **asked}
    return app.post("/v1/decisions", json=question).json()


def test_a_decision_carries_reason_and_sentence_and_where_to_consent(resting_app: httpx.Client) -> None:
    answer = resting_app.post(
        "/v1/decisions", json={"person": "id=17", "purpose": "marketing", "data": "contact.email"}
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "permitted": False,
        "reason": "consent-not-given",
        "clause": "use.purposes.mailing",
        "number": "1.1b",
        "centre": f"{ADDRESS}/privacy/centre",
    }


def test_choices_recorded_by_the_app_are_obeyed_by_its_next_question(app: httpx.Client, served: Served) -> None:
    given = app.post(
        "/v1/consents", json={"person": "id=17", "purpose": "marketing", "word": "given", "method": "paper"}
    )
    assert (given.status_code, given.json()["state"], given.json()["method"]) == (201, "given", "paper")
    assert _decide(app, data=["contact.email", "profile.name"])["permitted"]
    assert _decide(app, recipient="Example Mail")["permitted"]
    assert _decide(app, recipient="Example Nobody")["reason"] == "recipient-not-declared"

    assert app.post("/v1/objections", json={"person": WHO, "purpose": "marketing"}).json()["objects"] is True
    assert _decide(app)["reason"] == "objection-stands"
    app.post("/v1/objections", json={"person": WHO, "purpose": "marketing", "lift": True})
    assert app.post("/v1/restrictions", json={"person": "id=17"}).json()["grounds"] == ["request"]
    assert _decide(app)["reason"] == "restricted"
    app.post("/v1/restrictions", json={"person": "id=17", "lift": True})
    assert _decide(app)["permitted"]
    app.post("/v1/consents", json={"person": "id=17", "purpose": "marketing", "word": "withdrawn"})
    assert _decide(app)["reason"] == "consent-withdrawn"
    assert len(served.company.leaves()) == 6


def test_the_words_one_can_consent_to_are_told_exactly(resting_app: httpx.Client, resting: Served) -> None:
    told = resting_app.get("/v1/consents").json()

    assert (told["policy"], told["language"]) == (resting.company.office.policy.sha256, "en")
    first = told["consents"][0]
    assert (first["purpose"], first["text"], first["number"]) == ("marketing", "We send you the newsletter.", "1.1b")
    shown = resting_app.post("/v1/consents/show", json={"person": "id=17"}).json()["consents"]
    assert [one["purpose"] for one in shown] == ["marketing", "analytics", "improve"]


def test_many_people_are_asked_about_at_once(app: httpx.Client, served: Served) -> None:
    troth = served.company.troth
    troth.register_many({"id": f"n{n}"} for n in range(500))
    troth.give_consents((f"id=n{n}", "marketing", None) for n in range(0, 500, 7))
    persons = [f"id=n{n}" for n in range(500)] + ["id=nobody"]

    answer = app.post("/v1/decisions/many", json={"persons": persons, "purpose": "marketing", "data": "contact.email"})

    assert answer.json() == {"permitted": list(range(0, 500, 7))}


def test_people_are_made_known_and_met_again(app: httpx.Client) -> None:
    first = app.post("/v1/people", json={"id": "18", "email": "eve@example.org"})
    again = app.post("/v1/people", json={"id": "18", "phone": "+44 7700 900123"})

    assert first.status_code == 201
    assert first.json() == again.json()
    assert _decide(app, person=f"key={first.json()['key']}", purpose="service.provide")["permitted"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer short"},
        {"Authorization": "Bearer " + "A" * 43},
        {"Authorization": "Basic QQ=="},
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/decisions", "/v1/consents", "/v1/centre-links", "/v1/people", "/access/v1/evaluation"]
)
def test_without_a_known_token_nothing_is_answered(resting: Served, headers: dict[str, str], path: str) -> None:
    with resting.browser() as stranger:
        answer = stranger.post(
            path, json={"person": "id=17", "purpose": "marketing", "data": "contact.email"}, headers=headers
        )

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"title": "Unauthorized", "status": 401, "detail": "No known token was sent."}


def test_a_token_is_kept_as_a_hash_and_can_be_ended(app: httpx.Client, served: Served) -> None:
    store = served.company.office.store
    [row] = served.company.rows(app_tokens)
    assert (row.name, len(row.token_hash)) == ("shop", 32)
    assert served.token.encode() not in b"".join(
        path.read_bytes() for path in served.company.folder.glob("troth.sqlite3*")
    )

    with pytest.raises(errors.StoreConflict, match='"shop" has a token already'):
        apps.create_app_token(store, "shop", served.company.clock.now())
    with pytest.raises(errors.TrothError, match="one lower-case word"):
        apps.create_app_token(store, "The Shop", served.company.clock.now())
    assert apps.end_app_token(store, "shop", served.company.clock.now())
    assert not apps.end_app_token(store, "shop", served.company.clock.now())

    assert app.get("/v1/consents").status_code == 401


def test_the_environment_may_name_one_more_token(resting: Served) -> None:
    token = "T" * 43
    store = resting.company.office.store

    assert apps.app_of(store, f"bearer {token}", {apps.VARIABLE: token}) == "environment"
    assert apps.app_of(store, f"Bearer {token}", {}) is None
    assert apps.app_of(store, "Bearer ", {apps.VARIABLE: ""}) is None


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        (
            "/v1/consents",
            {"person": f"email=x{CANARY}@example.org", "purpose": "marketing", "word": "given"},
            404,
            "nobody is known by this email",
        ),
        (
            "/v1/consents",
            {"person": "id=17", "purpose": "marketting", "word": "given"},
            422,
            'Did you mean "marketing"?',
        ),
        (
            "/v1/consents",
            {"person": "id=17", "purpose": f"{CANARY}@example.org", "word": "given"},
            422,
            "is not a purpose",
        ),
        (
            "/v1/consents",
            {"person": "id=17", "purpose": "marketing", "word": CANARY},
            422,
            "not what this address takes",
        ),
        (
            "/v1/consents",
            {"person": "id=17", "purpose": "marketing", "word": "given", CANARY: 1},
            422,
            "not what this address takes",
        ),
        (
            "/v1/consents",
            {"person": "id=17", "purpose": "marketing", "word": "given", "at": "2026-11-22T05:00:00"},
            422,
            "without a time zone",
        ),
        ("/v1/objections", {"person": CANARY, "purpose": "fraud"}, 422, "one of four ways"),
        ("/v1/objections", {"person": {CANARY: "x"}, "purpose": "fraud"}, 422, "one of four ways"),
        ("/v1/restrictions", {"person": "id=17", "ground": CANARY}, 422, "not what this address takes"),
        (
            "/v1/decisions",
            {"person": ["id=17", CANARY], "purpose": "fraud", "data": "device.ip"},
            422,
            "not what this address takes",
        ),
        ("/v1/decisions", {"person": "id=17", "purpose": "fraud", "data": []}, 422, "not what this address takes"),
        ("/v1/centre-links", {"person": f"id={CANARY}"}, 404, "nobody is known by this id"),
        ("/v1/unheard-of", {}, 404, "Not Found"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem_that_repeats_nothing_of_a_person(
    resting_app: httpx.Client,
    resting: Served,
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: dict[str, Any],
    status: int,
    told: str,
) -> None:
    caplog.set_level(logging.DEBUG)

    answer = resting_app.post(path, json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.json()["detail"]
    assert CANARY not in answer.text
    assert CANARY not in "".join(record.getMessage() for record in caplog.records if record.name != "httpcore.http11")
    assert resting.company.leaves() == []


def test_unreadable_and_too_large_bodies_are_refused(resting_app: httpx.Client) -> None:
    assert (
        resting_app.post("/v1/decisions", content=b"{", headers={"Content-Type": "application/json"}).status_code == 422
    )
    assert resting_app.post(
        "/v1/decisions", content=b"\xff\xfe", headers={"Content-Type": "application/json"}
    ).status_code in (
        400,
        422,
    )
    large = resting_app.post(
        "/v1/decisions", content=b'"' + b"x" * (1024 * 1024 + 1), headers={"Content-Type": "application/json"}
    )
    assert (large.status_code, large.headers["content-type"]) == (413, "application/problem+json")


def test_an_app_hands_its_customer_over_with_a_link_that_works_once(app: httpx.Client, served: Served) -> None:
    answer = app.post("/v1/centre-links", json={"person": "id=17"}).json()

    assert answer["url"].startswith(f"{ADDRESS}/privacy/centre/enter/")
    assert answer["until"] == (served.company.clock.now() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    assert "17" not in answer["url"].removeprefix(ADDRESS).rsplit("/", 1)[0]


def test_a_store_that_cannot_be_read_is_a_refusal_and_a_choice_is_not_taken(app: httpx.Client, served: Served) -> None:
    with served.company.office.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE restrictions RENAME TO hidden")
    served.company.office.store.changed()

    assert _decide(app)["reason"] == "standing-unknown"
    failed = app.post("/v1/restrictions", json={"person": "id=17"})
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "5")
    assert "nothing was done" in failed.json()["detail"]
    assert served.company.leaves() == []


def test_the_interface_describes_itself_and_asks_no_other_host(resting_app: httpx.Client) -> None:
    described = resting_app.get("/v1/openapi.json").json()

    assert set(described["paths"]) >= {"/decisions", "/consents", "/objections", "/restrictions", "/centre-links"}
    assert resting_app.get("/v1/docs").status_code == 404


# --- AuthZEN 1.0 ------------------------------------------------------------------------------------------------


def _question(**changed: Any) -> dict[str, Any]:
    question = {
        "subject": {"type": "user", "id": "17"},
        "action": {"name": "use"},
        "resource": {"type": "personal-data", "id": "", "properties": {"data": ["contact.email"]}},
        "context": {"purpose": "service.provide"},
    }
    return {**question, **changed}


def test_other_programs_ask_in_the_words_of_authzen(resting_app: httpx.Client) -> None:
    yes = resting_app.post("/access/v1/evaluation", json=_question()).json()

    assert yes == {
        "decision": True,
        "context": {"reason": "basis-applies", "clause": "use.purposes.service", "number": "1.1a"},
    }
    by_action = _question(action={"name": "fraud"}, context={}, resource={"type": "data", "id": "device.ip"})
    assert resting_app.post("/access/v1/evaluation", json=by_action).json()["decision"] is True


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": {"type": "user", "id": "99"}},
        {"subject": {"type": "car", "id": "17"}},
        {"subject": {"type": "email", "id": "no address"}},
        {"subject": {}},
        {"context": {"purpose": "unheard-of"}},
        {"context": {"purpose": ["service.provide"]}},
        {"context": {"purpose": "service.provide", "recipient": {"name": "x"}}},
        {"context": {"purpose": "service.provide", "recipient": "Example Nobody"}},
        {"resource": {"properties": {"data": []}}},
        {"resource": {"properties": {"data": [["contact.email"]]}}},
        {"resource": {"properties": {"data": {"contact.email": 1}}}},
        {"resource": {"id": "contact.fax"}},
        {"context": None, "action": None},
    ],
)
def test_what_authzen_callers_leave_unknown_is_a_no_and_never_an_error(
    resting_app: httpx.Client, changed: dict[str, Any]
) -> None:
    answer = resting_app.post("/access/v1/evaluation", json=_question(**changed))

    assert (answer.status_code, answer.json()["decision"]) == (200, False)


def test_several_evaluations_share_what_they_do_not_say_and_stop_as_asked(resting_app: httpx.Client) -> None:
    several = {
        **_question(),
        "evaluations": [{}, {"context": {"purpose": "marketing"}}, {"resource": {"id": "account.username"}}],
    }

    def decided(**options: str) -> list[bool]:
        answer = resting_app.post("/access/v1/evaluations", json={**several, "options": options}).json()
        return [one["decision"] for one in answer["evaluations"]]

    assert decided() == [True, False, True]
    assert decided(evaluations_semantic="deny_on_first_deny") == [True, False]
    assert decided(evaluations_semantic="permit_on_first_permit") == [True]
    assert resting_app.post("/access/v1/evaluations", json=_question()).json()["decision"] is True


def test_the_authzen_metadata_names_the_endpoints(resting: Served) -> None:
    with resting.browser() as anybody:
        told = anybody.get("/.well-known/authzen-configuration").json()

    assert told["policy_decision_point"] == ADDRESS
    assert told["access_evaluation_endpoint"] == f"{ADDRESS}/access/v1/evaluation"
