from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.foundation.records.needles import MOST, Match, Matcher, Needle, full_names, names_of_row, needles_of

EMAIL = "ann.müller@example.org"


def found(values: list[str], text: object) -> list[str]:
    matcher = Matcher([Needle(0, value, identifying=True) for value in values])
    return sorted({matcher.needles[match.at].value for match in matcher.find(text)})


@pytest.mark.parametrize(
    "text",
    [
        EMAIL,
        f"sent to <{EMAIL}> today",
        EMAIL.upper(),
        json.dumps({"to": EMAIL}),
        json.dumps({"text": f"first line\n{EMAIL}\n"}),
        f"https://shop.example.org/?mail={quote(EMAIL)}&x=1",
        f"mailto:{EMAIL}".encode(),
        b"\x00\xff" + EMAIL.encode() + b"\x00",
        {"deep": [{"er": EMAIL}]},
        f"&lt;{EMAIL}&gt;",
        f's:22:"{EMAIL}";',
    ],
)
def test_an_address_is_found_however_it_is_written(text: object) -> None:
    assert found([EMAIL], text) == [EMAIL]


@pytest.mark.parametrize(
    "text",
    [
        "joann@example.org",
        "lee.ann@example.org",
        "lee+ann@example.org",
        "ann@example.org.example.net",
        "ann@example.organic",
        "ann at example.org",
        "",
        None,
        7,
    ],
)
def test_the_address_of_somebody_else_is_not_theirs(text: object) -> None:
    assert found(["ann@example.org"], text) == []


def test_a_name_is_found_with_underscores_and_wide_blanks_and_not_within_a_word() -> None:
    for text in ("Ann Lee", "ann_lee", "dear ANN   LEE,", "q=ann+lee"):
        assert found(["Ann Lee"], text) == ["Ann Lee"], text
    for text in ("Joann Lee", "Ann Leeds", "Ann and Lee"):
        assert found(["Ann Lee"], text) == [], text


def test_signs_of_any_language_are_found() -> None:
    for name in ("名前太郎", "Иван Петров", "Ærø Ødegård", "علي حسن"):
        assert found([name], json.dumps({"name": name})) == [name]
        assert found([name], quote(name)) == [name]
        assert found([name], name.upper()) == [name]


def test_a_cut_copy_of_a_long_text_is_found() -> None:
    text = "I would like to know why my parcel with the red shoes came to my old address in Bremen again, and who pays?"
    needles = needles_of(3, [("communication.message", text)])

    assert len(needles) == 2
    assert Matcher(needles).find("Re: " + text[:75] + "...")
    assert Matcher(needles).find("..." + text[-70:])
    assert not Matcher(needles).find("I would like to know why my order has not come")


def test_a_match_says_whether_it_is_all_of_the_text() -> None:
    matcher = Matcher([Needle(0, "+49 421 555", identifying=True)])

    assert matcher.find("+49 421 555") == {Match(0, whole=True)}
    assert matcher.find("call +49 421 555") == {Match(0, whole=False)}


WORTHLESS: list[tuple[str, object]] = [
    ("profile.name", "Ann"),
    ("usage.page", "/cart"),
    ("identity.birth_date", "1990-02-03"),
    ("usage.visit_time", "2026-01-02 03:04:05"),
    ("transaction.purchase", 1234567890),
    ("account.settings", True),
    ("account.settings", None),
    ("location.approximate", "aaaaaaaaaaaa"),
    ("profile.avatar", b"\x89PNG\xff\xfe"),
    ("usage.page", "/goods/river-mist-gunpowder"),
    ("usage.page", "https://shop.example.com/goods/kind/oolong"),
    ("usage.click", "river-mist-gunpowder"),
]


@pytest.mark.parametrize(("category", "value"), WORTHLESS)
def test_what_could_be_anybodys_is_no_needle(category: str, value: object) -> None:
    assert needles_of(0, [(category, value)]) == ()


@pytest.mark.parametrize(
    ("category", "value"),
    [
        ("usage.page", "/search?for=a+quiet+teapot"),
        ("usage.page", "/orders/A-20261128"),
        ("usage.page", "/letters/%61%62%63"),
        ("usage.search", "/goods/river-mist-gunpowder"),
        ("usage.click", "open-order 20261128"),
    ],
)
def test_an_address_that_carries_what_somebody_typed_or_a_number_is_a_needle(category: str, value: str) -> None:
    assert [each.value for each in needles_of(0, [(category, value)])] == [value]


def test_numbers_are_needles_where_they_are_a_phone_or_a_card() -> None:
    assert {each.value for each in needles_of(0, [("contact.phone", "+49 (421) 555-12")])} == {
        "+49 (421) 555-12",
        "4942155512",
    }
    assert {each.value for each in needles_of(0, [("payment.card_number", 4111111111111111)])} == {"4111111111111111"}


def test_values_inside_documents_are_needles() -> None:
    document = json.dumps({"user": {"mail": "ann@example.org"}, "tags": ["red shoes", 5]})

    assert {each.value for each in needles_of(0, [("contact.email", document)])} == {"ann@example.org", "red shoes"}


def test_of_very_many_values_those_that_identify_are_kept() -> None:
    many = [("usage.search", f"searched for number {i}") for i in range(MOST + 50)]
    needles = needles_of(0, [*many, ("contact.email", "ann@example.org")])

    assert len(needles) == MOST
    assert needles[0].value == "ann@example.org"


def test_no_value_is_shown() -> None:
    needle = Needle(0, "ann@example.org", identifying=True)

    assert "ann@" not in repr(needle) + repr(Matcher([needle]))


words = st.text(st.characters(categories=("L", "N")), min_size=3, max_size=12)


@given(st.lists(words, min_size=1, max_size=4), words, words)
def test_whatever_was_put_into_a_text_is_found_in_it(parts: list[str], before: str, after: str) -> None:
    value = " ".join(parts)
    matcher = Matcher([Needle(0, value, identifying=True)])

    for text in (f"{before} {value} {after}", json.dumps([before, value, after])):
        assert matcher.find(text), text
        assert matcher.may_find(text), text
        lowered = text.lower()
        assert any(all(part in lowered for part in sign) for sign in matcher.signs()), "no store would choose this row"


def test_one_word_of_a_name_is_known_as_such_unless_it_is_more_than_that() -> None:
    name = "profile.name"

    found = needles_of(0, [(name, "Nielsen"), (name, "O'Connor"), (name, "Müller-Lee"), (name, "Kara Nielsen")])
    as_login = needles_of(0, [(name, "Nielsen"), ("account.username", "Nielsen")])

    assert {each.value: each.lone for each in found} == {
        "Nielsen": True,
        "O'Connor": True,
        "Müller-Lee": False,
        "Kara Nielsen": False,
    }
    assert [each.lone for each in as_login] == [False]


def test_the_names_of_a_row_are_looked_for_together() -> None:
    at = names_of_row(["profile.name", "contact.email", None, "profile.name"])

    assert at == (0, 3)
    assert names_of_row(["profile.name", "contact.email"]) == ()
    assert list(full_names([" Kara ", "Nielsen"])) == [
        ("profile.name", "Kara Nielsen"),
        ("profile.name", "Nielsen Kara"),
        ("profile.name", "Nielsen, Kara"),
    ]
    assert list(full_names([None, "Nielsen", ""])) == []
