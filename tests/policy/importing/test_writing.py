"""Any text is written so that it reads the same."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.policy import documents
from troth.policy.importing.writing import flow, scalar


@given(st.text(st.one_of(st.sampled_from(":#,[]{}&*!|>'\"%@`-? \n\t\\0"), st.characters(codec="utf-8")), max_size=30))
def test_any_text_is_written_so_that_it_reads_the_same(text: str) -> None:
    written = f"a: {scalar(text)}\nb: [{scalar(text, inside=True)}]\nc: {{d: {flow(text)}}}\n"

    assert documents.load(written.encode(), "x.yaml").value == {"a": text, "b": [text], "c": {"d": text}}


@pytest.mark.parametrize(
    "text", ["no", "null", "true", "2024-01-09", "1.10", "12", "~", "", " x", "x ", "a: b", "a #b", "- x", "y"]
)
def test_texts_that_yaml_takes_for_something_else_are_quoted(text: str) -> None:
    assert scalar(text).startswith('"')


def test_ordinary_words_are_written_plainly() -> None:
    assert scalar("We keep it, as long as needed (see 3.2).") == "We keep it, as long as needed (see 3.2)."
    assert flow({"keep": "13 months", "data": ["usage.*"], "day": dt.date(2024, 1, 9)}) == (
        "{keep: 13 months, data: [usage.*], day: 2024-01-09}"
    )
