"""Marks are told from words, and counted as people count them."""

from __future__ import annotations

import pytest

from troth.policy.importing.marks import counted, is_title, ordinal, split_mark


@pytest.mark.parametrize(
    ("line", "mark", "key", "words"),
    [
        ("- one", "-", "", "one"),
        ("• one", "•", "", "one"),
        ("•one", "•", "", "one"),
        ("1. One", "1.", "1", "One"),
        ("1) one", "1)", "1", "one"),
        ("(1) one", "(1)", "1", "one"),
        ("1.2 One", "1.2", "1.2", "One"),
        ("1.2. One", "1.2.", "1.2", "One"),
        ("(a) one", "(a)", "a", "one"),
        ("(iv) one", "(iv)", "iv", "one"),
        ("IV. One", "IV.", "IV", "One"),
        ("Article 3: One", "Article 3:", "3", "One"),
        ("Section 2 - One", "Section 2", "2", "One"),
        ("§ 4 One", "§ 4", "4", "One"),
        ("一、收集", "一、", "一", "收集"),
        ("第十二条 收集", "第十二条", "十二", "收集"),
        ("2、收集", "2、", "2", "收集"),
    ],
)
def test_marks_are_told_from_words(line: str, mark: str, key: str, words: str) -> None:
    found = split_mark(line)

    assert found is not None
    assert (found.mark, found.key, found.words) == (mark, key, words)


@pytest.mark.parametrize(
    "line", ["-one", "We", "2024 was a year", "e.g. this", "a word", "1.", "-", "+86-10-5555", "3.5%"]
)
def test_words_are_not_taken_for_marks(line: str) -> None:
    assert split_mark(line) is None


@pytest.mark.parametrize(
    ("kind", "key", "count"),
    [
        ("decimal", "1.12", 12),
        ("letter", "c", 3),
        ("roman", "xiv", 14),
        ("chinese", "十二", 12),
        ("chinese", "二十", 20),
    ],
)
def test_numbers_of_all_kinds_are_counted(kind: str, key: str, count: int) -> None:
    assert ordinal(kind, key) == count


def test_the_marks_of_ordered_lists_are_those_that_a_browser_shows() -> None:
    assert [counted(3, form) for form in "1aAiI"] == ["3", "c", "C", "iii", "III"]
    assert counted(28, "a") == "bb"
    assert counted(49, "I") == "XLIX"


@pytest.mark.parametrize("words", ["Data we collect", "COOKIES", "我们收集的信息", "Why?"])
def test_titles_are_short_and_no_sentence(words: str) -> None:
    assert is_title(words)


@pytest.mark.parametrize("words", ["", "We do.", "one two", "Yes. No", "A;", "我们收集您的信息。"])
def test_sentences_are_no_titles(words: str) -> None:
    assert not is_title(words)
