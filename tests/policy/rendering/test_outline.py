"""The order of print is kept in one place, and numbers below a letter can't be mistaken for others."""

from __future__ import annotations

import itertools

import pytest

from tests.policy.rendering.worlds import example, policy
from troth.errors import DeclarationFaults
from troth.policy import reading
from troth.policy.rendering.outline import Heading, Items, Paragraph, Table, headings, outline


def test_every_sentence_of_the_policy_stands_in_the_outline_once_and_in_order() -> None:
    found: list[str] = []

    def gather(blocks: object) -> None:
        for block in blocks:  # type: ignore[attr-defined]
            if isinstance(block, Paragraph):
                found.extend(sentence.number for sentence in block.words.sentences)
            elif isinstance(block, Items):
                for item in block.items:
                    found.extend(sentence.number for sentence in item.words.sentences)
                    gather(item.below)
            elif isinstance(block, Table):
                found.extend(row.sentence.number for row in block.rows if row.sentence)

    gather(outline(example()))

    assert found == list(example().by_number)
    assert len(found) == 71


def test_the_parts_of_a_text_joined_are_the_text() -> None:
    paragraphs = [block.words for block in outline(example()) if isinstance(block, Paragraph)]

    assert all("".join(part for part, _ in words.parts()) == words.text for words in paragraphs)
    assert max(len(words.sentences) for words in paragraphs) == 3


def test_headings_descend_by_one_level_at_a_time() -> None:
    levels = [heading.level for heading in headings(outline(example()))]

    assert levels[0] == 1
    assert set(levels) == {1, 2, 3}
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_a_section_without_title_prints_only_what_is_in_it() -> None:
    said = policy('use: {a: {number: "1", title: Why, text: x}, b: {number: "2", title: How, text: y}}\n')

    assert [(block.level, block.mark) for block in headings(outline(said))] == [(1, ""), (2, "1."), (2, "2.")]


def test_a_paragraph_among_items_ends_their_list() -> None:
    said = policy('use: {title: Why, a: {text: one}, b: {mark: "", text: between}, c: {text: two}}\n')

    assert [type(block) for block in outline(said)[1:]] == [Heading, Items, Paragraph, Items]


def test_below_a_letter_stand_digits_so_that_no_number_is_said_twice() -> None:
    items = "".join(f"  i{index}: {{text: x}}\n" for index in range(30))
    said = policy(
        f'use:\n  number: "2"\n{items}  last: {{text: y, sub: {{text: z}}, more: {{sentences: {{a: A., b: B.}}}}}}\n'
    )

    numbers = [sentence.number for sentence in said.sentences]
    assert numbers[25:] == ["2z", "2aa", "2ab", "2ac", "2ad", "2ae", "2ae1", "2ae2a", "2ae2b"]
    assert len(set(numbers)) == len(numbers)


def test_a_number_that_stands_twice_is_a_fault() -> None:
    with pytest.raises(DeclarationFaults, match="stands in line"):
        reading.parse(
            b"troth: 1\ncontroller: {name: E, country: DE}\n"
            b'use: {number: "2", text: x}\nlinks: {number: "2", text: y}\n'
        )
