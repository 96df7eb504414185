"""Every page can be used by everybody: narrow or wide, light or dark, by keyboard, on paper, without scripts."""

from __future__ import annotations

import os

import pytest

from tests.pages.looking import PAGES, Browsing
from troth.foundation.web.static import StaticFiles

EVERY = [(width, scheme) for width in (320, 1280) for scheme in ("light", "dark")]
QUICK = [(320, "dark"), (1280, "light")]
SOAK = os.environ.get("SOAK") == "true"
ONCE = {
    "/privacy",
    "/privacy/print",
    "/privacy/versions/1",
    "/goods",
    "/goods/kind/green",
    "/search?q=tea",
    "/console/sentences?verdict=broken",
    "/console/sentences/9.1a",
    "/console/requests?show=ours&right=rectification&order=newest",
    "/console/requests?number=2026-9",
    "/console/record",
    "/console/versions",
    "/console/ledger",
    "/console/ledger/entries?number=1",
    "/console/writing",
    "/console/assessments",
    "/privacy/centre#every-mark-open",
}
"""Made of the same pieces as other pages: the quick run looks at them at one width."""


@pytest.mark.parametrize(("width", "scheme"), EVERY if SOAK else QUICK)
@pytest.mark.parametrize("who", PAGES)
def test_nothing_is_wrong_with_any_page(browser: Browsing, who: str, width: int, scheme: str) -> None:
    paths = [path for path in PAGES[who] if SOAK or width == 320 or path not in ONCE]

    faults = [fault for path in paths for fault in browser.faults(who, path, width=width, scheme=scheme)]

    assert not faults, "\n".join(faults)


def test_faults_would_be_told(browser: Browsing) -> None:
    page = browser.show("stranger", "/privacy/centre")
    page.evaluate(
        """() => {
            document.querySelector("label").remove()
            const wide = document.createElement("pre")
            wide.textContent = "wide".repeat(1000)
            wide.setAttribute("style", "color: red")
            document.querySelector("main").append(wide, document.createElement("button"))
        }"""
    )

    told = "\n".join(browser.faults_here("stranger"))

    for fault in ("axe label", "axe button-name", "px wide in a window", "PRE has style", "the browser says"):
        assert fault in told


def test_the_proof_opens_by_keyboard_and_the_first_stop_skips_to_the_content(browser: Browsing) -> None:
    page = browser.show("stranger", "/privacy")

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.focus("summary")
    page.keyboard.press("Enter")

    assert first == "#main"
    assert page.evaluate("document.activeElement.parentElement.open")
    assert page.locator("details[open] dl").first.is_visible()


def test_paper_shows_the_words_and_every_authority_and_no_marks(browser: Browsing) -> None:
    page = browser.show("stranger", "/privacy")
    page.emulate_media(media="print")
    try:
        assert page.get_by_text("Account Information:").first.is_visible()
        assert not page.locator(".clause summary").first.is_visible()
        assert page.get_by_text("Cyberspace Administration of China").last.is_visible()
        assert not page.get_by_role("navigation").first.is_visible()
    finally:
        page.emulate_media(media="screen")


def test_the_list_of_authorities_waits_until_it_is_asked_for(browser: Browsing) -> None:
    page = browser.show("stranger", "/privacy")
    last = page.locator("#authority-30")

    before = last.is_visible()
    page.locator(".more summary").click()

    assert not before
    assert last.is_visible()


@pytest.mark.parametrize(
    ("who", "path"),
    [("stranger", "/privacy"), ("person", "/privacy/centre"), ("officer", "/console")],
)
def test_a_page_reads_from_right_to_left_and_at_twice_the_size(browser: Browsing, who: str, path: str) -> None:
    page = browser.show(who, path, width=320)
    page.evaluate("document.documentElement.dir = 'rtl'")
    mirrored = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    page = browser.show(who, path, width=1280)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    enlarged = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert (mirrored <= 0, enlarged <= 0) == (True, True)


def test_the_style_sheet_stays_within_eight_kilobytes() -> None:
    files = StaticFiles()
    sheet = files.find(files.path("troth.css"))

    assert sheet is not None
    assert len(sheet.body) <= 8192
