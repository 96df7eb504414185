"""Section 6 proven on a first visit without a choice: what servers store, where the choice stands, what works without.

No script is run here. A page that runs one could store what no answer shows; such pages leave a sentence unproven.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from troth.cookies import scanner
from troth.cookies.scanner import Cookie
from troth.foundation import crawling
from troth.foundation.crawling import Walk
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import CookieCategory

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import CookieItem, Policy, Sentence

_REFUSE = re.compile(r"\b(refuse|reject|block|declin)", re.IGNORECASE)
_DISABLE = re.compile(r"\b(disabl|without|switch(ed|ing)? off|turn(ed|ing)? off)", re.IGNORECASE)
_WEEK = dt.timedelta(days=7)
_BROWSER = "watch the pages in a browser; this version reads only what servers set"


def _manages(kind: str) -> Applies:
    """Whether a sentence about the choice speaks of the way to it, of refusing, or of doing without essential ones."""

    def applies(sentence: Sentence, policy: Policy) -> bool:
        about = [each for each in policy.sentences if each.meaning.choices is not None and not each.sums]
        if sentence not in about:
            return False
        text = sentence.text
        said = "without" if _DISABLE.search(text) else "refusing" if _REFUSE.search(text) else "choice"
        return said == kind or (len(about) == 1 and kind != "without")

    return applies


@check(
    id="cookies.undeclared",
    promise="essential cookies are named",
    applies=lambda sentence, _: sentence.meaning.category is CookieCategory.ESSENTIAL,
    reference="ePrivacy Directive Art. 5(3)",
    grade=Grade.SAMPLED,
    max_age=_WEEK,
)
def undeclared(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A visitor who has chosen nothing gets declared essential cookies only, no longer than declared, of this site.

    What it proves: every cookie that a server sets on the pages read is an item of the policy; essential ones last no
    longer than declared, are set for no wider domain than the site's host, and are not sent along from other sites.

    What it does not prove: what scripts store. It is kept only where the pages read run no script at all. Flags that
    guard a session (Secure, HttpOnly) are section 3's matter.

    Repair: declare the cookie, or stop setting it before a choice. Before: `items: []`.
    After: `items: [{name: shop_session, life: 30 days, purpose: service.provide}]`.
    """
    walk = crawling.walk(seen)
    found = scanner.cookies(walk.visits, seen.now)
    items = [item for each in seen.policy.sentences for item in each.meaning.items]
    bad = False
    for cookie in found:
        item = scanner.item_of(cookie, items)
        if item is None:
            bad = True
            repair = f"declare {cookie.name} under `items`, or stop setting it before a choice"
            yield broken(cookie.page, f"sets the cookie {cookie.name}, which the policy does not name", repair=repair)
        elif item in sentence.meaning.items:
            for fault, repair in _faults(cookie, item, seen):
                bad = True
                yield broken(cookie.page, f"the cookie {cookie.name} {fault}", repair=repair)
    known = [cookie for cookie in found if scanner.item_of(cookie, sentence.meaning.items) is not None]
    if bad:
        return
    if not walk.pages:
        yield unproven(seen.need_site().url, "no page could be read", repair="name readable pages under `[site] pages`")
    elif not known:
        yield unproven(
            seen.need_site().url,
            f"{_read(walk)}: no essential cookie was set",
            repair="name a page that needs one under `[site] pages`",
        )
    elif _scripted(walk):
        yield _scripts_unwatched(walk)
    else:
        names = ", ".join(sorted(cookie.name for cookie in known))
        yield kept(seen.need_site().url, f"{_read(walk)}, cookies set by servers only: {names}; all as declared")


