from __future__ import annotations

import string
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.servers import _free_port
from troth.entrypoints.serving import Door, listening
from troth.errors import AccessDenied
from troth.foundation.web import forms, security
from troth.foundation.web.forms import COOKIE, FIELD, FormTooLarge, Guard
from troth.foundation.web.static import PREFIX, StaticFiles

GUARD = Guard(b"k" * 32)
DONE: list[dict[str, str]] = []


async def act(request: Request) -> Response:
    """Does something at POST only, and only for a form of ours."""
    try:
        sent = await forms.read(request, file_of=1_000)
        form = {**sent.fields, **{name: content.decode() for name, content in sent.files.items()}}
        if request.method == "POST":
            GUARD.require(request, form)
            DONE.append(dict(form))
    except AccessDenied as refused:
        return PlainTextResponse(str(refused), 403)
    except FormTooLarge as large:
        return PlainTextResponse(str(large), 413)
    return PlainTextResponse(repr(dict(form)))


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    app = security.SecurityHeaders(Starlette(routes=[Route("/act", act, methods=["GET", "POST"])]))
    port = _free_port()
    with listening(app, Door(port)), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    DONE.clear()


def send(site: httpx.Client, fields: dict[str, str], *, cookie: str | None = None, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie is not None:
        sent["Cookie"] = f"{COOKIE}={cookie}"
    return site.post("/act", data=fields, headers=sent)


def test_a_form_from_our_own_page_is_taken(site: httpx.Client) -> None:
    cookie = GUARD.fresh_cookie()
    fields = {"name": "Ada", FIELD: GUARD.token(cookie)}
    assert send(site, fields, cookie=cookie).status_code == 200
    assert send(site, fields, cookie=cookie, Sec_Fetch_Site="same-origin").status_code == 200
    origin = str(site.base_url).rstrip("/")
    assert send(site, fields, cookie=cookie, Origin=origin).status_code == 200
    assert [done["name"] for done in DONE] == ["Ada"] * 3


def test_every_form_that_is_not_ours_is_refused_and_does_nothing(site: httpx.Client) -> None:
    cookie, other = GUARD.fresh_cookie(), GUARD.fresh_cookie()
    token = GUARD.token(cookie)
    attempts = [
        send(site, {}),
        send(site, {}, cookie=cookie),
        send(site, {FIELD: token}),
        send(site, {FIELD: token}, cookie=other),
        send(site, {FIELD: token}, cookie=""),
        send(site, {FIELD: GUARD.token(other)}, cookie=cookie),
        send(site, {FIELD: Guard(b"x" * 32).token(cookie)}, cookie=cookie),
        send(site, {FIELD: token[:-1] + ("A" if token[-1] != "A" else "B")}, cookie=cookie),
        send(site, {FIELD: cookie}, cookie=cookie),
        send(site, {FIELD: "…"}, cookie=cookie),
    ]
    sites = ("cross-site", "same-site", "nonsense")
    attempts += [send(site, {FIELD: token}, cookie=cookie, Sec_Fetch_Site=said) for said in sites]
    origins = ("https://evil.example", "null", "http://127.0.0.1:1", "http://[::1", "http://127.0.0.1.evil.example")
    attempts += [send(site, {FIELD: token}, cookie=cookie, Origin=origin) for origin in origins]
    assert {attempt.status_code for attempt in attempts} == {403}
    assert DONE == []


def test_a_signature_has_one_spelling(site: httpx.Client) -> None:
    """The last letter of 160 bits in base64 carries two that no decoder reads."""
    cookie = GUARD.fresh_cookie()
    token = GUARD.token(cookie)
    letters = string.ascii_letters + string.digits + "-_"
    taken = [letter for letter in letters if send(site, {FIELD: token[:-1] + letter}, cookie=cookie).is_success]
    assert taken == [token[-1]]


def test_a_token_grows_old_after_twelve_hours(site: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import time as machine

    import itsdangerous.timed

    cookie = GUARD.fresh_cookie()
    real = machine.time()
    monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: real - 12 * 3600 - 5)
    old = GUARD.token(cookie)
    monkeypatch.undo()
    assert send(site, {FIELD: old}, cookie=cookie).status_code == 403
    assert send(site, {FIELD: GUARD.token(cookie)}, cookie=cookie).status_code == 200


def test_reading_a_page_changes_nothing_whatever_is_sent_with_it(site: httpx.Client) -> None:
    cookie = GUARD.fresh_cookie()
    answer = site.get(
        "/act", params={"name": "Ada", FIELD: GUARD.token(cookie)}, headers={"Cookie": f"{COOKIE}={cookie}"}
    )
    assert answer.status_code == 200
    assert answer.text == "{}"
    assert DONE == []


@pytest.mark.parametrize("how", ["said", "unsaid"])
def test_more_than_the_form_takes_is_refused(site: httpx.Client, how: str) -> None:
    body = b"a=" + b"x" * (forms.LARGEST + 1)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.post("/act", content=body if how == "said" else iter([body[:1000], body[1000:]]), headers=kind)
    assert answer.status_code == 413
    assert DONE == []


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe=1", "ü=1".encode(), b"a=%ff", b"&".join(b"a=1" for _ in range(forms.MOST_FIELDS + 1)), b""],
)
def test_what_cannot_be_read_has_no_fields_and_is_refused(site: httpx.Client, body: bytes) -> None:
    cookie = GUARD.fresh_cookie()
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"{COOKIE}={cookie}"}
    assert site.post("/act", content=body, headers=kind).status_code == 403


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_other_kinds_of_body_are_no_form(site: httpx.Client, kind: str) -> None:
    cookie = GUARD.fresh_cookie()
    body = urlencode({FIELD: GUARD.token(cookie)})
    headers = {"Cookie": f"{COOKIE}={cookie}", "Content-Type": kind}
    assert site.post("/act", content=body, headers=headers).status_code == 403


