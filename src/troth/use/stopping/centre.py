"""The door for whoever gets mail: stop it without logging in, from a link in a letter or by an address.

`GET` shows a page and changes nothing, since mail scanners follow links. `POST` with `List-Unsubscribe=One-Click`, from
a mail program and without cookies, stops that mail at once (RFC 8058); the button on the page is a form like every
other. Who asks by an address is told the same whether it is known or not, and gets the same letter.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from troth.errors import PersonError, TrothError
from troth.foundation import mail, people, throttling
from troth.foundation.web.pages import Ask, Handler
from troth.policy.rendering.annexes import purpose_label
from troth.policy.settings import MailSettings
from troth.use.lease import Lease
from troth.use.opening import Opened
from troth.use.stopping import tokens, unsubscribe, wellknown
from troth.use.stopping.tokens import Stop

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]

SOURCE_LIMIT = throttling.Limit(free=30)
"""Letters to whatever address that one network may ask for within a day before it has to wait between them."""

BY_CLICK = "one-click"
BY_PAGE = "unsubscribe-page"
_LARGEST = 16 * 1024
_DONE = "Done: these letters have stopped. Nothing else is needed.\n"
_NOT_OURS = "This link is not one of ours, or it was cut off on its way; nothing was done.\n"
_NOT_SO = "Nothing was done: a mail program sends List-Unsubscribe=One-Click here; a person opens this address.\n"


def routes(troth: Opened) -> tuple[tuple[str, str, Handler], ...]:
    """(method, path, handler) of every page, where the settings put the centre."""
    pages = _pages(troth)
    return tuple((method, pages.path + path, handler) for method, path, handler in pages.routes())


def open_routes(troth: Opened) -> Sequence[BaseRoute]:
    """What programs ask for: the one click of a mail program, and the documents below `/.well-known/`."""
    pages, settings = _pages(troth), troth.instance.settings
    found: list[BaseRoute] = [Route(f"{pages.path}/mail/{{token}}", pages.one_click, methods=["POST"])]
    texts = (
        (wellknown.GPC, wellknown.gpc(settings.site), "application/json"),
        (wellknown.SECURITY, wellknown.security(settings.security, settings.site), "text/plain; charset=utf-8"),
    )
    found += [Route(path, _text(text, kind)) for path, text, kind in texts if text is not None]
    if settings.site.change_password is not None:
        found.append(Route(wellknown.CHANGE_PASSWORD, _lead(settings.site.change_password)))
    return found


def _pages(troth: Opened) -> MailPages:
    settings = troth.instance.settings
    return MailPages(troth.lease, settings.mail, settings.site.url.rstrip("/"), settings.site.centre)


@dataclass(frozen=True, slots=True)
class MailPages:
    """What the pages are made of. `address` is the site as a browser reaches it, `path` where the centre stands."""

    lease: Lease
    mailing: MailSettings
    address: str
    path: str

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """(method, path below `path`, handler) of every page."""
        return (
            ("GET", "/mail", self.ask),
            ("POST", "/mail", self.send),
            ("GET", "/mail/{token}", self.show),
            ("POST", "/mail/{token}/stop", self.stop),
        )

    def ask(self, ask: Ask) -> Response:
        """Ask for the address whose mail is to stop."""
        return self._form(ask)

    def send(self, ask: Ask) -> Response:
        """Say what will happen, the same for every address; then send the link there."""
        typed = ask.form.get("email", "")
        try:
            people.identifier("email", typed)
        except PersonError:
            return self._form(ask, status=422, typed=typed, error="Write the address as name@example.org.")
        if not self._may_send(ask):
            return ask.problem(
                429, "Many such letters were asked for from your network; nothing was done.", "Try again later."
            )
        answer = ask.page("use/stop-sent.html", title="Look into your mailbox", centre=self.path)
        ask.afterwards(partial(self._send_link, typed))
        return answer

    def show(self, ask: Ask) -> Response:
        """Where a link leads: what it is about, how that stands, and one button. It changes nothing."""
        stop = self._stop_of(ask)
        if stop is None:
            return ask.problem(404, _NOT_OURS.strip(), "You can stop every letter in the privacy centre.")
        office = self.lease.office
        with office.store.reading() as tx:
            found = unsubscribe.look(tx, office, stop)
        return ask.page(
            "use/stop.html",
            title="These letters have stopped" if found.stopped else "Stop these letters",
            stopped=found.stopped,
            purposes=[purpose_label(purpose) for purpose in found.purposes],
            token=ask.request.path_params["token"],
            centre=self.path,
        )

    def stop(self, ask: Ask) -> Response:
        """The button of the page."""
        stop = self._stop_of(ask)
        if stop is None:
            return ask.problem(404, _NOT_OURS.strip(), "You can stop every letter in the privacy centre.")
        unsubscribe.stop(self.lease.office, stop, method=BY_PAGE)
        return ask.go(f"{self.path}/mail/{ask.request.path_params['token']}")

    async def one_click(self, request: Request) -> Response:
        """What a mail program sends. Answers in plain text, without a redirect, and the same each time."""
        try:
            said = await _one_click_in(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if not said:
            return PlainTextResponse(_NOT_SO, status_code=400)
        stop = tokens.read(self.lease.office.keyring, request.path_params["token"])
        if stop is None:
            return PlainTextResponse(_NOT_OURS, status_code=404)
        try:
            await run_in_threadpool(unsubscribe.stop, self.lease.office, stop, method=BY_CLICK)
        except TrothError as problem:
            log.warning("a one-click stop was not carried out: %s", problem)
            return PlainTextResponse("Not done; please try again later.\n", status_code=503)
        return PlainTextResponse(_DONE)

    def _may_send(self, ask: Ask) -> bool:
        office = self.lease.office
        with office.store.writing() as tx:
            return throttling.take(tx, office.keyring, "stop mail", ask.source, limit=SOURCE_LIMIT, now=ask.now)

    def _stop_of(self, ask: Ask) -> Stop | None:
        return tokens.read(self.lease.office.keyring, ask.request.path_params["token"])

    def _form(self, ask: Ask, *, status: int = 200, typed: str = "", error: str = "") -> Response:
        return ask.page(
            "use/stop-ask.html", status=status, title="Stop letters", typed=typed, error=error, centre=self.path
        )

    def _send_link(self, address: str) -> None:
        office = self.lease.office
        name, now = office.policy.controller.name, office.clock.now()
        try:
            token, person = unsubscribe.link_to_stop(office, address)
            text = (
                f"Somebody, most likely you, asked {name} for a way to stop letters to this address.\n\n"
                f"{self.address}{self.path}/mail/{token}\n\n"
                "The page has one button. If it was not you, do nothing.\n"
            )
            hashed = tokens.address_hash(office.keyring, address).hex()
            letter = mail.Letter(
                address,
                f"Stop letters from {name}",
                text,
                reference="link to stop letters",
                once=f"stop {hashed} {now:%Y-%m-%d}",  # to annoy somebody with it, one has one try a day
                person=person,
            )
            with office.store.writing() as tx:
                mail.queue(tx, office.keyring, letter, now)
            mail.deliver(office.store, office.keyring, self.mailing, clock=office.clock)
        except TrothError as problem:
            log.warning("a link to stop letters was not sent: %s", problem)


async def _one_click_in(request: Request) -> bool:
    """Whether the body is the form `List-Unsubscribe=One-Click`, in either coding that RFC 8058 allows."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            return False
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _in_multipart(request, bytes(body))
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        return False
    return kind in ("", "application/x-www-form-urlencoded") and ("List-Unsubscribe", "One-Click") in pairs


async def _in_multipart(request: Request, body: bytes) -> bool:
    from starlette.datastructures import Headers
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(Headers(raw=request.headers.raw), once(), max_files=1, max_fields=20).parse()
    except (MultiPartException, KeyError, ValueError):
        return False
    return form.get("List-Unsubscribe") == "One-Click"


def _text(text: str, kind: str) -> Endpoint:
    async def answer(_: Request) -> Response:
        return Response(text, headers={"content-type": kind, "cache-control": "public, max-age=86400"})

    return answer


def _lead(path: str) -> Endpoint:
    async def lead(_: Request) -> Response:
        return RedirectResponse(path, status_code=302)

    return lead
