"""What every page is made with: words marked as code, days and times as people write them, the way out of nowhere."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tests.example.proving import RunningCompany
from troth.entrypoints import http
from troth.foundation.clock import SystemClock
from troth.foundation.web import forms
from troth.foundation.web.pages import CHANGING_AT_ONCE, Ask, Frame, Site


@pytest.fixture(scope="module")
def render() -> Any:
    site = Site(secret=b"s" * 16, clock=SystemClock())
    return lambda template, **facts: site.templates.from_string(template).render(**facts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `troth check`", "run <code>troth check</code>"),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("nothing", "nothing"),
        ("", ""),
        ("a lone ` stays", "a lone ` stays"),
        ("`a` and ` alone", "<code>a</code> and ` alone"),
        ("<b> `<i>`", "&lt;b&gt; <code>&lt;i&gt;</code>"),
    ],
)
def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup(render: Any, text: str, shown: str) -> None:
    assert render("{{ text|code }}", text=text) == shown


@pytest.mark.parametrize(
    ("language", "day", "instant", "brief"),
    [
        ("en", "November 22, 2026", "November 22, 2026, 06:05 UTC", "Nov 22"),
        ("de", "22. November 2026", "22. November 2026, 06:05 UTC", "22. Nov."),
        ("zh", "2026年11月22日", "2026年11月22日, 06:05 UTC", "11月22日"),
    ],
)
def test_days_are_written_the_same_way_alone_and_with_a_time(
    render: Any, language: str, day: str, instant: str, brief: str
) -> None:
    at = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)

    shown = render("{{ at|day(l) }}|{{ at|instant(l) }}|{{ at|brief(l) }}", at=at, l=language)

    assert shown.split("|") == [day, instant, brief]


def test_nothing_stands_at_an_address_with_a_nul_and_nothing_is_looked_up_for_it() -> None:
    looked = []
    site = Site(secret=b"s" * 16, clock=SystemClock())
    endpoint = site.endpoint(lambda ask: looked.append(ask) or ask.go("/"), Frame("Example", "Privacy", ()))
    inside = httpx.ASGITransport(Starlette(routes=[Route("/of/{name}", endpoint)]))

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(transport=inside, base_url="http://shop.example.com") as browser:
            return [(await browser.get(path)).status_code for path in ("/of/a%00b", "/of/ab")]

    assert asyncio.run(statuses()) == [404, 303]
    assert len(looked) == 1


def test_whoever_only_reads_does_not_wait_for_those_who_change_something() -> None:
    site, over, waiting = Site(secret=b"s" * 16, clock=SystemClock()), threading.Event(), threading.Semaphore(0)
    cookie = site.guard.fresh_cookie()
    frame = Frame("Example", "Privacy", ())

    def change(ask: Ask) -> Response:
        waiting.release()
        over.wait(30)
        return ask.go("/")

    routes = [
        Route("/change", site.endpoint(change, frame), methods=["POST"]),
        Route("/read", site.endpoint(lambda ask: ask.go("/"), frame)),
    ]
    inside = httpx.ASGITransport(Starlette(routes=routes))
    form = {forms.FIELD: site.guard.token(cookie)}

    async def ask() -> tuple[int, set[int]]:
        jar = {forms.COOKIE: cookie}
        async with httpx.AsyncClient(transport=inside, base_url="http://shop.example.com", cookies=jar) as browser:
            changing = [asyncio.create_task(browser.post("/change", data=form)) for _ in range(60)]
            for _ in range(CHANGING_AT_ONCE):
                await asyncio.to_thread(waiting.acquire)
            try:
                read = await asyncio.wait_for(browser.get("/read"), 20)
            finally:
                over.set()
            return read.status_code, {answer.status_code for answer in await asyncio.gather(*changing)}

    assert asyncio.run(ask()) == (303, {303})


@pytest.mark.parametrize(
    ("method", "path", "status", "words", "home"),
    [
        ("GET", "/nothing", 404, "There is no such page", "/privacy"),
        ("POST", "/privacy/nothing", 404, "There is no such page", "/privacy"),
        ("GET", "/console/nothing", 404, "There is no such page", "/console"),
        ("POST", "/privacy", 405, "This cannot be done here", "/privacy"),
    ],
)
def test_an_address_that_leads_nowhere_answers_with_a_page(
    company: RunningCompany, method: str, path: str, status: int, words: str, home: str
) -> None:
    async def ask(application: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example.com") as client:
            return await client.request(method, path)

    with http.built(company.instance) as application:
        answer = asyncio.run(ask(application))

    assert answer.status_code == status
    assert ("GET" in answer.headers.get("allow", "")) == (status == 405)
    assert f"<h1>{words}</h1>" in answer.text
    assert f'<a class="name" href="{home}">' in answer.text
