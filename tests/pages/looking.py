"""What a browser sees of a page, and what is wrong with it for somebody: told by axe and by rules of our own."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import create_engine, select

from tests.example.proving import RunningCompany
from troth.entrypoints import checking
from troth.entrypoints.console.pages import login_link
from troth.example.company import OFFICER
from troth.example.shop import tables
from troth.example.shop.seed import PASSPHRASES
from troth.foundation.proof import Verdict
from troth.policy import reading
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake
from troth.rights.words import Channel, Proof
from troth.updates import versions
from troth.use import entrance, standing
from troth.use.standing import named

LONG_NAME = "a" * 180 + "@customer.example"

PAGES: Mapping[str, tuple[str, ...]] = {
    "stranger": (
        "/",
        "/goods",
        "/goods/kind/green",
        "/goods/morning-dew-sencha",
        "/search?q=tea",
        "/search?q=nothing+like+it",
        "/sign-up",
        "/log-in",
        "/basket",
        "/help",
        "/journal",
        "/no-such-page",
        "/privacy",
        "/privacy#every-mark-open",
        "/privacy/versions",
        "/privacy/versions/1",
        "/privacy/versions/99",
        "/privacy/compare",
        "/privacy/transfers",
        "/privacy/demands",
        "/privacy/print",
        "/privacy/centre",
        "/privacy/centre/enter/used-or-never-given",
        "/privacy/centre/ask/access",
        "/privacy/centre/ask/rectification",
        "/privacy/centre/ask/objection",
        "/privacy/centre/ask/erasure",
        "/privacy/centre/confirm/used-or-never-given",
        "/letterbox",
        "/console/sign-in",
        "/console/sign-in/any",
    ),
    "customer": ("/account", "/orders", "/letters", "/members/12", "/basket", "/checkout", "/help"),
    "person": (
        "/privacy/centre",
        "/privacy/centre?done=stopped",
        "/privacy/centre#every-mark-open",
        "/privacy/centre/ask/erasure",
        "/privacy/centre/requests/2026-000005",
        "/privacy/centre/requests/2026-000099",
    ),
    "officer": (
        "/console",
        "/console/requests",
        "/console/requests?show=ended",
        "/console/requests?show=ours&right=rectification&order=newest",
        "/console/requests?number=2026-9",
        "/console/requests/new",
        "/console/requests/2026-000004",
        "/console/requests/2026-000005",
        "/console/requests/2026-000099",
        "/console/sentences",
        "/console/sentences?verdict=broken",
        "/console/sentences/1.1a",
        "/console/sentences/9.1a",
        "/console/sentences/99",
        "/console/periods",
        "/console/periods/plan",
        "/console/recipients",
        "/console/demands",
        "/console/demands/1",
        "/console/transfers",
        "/console/map",
        "/console/policy",
        "/console/versions",
        "/console/record",
        "/console/ledger",
        "/console/ledger/entries?number=1",
        "/console/writing",
        "/console/attestations",
        "/console/audits",
        "/console/assessments",
        "/console/measures",
        "/console/breaches",
        "/console/training",
        "/console/training/chapters/breaches",
        "/console/training/certificate",
        "/console/staff#every-mark-open",
        "/console/staff/1",
        "/console/staff/99",
        "/console/account",
        "/console/account/code",
    ),
}
"""Who looks, and at what. A fragment `#every-mark-open` opens every <details> of the page first."""

GONE = {
    "/no-such-page": 404,
    "/privacy/versions/99": 404,
    "/privacy/centre/enter/used-or-never-given": 410,
    "/privacy/centre/confirm/used-or-never-given": 410,
    "/privacy/centre/requests/2026-000099": 404,
    "/console/requests/2026-000099": 404,
    "/console/staff/99": 404,
    "/console/sentences/99": 404,
}
"""What the paths answer that lead nowhere; all others answer 200."""

_LAUNCH = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE_RUN = """async rules => (await axe.run(document, {runOnly: rules, resultTypes: ["violations"]})).violations.map(
    found => `axe ${found.id}: ${found.help}; ${found.nodes.length}, first ${found.nodes[0].target.join(" ")}`)"""
_OWN_RULES = """() => {
  const faults = [], root = document.documentElement
  if (root.scrollWidth > innerWidth) faults.push(`${root.scrollWidth} px wide in a window of ${innerWidth}`)
  for (const each of document.querySelectorAll("button, input, select, textarea, summary, nav a, a.button")) {
    if (each.type === "hidden" || !each.checkVisibility() || each.closest(".skip")) continue
    const {width, height} = (each.closest("label") ?? each).getBoundingClientRect()
    if (width < 24 || height < 24) faults.push(`target of ${width} x ${height} px: ${each.outerHTML.slice(0, 80)}`)
  }
  const ours = /^\\/static\\/passkeys\\.[0-9a-f]{12}\\.js$/
  const scripts = [...document.scripts].filter(each => !(each.defer && ours.test(each.getAttribute("src"))))
  if (scripts.length) faults.push(`${scripts.length} scripts`)
  for (const each of document.querySelectorAll("*"))
    for (const {name} of each.attributes)
      if (name.startsWith("on") || name === "style") faults.push(`${each.tagName} has ${name}`)
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1")
  return faults
}"""


@dataclass
class Browsing:
    """A browser at the company's site. `pages` has one tab for each who looks; `noise` is what went wrong unseen."""

    url: str
    pages: Mapping[str, Any]
    axe: str
    noise: list[str] = field(default_factory=list)

    def faults(self, who: str, path: str, *, width: int, scheme: str) -> list[str]:
        """Everything that is wrong with one page at one width, light or dark; empty when nothing is."""
        self.show(who, path, width=width, scheme=scheme)
        return [f"{who} at {path}, {width} px, {scheme}: {fault}" for fault in self.faults_here(who)]

    def faults_here(self, who: str) -> list[str]:
        """Everything that is wrong with the page that `who` has open now."""
        page = self.pages[who]
        page.evaluate(self.axe)
        return [*page.evaluate(_AXE_RUN, _RULES), *page.evaluate(_OWN_RULES), *self.noise]

    def show(self, who: str, path: str, *, width: int = 1280, scheme: str = "light") -> Any:
        """The tab of `who` with the page loaded."""
        page = self.pages[who]
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        path, _, everything = path.partition("#")
        self.noise.clear()
        answer = page.goto(self.url + path)
        assert answer.status == GONE.get(path, 200), f"{path} answered {answer.status}"
        assert urlsplit(page.url).path == path.partition("?")[0], f"{who} was led from {path} to {page.url}"
        if everything:
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        return page

    def listen(self, page: Any) -> None:
        """Note every request to another host, and every complaint of the browser, those about our own policy too."""

        def asked(request: Any) -> None:
            if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
                self.noise.append(f"asked another host: {request.url}")

        def said(message: Any) -> None:
            refused = "Failed to load resource" in message.text and ("404" in message.text or "410" in message.text)
            if message.type in {"error", "warning"} and not refused:
                self.noise.append(f"the browser says: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda problem: self.noise.append(f"a script failed: {problem}"))


@contextmanager
def browsing(company: RunningCompany, program: str) -> Iterator[Browsing]:
    """The browser `program` at the company's site, each who can sign in signed in, until the block ends."""
    from playwright.sync_api import sync_playwright

    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(_LAUNCH))
        tabs = {who: chromium.new_context(reduced_motion="reduce").new_page() for who in PAGES}
        opened = Browsing(company.company.url, tabs, axe)
        for tab in tabs.values():
            opened.listen(tab)
        person, officer = _ways_in(company)
        for who, path in (("person", person), ("officer", officer)):
            tabs[who].goto(opened.url + path)
            tabs[who].click("main button")
        tabs["officer"].goto(opened.url + "/console/account")
        tabs["officer"].get_by_role("button", name="Set up").click()
        name, password = _customer(company)
        tabs["customer"].goto(opened.url + "/log-in")
        tabs["customer"].fill("input[name=login]", name)
        tabs["customer"].fill("input[name=password]", password)
        tabs["customer"].click("main form button")
        tabs["customer"].wait_for_url("**/account")
        tabs["customer"].goto(opened.url + "/goods/morning-dew-sencha")
        tabs["customer"].click("main form button")
        tabs["customer"].wait_for_url("**/basket*")
        try:
            yield opened
        finally:
            chromium.close()


