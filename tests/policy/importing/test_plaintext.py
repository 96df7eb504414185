"""Plain text: wrapped lines, headings, lists and tables drawn with bars."""

from __future__ import annotations

import pytest

from troth.policy.importing.arrangement import labelled
from troth.policy.importing.blocks import FoundHeading, FoundItem, FoundTable, FoundText
from troth.policy.importing.plaintext import read_text


def test_lines_that_an_editor_wrapped_are_joined_and_others_are_not() -> None:
    wrapped = (
        "Title\n\nThis is a paragraph that was wrapped by its editor\nat some column and goes on in the next line, "
        "which\nends.\n\nAnother one that the very same editor wrapped at\nthe same column ends here.\n"
    )
    listed = "Title\n\nExample Company\n1 Example Street\nExample City\n\nContact\nus\n"

    assert [block.words for block in read_text(wrapped).blocks if isinstance(block, FoundText)] == [
        "This is a paragraph that was wrapped by its editor at some column and goes on in the next line, which ends.",
        "Another one that the very same editor wrapped at the same column ends here.",
    ]
    assert len(read_text(listed).blocks) == 5


def test_numbered_lines_in_a_row_are_a_list_and_with_words_between_them_headings() -> None:
    row = read_text("Policy\n1. Access\n2. Deletion\n3. Copies\n").blocks
    headings = read_text("Policy\n1. Access\nYou may see it.\n2. Deletion\nIt goes.\n").blocks

    assert [type(block) for block in row] == [FoundItem] * 3
    assert [type(block) for block in headings] == [FoundHeading, FoundText] * 2


def test_a_count_that_begins_again_inside_a_section_is_a_level_below() -> None:
    text = "P\n1. One\nx.\n2. Two\ny.\n1. Inner\nz.\n2. Next\nw.\n3. Three\nv.\n"

    levels = [(block.words, block.level) for block in read_text(text).blocks if isinstance(block, FoundHeading)]
    assert levels == [("One", 1), ("Two", 1), ("Inner", 2), ("Next", 2), ("Three", 1)]


def test_underlined_lines_are_headings() -> None:
    blocks = read_text("Policy\n======\n\nData\n----\n\nWe take it.\n\nUse\n---\n\nWe use it.\n").blocks

    assert [block.words for block in blocks if isinstance(block, FoundHeading)] == ["Data", "Use"]


def test_tables_drawn_with_bars_are_tables_and_may_hold_bars() -> None:
    (table,) = read_text("Policy\n| A | B |\n|---|:-:|\n| x \\| y | |\n").blocks

    assert isinstance(table, FoundTable)
    assert (table.columns, table.rows) == (("A", "B"), (("x | y", ""),))


@pytest.mark.parametrize(
    ("words", "label"),
    [("Email: a@example.com", "Email"), ("Time of the day and more words than a label ever has: x", None),
     ("see http://x", None), ("We do this. And that: x", None), ("note: small", None), ("Label:", None)],
)  # fmt: skip
def test_labels_are_few_words_before_a_colon(words: str, label: str | None) -> None:
    assert labelled(words)[0] == label
