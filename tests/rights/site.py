"""The company's whole site over the desk of these tests: a browser without scripts, and staff signed in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.rights.desks import ADA, Office
from troth.entrypoints import http
from troth.foundation import people, staff
from troth.foundation.roles import Role
from troth.policy import settings
from troth.use import entrance

ADDRESS = "https://shop.example.com"


@contextmanager
def site_of(office: Office) -> Iterator[Any]:
    """The ASGI application of the company, all doors in it."""
    environ = dict(office.desk.instance.environ)
    instance = settings.read(office.company.folder, environ)
    office.company.troth.instance = instance
    with http.built(instance, troth=office.company.troth) as application:
        yield application


class _Straight(httpx.BaseTransport):
    """Asks the application in this process, and answers when the work after the answer is done too."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()

        async def ask() -> httpx.Response:
            inside = httpx.ASGITransport(self._application, raise_app_exceptions=False)
            asked = httpx.Request(request.method, request.url, headers=request.headers, content=body)
            answer = await inside.handle_async_request(asked)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        answer = asyncio.run(ask())
        assert self._application.app.state.afterwards.settle()
        return answer


def browser(application: Any) -> httpx.Client:
    """A browser of somebody new; it keeps cookies and follows where it is led."""
    return httpx.Client(base_url=ADDRESS, follow_redirects=True, transport=_Straight(application))


def submit(page: httpx.Client, path: str, to: str | None = None, **fields: str) -> Any:
    """Open the page at `path` and send its form, with what is hidden in it, to `to` (the same path by default)."""
    shown = page.get(path)
    hidden = dict(re.findall(r'<input type="hidden" name="(form_token|key)" value="([^"]*)">', shown.text))
    assert "form_token" in hidden, shown.text
    return page.post(to or path, data={**hidden, **fields})


def sign_in_person(office: Office, page: httpx.Client, who: Any = ADA) -> int:
    """Let the browser be signed in as a person; gives their number."""
    with office.desk.office.store.writing() as tx:
        person = people.load(tx, office.desk.office.keyring, who)
        session = entrance.begin(tx, office.desk.office, person, office.now, shown=who.value, known_by=[who])
    page.cookies.set(entrance.COOKIE, session, domain="shop.example.com")
    return person


def sign_in_staff(office: Office, page: httpx.Client, role: Role) -> None:
    """Let the browser be signed in as staff of that role."""
    name = f"{role}-{len(page.cookies)}"
    store = office.desk.office.store
    staff.add(store, name, role, now=office.now)
    token = staff.use_login_link(store, staff.issue_login_link(store, name, now=office.now), now=office.now)
    assert token is not None
    page.cookies.set("console_session", token, domain="shop.example.com")
