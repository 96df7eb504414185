"""An error that nobody foresaw leaves its kind and place in the log, and no value, whenever it happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from tests.servers import _free_port
from troth.entrypoints.serving import Door, listening
from troth.foundation.web.failing import Quietly

NEEDLE = "ada-needle@customer.example"


def fail(*_: object) -> Any:
    raise ValueError(f"not a number: {NEEDLE}")


async def before(_: Request) -> Response:
    return fail()


async def after(_: Request) -> Response:
    return PlainTextResponse("done", background=BackgroundTask(fail))


async def amid(_: Request) -> Response:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        fail()

    return StreamingResponse(pieces(), headers={"content-length": "8"})


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    routes = [Route(f"/{act.__name__}", act) for act in (before, after, amid)]
    port = _free_port()
    with listening(Quietly(Starlette(routes=routes)), Door(port)), httpx.Client(timeout=60) as client:
        client.base_url = f"http://127.0.0.1:{port}"
        yield client


def test_no_value_reaches_the_log_whenever_an_answer_fails(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    failed = client.get("/before")
    assert failed.status_code == 500
    assert "nothing was done" not in failed.text  # nobody knows
    assert client.get("/after").text == "done"
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/amid")
    assert client.get("/after").text == "done"
    told = [record.getMessage() for record in caplog.records if "behind an answer" in record.getMessage()]
    assert len(told) >= 3
    assert all("ValueError at " in each and Path(__file__).name in each for each in told)
    assert NEEDLE not in caplog.text
    assert NEEDLE not in "".join(capfd.readouterr())


def test_an_error_of_somebody_elses_application_is_theirs_to_tell() -> None:
    home = Starlette(routes=[Route("/", before)])
    outer = Starlette(routes=[Mount("/", home)])
    inside = httpx.ASGITransport(Quietly(outer, lambda scope: scope.get("app") is outer))

    async def ask() -> None:
        async with httpx.AsyncClient(transport=inside, base_url="http://shop.example.com") as browser:
            await browser.get("/")

    with pytest.raises(ValueError, match="not a number"):
        asyncio.run(ask())
