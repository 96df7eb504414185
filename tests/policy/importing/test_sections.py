"""Parts fall to their sections in the order of the page; numbers are given once; words are known."""

from __future__ import annotations

import pytest

from troth.policy.importing import lexicon
from troth.policy.importing.arrangement import PART, ROW, Draft
from troth.policy.importing.meanings import Guesser
from troth.policy.importing.numbering import number_sections
from troth.policy.importing.sections import spread
from troth.policy.model import SECTIONS
from troth.policy.vocabulary import (
    CATEGORIES,
    PURPOSES,
    Channel,
    Circumstance,
    CookieCategory,
    LegalBasis,
    Measure,
    Right,
    Safeguard,
)


def part(title: str, text: str = "") -> Draft:
    return Draft(PART, 1, title=title, text=text or None)


@pytest.mark.parametrize(
    ("title", "section"),
    [
        ("Information Collection", "collection"), ("What we know about you", "collection"), ("Children", "collection"),
        ("How we use your data", "use"), ("Legal basis", "use"), ("Data Security", "protection"),
        ("How long we keep it", "protection"), ("Disclosure to others", "sharing"), ("Your choices", "rights"),
        ("International transfers", "sharing"), ("Use of cookies", "cookies"), ("Third-Party Links", "links"),
        ("Changes to this policy", "updates"), ("Who we are", "contact"), ("Questions?", "contact"),
        ("信息共享与转让", "sharing"), ("未成年人的信息", "collection"),
    ],
)  # fmt: skip
def test_each_title_falls_to_its_section(title: str, section: str) -> None:
    assert spread([part(title)])[0].section == section


def test_each_section_takes_one_run_and_the_order_is_kept() -> None:
    titles = [
        "Who we are",
        "Data we collect",
        "Use",
        "Security",
        "Sharing",
        "Retention",
        "Rights",
        "Cookies",
        "Changes",
        "Contact",
    ]

    runs = spread([part(title) for title in titles])
    assert [p.title for run in runs for p in run.parts] == titles
    assert len({run.section for run in runs}) == len(runs)
    assert {run.section for run in runs} <= set(SECTIONS)
    assert {"collection", "use", "rights", "cookies", "updates"} <= {run.section for run in runs}


def test_a_row_that_would_take_a_heading_s_number_gives_way() -> None:
    section = Draft(PART, 1, title="Sharing", mark="4.")
    section.children = [Draft(ROW, 2, cells=("a", "b")), Draft(PART, 3, title="Who", mark="4.1", text="x")]

    number_sections([section], lead=False)

    assert [child.number for child in section.children] == ["4.t1", "4.1"]
    assert [child.written_number for child in section.children] == ["4.t1", "4.1"]


def test_the_words_for_guessing_name_only_what_the_language_has() -> None:
    known = {
        "sections": SECTIONS, "categories": CATEGORIES, "purposes": PURPOSES, "bases": LegalBasis, "measures": Measure,
        "circumstances": Circumstance, "safeguards": Safeguard, "rights": Right, "cookies": CookieCategory,
        "channels": Channel,
    }  # fmt: skip

    assert [row for name, words in known.items() for row in lexicon.table(name) if row not in set(words)] == []
    assert set(lexicon.table("sections")) == set(SECTIONS)
    assert set(lexicon.TYPICAL_DATA) | set(lexicon.TYPICAL_BASIS) <= set(PURPOSES)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("your username and password", ("account.username", "account.password")),
        ("name, billing address and e-mail address", ("profile.name", "transaction.billing_address", "contact.email")),
        ("IP address, device type and cookies", ("device.ip", "device.type")),
        ("the weather", ()),
    ],
)
def test_a_word_counts_for_one_category_only(text: str, data: tuple[str, ...]) -> None:
    assert lexicon.found_in("categories", text) == data


@pytest.mark.parametrize(
    "text", ["We do not collect your health data.", "We never sell your e-mail address.", "我们不会收集您的健康信息。"]
)
def test_what_is_not_done_has_no_meaning(text: str) -> None:
    draft = part("What we collect", text)

    Guesser().guess(draft, "collection")

    assert draft.meaning == {}
