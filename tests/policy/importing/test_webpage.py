"""HTML: its words without what is hidden or for moving about; encodings and forms of sources."""

from __future__ import annotations

import pytest

from troth.policy.importing.blocks import FoundHeading, FoundTable, FoundText
from troth.policy.importing.decoding import Form, decode
from troth.policy.importing.tags import Tag, Words, cut
from troth.policy.importing.webpage import read_html


def test_tags_comments_and_entities_are_told_apart() -> None:
    page = "a &lt; b<!-- <p> --><P CLASS='x>y' hidden>c</p\n><script>if (a<b) {}</script>d < e"

    pieces = list(cut(page))
    assert [piece.text for piece in pieces if isinstance(piece, Words)] == [
        "a < b",
        "c",
        "if (a<b) {}",
        "d ",
        "<",
        " e",
    ]
    assert [(piece.name, piece.end) for piece in pieces if isinstance(piece, Tag)] == [
        ("p", False), ("p", True), ("script", False), ("script", True),
    ]  # fmt: skip
    assert next(piece for piece in pieces if isinstance(piece, Tag)).attributes() == {"class": "x>y", "hidden": ""}


def test_lines_are_counted_through_a_page() -> None:
    assert [block.line for block in read_html("<p>a</p>\n<!--\n-->\n<p>\nb</p>", "p.html").blocks] == [1, 5]


def test_what_is_hidden_or_for_moving_about_is_left_out_and_named() -> None:
    page = "<nav>n</nav><div hidden>h</div><div role=dialog>d</div><p>The words of the policy.</p><footer>f</footer>"

    source = read_html(page, "p.html")
    assert [block.words for block in source.blocks if isinstance(block, FoundText)] == ["The words of the policy."]
    assert source.left_out == ("nav", "hidden parts", "dialog", "footer")


def test_a_page_that_is_all_footer_is_read_nevertheless() -> None:
    assert (
        len(read_html("<footer><p>All the words of this policy stand in a footer.</p></footer>", "p.html").blocks) == 1
    )


def test_bold_lines_of_their_own_are_headings_beneath_the_real_ones() -> None:
    blocks = read_html("<h2>A</h2><p><b>Bold title</b></p><p><b>Bold</b> words in a sentence.</p>", "p.html").blocks

    assert [(block.words, block.level) for block in blocks if isinstance(block, FoundHeading)] == [
        ("A", 1),
        ("Bold title", 2),
    ]


def test_tables_inside_tables_and_lost_end_tags_lose_no_words() -> None:
    blocks = read_html(
        "<table><tr><td>a<td>b<table><tr><td>c</td></tr></table>d</tr></table><p>e<ul><li>f<li>g", "p.html"
    ).blocks

    (table, *others) = blocks
    assert isinstance(table, FoundTable)
    assert table.rows == (("a", "b c d"),)
    assert [block.words for block in others if not isinstance(block, FoundTable)] == ["e", "f", "g"]


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.html", b"words", Form.HTML),
        ("a", b"<!DOCTYPE html><p>x", Form.HTML),
        ("a.txt", b"<html><body>x", Form.HTML),
        ("a.md", b"words", Form.MARKDOWN),
        ("a.txt", b"# Title\n\nwords", Form.MARKDOWN),
        ("a.txt", b"1. Title\nwords", Form.TEXT),
        ("a", b"words", Form.TEXT),
    ],
)
def test_the_form_is_told_by_the_ending_or_else_by_the_content(name: str, data: bytes, form: Form) -> None:
    assert decode(data, name)[0] is form


def test_encodings_that_say_their_name_are_read() -> None:
    assert decode("é".encode("utf-16"), "a.txt")[1] == "é"
    assert decode(b"\xef\xbb\xbfe\r\nf\rg", "a.txt")[1] == "e\nf\ng"
    assert decode("<meta charset=gbk><p>隐私".encode("gbk"), "a.html")[1].endswith("隐私")
