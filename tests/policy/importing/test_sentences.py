"""A text is cut into sentences that joined are the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.policy.importing.sentences import sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ("One.", "Two!", "Three?")),
        ("We keep e.g. Names. Nothing else.", ("We keep e.g. Names.", "Nothing else.")),
        ("Write to Example Ltd. We answer.", ("Write to Example Ltd. We answer.",)),
        ("See Art. 6. It applies.", ("See Art. 6. It applies.",)),
        ('He said "no." Then left.', ('He said "no."', "Then left.")),
        ("Version 1.5 is out. See below.", ("Version 1.5 is out.", "See below.")),
        ("One.  Two.", ("One.  Two.",)),
        ("第一句。第二句！第三句", ("第一句。", "第二句！", "第三句")),
        ("一句。 另一句。", ("一句。 另一句。",)),
        ("no stop", ("no stop",)),
    ],
)
def test_a_text_is_cut_into_sentences_only_where_it_can_be_joined_again(text: str, parts: tuple[str, ...]) -> None:
    assert sentences(text) == parts


@given(st.text("aA. !?。\"')1", max_size=60))
def test_sentences_joined_are_always_the_text(text: str) -> None:
    from troth.policy.reading import join_sentences

    assert join_sentences(sentences(text)) == text