def lived_in(company: RunningCompany) -> None:
    """A second version of the policy, and three earlier checks in which more was broken than now."""
    now, report = company.clock.now(), company.before
    kept = [each.number for each in report.sentences if each.verdict is Verdict.KEPT]
    for hours, worse in ((70, kept[:9]), (46, kept[:2]), (22, kept[:4]), (0, [])):
        sentences = tuple(
            dataclasses.replace(each, verdict=Verdict.BROKEN) if each.number in worse else each
            for each in report.sentences
        )
        then = dataclasses.replace(report, checked_at=now - dt.timedelta(hours=hours), sentences=sentences)
        checking.remember(company.instance, then)
    data = (company.company.folder / "policy.yaml").read_bytes()
    words = b"Send you marketing communications and promotional information"
    assert words in data
    reworded = data.replace(words, b"Send you marketing letters, offers and promotional information")
    with company.company.open(company.clock) as troth:
        versions.publish(troth.office.store, troth.office.keyring, reworded, reading.parse(reworded), now)
        asked(troth, company)


def asked(troth: Any, company: RunningCompany) -> None:
    """A request of customer 12 that is answered by hand; those before it the company has answered when it was founded."""
    desk = Desk.of(troth.office, company.instance)
    wish = "My name is written with two d. " * 20
    intake = Intake(Right.RECTIFICATION, Channel.CENTRE, known_by=named("id=12"), proof=Proof.SESSION, wish=wish)
    with troth.office.store.reading() as tx:
        person = standing.load_person(tx, troth.office.keyring, "id=12")
    filed = requests.file(desk, dataclasses.replace(intake, person=person))
    assert filed.request.number.endswith("000005")
    fulfilment.go_on(desk, filed.request.id)
    desk.close()


def _ways_in(company: RunningCompany) -> tuple[str, str]:
    """The one-time paths of a person with a very long address into the centre, and of the officer into the console."""
    now = company.clock.now()
    with company.company.open(company.clock) as troth:
        office = troth.office
        with office.store.writing() as tx:
            person = standing.load_person(tx, office.keyring, "id=12")
            token = entrance.link_by_app(tx, office, person, now, shown=LONG_NAME, known_by=named("id=12"))
        return f"/privacy/centre/enter/{token}", login_link(office.store, OFFICER, now)


def _customer(company: RunningCompany) -> tuple[str, str]:
    """Name and password of a customer who has ordered, with a name as long as names get."""
    engine = create_engine(company.company.shop_url)
    users = tables.users
    ordered = select(tables.orders.c.user_id)
    with engine.begin() as tx:
        row = tx.execute(
            select(users.c.id, users.c.username)
            .where(users.c.closed_at.is_(None), users.c.id.in_(ordered))
            .order_by(users.c.id)
        ).first()
        assert row is not None
        profiles = tables.profiles
        tx.execute(profiles.update().where(profiles.c.user_id == row.id).values(name="Wolfeschlegelsteinhausen" * 8))
    engine.dispose()
    return row.username, PASSPHRASES[row.id % len(PASSPHRASES)]
