"""Routes, functions and queries that ask before they use anybody's data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, func, select

from tests.use.company import Company
from tests.use.served import Served
from troth.errors import Refused, StoreError, TrothError
from troth.integrations import (
    AsyncClient,
    Bound,
    Client,
    PurposeMiddleware,
    Rule,
    WsgiPurposeMiddleware,
    decides,
    permitted_only,
    purpose,
    queries,
)

MAIL = ("marketing", "contact.email")
RULES = [
    Rule("/offers/*", *MAIL),
    Rule("/open/*", *MAIL, required=False),
    Rule("/posted", *MAIL, methods=frozenset({"POST"})),
    Rule("/read", *MAIL, methods=frozenset({"GET"})),
]
CASES = [
    ("GET", "/offers/1", "17", 200),
    ("GET", "/offers/1", "18", 403),
    ("GET", "/offers//1/", "18", 403),
    ("GET", "/offers/", "18", 403),
    ("GET", "/offers", "18", 403),
    ("GET", "/offersmade", "18", 200),
    ("GET", "/offers/1", None, 403),
    ("GET", "/elsewhere", None, 200),
    ("GET", "/open/may", "18", 200),
    ("GET", "/open/require", "18", 403),
    ("GET", "/open/require", "17", 200),
    ("GET", "/elsewhere/require", "17", 403),
    ("POST", "/posted", "18", 403),
    ("GET", "/posted", "18", 200),
    ("HEAD", "/read", "18", 403),
]


def _headers(who: str | None) -> dict[str, str]:
    return {} if who is None else {"X-Who": who}


async def site(scope: Any, receive: Any, send: Any) -> None:
    """Says whether marketing is permitted; `require` in the path demands it."""
    bound: Bound = scope["troth"]
    asked = bound.require() if scope["path"].endswith("require") else bound.may()
    decision = await asked if hasattr(asked, "__await__") else asked
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"yes" if decision else b"no"})


def plain_site(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    bound: Bound = environ["troth"]
    decision = bound.require() if environ["PATH_INFO"].endswith("require") else bound.may()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"yes" if decision else b"no"]


def signed_in(scope: Any) -> str | None:
    who = dict(scope["headers"]).get(b"x-who")
    return f"id={who.decode()}" if who else None


def signed_in_plainly(environ: Any) -> str | None:
    return f"id={environ['HTTP_X_WHO']}" if "HTTP_X_WHO" in environ else None


def _judge(answer: httpx.Response, status: int, method: str, who: str | None) -> None:
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["content-type"] == "application/problem+json"
        if method != "HEAD":
            told = answer.json()
            assert (told["status"], told["title"]) == (403, "Forbidden")
            assert "17" not in answer.text
            assert "18" not in answer.text
            if who is None:
                assert told["reason"] == "person-unknown"


@pytest.mark.parametrize("asked", ["the company's own", "a client", "a client that is awaited"])
def test_an_asgi_site_answers_only_where_the_purpose_is_permitted(asked: str, served: Served, company: Company) -> None:
    async def visit() -> None:
        by: Any = {
            "the company's own": lambda: company.troth,
            "a client": lambda: Client(served.base, served.token),
            "a client that is awaited": lambda: AsyncClient(served.base, served.token),
        }[asked]()
        guarded = PurposeMiddleware(site, by, RULES, person=signed_in)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://shop.example.org") as app:
            for method, path, who, status in CASES:
                _judge(await app.request(method, path, headers=_headers(who)), status, method, who)
        if asked == "a client":
            by.close()
        elif asked != "the company's own":
            await by.close()

    asyncio.run(visit())


def test_a_websocket_of_who_may_not_is_closed_before_it_opens(company: Company) -> None:
    sent: list[dict[str, Any]] = []

    async def visit(who: bytes) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        async def accepts(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})

        guarded = PurposeMiddleware(accepts, company.troth, RULES, person=signed_in)
        await guarded({"type": "websocket", "path": "/offers/1", "headers": [(b"x-who", who)]}, receive, send)

    asyncio.run(visit(b"18"))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    asyncio.run(visit(b"17"))
    assert sent[1:] == [{"type": "websocket.accept"}]


def test_a_wsgi_site_answers_only_where_the_purpose_is_permitted(served: Served, company: Company) -> None:
    with Client(served.base, served.token) as client:
        for by in (company.troth, client):
            guarded = WsgiPurposeMiddleware(plain_site, by, RULES, person=signed_in_plainly)
            with httpx.Client(transport=httpx.WSGITransport(guarded), base_url="http://shop.example.org") as app:
                for method, path, who, status in CASES:
                    _judge(app.request(method, path, headers=_headers(who)), status, method, who)
    with pytest.raises(TrothError):
        WsgiPurposeMiddleware(plain_site, AsyncClient(served.base, served.token), RULES, person=signed_in_plainly)


@pytest.fixture
def guarding(company: Company) -> Iterator[None]:
    decides(company.troth)
    yield
    decides(None)


def test_a_guarded_function_runs_only_for_people_who_may_be_used(
    guarding: None, company: Company, served: Served
) -> None:
    ran: list[Any] = []

    @purpose(*MAIL, person="customer")
    def send(letter: str, customer: int = 18) -> str:
        """Sends."""
        ran.append(customer)
        return letter

    assert (send("hello", 17), send(letter="hi", customer=17)) == ("hello", "hi")  # type: ignore[call-arg]
    assert (send.__name__, send.__doc__) == ("send", "Sends.")
    for refused in [lambda: send("hello", 18), lambda: send("hello"), lambda: send("x", None)]:  # type: ignore[arg-type]
        with pytest.raises(Refused, match="not permitted"):
            refused()
    assert ran == [17, 17]

    @purpose(
        "marketing",
        data=["contact.email", "profile.name"],
        person=lambda row: f"id={row['id']}",
        by=lambda: company.troth,
    )
    def many(row: dict[str, Any]) -> Iterator[int]:
        yield row["id"]

    assert list(many({"id": 17})) == [17]
    with pytest.raises(Refused):
        many({"id": 18})

    @purpose(*MAIL, person="who", kind="email")
    async def later(who: str) -> str:
        return who

    @purpose(*MAIL, person="who")
    async def stream(who: int) -> Any:
        yield who

    async def run() -> None:
        assert await later("canary-17@example.org") == "canary-17@example.org"
        assert [n async for n in stream(17)] == [17]
        with pytest.raises(Refused):
            await later("nobody@example.org")
        with pytest.raises(Refused):
            _ = [n async for n in stream(18)]
        async with AsyncClient(served.base, served.token) as client:
            decides(client)
            assert await later("canary-17@example.org")
            with pytest.raises(TrothError, match="cannot await"):
                send("hello", 17)

    asyncio.run(run())


def test_a_value_from_outside_cannot_choose_another_way_to_name_a_person(guarding: None) -> None:
    @purpose(*MAIL, person="customer")
    def send(customer: str) -> None:
        raise AssertionError

    with pytest.raises(Refused):
        send("email=canary-17@example.org")


def test_a_guard_that_cannot_work_says_so_when_it_is_put_on() -> None:
    with pytest.raises(TrothError, match="no argument customr"):
        purpose(*MAIL, person="customr")(len)

    @purpose(*MAIL, person="customer")
    def send(customer: int) -> None:
        raise AssertionError

    with pytest.raises(TrothError, match="nobody was named"):
        send(17)


metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("email", String(80)))
orders = Table(
    "orders", metadata, Column("id", Integer, primary_key=True), Column("user_id", Integer), Column("total", Integer)
)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop(request: pytest.FixtureRequest, company: Company) -> Iterator[Any]:
    """A shop of 40 customers, every other of whom consented."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue(f"{request.param}_scratch")
    company.troth.register_many({"id": str(n)} for n in range(1, 41))
    company.troth.give_consents((f"id={n}", "marketing", None) for n in range(2, 41, 2))
    company.troth.withdraw_consent("id=17", "marketing")
    engine = create_engine(url)
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(users.insert(), [{"id": n, "email": f"u{n}@example.org"} for n in range(1, 46)])
        connection.execute(orders.insert(), [{"id": n, "user_id": n % 45 or None, "total": n} for n in range(1, 100)])
        yield connection
        connection.rollback()
        metadata.drop_all(connection)
        connection.commit()
    engine.dispose()


