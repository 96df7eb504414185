"""The shop against those who try: forged forms, markup, other people's pages, guessing, hostile input."""

from __future__ import annotations

import logging
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from tests.example.running import Page, Running, Visitor, serving
from troth.example.shop.app import WAYS
from troth.example.shop.seed import PASSPHRASES

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"
POSTS = [way for way in WAYS if way.method == "POST" and not way.keyless]


def filled(path: str) -> str:
    return (
        path.replace("{slug}", "meadow-mint")
        .replace("{number}", "1")
        .replace("{reference}", "x")
        .replace("{kind}", "green")
    )


@pytest.mark.parametrize("way", POSTS, ids=lambda way: way.path)
def test_every_form_without_its_key_is_refused(quiet_shop: Running, way) -> None:
    visitor = quiet_shop.customer(quiet_shop.someone())
    state = [
        quiet_shop.rows(table)
        for table in ("users", "profiles", "messages", "orders", "basket_items", "support_tickets")
    ]

    answer = visitor.client.post(
        filled(way.path), data={"body": "x", "name": "x", "quantity": "1", "form_key": "0" * 64}
    )

    assert answer.status_code == 403
    assert "too old" in answer.text
    assert [
        quiet_shop.rows(table)
        for table in ("users", "profiles", "messages", "orders", "basket_items", "support_tickets")
    ] == state


def test_another_persons_form_key_is_of_no_use(quiet_shop: Running) -> None:
    thief, victim = (
        quiet_shop.customer(quiet_shop.someone()),
        quiet_shop.customer(quiet_shop.someone(not_in=(quiet_shop.someone(),))),
    )
    thief.get("/account")
    stolen = thief.page.form("/log-out").fields["form_key"]

    assert victim.client.post("/log-out", data={"form_key": stolen}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.net"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_form_sent_from_another_site_is_refused_even_with_its_key(
    quiet_shop: Running, headers: dict[str, str]
) -> None:
    visitor = quiet_shop.customer(quiet_shop.someone())
    visitor.get("/account")
    form = visitor.page.form("/log-out").fields

    assert visitor.client.post("/log-out", data=form, headers=headers).status_code == 403
    assert visitor.get("/account").url.path == "/account"


def test_markup_is_shown_as_it_was_typed_wherever_it_is_shown(shop: Running) -> None:
    one = shop.someone()
    other = shop.someone(not_in=(one,))
    visitor, reader = shop.customer(one), shop.customer(other)
    visitor.send("/account/profile", name=MARKUP, bio=MARKUP, avatar="leaf")
    visitor.get(f"/letters/{other}")
    visitor.send(f"/letters/{other}", body=MARKUP)
    visitor.get("/help")
    visitor.send("/help", subject=MARKUP, body=MARKUP)
    ticket = visitor.answer.url.path

    pages = [visitor.get(path) for path in ("/account", "/help", ticket, "/letters", f"/letters/{other}")]
    pages += [reader.get(path) for path in ("/letters", f"/letters/{one}", f"/members/{one}")]
    pages += [
        shop.visitor().get(
            "/search",
        ),
        shop.visitor().client.get("/search", params={"q": MARKUP}),
    ]

    for answer in pages:
        assert not [
            found
            for tag, found in Page(answer.text).tags
            if tag == "script" or any(name.startswith("on") for name in found)
        ]
        assert "49" not in Page(answer.text).text.replace("{{7*7}}", "") or "{{7*7}}" in Page(answer.text).text
    assert MARKUP in Page(reader.get(f"/members/{one}").text).text


def test_wrong_fields_are_shown_again_without_their_markup(quiet_shop: Running) -> None:
    visitor = quiet_shop.visitor()
    visitor.get("/sign-up")
    visitor.send("/sign-up", username='"><script>x</script>', email=MARKUP, phone=MARKUP, password="x")

    assert "script" not in [tag for tag, _ in visitor.page.tags]
    assert visitor.page.form("/sign-up").fields["email"] == MARKUP


@pytest.mark.parametrize(
    "path", ["/", "/goods/meadow-mint", "/log-in", "/nowhere", "/shop/people/leaf.svg", "/robots.txt"]
)
def test_every_answer_lets_the_browser_load_nothing_but_the_shops_own(quiet_shop: Running, path: str) -> None:
    answer = httpx.get(quiet_shop.url + path, timeout=60)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "geolocation=()" in answer.headers["permissions-policy"]


