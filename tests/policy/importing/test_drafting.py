"""An existing policy becomes a policy.yaml that reads back, prints the same words, and says what it guessed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import TrothError, UnreadableFile
from troth.policy import reading
from troth.policy.importing.drafting import ImportedPolicy, import_policy
from troth.policy.model import Policy
from troth.policy.rendering.html import render_html
from troth.policy.rendering.markdown import render_markdown
from troth.policy.rendering.text import render_text

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "example-company.txt"
SOURCES = sorted((HERE / "sources").iterdir())


def imported(data: bytes | str, name: str = "policy.txt") -> Policy:
    return reading.parse(import_policy(data if isinstance(data, bytes) else data.encode(), name).yaml.encode())


def bare(text: str) -> str:
    return "".join(re.findall(r"\w+", text))


@cache
def from_example() -> ImportedPolicy:
    return import_policy(EXAMPLE.read_bytes(), EXAMPLE.name)


# --- the example ----------------------------------------------------------------------------------------------------


def test_the_example_printed_again_is_its_source_to_the_byte() -> None:
    assert render_text(reading.parse(from_example().yaml.encode())).encode() == EXAMPLE.read_bytes()


def test_the_example_gets_the_71_numbers_of_the_shipped_policy() -> None:
    shipped = reading.parse((resources.files("troth.example") / "policy.yaml").read_bytes())
    drafted = reading.parse(from_example().yaml.encode())

    assert list(drafted.by_number) == list(shipped.by_number)
    assert [s.text for s in drafted.sentences] == [s.text for s in shipped.sentences]
    assert [s.sums for s in drafted.sentences] == [s.sums for s in shipped.sentences]
    assert len(drafted.by_number) == 71


@pytest.mark.parametrize(
    "field",
    ["measure", "circumstance", "safeguard", "right", "category", "channel", "complaint", "updated", "effective",
     "names_purposes", "opt_out"],
)  # fmt: skip
def test_the_guesses_for_the_example_are_what_its_author_declared(field: str) -> None:
    shipped = reading.parse((resources.files("troth.example") / "policy.yaml").read_bytes())
    drafted = reading.parse(from_example().yaml.encode())

    declared = {s.number: getattr(s.meaning, field) for s in shipped.sentences}
    guessed = {s.number: getattr(s.meaning, field) for s in drafted.sentences}

    assert guessed == declared


def test_the_data_of_section_1_and_the_grounds_of_section_2_are_guessed_from_the_words() -> None:
    shipped = reading.parse((resources.files("troth.example") / "policy.yaml").read_bytes())
    drafted = reading.parse(from_example().yaml.encode())

    assert set(shipped.collected) - set(drafted.collected) == {"payment.token"}  # no word of the text says it
    assert set(drafted.collected) <= set(shipped.collected)
    assert [drafted.by_number[n].meaning.basis for n in ("2.2a", "2.2b", "2.2c", "2.2d")] == [
        shipped.by_number[n].meaning.basis for n in ("2.2a", "2.2b", "2.2c", "2.2d")
    ]
    assert set(drafted.purposes) <= set(shipped.purposes)


def test_every_meaning_is_marked_as_a_guess() -> None:
    drafted = reading.parse(from_example().yaml.encode())

    assert [s.number for s in drafted.sentences if s.meaning.guess == s.meaning.empty] == []


def test_who_publishes_it_is_asked() -> None:
    questions = [str(note) for note in from_example().notes if note.question]

    assert any('"Example Company"' in question for question in questions)
    assert any("CN" in question for question in questions)
    assert any("gdpr, pipl" in question for question in questions)
    assert all(f"# - {question}" in from_example().yaml for question in questions)


def test_importing_again_gives_the_same_file() -> None:
    assert import_policy(EXAMPLE.read_bytes(), EXAMPLE.name) == from_example()


# --- policies of other manners --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_word_of_a_source_is_lost_or_moved(source: Path) -> None:
    printed = render_text(imported(source.read_bytes(), source.name))

    assert printed + "\n" == (HERE / "printed" / f"{source.name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", [HERE / "sources" / name for name in ("letter.txt", "shop.zh.txt", "terms.txt")])
def test_a_text_is_printed_again_line_for_line_but_for_blank_lines_and_wrapping(source: Path) -> None:
    printed = render_text(imported(source.read_bytes(), source.name))

    lines = [" ".join(line.split()) for line in source.read_text().splitlines() if line.strip()]
    again = [" ".join(line.split()) for line in printed.splitlines()]
    assert "".join(lines).replace(" ", "") == "".join(again).replace(" ", "")
    if source.name != "letter.txt":  # the one that its editor wrapped
        assert again == lines


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_what_was_printed_is_read_the_same_again(source: Path) -> None:
    once = render_text(imported(source.read_bytes(), source.name))

    assert render_text(imported(once)) == once


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_number_stands_twice_and_every_section_is_known(source: Path) -> None:
    policy = imported(source.read_bytes(), source.name)

    numbers = [sentence.number for sentence in policy.sentences]
    assert len(set(numbers)) == len(numbers)
    assert not [note for note in import_policy(source.read_bytes(), source.name).notes if "carried over" in note.text]


def meaning_of(policy: Policy, words: str) -> dict[str, object]:
    found = [s.meaning for s in policy.sentences if words in s.text]
    assert found, words
    return found[0].model_dump(exclude_unset=True, exclude={"guess"}, mode="json")


def source(name: str) -> Policy:
    return imported((HERE / "sources" / name).read_bytes(), name)


def test_markdown_with_a_table_of_purposes_gives_uses_with_their_grounds() -> None:
    policy = source("garden-club.md")

    assert policy.controller.name == "Example Garden Club"
    assert policy.controller.country == "GB"
    assert policy.laws == ("uk-gdpr",)
    assert str(policy.last_updated) == "2025-03-03"
    uses = {(use.purpose, use.category, str(use.basis)) for use in policy.uses}
    assert ("marketing", "contact.email", "consent") in uses
    assert ("service.provide", "profile.name", "contract") in uses
    assert meaning_of(policy, "to correct it") == {"right": "rectification"}
    assert meaning_of(policy, "We don't collect health data") == {}
    periods = list(policy.periods.values())
    assert [(period.data, period.after, str(period.keep)) for period in periods] == [
        (("contact.email",), "account-closed", "2 years")
    ]


def test_html_gives_its_lists_cookies_and_links_and_no_script() -> None:
    imported_page = import_policy((HERE / "sources" / "clinic.html").read_bytes(), "clinic.html")
    policy = reading.parse(imported_page.yaml.encode())

    items = [item for sentence in policy.sentences for item in sentence.meaning.items]
    assert [(item.name, str(item.life), item.purpose) for item in items] == [
        ("clinic_session", "session", "service.provide"),
        ("_stat", "13 months", "analytics"),
    ]
    assert {partner.host for s in policy.sentences for partner in s.meaning.partners} == {"maps.example.org"}
    assert "# a map of the area leads to https://maps.example.org/privacy" in imported_page.yaml
    assert "tracked" not in imported_page.yaml
    assert "Prices" not in imported_page.yaml
    assert any("nav" in note.text and "footer" in note.text for note in imported_page.notes)
    assert [clause.mark for clause in policy.clauses() if "TLS" in (clause.text or "")] == ["a."]


def test_lettered_clauses_keep_their_numbers() -> None:
    policy = source("terms.txt")

    assert [n for n in policy.by_number if n.startswith("2.1")] == ["2.1", "2.1a", "2.1b", "2.1c", "2.1c1", "2.1c2"]
    assert policy.by_number["2.1"].sums == ("2.1a", "2.1b", "2.1c")
    assert policy.controller.name == "Example Freight GmbH"
    assert policy.controller.country == "DE"
    assert meaning_of(policy, "detect fraud")["basis"] == "legitimate-interests"
    assert meaning_of(policy, "30 days")["notice"] == {"material": "30 days", "by": ["mail"]}


def test_an_unnumbered_text_gets_sections_by_the_words_of_its_headings() -> None:
    policy = source("letter.txt")

    titles = {clause.title: clause.section for clause in policy.clauses() if clause.title}
    assert titles["What we know about you"] == "collection"
    assert titles["Why we use it"] == "use"
    assert titles["SECURITY"] == "protection"
    assert titles["Who else sees it"] == "sharing"
    assert titles["How to reach us"] == "contact"
    assert all(clause.mark == "" for clause in policy.clauses() if clause.title)
    assert str(policy.last_updated) == "2025-05-15"


def test_chinese_is_read_with_its_own_marks_and_words() -> None:
    policy = source("shop.zh.txt")

    assert policy.title == "隐私政策"
    assert policy.controller.name == "示例商店有限公司"
    assert policy.controller.languages == ("zh",)
    assert policy.laws == ("pipl",)
    assert meaning_of(policy, "手机号码")["data"] == ["account.username", "contact.phone", "account.password"]
    assert meaning_of(policy, "传输加密") == {"measure": "tls"}
    assert meaning_of(policy, "要求删除") == {"right": "erasure"}
    assert [str(period.keep) for period in policy.periods.values()] == ["3 years"]


def test_a_section_that_comes_again_keeps_its_place_on_the_page() -> None:
    text = (
        "Policy\n\n1. Data we collect\n\nYour name.\n\n2. How long we keep it\n\nOne year.\n\n"
        "3. Who we share it with\n\nNobody.\n\n4. Security measures\n\nWe use TLS.\n"
    )

    policy = imported(text)

    assert [c.title for c in policy.clauses() if c.title] == [
        "Data we collect", "How long we keep it", "Who we share it with", "Security measures",
    ]  # fmt: skip
    assert [note.line for note in import_policy(text.encode(), "p.txt").notes if "keep the order" in note.text]


def test_a_text_without_any_heading_is_imported_with_a_question() -> None:
    result = import_policy(b"we take your e-mail address to send you letters. that is all.", "note.txt")

    assert [s.text for s in reading.parse(result.yaml.encode()).sentences] == [
        "we take your e-mail address to send you letters. that is all."
    ]
    assert any(note.question and "no headings" in note.text for note in result.notes)
    assert any("no title" in note.text for note in result.notes)


def test_a_day_that_can_be_read_two_ways_is_asked() -> None:
    result = import_policy(b"Policy\n1. Changes\n- Last updated: 03/04/2025\n", "policy.txt")

    assert str(reading.parse(result.yaml.encode()).last_updated) == "2025-04-03"
    assert [note.line for note in result.notes if "day before month" in note.text] == [3]


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("p.txt", b"", "empty"),
        ("p.txt", b" \n\t\n", "empty"),
        ("p.txt", b"\x00\x01\x02", "binary"),
        ("p.txt", bytes(range(128, 256)), "UTF-8"),
        ("p.txt", b"a" * 50_000_000, "larger than 2 MiB"),
        ("p.txt", b"some words " * 100_000, "longer than a policy"),
        ("p.txt", b"- item\n" * 20_000, "longer than a policy"),
        ("p.txt", b"word " * 5_000, "a paragraph of more than"),
        ("p.txt", b"!!! --- ???", "no words"),
        ("p.html", b"<script>only()</script>", "no words"),
        ("p.html", b"<ul><li>" * 100_000, "more tags"),
        ("p.html", b"<" * 2_000_000, "more tags"),
        ("p.md", b"[" * 500_000, "more markup"),
        ("p.md", b"> " * 200_000, "more markup"),
        ("p.pdf", b"%PDF-1.7\n", "a PDF"),
        ("p.docx", b"PK\x03\x04rest", "Word"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line_at_once(name: str, data: bytes, says: str) -> None:
    started = time.monotonic()

    with pytest.raises(UnreadableFile, match=says) as told:
        import_policy(data, f"folder/{name}")

    assert str(told.value).startswith(name)
    assert "\n" not in str(told.value)
    assert told.value.repair
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "make",
    [
        lambda n: b"<div>" * n + b"Words of a policy." + b"</div>" * n,
        lambda n: b"<table><tr><td>" * n + b"Words of a policy.",
        lambda n: b"<p>Words of a policy.</p>" + b"<!--" * n,
        lambda n: b"<p>Words of a policy.</p>" + b"<![CDATA[" * n,
        lambda n: b"<p>Words of a policy." + b"<script>" * n,
    ],
)
def test_deep_and_unfinished_pages_are_read_in_bounded_time(make: Callable[[int], bytes]) -> None:
    started = time.monotonic()

    policy = imported(make(20_000), "page.html")

    assert "Words of a policy." in render_text(policy)
    assert time.monotonic() - started < 10


PIECES = """\
# |## 2. |1. |1.1 |(a) |(ii) |- |  * |• |A. |====|Title|We collect your e-mail address.|Label: text|<p>|</p>|<td>
<ul><li>|一、|第一条|。|a: b: c|"q"|'|{x}|[y]|#|%|@|`|null|2024-01-09|1.5|- - -|&amp;|\\|ALL CAPS|use|text|purpose
last updated 1 May 2025|The data|sentences|::|: |? |!tag|*x*|kept for 3 years|name and IP address|consent|<b>|<h2>
<table><tr><th>|</table>|</h2>|\
"""
lines = st.sampled_from([*re.split("[|\n]", PIECES), "| a | b |", "|---|---|", "\t", "\u2028", "\x0c", "\x85"])
texts = st.lists(st.lists(lines, max_size=4).map("".join), max_size=14).map("\n".join)


@given(texts, st.sampled_from(["p.txt", "p.md", "p.html", "p"]))
def test_whatever_is_imported_reads_back_and_keeps_its_words(text: str, name: str) -> None:
    result = refusal = None
    try:
        result = import_policy(text.encode(), name)
    except UnreadableFile as refused:
        refusal = str(refused)
    if result is None:
        assert re.search("empty|no words|binary", refusal or "")
        return

    policy = reading.parse(result.yaml.encode())
    assert [note for note in result.notes if "carried over" in note.text] == []
    assert not (name == "p.txt" and not set(text) & set("<#[")) or bare(text) in bare(render_text(policy))


MANNERS = """\
1. Title|1.1 Sub|2. Next|2.1 Sub|3. Sharing of data|A. Part|B. Other|(a) item one.|(b) item two.|(i) x;|- bullet
  - nested|• dot|Para one. Two sentences.|Label: text|~ a ~ b ~|~---~---~|~ c ~ d ~||Data Title|CAPS TITLE
Section 2: Foo|1) one|2) two|Article 1. Bar|We collect your name.|1. We do this.|2. We do that.|4.1 We share it:
一、收集
（一）内容|第一条 总则|   indented|我们收集信息。第二句。|Last updated: 1 May 2025|4. Cookies|5. Cookies"""


@given(st.lists(st.sampled_from(re.split("[|\n]", MANNERS)), min_size=3, max_size=25))
def test_whatever_manners_are_mixed_every_word_keeps_its_place(lines: list[str]) -> None:
    text = "Policy\n" + "\n".join(lines).replace("~", "|") + "\nThe end.\n"

    policy = imported(text)
    printed = render_text(policy)

    assert bare(printed) == bare(text)
    assert bare(render_text(imported(render_markdown(policy), "p.md"))) == bare(text)
    assert bare(render_text(imported(render_html(policy, annexes=False), "p.html"))) == bare(text)


@given(st.binary(max_size=400))
def test_no_bytes_bring_anything_but_a_policy_or_an_error_of_ours(data: bytes) -> None:
    kind = UnreadableFile
    try:
        reading.parse(import_policy(data, "policy").yaml.encode())
    except TrothError as refused:
        kind = type(refused)

    assert kind is UnreadableFile