@check(
    id="cookies.set-before-consent",
    promise="cookies beside the essential ones are chosen by the visitor",
    applies=lambda sentence, _: sentence.meaning.category not in {None, CookieCategory.ESSENTIAL},
    reference="ePrivacy Directive Art. 5(3); CJEU C-673/17 (Planet49)",
    grade=Grade.SAMPLED,
    max_age=_WEEK,
)
def set_before_consent(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No declared cookie of this kind is set on a visitor who has chosen nothing.

    What it proves: no answer of the pages read sets an item of this kind on a first visit.

    What it does not prove: what scripts store or call; that the cookies appear after a yes. It is kept only where
    items are declared and the pages read run no script at all.

    Repair: set it only after the choice. Before: the analytics middleware sets `_pk_id` on every answer.
    After: it sets it only for visitors whose choice for this kind is yes.
    """
    category = sentence.meaning.category
    walk = crawling.walk(seen)
    early = [
        cookie
        for cookie in scanner.cookies(walk.visits, seen.now)
        if scanner.item_of(cookie, sentence.meaning.items) is not None
    ]
    for cookie in early:
        repair = f"set {cookie.name} only after the visitor has chosen {category} cookies"
        yield broken(cookie.page, f"sets the {category} cookie {cookie.name} before any choice", repair=repair)
    if early:
        return
    if not sentence.meaning.items:
        repair = f"declare the {category} cookies under `items`, or leave the kind out of the policy"
        yield unproven(sentence.id, f"none declared, none seen: {_read(walk)}", repair=repair)
    elif not walk.pages:
        yield unproven(seen.need_site().url, "no page could be read", repair="name readable pages under `[site] pages`")
    elif _scripted(walk):
        yield _scripts_unwatched(walk)
    else:
        many = len(sentence.meaning.items)
        yield kept(
            seen.need_site().url, f"{_read(walk)} without a choice: none of {many} declared {category} items was set"
        )


@check(
    id="cookies.choice-out-of-reach",
    promise="cookies can be managed",
    applies=_manages("choice"),
    reference="GDPR Art. 7(3); EDPB Cookie Banner Taskforce report (2023) no. 32",
    grade=Grade.SAMPLED,
    max_age=_WEEK,
)
def choice_out_of_reach(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The way to the choice stands on every page.

    What it proves: each HTML page read has a link to the address that the policy names under `choices`.

    What it does not prove: that withdrawing there takes effect, or is as easy as giving.

    Repair: put the link in the footer that all pages share. Before: `<footer>...</footer>`.
    After: `<footer>... <a href="/privacy/centre">Your data and choices</a></footer>`.
    """
    walk = crawling.walk(seen)
    site = seen.need_site()
    choices = sentence.meaning.choices or site.centre
    target = crawling.path_of(urljoin(site.url, choices))
    bare = [
        path
        for path, page in walk.pages
        if path.partition("?")[0] != target and not any(_leads_to(link.url, target, site.url) for link in page.links)
    ]
    for path in bare[:5]:
        yield broken(
            path, f"no link leads from here to {choices}", repair=f"link {choices} on every page, best in the footer"
        )
    if not walk.pages:
        yield unproven(site.url, "no page could be read", repair="name readable pages under `[site] pages`")
    elif not bare:
        yield kept(site.url, f"{_read(walk)}: each leads to {choices}")


@check(
    id="cookies.wall",
    promise="cookies can be refused",
    applies=_manages("refusing"),
    reference="GDPR Art. 7(4); EDPB Guidelines 05/2020 no. 39",
    grade=Grade.SAMPLED,
    max_age=_WEEK,
)
def wall(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """The site can be read by somebody who refuses every cookie.

    What it proves: the pages that settings name answer with status 200 to a visitor who returns no cookie.

    What it does not prove: that signing in works without cookies; it cannot.

    Repair: serve the page without a cookie. Before: `302` to a consent page. After: `200` with the page itself.
    """
    walk = crawling.walk(seen)
    refused = [visit for visit in walk.visits if visit.path in walk.named and visit.page.status != 200]
    for visit in refused:
        status = visit.page.status
        if status >= 500:
            yield unproven(
                visit.path, f"the page answers with status {status}", repair="mend the page, then run `troth check`"
            )
        else:
            yield broken(
                visit.path,
                f"without cookies the page answers with status {status}",
                repair="serve it without a cookie, or take it out of `[site] pages`",
            )
    for path in walk.silent:
        if path in walk.named:
            yield unproven(path, "the page did not answer", repair="start the site, then run `troth check`")
    if not refused and not walk.silent:
        yield kept(
            seen.need_site().url,
            f"{len(walk.named)} named, {len(walk.pages)} read in all: status 200 with every cookie refused",
        )


@check(
    id="cookies.loss-untold",
    promise="what is lost without essential cookies is told",
    applies=_manages("without"),
    reference="clause 6.2 of the policy itself",
    grade=Grade.SAMPLED,
    max_age=_WEEK,
)
def loss_untold(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - nothing to look at yet
    """Only the functions that need essential cookies fail without them.

    What it proves: nothing yet. A browser has to walk through the site with and without them.

    What it does not prove: everything. The sentence stays unproven, and says so.

    Repair: none needed; the sentence says "may". A version that drives a browser will observe it.
    """
    yield unproven(sentence.id, "nobody has walked through the site without essential cookies", repair=_BROWSER)


def _faults(cookie: Cookie, item: CookieItem, seen: Observation) -> Iterator[tuple[str, str]]:
    if scanner.outlives(cookie, item.life, seen.now):
        until = f"until {cookie.ends:%Y-%m-%d}" if cookie.ends else "for the session"
        yield f"stays {until}, longer than declared ({item.life})", "shorten its Max-Age, or declare the true life"
    host = crawling.site_host(seen)
    if item.party == "first" and cookie.domain != host:
        yield f"is set for {cookie.domain}, wider than {host}", "leave its Domain attribute out"
    if item.party == "first" and cookie.cross_site:
        yield "is sent along from other sites (SameSite=None)", "set SameSite=Lax or Strict"


def _scripted(walk: Walk) -> tuple[str, ...]:
    return tuple(path for path, page in walk.pages if page.scripted)


def _scripts_unwatched(walk: Walk) -> Saw:
    scripted = _scripted(walk)
    return unproven(
        scripted[0],
        f"scripts run on {len(scripted)} of {_read(walk)} and were not watched; servers set nothing undeclared",
        repair=_BROWSER,
    )


def _leads_to(url: str, target: str, site: str) -> bool:
    path = crawling.on_site(site, url)
    return path is not None and path.partition("?")[0] == target.partition("?")[0]


def _read(walk: Walk) -> str:
    many = len(walk.pages)
    return f"{many} page{'' if many == 1 else 's'} read{'' if walk.whole else ' (more exist)'}"


CHECKS: tuple[Check, ...] = (undeclared, set_before_consent, choice_out_of_reach, wall, loss_untold)