def test_no_page_has_script_or_style_of_its_own_or_loads_anything_from_elsewhere(quiet_shop: Running) -> None:
    visitor = quiet_shop.customer(quiet_shop.someone())
    for path in (
        "/",
        "/goods",
        "/goods/jasmine-lantern",
        "/journal",
        "/account",
        "/orders",
        "/letters",
        "/help",
        "/basket",
    ):
        visitor.get(path)
        assert {tag for tag, _ in visitor.page.tags} & {"script", "style", "iframe", "object", "embed"} == set()
        assert not [found for _, found in visitor.page.tags if "style" in found]
        assert all(address.startswith("/") for address in visitor.page.loads), path


def test_a_first_look_at_the_shop_sets_no_cookie_and_a_form_sets_one_for_the_session(quiet_shop: Running) -> None:
    visitor = quiet_shop.visitor()
    for path in ("/", "/goods", "/journal", "/search?q=tea", "/help"):
        visitor.get(path)
    assert list(visitor.client.cookies) == []

    answer = visitor.client.get("/log-in")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("shop_form=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age" not in cookie


def test_the_session_cookie_is_kept_from_scripts_and_other_sites_and_lasts_as_declared(shop: Running) -> None:
    visitor = shop.visitor()
    visitor.client.follow_redirects = False
    visitor.get("/goods/meadow-mint")
    answer = visitor.send("/goods/meadow-mint/basket")

    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("shop_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Max-Age={30 * 86400}" in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_over_tls_cookies_are_secure_and_the_browser_is_told_to_stay_with_it(
    quiet_shop: Running, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "chain.pem"))
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    with serving(quiet_shop.app, certificate=tmp_path / "chain.pem") as port:
        answer = httpx.get(f"https://localhost:{port}/log-in", verify=trusted, timeout=60)

    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_a_log_in_begins_a_new_session_and_keeps_the_basket(shop: Running) -> None:
    number = shop.someone()
    visitor = shop.visitor()
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket", quantity="3")
    before = visitor.client.cookies["shop_session"]

    visitor.log_in(shop.rows("users", id=number)[0].username, passphrase(number))

    assert visitor.client.cookies["shop_session"] != before
    assert [row.quantity for row in shop.rows("basket_items")] == [3]
    old = Visitor(shop.url)
    old.client.cookies.set("shop_session", before)
    assert old.get("/account").url.path == "/log-in"
    old.client.close()


def test_the_database_knows_no_cookie_value(quiet_shop: Running) -> None:
    visitor = quiet_shop.customer(quiet_shop.someone())
    token = visitor.client.cookies["shop_session"]
    assert all(token not in str(row) for row in quiet_shop.rows("sessions"))


def test_a_session_ends_after_two_idle_weeks_and_after_thirty_days(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    row = shop.rows("sessions")[-1]
    for days, path in ((13, "/account"), (26, "/account"), (29.9, "/account"), (30.1, "/log-in")):
        shop.now = row.created_at + timedelta(days=days)
        assert visitor.get("/account").url.path == path
    shop.now = None
    visitor = shop.customer(shop.someone())
    shop.now = shop.rows("sessions")[-1].created_at + timedelta(days=14, minutes=1)
    assert visitor.get("/account").url.path == "/log-in"


def test_logging_out_ends_the_session_for_good(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    token = visitor.client.cookies["shop_session"]
    visitor.get("/account")
    visitor.send("/log-out")

    visitor.client.cookies.set("shop_session", token)
    assert visitor.get("/account").url.path == "/log-in"


@pytest.mark.parametrize(
    "path",
    ["/account", "/orders", "/orders/1", "/letters", "/letters/2", "/members/2", "/help/1", "/checkout", "/checkout/x"],
)
def test_pages_of_a_person_ask_strangers_to_log_in(quiet_shop: Running, path: str) -> None:
    assert quiet_shop.visitor().get(path).url.path == "/log-in"


def test_other_peoples_orders_questions_and_letters_do_not_exist(quiet_shop: Running) -> None:
    number = quiet_shop.someone()
    visitor = quiet_shop.customer(number)
    theirs = next(row.id for row in quiet_shop.rows("orders") if row.user_id != number)
    assert visitor.get(f"/orders/{theirs}").status_code == 404
    assert visitor.get(f"/orders/{10**12}").status_code == 404
    assert visitor.get("/orders/٣").status_code == 404
    for ticket in quiet_shop.rows("support_tickets"):
        if ticket.user_id != number:
            assert visitor.get(f"/help/{ticket.id}").status_code == 404
    between = [row.body for row in quiet_shop.rows("messages") if number not in {row.sender_id, row.recipient_id}]
    visitor.get("/letters")
    mine = {row.body for row in quiet_shop.rows("messages") if number in {row.sender_id, row.recipient_id}}
    assert not [body for body in between if body not in mine and body in visitor.page.text]


def test_a_wrong_name_and_a_wrong_password_get_one_answer_and_both_are_slowed_down(shop: Running) -> None:
    known = shop.rows("users")[0].username
    answers = {}
    for name in (known, "nobody_at_all"):
        visitor = shop.visitor()
        answers[name] = [
            (answer.status_code, answer.text.replace(name, ""))
            for answer in (visitor.log_in(name, f"wrong {n}") for n in range(10))
        ]

    statuses = [status for status, _ in answers[known]]
    assert statuses == [401] * 8 + [429] * 2
    assert [status for status, _ in answers["nobody_at_all"]] == statuses
    assert visitor.answer.headers["retry-after"].isdigit()
    assert strip_key(answers[known][0][1]) == strip_key(answers["nobody_at_all"][0][1])


def strip_key(html: str) -> str:
    form = Page(html).form("/log-in").fields
    return html.replace(form["form_key"], "")


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example.net",
        "//evil.example.net",
        "/\\evil.example.net",
        "/account\r\nX: y",
        "/log-in",
        "/goods?x=1",
    ],
)
def test_after_a_log_in_one_stays_in_the_shop(quiet_shop: Running, then: str) -> None:
    number = quiet_shop.someone()
    visitor = quiet_shop.visitor()
    visitor.client.get("/log-in", params={"then": then})
    visitor.get("/log-in")
    visitor.client.follow_redirects = False
    answer = visitor.send(
        "/log-in", login=quiet_shop.rows("users", id=number)[0].username, password=passphrase(number), then=then
    )

    assert answer.headers["location"] == "/account"


def test_hostile_bodies_get_one_line_and_no_trace(shop: Running, caplog: pytest.LogCaptureFixture) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body, headers, status in (
        (b"x" * 70_000, form, 413),
        (b"a=%ff%fe", form, 400),
        (b"\xff\xfe=1", form, 400),
        (b"&".join(b"a=1" for _ in range(100)), form, 400),
        (b"body=a%00b&form_key=x", form, 400),
        (b'{"login": "x"}', {"content-type": "application/json"}, 415),
        (b"--x--", {"content-type": "multipart/form-data; boundary=x"}, 415),
    ):
        answer = httpx.post(f"{shop.url}/log-in", content=body, headers=headers, timeout=60)
        assert answer.status_code == status
        assert "Traceback" not in answer.text
    assert httpx.put(f"{shop.url}/log-in").status_code == 405
    assert httpx.get(f"{shop.url}/goods/%00", timeout=60).status_code == 404
    assert httpx.get(f"{shop.url}/search?q=%00%ff%0a", timeout=60).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_hostile_quantities_and_choices_are_refused(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    for quantity in ("0", "-1", "21", "1e3", "", "٣", "99999999999"):
        visitor.get("/goods/meadow-mint")
        assert visitor.send("/goods/meadow-mint/basket", quantity=quantity).status_code in {400, 404}
    visitor.get("/account")
    assert visitor.send("/account/choice", which={"what": "newsletter"}, how="maybe").status_code == 400
    assert visitor.get("/account").status_code == 200
    assert visitor.send("/account/profile", name="x" * 121, bio="", avatar="../../etc").status_code == 422
    assert shop.count("basket_items") == 0


def test_a_failure_of_ours_shows_and_logs_nothing_of_the_person(
    shop: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = shop.customer(shop.someone())
    visitor.get("/help")
    monkeypatch.setattr("troth.example.shop.tickets.ask", lambda *_: 1 / 0)
    answer = visitor.send("/help", subject="CANARY-SUBJECT", body="CANARY-BODY")

    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "CANARY" not in answer.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "POST /help failed: ZeroDivisionError"
    assert record.exc_info is None


def test_a_payment_knows_no_person_and_takes_no_card_number(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket")
    visitor.get("/checkout")
    visitor.send("/checkout", street="CANARY-STREET", town="Cuppington", country="Nowhere")

    assert "CANARY" not in str(vars(shop.app.state.shop.payments))
    assert "CANARY" not in str(vars(shop.app.state.shop.checkouts))
    assert {found.get("type") for tag, found in visitor.page.tags if tag == "input"} == {"search", "hidden", "radio"}
    assert visitor.send(visitor.answer.url.path, card="4242424242424242").status_code == 400


def passphrase(number: int) -> str:
    return PASSPHRASES[number % len(PASSPHRASES)]
