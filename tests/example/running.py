"""The shop over real HTTP, and visitors who use it the way a browser does: they fill in the forms they were shown."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import Engine, func, select

from troth.example.shop import tables
from troth.example.shop.app import create_shop
from troth.example.shop.post import Post
from troth.example.shop.promises import Promises
from troth.example.shop.seed import PASSPHRASES, Seeded, seed

BROWSER = "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"


@dataclass(slots=True)
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a browser would make of a page: its forms with what is filled in, its links, what it loads, its words."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._area: str | None = None
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get")))
        elif tag == "input" and self.forms:
            unticked = found.get("type") in {"checkbox", "radio"} and "checked" not in found
            if "name" in found and not unticked:
                self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif tag == "textarea" and self.forms:
            self._area = found["name"]
            self.forms[-1].fields[self._area] = ""
        elif tag == "a":
            self.links.append(found.get("href", ""))
        elif tag in {"img", "script", "iframe"}:
            self.loads.append(found.get("src", ""))
        elif tag == "link":
            self.loads.append(found.get("href", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")
        self.words.append(data)

    def form(self, action: str, **fields: str) -> Form:
        """The form that is sent to `action`, and has these values already."""
        for form in self.forms:
            if form.action == action and all(form.fields.get(name) == value for name, value in fields.items()):
                return form
        raise AssertionError(f"no form for {action} among {[form.action for form in self.forms]}")


class Visitor:
    """One browser with its own cookies. `page` is the page it looks at."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, follow_redirects=True, headers={"User-Agent": BROWSER}, timeout=60)
        self.page = Page("")
        self.answer: httpx.Response | None = None

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._seen(self.client.get(path, headers={name.replace("_", "-"): headers[name] for name in headers}))

    def send(self, action: str, *, which: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Fill in and send the form for `action` on the page looked at; `which` tells forms with one address apart."""
        form = self.page.form(action, **(which or {}))
        origin = str(self.client.base_url).rstrip("/")
        filled = form.fields | fields
        return self._seen(
            self.client.post(action, data=filled, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        )

    def log_in(self, username: str, password: str) -> httpx.Response:
        self.get("/log-in")
        return self.send("/log-in", login=username, password=password)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.answer = answer
        self.page = Page(answer.text)
        return answer


@dataclass(slots=True)
class Running:
    """A shop that runs: where, on which database, asking whom; `letters` has what it mailed."""

    url: str
    engine: Engine
    promises: Any
    seeded: Seeded
    app: Any
    letters: list[EmailMessage]
    visitors: list[Visitor] = field(default_factory=list)
    now: datetime | None = None

    def visitor(self) -> Visitor:
        visitor = Visitor(self.url)
        self.visitors.append(visitor)
        return visitor

    def customer(self, number: int) -> Visitor:
        """A browser in which the seeded customer of that number is logged in."""
        with self.engine.begin() as tx:
            username = tx.scalar(select(tables.users.c.username).where(tables.users.c.id == number))
        visitor = self.visitor()
        answer = visitor.log_in(str(username), PASSPHRASES[number % len(PASSPHRASES)])
        assert answer.url.path == "/account"
        return visitor

    def count(self, table: str, **where: object) -> int:
        found = tables.metadata.tables[table]
        statement = select(func.count()).select_from(found)
        for column, value in where.items():
            statement = statement.where(found.c[column] == value)
        with self.engine.begin() as tx:
            return int(tx.scalar(statement) or 0)

    def rows(self, table: str, **where: object) -> list[Any]:
        found = tables.metadata.tables[table]
        statement = select(found).order_by(*found.primary_key.columns)
        for column, value in where.items():
            statement = statement.where(found.c[column] == value)
        with self.engine.begin() as tx:
            return list(tx.execute(statement).all())

    def someone(self, *, not_in: tuple[int, ...] = ()) -> int:
        """The number of a customer whose account is open and who has ordered."""
        ordered = {row.user_id for row in self.rows("orders")}
        return next(
            row.id for row in self.rows("users") if row.closed_at is None and row.id in ordered and row.id not in not_in
        )


@contextmanager
def running(folder: Path, promises: Promises, *, people: int = 24, url: str | None = None) -> Iterator[Running]:
    """The shop with `people` made-up customers on a free port, until the block ends."""
    letters: list[EmailMessage] = []
    shop = Running("", None, promises, None, None, letters)  # type: ignore[arg-type]
    app = create_shop(
        url or f"sqlite:///{folder / 'shop.sqlite3'}",
        promises,
        now=lambda: shop.now or datetime.now(UTC),
        post=Post(letters.append),
    )
    shop.app, shop.engine = app, app.state.shop.engine
    shop.seeded = seed(shop.engine, now=datetime.now(UTC), people=people)
    shop.seeded.introduce(promises)
    try:
        with serving(app) as port:
            shop.url = f"http://127.0.0.1:{port}"
            try:
                yield shop
            finally:
                for visitor in shop.visitors:
                    visitor.client.close()
    finally:
        shop.engine.dispose()


@contextmanager
def serving(app: Any, *, certificate: Path | None = None) -> Iterator[int]:
    """`app` over HTTP, or over TLS with the key and chain in `certificate`, on a free port; gives the port."""
    # The protocol is named, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        tls = {"ssl_certfile": certificate, "ssl_keyfile": certificate} if certificate else {}
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", **tls))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield int(door.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)
