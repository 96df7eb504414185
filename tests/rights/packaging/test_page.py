"""The page of a copy can be read by everybody, asks nobody, and shows what it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files as resource_files
from pathlib import Path
from typing import Any

import pytest

from scripts.provide import chromium
from tests.pages.looking import _AXE_RUN, _LAUNCH, _OWN_RULES, _RULES
from tests.rights.packaging.copies import NOW, copy, files, holding, written
from troth.foundation.records.catalogue import ColumnKind
from troth.rights.packaging.contents import SHOWN, Asked, Said

TEXT, NUMBER, TIME = ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.TIME
XSS = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}${7*7}'
LONG = "Wolfeschlegelsteinhausenbergerdorff" * 20
PURCHASE = {"id": NUMBER, "placed_at": (TIME, "transaction.purchase"), "note": (TEXT, "transaction.purchase"),
            "total": (NUMBER, "transaction.purchase")}  # fmt: skip
ACCOUNT = {"username": (TEXT, "account.username"), "bio": (TEXT, "profile.bio"), "seen": TIME, "age": NUMBER}


def everything(language: str = "en") -> bytes:
    """A copy that has every kind of thing that a page can show."""
    orders = [(n, f"2025-{n % 12 + 1:02d}-03 14:05:00", f"order {n}", n * 10) for n in range(120)]
    said = (
        Said(
            "consent", "marketing", "Marketing messages", "given", NOW, "form", "Send you letters", "2.1c", counts=False
        ),
        Said("consent", "marketing", "Marketing messages", "withdrawn", NOW, "centre", counts=True),
        Said("objection", "*", "everything that you can object to", "raised", NOW, "phone", counts=True),
    )
    return written(
        copy(
            [
                holding([("ada", XSS, "2024-01-26 07:47:00", 41)], ACCOUNT, table="users", section="1.1a"),
                holding(orders, PURCHASE, counts="placed_at", redacted=lambda: {"Orders, Note: replaced": 2}),
                holding([(1, None, LONG, None), (2, "no time", "مرحبا 你好", 1.5), (3, None, "a\nb", 2)], PURCHASE, table="baskets"),
                holding([(b"\x00" * 2048, "x")] * 3, {"scan": ColumnKind.BINARY, "text": TEXT}, table="scans", section=""),
            ],
            language=language,
            choices=said,
            asked=(Asked("2026-000412", "access", NOW, "working"), Asked("2025-000001", "erasure", NOW, "refused", NOW)),
        )
    )[0]  # fmt: skip


def page(data: bytes) -> str:
    return files(data)["index.html"].decode()


def test_it_says_who_holds_what_why_since_when_until_when_and_who_receives_it() -> None:
    text = page(everything())

    for words in (
        "Example Company", "Request 2026-000412", "Transaction Information", "purchase history, payment methods",
        "Carry out orders and payments", "a contract with you", "10 years after an order", "January 3, 2025",
        "December 3, 2035", "Example Storage", "Singapore", "you gave it to us", "Right to Deletion", "GDPR Art. 17",
        "machine alone", "Österreichische Datenschutzbehörde", "Marketing messages", "consent withdrawn", "counts now",
        "Orders, Note: replaced", "Further data", "privacy@example.com",
    ):  # fmt: skip
        assert words in text, words


def test_a_long_table_is_cut_and_says_where_the_rest_is() -> None:
    text = page(everything())

    assert text.count("order ") >= SHOWN
    assert ">order 49<" in text
    assert ">order 50<" not in text
    assert f"The first {SHOWN} of 120. All of them: " in text
    assert 'href="data/shop.orders.csv"' in text


def test_what_somebody_typed_is_shown_and_nothing_more() -> None:
    text = page(everything())

    assert "<script" not in text
    assert "<img" not in text
    assert "{{7*7}}" in text
    assert "49$" not in text


def test_dates_are_written_as_people_of_the_language_write_them() -> None:
    assert "3. Januar 2025" in page(everything("de"))
    assert "2025年1月3日" in page(everything("zh"))
    assert "January 3, 2025" in page(everything("xx-nonsense"))


def test_somebody_of_whom_nothing_is_held_is_told_so() -> None:
    text = page(written(copy([]))[0])

    assert "We hold no entry about you" in text
    assert "Your rights" in text


def test_the_page_asks_for_nothing_and_forbids_it_to_itself() -> None:
    text = page(everything())

    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert not re.search(r"<[^>]*\s(src|srcset|action|style|on\w+)=", text)
    assert "@import" not in text
    assert "url(" not in text


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path, list[str]]]:
    program = chromium()
    if program is None:
        pytest.skip("missing: chromium")
    from playwright.sync_api import sync_playwright

    folder, noise = tmp_path_factory.mktemp("copy"), list[str]()
    for name, language in (("en", "en"), ("ar", "ar")):
        target = folder / name
        for part, content in files(everything(language)).items():
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            (target / part).write_bytes(content)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_LAUNCH))
        opened = browser.new_context(reduced_motion="reduce", java_script_enabled=True).new_page()
        opened.on("request", lambda request: noise.append(request.url))
        opened.on("console", lambda message: noise.append(message.text))
        yield opened, folder, noise
        browser.close()


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (360, "light"), (1280, "light"), (1280, "dark")])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_wrong_with_it_at_any_width_by_day_or_night(
    tab: tuple[Any, Path, list[str]], width: int, scheme: str, language: str
) -> None:
    opened, folder, noise = tab
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(color_scheme=scheme)
    noise.clear()
    opened.goto((folder / language / "index.html").as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    seen = list(noise)
    axe = resource_files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    opened.evaluate(axe)

    faults = [*opened.evaluate(_AXE_RUN, _RULES), *opened.evaluate(_OWN_RULES)]

    assert faults == []
    assert [url.rpartition("/")[2] for url in seen] == ["index.html"]


def test_on_paper_every_word_is_there_and_the_navigation_is_not(tab: tuple[Any, Path, list[str]]) -> None:
    opened, folder, _ = tab
    opened.set_viewport_size({"width": 1280, "height": 800})
    opened.goto((folder / "en" / "index.html").as_uri())
    opened.emulate_media(media="print")
    try:
        assert opened.get_by_text("What the columns mean").first.is_hidden()
        assert opened.get_by_role("navigation").first.is_hidden()
        assert opened.get_by_text("Österreichische").first.is_visible()
        assert opened.get_by_text("order 7", exact=True).is_visible()
    finally:
        opened.emulate_media(media="screen")


def test_the_links_to_the_files_lead_to_files(tab: tuple[Any, Path, list[str]]) -> None:
    opened, folder, _ = tab
    opened.goto((folder / "en" / "index.html").as_uri())

    links = opened.evaluate(
        "[...document.querySelectorAll('a[href^=\"data/\"]')].map(each => each.getAttribute('href'))"
    )

    assert len(links) == 8
    assert all((folder / "en" / link).is_file() for link in links)
