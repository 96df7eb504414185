"""The pages as they arrive: sound HTML, whole links; in a real browser nothing cut off, nothing from elsewhere."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.example.running import Page, Running, Visitor
from troth.example.shop.seed import PASSPHRASES

OPEN = (
    "/",
    "/goods",
    "/goods/kind/oolong",
    "/goods/jasmine-lantern",
    "/search?q=mint",
    "/search?q=zzz",
    "/journal",
    "/help",
)
FORMS = ("/sign-up", "/log-in", "/basket", "/nowhere")
INSIDE = ("/account", "/orders", "/letters", "/help", "/members/{other}", "/letters/{other}")


@pytest.fixture(scope="module")
def everything(quiet_shop: Running) -> list[tuple[str, Page]]:
    """Every kind of page, as a visitor and as a customer with a basket sees it."""
    one = quiet_shop.someone()
    other = quiet_shop.someone(not_in=(one,))
    stranger, visitor = quiet_shop.visitor(), quiet_shop.customer(one)
    pages = [(path, seen(stranger, path)) for path in OPEN + FORMS]
    visitor.get("/goods/round-hill-teapot")
    visitor.send("/goods/round-hill-teapot/basket")
    pages += [(path, seen(visitor, path.format(other=other))) for path in INSIDE]
    order = next(row.id for row in quiet_shop.rows("orders") if row.user_id == one)
    pages += [(path, seen(visitor, path)) for path in ("/basket", f"/orders/{order}", "/checkout")]
    visitor.send("/checkout", street="1 Kettle Row", town="Cuppington", country="Nowhere")
    return [*pages, ("/pay", visitor.page)]


def seen(visitor: Visitor, path: str) -> Page:
    visitor.get(path)
    return visitor.page


def test_every_page_says_its_language_and_title_and_has_one_heading_a_way_past_the_menu_and_no_id_twice(
    everything,
) -> None:
    for path, page in everything:
        tags = Counter(tag for tag, _ in page.tags)
        assert (tags["h1"], tags["main"], tags["title"]) == (1, 1, 1), path
        assert next(found for tag, found in page.tags if tag == "html")["lang"] == "en"
        ids = Counter(found["id"] for _, found in page.tags if "id" in found)
        assert [name for name, count in ids.items() if count > 1] == [], path
        assert "#main" in page.links


def test_every_field_has_a_label_and_every_picture_a_word_or_none_needed(everything) -> None:
    for path, page in everything:
        labelled = {found.get("for") for tag, found in page.tags if tag == "label"}
        for tag, found in page.tags:
            if tag in {"input", "textarea"} and found.get("type") not in {"hidden", "radio", "checkbox"}:
                assert found.get("id") in labelled, (path, found)
            if tag == "img":
                assert "alt" in found, (path, found)


def test_the_policy_and_the_choices_are_one_click_away_on_every_page(everything) -> None:
    for path, page in everything:
        assert {"/privacy", "/privacy/centre"} <= set(page.links), path


def test_no_link_leads_nowhere_and_only_the_journal_leads_to_another_site(quiet_shop: Running, everything) -> None:
    visitor = quiet_shop.customer(quiet_shop.someone())
    links = {(path, link) for path, page in everything for link in page.links}
    away = {(path, link.split("/")[2]) for path, link in links if "://" in link}
    assert away == {("/journal", "tea.example.org")}
    for address in {
        link.partition("#")[0] for _, link in links if link.startswith("/") and not link.startswith("/privacy")
    }:
        assert visitor.client.get(address).status_code < 400, address
    external = [
        found for _, page in everything for tag, found in page.tags if "://" in found.get("href", "") and tag == "a"
    ]
    assert all("noopener" in found["rel"] and "noreferrer" in found["rel"] for found in external)


def test_no_link_or_form_address_has_a_name_or_an_address_in_it(everything) -> None:
    for path, page in everything:
        for address in page.links + [form.action for form in page.forms]:
            assert "@" not in address, path
            assert "form_key" not in address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("missing: chromium (no such program on this machine)")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*quiet, "--disable-component-update", "--disable-sync"]
        )
        yield browser
        browser.close()


def test_in_a_narrow_window_nothing_is_cut_off_and_nothing_comes_from_elsewhere(
    quiet_shop: Running, browser: Any
) -> None:
    number = quiet_shop.someone()
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme="dark")
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto(f"{quiet_shop.url}/log-in")
    page.fill("#login", quiet_shop.rows("users", id=number)[0].username)
    page.fill("#password", PASSPHRASES[number % len(PASSPHRASES)])
    page.press("#password", "Enter")
    for path in (
        "/",
        "/goods",
        "/goods/jasmine-lantern",
        "/account",
        "/orders",
        "/letters",
        "/help",
        "/basket",
        "/sign-up",
    ):
        page.goto(quiet_shop.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        small = page.evaluate(
            "[...document.querySelectorAll('button, .button, input[type=text], input[type=search]')]"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
        )
        assert small == [], path
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    context.close()
    assert troubles == []
    assert all(address.startswith(quiet_shop.url) for address in asked)
