"""The HTML document: the published words, an anchor for every sentence, and nothing that runs."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.rendering.worlds import SOURCE, example, one_item, one_paragraph, policy, quoted
from troth.policy import reading
from troth.policy.importing.drafting import import_policy
from troth.policy.rendering.html import render_html
from troth.policy.rendering.text import render_text

VOID = {"meta", "br"}
awkward = st.text(
    st.one_of(
        st.sampled_from("<>&\"'/=`{}%;: \nscriptonload"), st.characters(codec="utf-8", exclude_characters="\0\r")
    ),
    max_size=60,
)


class Page(HTMLParser):
    """A page as a strict reader sees it: every element closed in order, its ids, its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert len(named) == len(attrs)
        assert not any(name.startswith("on") for name in named)
        self.tags.append((tag, named))
        if "id" in named:
            self.ids.append(str(named["id"]))
        if named.get("href"):
            self.links.append(str(named["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "main" in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", "", "".join(self.words))


def test_without_annexes_the_page_has_the_published_words_and_no_other() -> None:
    page = Page(render_html(example(), annexes=False))

    published = re.sub(r"\s+|^[-|].*?(?=\w)|[-|]{3,}|(?<=\s)\|(?=\s)|\|$", "", SOURCE.read_text(), flags=re.MULTILINE)
    assert page.text == published


def test_the_example_comes_back_from_its_page_word_for_word() -> None:
    again = import_policy(render_html(example(), annexes=False).encode(), "policy.html")

    assert render_text(reading.parse(again.yaml.encode())).encode() == SOURCE.read_bytes()


def test_every_sentence_has_its_number_as_anchor_and_no_anchor_stands_twice() -> None:
    page = Page(render_html(example()))

    assert [name for name in page.ids if name.startswith("s")] == [f"s{number}" for number in example().by_number]
    assert len(page.ids) == len(set(page.ids))


def test_every_link_leads_to_an_anchor_of_the_page_or_to_an_authority() -> None:
    page = Page(render_html(example()))

    inside = [link for link in page.links if link.startswith("#")]
    assert inside
    assert {link[1:] for link in inside} <= set(page.ids)
    assert all(link.startswith(("#", "https://")) for link in page.links)


def test_headings_and_tables_can_be_read_aloud() -> None:
    page = Page(render_html(example()))

    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(named.get("scope") in {"col", "row"} for tag, named in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags if tag == "main"] == ["main"]


def test_the_annexes_say_what_the_declarations_say() -> None:
    text = render_html(example())

    assert "13 months" in text
    assert "Example Pay" in text
    assert "Germany" in text
    assert "Example Tax Records Act, Art. 12" in text
    assert "13 months" not in render_html(example(), annexes=False)


def test_a_policy_that_declares_nothing_has_no_annexes() -> None:
    nowhere = "troth: 1\ncontroller: {name: Example Company, country: ZZ}\n"
    page = Page(render_html(policy("use: {title: Why, text: Words.}\n", nowhere)))

    assert [tag for tag, _ in page.tags if tag in ("section", "table")] == []
    assert page.text == "PrivacyPolicyWhyWords."


@given(awkward)
def test_whatever_is_written_can_only_be_shown(text: str) -> None:
    words = quoted(text)
    said = policy(
        f"sharing: {{title: {words}, columns: [{words}], r: {{cells: [{words}, {words}]}},\n"
        f"  i: {{label: {words}, text: {words}, recipients: [{{name: {words}, purpose: {words}, data: [contact.email],"
        f" country: {words}}}]}}}}\n",
        head=f"troth: 1\ntitle: {words}\nlead: {words}\n"
        f"controller: {{name: {words}, country: DE, languages: [{words}]}}\n",
    )

    page = Page(render_html(said))

    known = (
        "html head meta title style script body main h1 h2 p ul li strong br div table thead tbody tr th td section a"
    )
    assert {tag for tag, _ in page.tags} <= set(known.split())
    assert [named for tag, named in page.tags if tag == "script"] == [{"type": "application/ld+json"}]
    assert re.sub(r"\s+", "", text) in page.text


@pytest.mark.parametrize("words", ["{{ 7*7 }}", "{% import os %}", "${x}", "#{x}", "<%= x %>", "{0}", "%s", "[[x]]"])
def test_template_expressions_are_shown_literally(words: str) -> None:
    assert f">{html.escape(words)}<" in render_html(one_paragraph(words))
    assert f">{html.escape(words)}<" in render_html(one_item(words))


def test_the_page_forbids_scripts_and_loading_by_itself() -> None:
    page = render_html(example())
    policies = [named for tag, named in Page(page).tags if named.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in str(policies[0]["content"])
    assert "@import" not in style[1]
    assert "url(" not in style[1]


def test_marks_that_are_words_are_printed_and_bullets_are_left_to_the_list() -> None:
    text = render_html(
        policy("use: {title: Why, a: {mark: '(a)', text: one}, b: {mark: '', text: p}, c: {text: two}}\n")
    )

    assert '<ul class="marked">\n<li id="s1a">(a) one</li>\n</ul>' in text
    assert '<p id="s1b">p</p>\n<ul>\n<li id="s1c">two</li>\n</ul>' in text
