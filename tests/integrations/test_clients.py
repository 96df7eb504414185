"""Asking over HTTP: the same answers as in process, and a no for whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.use.company import Company
from tests.use.served import Served, listening
from troth.errors import KeyReused, NetworkUnreachable, PersonUnknown, Refused, TrothError
from troth.integrations import AsyncClient, Client, wire
from troth.use.decision import Reason
from troth.use.tables import app_repeats, consent_events

ASKED = ("id=17", "marketing", "contact.email")


def test_the_answers_are_those_of_the_company_s_own_troth(client: Client, company: Company) -> None:
    for question in [
        ASKED, ("id=18", *ASKED[1:]), ("id=99", *ASKED[1:]), ("id=17", "things", "contact.email"),
        (*ASKED, "Example Mail"), (*ASKED, "Nobody"), ({"id": "17", "email": "canary-17@example.org"}, *ASKED[1:]),
        ("id=17", "marketing", ["contact.email", "profile.name"]),
    ]:  # fmt: skip
        assert client.may(*question) == company.troth.may(*question), question
    with pytest.raises(Refused, match=r"consent not given \(1\.1b\)"):
        client.require("id=18", *ASKED[1:])


def test_what_is_recorded_over_http_is_obeyed_everywhere(client: Client, company: Company) -> None:
    key = client.register(id="19")
    assert key == company.troth.register(id="19")
    for act, undo, question in [
        (client.withdraw_consent, client.give_consent, ASKED),
        (client.object_to, client.lift_objection, ("id=17", "fraud", "device.ip")),
    ]:
        act("id=17", question[1])
        assert not company.troth.may(*question)
        undo("id=17", question[1])
        assert company.troth.may(*question)
    assert client.refuse_consent("id=17", "analytics")["state"] == "refused"
    assert client.restrict("id=17")["restricted"] is True
    assert not client.may(*ASKED)
    assert client.lift_restriction("id=17")["restricted"] is False
    assert client.may(*ASKED)
    with pytest.raises(PersonUnknown):
        client.give_consent("id=99", "marketing")
    with pytest.raises(TrothError, match="422"):
        client.give_consent("id=17", "unheard-of")


def test_many_are_asked_about_in_as_many_requests_as_it_takes(
    client: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_AT_ONCE", 3)
    company.troth.register_many({"id": str(n)} for n in range(100, 110))
    company.troth.give_consents((f"id={n}", "marketing", None) for n in range(100, 110, 2))
    everybody = [f"id={n}" for n in range(100, 110)]

    assert client.permitted("marketing", "contact.email", everybody) == everybody[::2]


def test_the_asynchronous_client_says_the_same(served: Served, company: Company) -> None:
    async def ask() -> None:
        async with AsyncClient(served.base, served.token) as client:
            assert await client.may(*ASKED) == company.troth.may(*ASKED)
            await client.withdraw_consent("id=17", "marketing")
            assert (await client.may(*ASKED)).reason is Reason.CONSENT_WITHDRAWN
            await client.give_consent("id=17", "marketing")
            assert await client.permitted("marketing", "contact.email", ["id=18", "id=17"]) == ["id=17"]
            assert await client.register(id="17") == company.troth.register(id="17")
            with pytest.raises(Refused):
                await client.require("id=18", *ASKED[1:])
            assert (await client.object_to("id=17", "*"))["objects"] is True
            assert (await client.lift_objection("id=17", "*"))["objects"] is False
            assert (await client.restrict("id=17"))["restricted"] is True
            assert (await client.lift_restriction("id=17"))["restricted"] is False
        assert (await client.may(*ASKED)).reason is Reason.POINT_UNREACHABLE, "closed"
        with pytest.raises(NetworkUnreachable):
            await client.permitted("marketing", "contact.email", ["id=17"])

    asyncio.run(ask())


def _json(value: Any, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json=value)


def _raise(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail


YES = {"permitted": True, "reason": "consent-given", "clause": "c", "number": "1"}
NO_ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "no route": _raise(httpx.ConnectError("x")),
    "no name": _raise(httpx.ConnectError("getaddrinfo")),
    "too slow": _raise(httpx.ReadTimeout("x")),
    "cut off": _raise(httpx.RemoteProtocolError("x")),
    "reset": _raise(ConnectionResetError()),
    "bad certificate": _raise(httpx.ConnectError("certificate verify failed")),
    "pool exhausted": _raise(httpx.PoolTimeout("x")),
    "empty": lambda _: httpx.Response(200, content=b""),
    "a page": lambda _: httpx.Response(200, content=b"<html>ok</html>"),
    "cut short": lambda _: httpx.Response(200, content=b'{"permitted": true, "reason": "consent-gi'),
    "a list": _json([YES]),
    "a number": _json(1),
    "null": _json(None),
    "a word for true": _json({**YES, "permitted": "true"}),
    "a number for true": _json({**YES, "permitted": 1}),
    "no reason": _json({"permitted": True}),
    "an unknown reason": _json({**YES, "reason": "because"}),
    "a refusing reason": _json({**YES, "reason": "restricted"}),
    "created": _json(YES, 201),
    "not modified": _json(YES, 304),
    "moved": lambda _: httpx.Response(307, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    "no token": _json(YES, 401),
    "forbidden": _json(YES, 403),
    "too many": _json(YES, 429),
    "failed": _json(YES, 500),
    "a gateway": _json(YES, 502),
    "not now": _json(YES, 503),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_whatever_goes_wrong_is_a_no(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    with Client("http://127.0.0.1:1", "t", transport=httpx.MockTransport(answer)) as client:
        decision = client.may(*ASKED)
        assert not decision
        assert isinstance(decision.reason, Reason)
        with pytest.raises(Refused):
            client.require(*ASKED)
        with pytest.raises(NetworkUnreachable):
            client.permitted("marketing", "contact.email", ["id=17"])

    async def ask() -> bool:
        transport = httpx.MockTransport(answer)
        async with AsyncClient("http://127.0.0.1:1", "t", transport=transport) as client:
            return bool(await client.may(*ASKED))

    assert not asyncio.run(ask())


def test_the_whole_answer_is_a_yes() -> None:
    with Client("http://127.0.0.1:1", "t", transport=httpx.MockTransport(_json(YES))) as client:
        assert client.may(*ASKED)


@pytest.mark.parametrize("places", [[1], [-1], ["0"], [True], {"0": 1}, [0.0], None])
def test_places_that_nobody_asked_about_are_no_answer(places: Any) -> None:
    with (
        Client("http://127.0.0.1:1", "t", transport=httpx.MockTransport(_json({"permitted": places}))) as client,
        pytest.raises(NetworkUnreachable),
    ):
        client.permitted("marketing", "contact.email", ["id=17"])


def test_a_troth_that_is_gone_or_hangs_is_a_no_in_time(client: Client) -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1.5)

    with Client("http://127.0.0.1:9", "t") as nobody:
        assert nobody.may(*ASKED).reason is Reason.POINT_UNREACHABLE
    with listening(hang) as base, Client(base, "t", timeout_s=0.2) as slow:
        assert slow.may(*ASKED).reason is Reason.POINT_UNREACHABLE
    assert client.may(*ASKED)


def test_a_write_whose_answer_is_lost_is_done_once(served: Served, company: Company) -> None:
    real = httpx.HTTPTransport()
    lost: list[str] = []

    def lossy(request: httpx.Request) -> httpx.Response:
        answer = real.handle_request(request)
        answer.read()
        if request.url.path == "/v1/consents" and not lost:
            lost.append(request.headers["Idempotency-Key"])
            raise httpx.ReadTimeout("the answer was lost")
        return httpx.Response(answer.status_code, content=answer.content)

    before = company.count(consent_events)
    with Client(served.base, served.token, transport=httpx.MockTransport(lossy)) as client:
        said = client.give_consent("id=18", "marketing")
    real.close()

    assert lost
    assert company.count(consent_events) == before + 1
    assert (said["state"], said["purpose"]) == ("given", "marketing")


def test_a_late_repeat_of_a_consent_does_not_bring_it_back(served: Served, company: Company) -> None:
    body = {"person": "id=18", "purpose": "marketing", "word": "given"}
    with served.app() as app:
        first = app.post("/v1/consents", json=body, headers={"Idempotency-Key": "k-1"})
        company.troth.withdraw_consent("id=18", "marketing")
        late = app.post("/v1/consents", json=body, headers={"Idempotency-Key": "k-1"})
        assert (first.json()["state"], late.status_code, late.json()["state"]) == ("given", 201, "withdrawn")
        assert not company.troth.may("id=18", *ASKED[1:])

        other = app.post("/v1/consents", json={**body, "purpose": "analytics"}, headers={"Idempotency-Key": "k-1"})
        assert other.status_code == 409, KeyReused
        for path, more in [("objections", {"purpose": "*"}), ("restrictions", {})]:
            answers = [
                app.post(f"/v1/{path}", json={"person": "id=18", **more}, headers={"Idempotency-Key": path}).json()
                for _ in range(2)
            ]
            assert answers[0] == answers[1]
    assert company.count(app_repeats) == 3
    assert b"id=18" not in b"".join(bytes(row.key) + bytes(row.body) for row in company.rows(app_repeats))


def test_a_person_is_in_no_address_no_log_and_no_repr(
    client: Client, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503)

    with Client(served.base, served.token, transport=httpx.MockTransport(record)) as deaf:
        deaf.may("email=canary-17@example.org", *ASKED[1:])
        for act in (deaf.give_consent, deaf.withdraw_consent, deaf.object_to):
            with pytest.raises(NetworkUnreachable) as told:
                act("email=canary-17@example.org", "marketing")
            assert "canary" not in told.value.diagnostics()
        assert "canary" not in repr(deaf)
        assert served.token not in repr(deaf)
    client.may("email=canary-17@example.org", *ASKED[1:])
    assert all("canary" not in str(request.url) for request in seen)
    assert "canary" not in caplog.text
    assert "canary" not in repr(wire.question("email=canary-17@example.org", "marketing", "contact.email", None))


@pytest.mark.parametrize(
    "address",
    [
        "http://troth.example.com",
        "ftp://127.0.0.1",
        "troth.example.com",
        "https://u:p@troth.example.com",
        "https://h/?a=b",
    ],
)
def test_an_address_that_would_show_the_token_is_refused(address: str) -> None:
    with pytest.raises(TrothError) as told:
        Client(address, "t")
    assert "u:p" not in str(told.value)


def test_authzen_gives_the_name_of_a_question_back(served: Served) -> None:
    body = {"subject": {"type": "id", "id": "17"}, "action": {"name": "marketing"}, "resource": {"id": "contact.email"}}
    with served.app() as app:
        answer = app.post("/access/v1/evaluation", json=body, headers={"X-Request-ID": "q-1"})
        assert (answer.json()["decision"], answer.headers["X-Request-ID"]) == (True, "q-1")
        assert "X-Request-ID" not in app.post("/access/v1/evaluation", json=body).headers
        many = app.post(
            "/access/v1/evaluations",
            json={**body, "evaluations": [{}, {"action": {"name": "things"}}, {}],
                  "options": {"evaluations_semantic": "deny_on_first_deny"}},
        )  # fmt: skip
        assert [one["decision"] for one in many.json()["evaluations"]] == [True, False]
        assert json.loads(app.get("/.well-known/authzen-configuration").content)["access_evaluations_endpoint"]
