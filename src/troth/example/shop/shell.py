"""The frame of every page: what a handler is given, what it gives back, and what surrounds both.

A handler is a plain function from `Ask` to a Starlette `Response`, run in a thread. Around it, for every page: the form
is read (bounded), the session found, a POST without the right form key refused, the access log written, and headers set
that let the browser load nothing but this shop's own style sheet and pictures. No error page shows more than it must.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from troth.example.shop import footprints, sessions, wording
from troth.example.shop.checkout import Checkouts
from troth.example.shop.passwords import Throttle
from troth.example.shop.payment import ExamplePay
from troth.example.shop.post import Post
from troth.example.shop.promises import Decision, Promises, person
from troth.example.shop.wares import KINDS

log = logging.getLogger(__name__)

LARGEST_FORM: Final = 64 * 1024
_CONTENT: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _CONTENT,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """What the shop has for as long as it runs."""

    engine: Engine
    promises: Promises
    clock: Callable[[], datetime]
    post: Post
    pages: Environment
    payments: ExamplePay = field(default_factory=ExamplePay)
    checkouts: Checkouts = field(default_factory=Checkouts)
    throttle: Throttle = field(default_factory=Throttle)
    joins: Throttle = field(default_factory=lambda: Throttle(by_name=1000, by_address=20))


class Blanks(dict[str, str]):
    """What was typed or found wrong, by field; a field that is not there is empty."""

    def __missing__(self, _field: str) -> str:
        return ""


class Elsewhere(Exception):
    """Not a failure: go to `path` first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Stop(Exception):
    """Answer with that status and those words instead; `words` and `repair` are shown to whoever asked."""

    def __init__(self, status: int, words: str, repair: str = "", *, clause: str | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.repair, self.clause = status, words, repair, clause


@dataclass(slots=True)
class Ask:
    """One request: who asks, when, and what the form says. `cookies` collects what the answer will set."""

    shop: Shop
    request: Request
    form: Mapping[str, str]
    now: datetime
    session: sessions.Session | None
    cookies: dict[str, str | None] = field(default_factory=dict)

    @property
    def customer(self) -> sessions.Customer | None:
        return self.session.customer if self.session else None

    @property
    def secure(self) -> bool:
        return self.request.url.scheme == "https"

    @property
    def address(self) -> str:
        """The network address the request came from."""
        return self.request.client.host if self.request.client else ""

    @property
    def asks_not_to_share(self) -> bool:
        """Whether the browser sends Global Privacy Control: the exact value `1` and no other."""
        return set(self.request.headers.getlist("sec-gpc")) == {"1"}

    def must_be_customer(self) -> sessions.Customer:
        """The customer who asks; whoever is not logged in is sent to do that first."""
        if self.customer is None:
            raise Elsewhere(f"/log-in?then={self.request.url.path if self.request.method == 'GET' else '/account'}")
        return self.customer

    def must_be_permitted(self, purpose: str, data: str, recipient: str | None = None) -> None:
        """Go on only when troth permits this use of the asking customer's data."""
        decision = self.shop.promises.may(person(self.must_be_customer().number), purpose, data, recipient)
        if not decision:
            raise refusal(decision)

    def number(self, name: str, *, of: Mapping[str, str] | None = None) -> int:
        """A whole number from the address (or from `of`); anything else is a page that does not exist."""
        text = (self.request.path_params if of is None else of).get(name, "")
        if not (str(text).isascii() and str(text).isdigit() and len(str(text)) < 10):
            raise Stop(404, "This page does not exist.")
        return int(text)

    def query(self, name: str, *, most: int = 80) -> str:
        """A value of the address, without control characters, cut to `most` characters."""
        return "".join(
            letter for letter in self.request.query_params.get(name, "")[:most] if letter.isprintable()
        ).strip()

    def form_key(self) -> str:
        """The hidden value for a form on this page; a visitor without any cookie gets `shop_form` with it."""
        if self.session is not None:
            return sessions.form_key(self.session.token)
        secret = self.cookies.get(sessions.FORM_COOKIE) or self.request.cookies.get(sessions.FORM_COOKIE)
        if not secret:
            secret = token_urlsafe(32)
            self.cookies[sessions.FORM_COOKIE] = secret
        return sessions.form_key(secret)

    def page(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """Render a template with `facts` and what every page shows; `typed` and `faults` may lack any field."""
        facts.update(
            {name: Blanks(facts[name]) for name in ("typed", "faults") if isinstance(facts.get(name), Mapping)}
        )
        html = self.shop.pages.get_template(template).render(
            ask=self,
            customer=self.customer,
            basket_count=self.session.basket_count if self.session else 0,
            kinds=KINDS,
            here=self.request.url.path,
            done=self.query("done", most=20),
            **facts,
        )
        return HTMLResponse(html, status)

    def go(self, path: str) -> Response:
        """Send the browser on to a page of this shop, to be fetched with GET."""
        return RedirectResponse(path, 303)


Handler = Callable[[Ask], Response]


def refusal(decision: Decision) -> Stop:
    """The page for a decision that was no: what troth said, and where the person can change it."""
    why = wording.REASONS.get(str(decision.reason), "Our privacy policy does not provide for it.")
    return Stop(403, "We may not do this with your data.", why, clause=decision.clause)


def pages() -> Environment:
    """The templates; everything put into them is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("troth.example.shop", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=wording.money, day=wording.day, moment=wording.moment, machine=wording.machine)
    environment.globals.update(css=wording.style_address(), said=wording.SAID, statuses=wording.STATUSES)
    return environment


def answering(
    shop: Shop, handler: Handler, logged_as: str | None = None, *, keyless: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for `handler`. `logged_as` is what the access log calls the page: None for the path as it stands.

    `keyless` is for a POST that mail programs send (RFC 8058): its form is not read and needs no key, since the address
    has one.
    """

    async def endpoint(request: Request) -> Response:
        form: dict[str, str] | Stop = {}
        if request.method == "POST" and not keyless:
            try:
                form = await _read_form(request)
            except Stop as stop:
                form = stop
            except ClientDisconnect:
                return Response(status_code=400)
        return await run_in_threadpool(_answer, shop, request, form, handler, logged_as, keyless=keyless)

    return endpoint


def stopped(shop: Shop, request: Request, status: int) -> Response:
    """The page for an address that does not exist, or not for this method."""
    words = "This page does not exist." if status == 404 else "This cannot be asked here."

    def handler(_ask: Ask) -> Response:
        raise Stop(status, words, "Everything the shop has begins on the front page.")

    return _answer(shop, request, {}, handler, "", keyless=True)


def _answer(
    shop: Shop,
    request: Request,
    form: Mapping[str, str] | Stop,
    handler: Handler,
    logged_as: str | None,
    *,
    keyless: bool,
) -> Response:
    ask = Ask(shop, request, form if isinstance(form, Mapping) else {}, shop.clock(), None)
    try:
        with shop.engine.begin() as tx:
            ask.session = sessions.find(tx, request.cookies.get(sessions.SESSION_COOKIE), ask.now)
        _hear_signal(ask)
        if request.method == "POST" and not keyless:
            _must_be_our_form(ask, form)
        response = handler(ask)
        if response.status_code == 200:
            page = logged_as or request.url.path
            footprints.log_access(shop.engine, shop.promises, ask.now, ask.customer, address=ask.address, page=page)
    except Elsewhere as elsewhere:
        response = RedirectResponse(elsewhere.path, 303)
    except Stop as stop:
        response = ask.page("stopped.html", status=stop.status, stop=stop)
    except Exception as error:  # noqa: BLE001 - the last door: what failed is told without the data it failed on
        route = request.scope.get("route")
        log.error("%s %s failed: %s", request.method, getattr(route, "path", "?"), type(error).__name__)  # noqa: TRY400
        failure = Stop(500, "Something went wrong on our side.", "Please try again in a moment.")
        response = ask.page("stopped.html", status=500, stop=failure)
    return _finished(ask, response)


def _hear_signal(ask: Ask) -> None:
    """Tell troth that the browser of whoever is logged in sends `Sec-GPC: 1`, which is a word of theirs."""
    if ask.customer is None or not ask.asks_not_to_share:
        return
    try:
        ask.shop.promises.honour_signal(person(ask.customer.number))
    except Exception as error:  # noqa: BLE001 - the page is shown all the same; the signal comes again with the next
        log.warning("a signal could not be recorded: %s", type(error).__name__)


def _finished(ask: Ask, response: Response) -> Response:
    for name, value in ask.cookies.items():
        if value is None:
            response.delete_cookie(name, path="/", secure=ask.secure, httponly=True, samesite="lax")
        else:
            life_s = int(sessions.LIFE.total_seconds()) if name == sessions.SESSION_COOKIE else None
            response.set_cookie(name, value, max_age=life_s, path="/", secure=ask.secure, httponly=True, samesite="lax")
    response.headers["cache-control"] = (
        "no-store" if ask.session or ask.cookies or ask.request.method == "POST" else "private, no-cache"
    )
    return guarded(response, secure=ask.secure)


def guarded(response: Response, *, secure: bool) -> Response:
    """`response` with the headers every answer of the shop carries."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if secure:
        response.headers.setdefault("strict-transport-security", "max-age=31536000; includeSubDomains")
    return response


def _must_be_our_form(ask: Ask, form: Mapping[str, str] | Stop) -> None:
    """Refuse a POST that another site could have caused: wrong origin, or without the key of this visitor's forms."""
    if isinstance(form, Stop):
        raise form
    headers = ask.request.headers
    origin = headers.get("origin")
    foreign = headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    if foreign or (origin is not None and urlsplit(origin).netloc != headers.get("host", "")):
        raise Stop(403, "This form came from another site.", "Open the page here and send it again.")
    ours = ask.session.token if ask.session else None
    before = ask.request.cookies.get(sessions.FORM_COOKIE) if ask.customer is None else None
    if not sessions.is_form_key(ask.form.get("form_key", ""), ours, before):
        raise Stop(
            403,
            "This form is too old, or cookies are switched off.",
            "Allow the cookies of this shop, open the page again and send the form once more.",
        )


async def _read_form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Stop(415, "A form was expected.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Stop(413, "That is too long.", "Please shorten it.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=60
        )
    except ValueError:
        raise Stop(400, "The form could not be read.") from None
    form = {name: value.replace("\r\n", "\n").strip() for name, value in pairs}
    if any(letter == "\0" or (letter < " " and letter not in "\n\t") for value in form.values() for letter in value):
        raise Stop(400, "The form has signs in it that are not text.")
    return form