def test_what_was_typed_arrives_composed_and_without_control_characters(site: httpx.Client) -> None:
    cookie = GUARD.fresh_cookie()
    typed = {"name": "Jose\u0301\x00\x1b[31m", "note": "one\r\ntwo\tthree\x7f", FIELD: GUARD.token(cookie)}
    send(site, typed, cookie=cookie)
    [form] = DONE
    assert form["name"] == "José[31m"
    assert form["note"] == "one\r\ntwo\tthree"


def test_of_a_field_sent_twice_the_last_counts(site: httpx.Client) -> None:
    cookie = GUARD.fresh_cookie()
    body = urlencode([("a", "1"), ("a", "2"), (FIELD, GUARD.token(cookie))])
    headers = {"Cookie": f"{COOKIE}={cookie}", "Content-Type": "application/x-www-form-urlencoded"}
    site.post("/act", content=body, headers=headers)
    assert DONE[0]["a"] == "2"


def test_form_cookies_cannot_be_guessed_and_tokens_do_not_show_them() -> None:
    cookies = {GUARD.fresh_cookie() for _ in range(200)}
    assert len(cookies) == 200
    assert all(len(cookie) == 32 and cookie not in GUARD.token(cookie) for cookie in cookies)


def test_every_answer_carries_the_headers_of_a_strict_site(site: httpx.Client) -> None:
    for answer in (site.get("/act"), site.get("/nothing"), site.post("/act")):
        headers = answer.headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "geolocation=()" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers
        assert "server" not in headers


def test_over_https_browsers_are_told_to_stay_there() -> None:
    import asyncio

    async def page(_scope: object, _receive: object, send_: object) -> None:
        await send_(
            {"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public, max-age=60")]}
        )  # type: ignore[operator]

    sent: list[dict[str, object]] = []

    async def keep(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "scheme": "https"}
    asyncio.run(security.SecurityHeaders(page)(scope, None, keep))  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    assert int(headers["strict-transport-security"].removeprefix("max-age=")) >= 15_552_000
    assert headers["cache-control"] == "public, max-age=60", "what an answer says itself stands"


def test_static_files_are_served_by_a_name_that_holds_their_hash() -> None:
    files = StaticFiles()
    path = files.path("troth.css")
    found = files.find(path)
    assert path.startswith(f"{PREFIX}troth.")
    assert found is not None
    assert found.content_type == "text/css"
    for other in (f"{PREFIX}troth.css", path + "x", f"{PREFIX}../forms.py", f"{PREFIX}%2e%2e/forms.py", ""):
        assert files.find(other) is None
    with pytest.raises(KeyError):
        files.path("nothing.css")


def test_no_asset_and_no_template_of_the_shell_names_another_host_or_writes_inline() -> None:
    import re
    from importlib.resources import files as resources

    shell = resources("troth.foundation.web")
    for folder in ("templates", "static"):
        for file in shell.joinpath(folder).iterdir():
            text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "//" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), file.name
            assert "<script" not in text
            assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", text), file.name


def test_a_file_comes_with_the_fields_beside_it_and_under_the_same_guard(site: httpx.Client) -> None:
    cookie = GUARD.fresh_cookie()
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    fields = {forms.FIELD: GUARD.token(cookie), "tool": "a\x00b"}

    taken = site.post("/act", data=fields, files={"file": ("x", b"one\r\ntwo")}, headers=headers)
    without = site.post("/act", data={"tool": "x"}, files={"file": ("x", b"one")}, headers=headers)
    large = site.post("/act", data=fields, files={"file": ("x", b"x" * 1_001)}, headers=headers)
    larger = site.post("/act", data=fields, files={"file": ("x", b"x" * (forms.LARGEST + 1_001))}, headers=headers)

    assert (taken.status_code, without.status_code, large.status_code, larger.status_code) == (200, 403, 413, 413)
    assert [(each["tool"], each["file"]) for each in DONE] == [("ab", "one\r\ntwo")]


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "multipart/form-data; boundary"]
)
def test_parts_that_cannot_be_read_are_no_form(site: httpx.Client, kind: str) -> None:
    assert site.post("/act", content=b"--x\r\nnonsense", headers={"content-type": kind}).status_code == 403
    assert DONE == []
