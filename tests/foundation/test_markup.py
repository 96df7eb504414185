"""What a visitor reads on a page, where it leads, what it loads and what it asks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.foundation import markup
from troth.foundation.markup import Embed, Markup

URL = "http://shop.example.com/page"


def read(html: str) -> Markup:
    return markup.read(html.encode(), url=URL)


def test_an_element_reads_as_its_visible_words_with_single_spaces() -> None:
    page = read('<html lang="en"><p id="s1">We  <b>keep</b>\n our\u00a0word &amp; yours<br>today</p>')

    assert page.text_of("s1") == "We keep our word & yours today"
    assert page.language == "en"


def test_a_row_reads_as_its_cells_parted_by_bars() -> None:
    page = read('<table><tr id="s4.2.1"><th>Payment<td>Process <i>money</i></td><td>PCI</table>')

    assert page.text_of("s4.2.1") == "Payment | Process money | PCI"


@pytest.mark.parametrize(
    "hidden",
    [
        '<p id="s1" hidden>words</p>',
        '<div style="display: none"><p id="s1">words</p></div>',
        '<p id="s1" style="visibility:hidden">words</p>',
        '<template><p id="s1">words</p></template>',
        '<noscript><p id="s1">words</p></noscript>',
    ],
)
def test_what_is_hidden_is_not_read(hidden: str) -> None:
    page = read(f"<body>{hidden}<p>shown</p>")

    assert page.texts("s1") == ("",)
    assert page.text == "shown"


def test_an_id_that_stands_twice_is_no_one_element() -> None:
    page = read('<p id="a">one</p><p id="a">two</p>')

    assert page.texts("a") == ("one", "two")
    assert page.text_of("a") is None
    assert page.text_of("b") is None


def test_ends_that_nobody_wrote_are_where_browsers_put_them() -> None:
    page = read('<ul><li id="a">one<ul><li id="b">in one</ul><li id="c">two</ul><p id="d">three<div>four</div>')

    assert [page.text_of(name) for name in "abcd"] == ["one in one", "in one", "two", "three"]


def test_a_list_inside_a_cell_does_not_end_the_cell() -> None:
    page = read('<table><tr id="r"><td><ul><li>a<li>b</ul>c<td>d</table>')

    assert page.text_of("r") == "a b c | d"


def test_links_are_absolute_and_carry_their_words() -> None:
    page = read(
        '<a href="/privacy#top" rel="nofollow">Our <b>policy</b></a>'
        '<map><area href="//maps.example.org" alt="Map"></map>'
    )

    assert [(link.url, link.text) for link in page.links] == [
        ("http://shop.example.com/privacy#top", "Our policy"),
        ("http://maps.example.org", "Map"),
    ]
    assert page.links[0].rel == {"nofollow"}


def test_a_base_moves_relative_addresses() -> None:
    page = read('<base href="https://cdn.example.net/x/"><a href="y">y</a><img src="z.png">')

    assert page.links[0].url == "https://cdn.example.net/x/y"
    assert page.embeds == (Embed("image", "https://cdn.example.net/x/z.png"),)


def test_everything_that_a_page_loads_by_itself_is_told() -> None:
    page = read(
        '<link rel="stylesheet" href="/a.css"><link rel="preconnect" href="https://b.example.net">'
        '<link rel="privacy-policy" href="/privacy"><style>@import "c.css"; p{background:url(d.png)}</style>'
        '<script src="e.js"></script><iframe src="f"></iframe><img src="g" srcset="h 2x, i 3x">'
        '<video poster="j"></video>'
        '<p style="background:url(\'k\')"></p><object data="l"></object><noscript><img src="m"></noscript>'
    )

    names = [embed.url.rpartition("/")[2] or embed.url for embed in page.embeds]
    assert names == ["a.css", "b.example.net", "c.css", "d.png", "e.js", "f", "g", "h", "i", "j", "k", "l", "m"]
    assert [embed.kind for embed in page.embeds].count("frame") == 2


def test_what_is_loaded_by_odd_ways_is_told_too() -> None:
    page = read(
        '<table background="https://a.example.net/1"></table><a href="/x" ping="https://b.example.net/2 /3">x</a>'
        "<iframe srcdoc=\"&lt;img src='https://c.example.net/4'&gt;\"></iframe>"
    )

    names = [embed.url.rpartition("/")[2] for embed in page.embeds]
    assert names == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "script",
    [
        "<script>x()</script>",
        '<script src="/x.js"></script>',
        '<p onclick="x()">',
        '<a href="javascript:x()">',
        "<svg onload=x>",
    ],
)
def test_a_page_that_runs_any_script_is_scripted(script: str) -> None:
    assert read(script).scripted


def test_data_for_machines_is_no_script() -> None:
    page = read('<script type="application/ld+json">{"a": "<p id=s1>"}</script><p>x</p>')

    assert not page.scripted
    assert page.text == "x"
    assert page.ids == ()


def test_a_field_is_named_by_its_label_however_it_is_tied() -> None:
    page = read(
        '<form action="/go" method="post"><label for="a">Name</label><input id="a" name="n">'
        '<label>Mail <input name="m" type="email"></label><input name="p" aria-label="Phone"><span id="q">Note</span>'
        '<textarea name="t" aria-labelledby="q"></textarea><input name="z"><input type="hidden" name="token">'
        '<input type="checkbox" name="news" checked><button>Send</button></form>'
    )

    (form,) = page.forms
    assert (form.action, form.method) == ("http://shop.example.com/go", "post")
    assert [(field.name, field.label) for field in form.fields if field.asks] == [
        ("n", "Name"), ("m", "Mail"), ("p", "Phone"), ("t", "Note"), ("z", ""), ("news", ""),
    ]  # fmt: skip
    assert [field.name for field in form.fields if field.checked] == ["news"]


def test_a_field_outside_its_form_belongs_to_the_form_it_names() -> None:
    page = read('<form id="f"><input name="a"></form><input name="b" form="f"><input name="c">')

    assert [[field.name for field in form.fields] for form in page.forms] == [["a", "b"], ["c"]]


def test_values_of_fields_are_not_kept() -> None:
    page = read('<input name="email" value="ada@example.org">')

    assert "ada@" not in repr(page)


def test_the_charset_of_the_answer_or_of_the_page_counts() -> None:
    body = '<meta charset="iso-8859-1"><p id="s1">Größe</p>'.encode("latin-1")

    assert markup.read(body, url=URL).text_of("s1") == "Größe"
    assert (
        markup.read("<p id=s1>Größe".encode("utf-16"), url=URL, content_type="text/html; charset=utf-16").text_of("s1")
        == "Größe"
    )


def test_a_page_nested_very_deep_costs_little() -> None:
    started = time.perf_counter()
    page = markup.read(b"<div id=a>" * 100_000 + b"deep", url=URL)

    assert page.text == "deep"
    assert time.perf_counter() - started < 5


@given(st.binary(max_size=300))
def test_any_bytes_read_as_some_page(body: bytes) -> None:
    page = markup.read(b"<p id=x><a href='" + body + b"'>" + body, url=URL)

    assert isinstance(page.text, str)
    assert all(page.texts(name) for name in page.ids)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_escaped_words_read_as_they_were_written(words: str) -> None:
    from html import escape

    assert read(f"<p id=s>{escape(words)}</p>").text_of("s") == " ".join(words.split())


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://WWW.Example.org./x", "example.org"),
        ("mailto:a@example.org", ""),
        ("/x", ""),
        ("http://[", ""),
        ("http://h:99/", "h"),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert markup.host_of(url) == host
