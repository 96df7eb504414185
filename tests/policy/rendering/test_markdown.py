"""Markdown shows the words that were published, and nothing in them becomes markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.policy.rendering.worlds import SOURCE, example, one_item, one_paragraph, policy, quoted
from troth.policy import reading
from troth.policy.importing.drafting import import_policy
from troth.policy.model import Policy
from troth.policy.rendering.markdown import render_markdown
from troth.policy.rendering.text import one_line, render_text

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
STRUCTURE = frozenset(
    {
        "heading",
        "paragraph",
        "bullet_list",
        "ordered_list",
        "list_item",
        "inline",
        "table",
        "thead",
        "tbody",
        "tr",
        "td",
        "th",
    }
)
awkward = st.text(
    st.one_of(
        st.sampled_from("\\`*_{}[]<>()#+-.!|~$&;:=^\"' \n\t1aé中"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    min_size=1,
    max_size=60,
)


def shown(tokens: list[Token]) -> list[str]:
    """The words of each block as a renderer shows them; fails on any inline markup."""
    lines = []
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in STRUCTURE, token.type
        if token.type == "inline":
            assert {child.type for child in token.children or ()} <= {"text", "text_special", "hardbreak"}, (
                token.content
            )
            words = ("\n" if child.type == "hardbreak" else child.content for child in token.children or ())
            lines.append(trimmed("".join(words)))
    return lines


def trimmed(text: str) -> str:
    """Space of any width at the ends of a line is nothing that a reader sees, and renderers cut it."""
    return "\n".join(line.strip() for line in text.split("\n"))


def as_published(text: str) -> str:
    return trimmed("\n".join(one_line(line) for line in text.splitlines() if line.strip()))


def test_the_example_comes_back_from_its_markdown_word_for_word() -> None:
    again = import_policy(render_markdown(example()).encode(), "policy.md")

    assert render_text(reading.parse(again.yaml.encode())).encode() == SOURCE.read_bytes()


def test_headings_lists_and_the_table_are_those_of_markdown() -> None:
    text = render_markdown(example())

    assert text.startswith("# Privacy Policy\n\nWe are committed")
    assert "\n\n## 1. Information Collection\n\n" in text
    assert "\n- **Account Information:** Including username" in text
    assert "\n| Service Type | Purpose | Data Protection |\n|---|---|---|\n| Payment Processor |" in text
    assert text.endswith("authority.\n")


@given(awkward)
def test_no_text_of_a_paragraph_becomes_markup(text: str) -> None:
    assert shown(PARSER.parse(render_markdown(one_paragraph(text))))[2:] == [as_published(text)] * bool(
        as_published(text)
    )


@given(awkward)
def test_no_text_of_an_item_becomes_markup(text: str) -> None:
    lines = shown(PARSER.parse(render_markdown(one_item(text))))[2:]

    assert lines == [as_published(text)] * bool(as_published(text))


@given(awkward)
def test_no_text_of_a_heading_or_a_cell_becomes_markup(text: str) -> None:
    words = quoted(text)
    said = policy(f"sharing: {{title: {words}, columns: [A, B], r: {{cells: [{words}, x]}}}}\n")

    tokens = PARSER.parse(render_markdown(said))
    published = one_line(text).strip()
    assert [line.strip() for line in shown(tokens)][1:] == [published, "A", "B", published, "x"] or not published


@pytest.mark.parametrize(
    "words",
    [
        "{{ secret }}",
        "{% raw %}",
        "<script>alert(1)</script>",
        "<!-- x -->",
        "[x](javascript:alert(1))",
        "![x](http://x)",
    ],
)
def test_no_dialect_finds_anything_to_do(words: str) -> None:
    text = render_markdown(one_paragraph(words))

    assert words not in text
    assert "<" not in text


def numbered(marks: list[str]) -> Policy:
    items = ", ".join(f"i{index}: {{mark: '{mark}', text: words}}" for index, mark in enumerate(marks))
    return policy(f"use: {{title: Why, {items}}}\n")


def test_numbers_that_count_on_are_a_numbered_list() -> None:
    assert render_markdown(numbered(["1.", "2.", "3."])).endswith("1. words\n2. words\n3. words\n")


def test_numbers_that_a_renderer_would_change_are_printed_as_words() -> None:
    text = render_markdown(numbered(["1.", "3.", "(a)"]))

    assert text.endswith("1. words\n- 3\\. words\n- (a) words\n")
    assert shown(PARSER.parse(text))[-2:] == ["3. words", "(a) words"]


def test_what_hangs_below_an_item_stays_inside_it() -> None:
    said = policy(
        "use: {title: Why, a: {text: one, b: {text: below, c: {mark: '', text: a paragraph}}}, d: {text: two}}\n"
    )

    depths = [token.level for token in PARSER.parse(render_markdown(said)) if token.type == "inline"]
    assert depths == [1, 1, 3, 5, 5, 3]