@pytest.mark.parametrize("few", [500, 0], ids=["in the statement", "as a list"])
def test_a_query_gives_only_people_who_may_be_used(
    shop: Any, few: int, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_FEW", few)
    wanted = list(range(2, 41, 2))

    def only(query: Any, column: Any) -> list[Any]:
        return list(shop.execute(permitted_only(shop, query, column, *MAIL, by=company.troth)).all())

    assert [row.id for row in only(select(users).order_by(users.c.id), users.c.id)] == wanted
    assert [row.id for row in only(select(users).order_by(users.c.id.desc()).limit(3), users.c.id)] == [40, 38, 36]
    joined = select(func.count()).select_from(orders.join(users, orders.c.user_id == users.c.id))
    assert only(joined, users.c.id)[0][0] == sum(1 for n in range(1, 100) if n % 45 in wanted)
    grouped = select(orders.c.user_id, func.sum(orders.c.total)).group_by(orders.c.user_id).order_by(orders.c.user_id)
    assert [row.user_id for row in only(grouped, orders.c.user_id)] == wanted
    assert only(select(users).where(users.c.id == 1), users.c.id) == []
    with pytest.raises(TrothError, match="HAVING"):
        only(grouped.having(func.sum(orders.c.total) > 1), orders.c.user_id)


def test_names_that_are_text_and_a_question_that_cannot_be_asked(company: Company) -> None:
    with create_engine("sqlite://").connect() as shop:
        metadata.create_all(shop)
        shop.execute(users.insert(), [{"id": 1, "email": "canary-17@example.org"}, {"id": 2, "email": "x@example.org"}])
        query = permitted_only(shop, select(users.c.id), users.c.email, *MAIL, by=company.troth, kind="email")
        assert shop.execute(query).scalars().all() == [1]
        with company.office.store.writing() as tx:
            tx.exec_driver_sql("ALTER TABLE objections RENAME TO hidden")
        with pytest.raises(StoreError):
            permitted_only(shop, select(users.c.id), users.c.email, *MAIL, by=company.troth, kind="email")


def test_json_of_a_refusal_names_reason_and_sentence(company: Company) -> None:
    from troth.integrations import routes

    told = json.loads(routes.problem(company.troth.may("id=18", *MAIL)))
    assert (told["reason"], told["number"]) == ("consent-not-given", "1.1b")
