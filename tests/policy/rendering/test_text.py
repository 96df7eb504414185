"""The text format is the published text: word for word, line for line."""

from __future__ import annotations

from tests.policy.rendering.worlds import SOURCE, example, policy
from troth.policy.rendering.text import render_text


def test_the_example_printed_as_text_is_its_source_to_the_byte() -> None:
    assert render_text(example()).encode() == SOURCE.read_bytes()


def test_nothing_but_the_published_words_is_printed() -> None:
    said = policy(
        "title: T\nuse: {title: Why, text: Words., names_purposes: [marketing]}\nprotection:\n"
        "  {title: How long, text: Kept., periods: {u: {data: [usage.*], after: visit, keep: 13 months}}}\n"
    )

    assert render_text(said) == "T\nWhy\nWords.\nHow long\nKept."


def test_a_heading_prints_its_number_only_where_it_is_written() -> None:
    said = policy(
        'title: T\nuse: {number: "2", title: Why, a: {number: "2.1", title: More, text: x},\n'
        "      b: {title: Rest, text: y}}\n"
    )

    assert render_text(said).split("\n") == ["T", "2. Why", "2.1 More", "x", "Rest", "y"]


def test_a_mark_takes_the_place_of_the_usual_one() -> None:
    said = policy(
        "title: T\n"
        'use: {number: "1", mark: "Article 1", title: Why, a: {mark: "(a)", text: one},\n'
        '      b: {mark: "", text: a paragraph}, c: {text: two, d: {mark: "•", label: Below, text: three}}}\n'
    )

    assert render_text(said).split("\n") == [
        "T", "Article 1 Why", "(a) one", "a paragraph", "- two", "  • Below: three",
    ]  # fmt: skip


def test_full_width_marks_and_stops_take_no_space_behind_them() -> None:
    said = policy('title: 政策\nuse: {number: "1", mark: "一、", title: 用途, sentences: {a: 第一句。, b: 第二句。}}\n')

    assert render_text(said) == "政策\n一、用途\n第一句。第二句。"


def test_a_bar_in_a_cell_stays_in_its_cell() -> None:
    said = policy('title: T\nsharing: {title: Who, columns: [A, B], r: {cells: ["x | y", "z"]}}\n')

    assert render_text(said).split("\n")[2:] == ["| A | B |", "|---|---|", "| x \\| y | z |"]


def test_template_expressions_are_printed_as_they_stand() -> None:
    words = "{{ 7*7 }} {% include 'x' %} ${HOME} <%= 1 %> {0.__class__} %(name)s #{1}"
    said = policy(f'title: T\nuse: {{title: Why, text: "{words}"}}\n')

    assert render_text(said).endswith(words)
