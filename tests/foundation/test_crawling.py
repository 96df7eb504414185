"""The site as a first-time visitor gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.policies import policy_of
from tests.sites import LocalSite, observation, serving
from troth.errors import NetworkUnreachable
from troth.foundation import crawling
from troth.foundation.proof import NothingToObserve


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with serving() as running:
        yield running


POLICY = policy_of("contact: {number: '9', title: Contact, text: Write to us.}")


def test_pages_are_found_by_following_links_on_the_site_only(site: LocalSite, tmp_path: Path) -> None:
    site.put(
        "/", '<a href="/a">a</a><a href="b?x=1#y">b</a><a href="https://tea.example.org/c">c</a><a href="mailto:x@y.z">'
    )
    site.put("/a", '<a href="/">home</a><a href="/img">i</a>')
    site.put("/b?x=1", "<p>b</p>")
    site.put("/img", b"\x89PNG", kind="image/png")

    walk = crawling.walk(observation(POLICY, tmp_path, site))

    assert [path for path, _ in walk.pages] == ["/", "/a", "/b?x=1"]
    assert walk.whole
    assert site.asked == ["/", "/a", "/b?x=1", "/img"]


def test_each_page_is_asked_for_once_a_run(site: LocalSite, tmp_path: Path) -> None:
    site.put("/", "<p>x</p>")
    seen = observation(POLICY, tmp_path, site)

    assert crawling.walk(seen) is crawling.walk(seen)
    seen.page("/")

    assert site.asked == ["/"]


def test_a_walk_ends_at_thirty_pages_and_says_so(site: LocalSite, tmp_path: Path) -> None:
    site.put("/", "".join(f'<a href="/{n}">{n}</a>' for n in range(100)))
    for n in range(100):
        site.put(f"/{n}", "<p>x</p>")

    walk = crawling.walk(observation(POLICY, tmp_path, site))

    assert len(walk.visits) == 30
    assert not walk.whole


def test_redirects_on_the_site_are_followed_and_others_are_not(site: LocalSite, tmp_path: Path) -> None:
    site.put("/", '<a href="/in">in</a><a href="/out">out</a>')
    site.put("/in", "", status=302, headers={"Location": "/welcome"})
    site.put("/out", "", status=302, headers={"Location": "https://tea.example.org/"})
    site.put("/welcome", "<p>hello</p>")

    walk = crawling.walk(observation(POLICY, tmp_path, site))

    assert [path for path, _ in walk.pages] == ["/", "/welcome"]


def test_a_path_with_signs_of_any_language_is_asked_for_quoted(site: LocalSite, tmp_path: Path) -> None:
    site.put("/", '<a href="/茶 leaves">tea</a>')
    site.put("/%E8%8C%B6%20leaves", "<p>tea</p>")

    walk = crawling.walk(observation(POLICY, tmp_path, site))

    assert len(walk.pages) == 2


def test_a_site_that_does_not_answer_is_no_empty_site(tmp_path: Path) -> None:
    with serving() as gone:
        seen = observation(POLICY, tmp_path, gone)

    with pytest.raises(NetworkUnreachable):
        crawling.walk(seen)


def test_without_a_site_there_is_nothing_to_observe(tmp_path: Path) -> None:
    with pytest.raises(NothingToObserve):
        crawling.walk(observation(POLICY, tmp_path))


@pytest.mark.parametrize(("status", "kind"), [(404, "text/html"), (500, "text/html"), (200, "application/pdf")])
def test_what_is_no_page_is_not_read_as_the_policy(status: int, kind: str, site: LocalSite, tmp_path: Path) -> None:
    site.put("/privacy", "<p id=s0>x</p>", status=status, kind=kind)

    with pytest.raises(NothingToObserve):
        crawling.policy_page(observation(POLICY, tmp_path, site))
