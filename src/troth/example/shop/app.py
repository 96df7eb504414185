"""The shop as an ASGI application: which address leads to which page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from troth.example.shop import database, shell, wares
from troth.example.shop.pages import account, entrance, files, front, people, shelf, till
from troth.example.shop.post import Post
from troth.example.shop.promises import Promises


class Way(NamedTuple):
    """One address. `logged_as` is what the access log writes where the path would name a person or a secret."""

    method: str
    path: str
    handler: shell.Handler
    logged_as: str | None = None
    keyless: bool = False


WAYS: Final = (
    Way("GET", "/", front.front),
    Way("GET", "/journal", front.journal),
    Way("GET", "/search", front.search),
    Way("GET", "/goods", shelf.shelf),
    Way("GET", "/goods/kind/{kind}", shelf.shelf),
    Way("GET", "/goods/{slug}", shelf.ware),
    Way("POST", "/goods/{slug}/basket", shelf.put_into_basket),
    Way("POST", "/goods/{slug}/review", shelf.write_review),
    Way("GET", "/sign-up", entrance.join),
    Way("POST", "/sign-up", entrance.join),
    Way("GET", "/log-in", entrance.login),
    Way("POST", "/log-in", entrance.login),
    Way("POST", "/log-out", entrance.logout),
    Way("GET", "/account", account.account),
    Way("POST", "/account/profile", account.change_profile),
    Way("POST", "/account/password", account.change_password),
    Way("POST", "/account/close", account.close),
    Way("POST", "/account/choice", account.choose),
    Way("POST", "/account/centre", account.open_centre),
    Way("GET", "/newsletter/stop/{key}", account.stop_newsletter, "/newsletter/stop/{key}"),
    Way("POST", "/newsletter/stop/{key}", account.stop_newsletter, "/newsletter/stop/{key}", keyless=True),
    Way("GET", "/basket", till.basket),
    Way("POST", "/basket", till.change_basket),
    Way("GET", "/checkout", till.checkout),
    Way("POST", "/checkout", till.checkout),
    Way("GET", "/pay/{reference}", till.pay, "/pay/{reference}"),
    Way("POST", "/pay/{reference}", till.pay, "/pay/{reference}"),
    Way("GET", "/checkout/{reference}", till.collect, "/checkout/{reference}"),
    Way("GET", "/orders", till.orders),
    Way("GET", "/orders/{number}", till.order, "/orders/{number}"),
    Way("GET", "/members/{number}", people.member, "/members/{number}"),
    Way("GET", "/letters", people.letters),
    Way("GET", "/letters/{number}", people.thread, "/letters/{number}"),
    Way("POST", "/letters/{number}", people.thread, "/letters/{number}"),
    Way("GET", "/help", people.tickets),
    Way("POST", "/help", people.tickets),
    Way("GET", "/help/{number}", people.ticket, "/help/{number}"),
    Way("POST", "/help/{number}", people.ticket, "/help/{number}"),
)


def create_shop(
    engine_url: str, troth: Promises, *, now: Callable[[], datetime], post: Post | None = None
) -> Starlette:
    """The shop on the database at `engine_url`, asking `troth` before it uses anybody's data.

    `now` gives aware times. `post` carries letters; without one they are logged and not sent. The application answers
    at `/` and leaves `/privacy` and `/console` to whoever mounts it; `app.state.shop` is the shop itself, for jobs.
    The database is closed with the application.
    """
    engine = database.open_database(engine_url)
    with engine.begin() as tx:
        wares.stock(tx)
    shop = shell.Shop(engine, troth, now, post or Post(), shell.pages())
    routes = [
        Route(way.path, shell.answering(shop, way.handler, way.logged_as, keyless=way.keyless), methods=[way.method])
        for way in WAYS
    ]
    routes += [
        Route("/shop/{name}.css", files.style),
        Route("/shop/goods/{name}.svg", files.ware_picture),
        Route("/shop/people/{name}.svg", files.avatar),
        Route("/favicon.ico", files.mark),
        Route("/robots.txt", files.robots),
    ]

    async def nowhere(request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        return await run_in_threadpool(shell.stopped, shop, request, status)

    app = Starlette(routes=routes, exception_handlers={HTTPException: nowhere})
    app.state.shop = shop
    return app
