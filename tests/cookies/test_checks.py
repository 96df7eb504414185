"""Section 6: worlds that are kept, broken and unproven."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policies import BROKEN, KEPT, UNPROVEN, example, judge, policy_of, said, verdicts
from tests.sites import LocalSite, observation, serving
from troth.cookies.checks import CHECKS

COOKIES = """
cookies:
  number: "6"
  title: Cookie Policy
  text: We use cookies.
  types:
    number: "6.1"
    title: Cookie Types
    essential:
      label: Essential Cookies
      text: Used for website operation
      category: essential
      items: [{name: shop_session, life: 30 days, purpose: service.provide}]
    performance:
      label: Performance Cookies
      text: Used to analyze
      category: performance
      items: [{name: "_pk_id.*", life: 13 months, purpose: analytics}]
    marketing: {label: Marketing Cookies, text: Used to advertise, category: marketing}
  management:
    number: "6.2"
    title: Cookie Management
    choices: /privacy/centre
    sentences:
      a: You can manage cookies through your browser settings.
      b: Most browsers allow you to refuse cookies or receive a warning when cookies are set.
      c: However, disabling essential cookies may affect certain website functionalities.
"""
POLICY = policy_of(COOKIES)
PAGE = '<html lang="en"><p>tea</p><footer><a href="/privacy/centre">Your choices</a></footer>'
SESSION = "shop_session=x; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax"


def world(site: LocalSite, folder: Path, page: str = PAGE, cookies: tuple[str, ...] = (SESSION,), **more: object):
    site.put("/", page, cookies=cookies, **more)  # type: ignore[arg-type]
    site.put("/privacy/centre", "<p>choices</p>")
    return observation(POLICY, folder, site)


def test_a_first_visit_that_sets_declared_essential_cookies_only_is_kept(site: LocalSite, tmp_path: Path) -> None:
    found = verdicts(CHECKS, world(site, tmp_path))

    assert found == {
        "6.1a": "kept", "6.1b": "kept", "6.1c": "unproven", "6.2a": "kept", "6.2b": "kept", "6.2c": "unproven",
    }  # fmt: skip


def test_the_evidence_says_that_only_servers_were_watched(site: LocalSite, tmp_path: Path) -> None:
    evidence = judge(CHECKS, world(site, tmp_path)).of("6.1a").evidence[0]

    assert "cookies set by servers only" in evidence.detail
    assert evidence.grade == "sampled"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("tracker=1", "tracker, which the policy does not name"),
        ("shop_session=x; Max-Age=31536000", "longer than declared (30 days)"),
        ("shop_session=x; Domain=example.com", "wider than shop.example.com"),
        ("shop_session=x; SameSite=None; Secure", "SameSite=None"),
    ],
)
def test_a_cookie_that_is_not_as_declared_breaks_the_essential_sentence_only(
    line: str, word: str, site: LocalSite, tmp_path: Path
) -> None:
    report = judge(CHECKS, world(site, tmp_path, cookies=(line,)))

    assert report.of("6.1a").verdict is BROKEN
    assert word in said(report.of("6.1a"))
    assert report.of("6.1b").verdict is KEPT
    assert report.of("6.2a").verdict is KEPT


def test_a_performance_cookie_before_a_choice_breaks_that_sentence_only(site: LocalSite, tmp_path: Path) -> None:
    report = judge(CHECKS, world(site, tmp_path, cookies=(SESSION, "_pk_id.7=1; Max-Age=60")))

    assert report.of("6.1b").verdict is BROKEN
    assert "before any choice" in said(report.of("6.1b"))
    assert report.of("6.1a").verdict is KEPT
    assert report.of("6").caused_by == ("6.1b",)


def test_a_cookie_that_an_answer_removes_is_not_set(site: LocalSite, tmp_path: Path) -> None:
    seen = world(site, tmp_path, cookies=(SESSION, "tracker=; Max-Age=0"))

    assert judge(CHECKS, seen).of("6.1a").verdict is KEPT


def test_pages_with_scripts_prove_nothing_about_what_scripts_store(site: LocalSite, tmp_path: Path) -> None:
    report = judge(CHECKS, world(site, tmp_path, page=PAGE + "<script>document.cookie='a=1'</script>"))

    assert report.of("6.1a").verdict is UNPROVEN
    assert report.of("6.1b").verdict is UNPROVEN
    assert "not watched" in said(report.of("6.1a"))


def test_a_script_does_not_hide_what_the_server_does(site: LocalSite, tmp_path: Path) -> None:
    report = judge(CHECKS, world(site, tmp_path, page=PAGE + "<script src=/x.js></script>", cookies=("tracker=1",)))

    assert report.of("6.1a").verdict is BROKEN


def test_no_cookie_at_all_proves_nothing_about_essential_ones(site: LocalSite, tmp_path: Path) -> None:
    assert judge(CHECKS, world(site, tmp_path, cookies=())).of("6.1a").verdict is UNPROVEN


def test_a_page_without_the_way_to_the_choice_breaks_that_sentence_only(site: LocalSite, tmp_path: Path) -> None:
    seen = world(site, tmp_path, page=PAGE + '<a href="/bare">bare</a>')
    site.put("/bare", "<p>nothing</p>")

    report = judge(CHECKS, seen)

    assert report.of("6.2a").verdict is BROKEN
    assert "/bare: no link" in said(report.of("6.2a"))
    assert report.of("6.2b").verdict is KEPT


def test_a_link_to_the_choice_on_another_site_does_not_count(site: LocalSite, tmp_path: Path) -> None:
    seen = world(site, tmp_path, page='<a href="http://shop.example.com.evil.example/privacy/centre">c</a>')

    assert judge(CHECKS, seen).of("6.2a").verdict is BROKEN


def test_a_site_that_shuts_out_those_without_cookies_is_broken(site: LocalSite, tmp_path: Path) -> None:
    report = judge(CHECKS, world(site, tmp_path, status=403))

    assert report.of("6.2b").verdict is BROKEN


def test_a_site_that_fails_is_unproven(site: LocalSite, tmp_path: Path) -> None:
    found = verdicts(CHECKS, world(site, tmp_path, status=500))

    assert set(found.values()) == {"unproven"}


def test_a_site_that_does_not_answer_leaves_all_unproven(tmp_path: Path) -> None:
    with serving() as gone:
        seen = observation(POLICY, tmp_path, gone)

    assert set(verdicts(CHECKS, seen).values()) == {"unproven"}


def test_kinds_without_items_say_so(site: LocalSite, tmp_path: Path) -> None:
    seen = world(site, tmp_path)
    seen.policy = example()

    report = judge(CHECKS, seen)

    for number in ("6.1b", "6.1c", "6.1d"):
        assert report.of(number).verdict is UNPROVEN
        assert "none declared, none seen" in said(report.of(number))
