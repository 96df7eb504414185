"""The pages of section 8 as the public gets them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.policies import example
from tests.updates.company import data_of, dated
from tests.updates.pages import Visitor, new_store
from troth.foundation import markup
from troth.foundation.keys import Keyring
from troth.foundation.proof import Evidence, Finding, Grade, Report, SentenceReport, Verdict
from troth.foundation.store import Store
from troth.policy import reading
from troth.policy.model import Policy
from troth.policy.rendering.text import render_text
from troth.testing import FixedClock
from troth.updates import versions

CLOCK = FixedClock()
NOW = CLOCK.now()
HOSTILE = '<script>alert(1)</script> {{ 7*7 }} {% raw %} & "x"'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as opened:
        yield opened


def policy_of(data: bytes) -> Policy:
    return reading.parse(data, "policy.yaml")


def report_of(policy: Policy, *, seen_at: dt.datetime = NOW) -> Report:
    """Sentence 3a broken, 3b kept; the lead broken by 3a; nothing seen of the others."""
    finding = Finding(
        "protection.kept-too-long",
        Verdict.BROKEN,
        "tickets in desk",
        "12 rows too old",
        "run `troth retention run`",
        "Art. 5",
    )
    evidence = Evidence("x.y", Grade.MEASURED, seen_at, "shop", "all is well", dt.timedelta(days=1))
    rows = []
    for each in policy.sentences:
        verdict, caused, ev, fi = Verdict.UNPROVEN, (), (), ()
        if each.number == "3a":
            verdict, fi = Verdict.BROKEN, (finding,)
        elif each.number == "3b":
            verdict, ev = Verdict.KEPT, (evidence,)
        elif each.number == "0":
            verdict, caused = Verdict.BROKEN, ("3a",)
        rows.append(SentenceReport(each.id, each.number, each.text, verdict, caused, ev, fi, each.sums, each.line))
    return Report("policy.yaml", policy.sha256, seen_at, tuple(rows))


def page_of(answer) -> markup.Markup:
    assert answer.status_code == 200
    return markup.read(answer.content, url=str(answer.url))


def test_every_sentence_of_the_example_stands_under_its_number_word_for_word(store: Store) -> None:
    policy = example()
    page = page_of(Visitor(policy, store, CLOCK).get("/privacy"))

    assert {s.number: page.text_of(f"s{s.number}") for s in policy.sentences} == {
        s.number: s.text for s in policy.sentences
    }
    assert len(policy.sentences) == 71


def test_each_mark_opens_the_evidence_behind_it(store: Store) -> None:
    policy = policy_of(data_of())
    answer = Visitor(policy, store, CLOCK, report_of(policy)).get("/privacy")
    text = page_of(answer).text

    assert "tickets in desk: 12 rows too old" in text
    assert "<code>troth retention run</code>" in answer.text
    assert "measured on November 22, 2026, 06:00 UTC" in text
    assert "Checked on November 22, 2026, 06:00 UTC" in text
    assert '<dt>Because of</dt><dd><a href="#s3a">3a</a>' in answer.text
    assert answer.text.count("<details>") == len(policy.sentences)


def test_evidence_past_its_age_is_shown_as_unproven(store: Store) -> None:
    policy = policy_of(data_of())
    late = Visitor(policy, store, FixedClock("2026-11-25T06:00:00+00:00"), report_of(policy)).get("/privacy")

    text = page_of(late).text
    assert "older than its age limit" in text
    assert "0 sentences kept" in text


def test_a_mark_stands_only_beside_the_words_that_were_checked(store: Store) -> None:
    checked, shown = policy_of(data_of()), policy_of(data_of(("We do not sell data.", "We do sell data.")))
    answer = Visitor(shown, store, CLOCK, report_of(checked)).get("/privacy")

    assert answer.text.count("<details>") == len(shown.sentences) - 1


def test_a_policy_that_nobody_checked_says_so(store: Store) -> None:
    assert "No check has looked at this policy yet." in page_of(Visitor(example(), store, CLOCK).get("/privacy")).text


def test_annexes_stand_under_names_that_checks_find(store: Store) -> None:
    page = page_of(Visitor(example(), store, CLOCK).get("/privacy"))

    recipients = [name for name in page.ids if name.startswith("recipient-")]
    assert [(page.text_of(name) or "").partition(" | ")[0] for name in recipients] == [
        "Example Pay", "Example Metrics", "Example Storage", "Example Desk",
    ]  # fmt: skip
    assert [name for name in page.ids if name.startswith("period-")] == [f"period-{each}" for each in example().periods]
    assert any(link.url == "https://www.cac.gov.cn/" for link in page.links)


def test_the_page_needs_no_script_and_names_its_language(store: Store) -> None:
    page = page_of(Visitor(example(), store, CLOCK).get("/privacy"))

    assert not page.scripted
    assert page.language == "en"


def test_programs_find_the_policy(store: Store) -> None:
    answer = Visitor(example(), store, CLOCK).get("/privacy")

    assert '</privacy>; rel="privacy-policy"' in answer.headers["link"]
    assert '</privacy/policy.jsonld>; rel="describedby"; type="application/ld+json"' in answer.headers["link"]


def test_words_that_look_like_markup_are_shown_as_they_are(store: Store) -> None:
    policy = policy_of(data_of(("We do not sell data.", json.dumps(HOSTILE))))
    visitor = Visitor(policy, store, CLOCK, report_of(policy))

    page = page_of(visitor.get("/privacy"))

    assert page.text_of("s3b") == HOSTILE
    assert not page.scripted


def test_the_page_for_printing_has_the_words_and_no_marks(store: Store) -> None:
    policy = policy_of(data_of())
    answer = Visitor(policy, store, CLOCK, report_of(policy)).get("/privacy/print")

    assert "<details>" not in answer.text
    assert page_of(answer).text_of("s3b") == "We do not sell data."


def test_the_files_are_what_the_renderers_write(store: Store) -> None:
    policy = policy_of(data_of())
    visitor = Visitor(policy, store, CLOCK, report_of(policy))

    assert visitor.get("/privacy/policy.txt").text == render_text(policy)
    assert visitor.get("/privacy/policy.txt").headers["content-type"] == "text/plain; charset=utf-8"
    assert visitor.get("/privacy/policy.md").text.startswith("# Privacy Policy")
    assert visitor.get("/privacy/policy.jsonld").json()["@context"]
    told = visitor.get("/privacy/policy.json").json()
    assert told["sha256"] == policy.sha256
    assert {each["number"]: each["verdict"] for each in told["sentences"]}["3a"] == "broken"


def test_versions_are_listed_read_and_compared(store: Store, tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path)
    old = data_of()
    new = data_of(
        ("country: DE", "country: US"),
        ("We do not sell data.", "We never sell data."),
        *dated("2026-11-22", "2026-12-22"),
    )
    for data in (old, new):
        versions.publish(store, keyring, data, policy_of(data), NOW)
    visitor = Visitor(policy_of(new), store, CLOCK)

    listed = page_of(visitor.get("/privacy/versions"))
    assert "a material change" in (listed.text_of("version-2") or "")
    assert "the first" in (listed.text_of("version-1") or "")

    first = page_of(visitor.get("/privacy/versions/1"))
    assert first.text_of("s3b") == "We do not sell data."
    assert "This is version 1" in first.text

    compared = visitor.get("/privacy/compare?from=1&to=2")
    assert "Example Mail is in US instead of DE" in page_of(compared).text
    assert "<del>do not</del><ins>never</ins>" in compared.text
    assert page_of(visitor.get("/privacy/compare")).title == page_of(compared).title


@pytest.mark.parametrize(
    "path",
    [
        "versions/7",
        "versions/0",
        "versions/-1",
        "versions/x",
        "versions/" + "9" * 40,
        "versions/٣",
        "compare",
        "compare?from=1&to=x",
    ],
)
def test_versions_that_are_not_there_are_a_page_that_says_so(path: str, store: Store) -> None:
    answer = Visitor(example(), store, CLOCK).get(f"/privacy/{path}")

    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_a_company_without_versions_sees_an_empty_list(store: Store) -> None:
    assert (
        "No version has been published yet." in page_of(Visitor(example(), store, CLOCK).get("/privacy/versions")).text
    )
