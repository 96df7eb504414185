from __future__ import annotations

import pytest

from troth.collection import patterns
from troth.collection.patterns import Shape


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("ann@example.org", Shape.EMAIL),
        ("Ann <ann@example.org>", Shape.EMAIL),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", Shape.SLOW_HASH),
        ("$2b$12$abcdefghijklmnopqrstuv", Shape.SLOW_HASH),
        ("pbkdf2_sha256$600000$salt$hash", Shape.SLOW_HASH),
        ("$P$BabcdefghijKLMNOPQRSTUV", Shape.SLOW_HASH),
        ("5f4dcc3b5aa765d61d8327deb882cf99", Shape.HEX_DIGEST),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xyz.c2ln", Shape.JWT),
        ("192.0.2.7", Shape.IP),
        ("2001:db8::7", Shape.IP),
        ("00:1B:44:11:3A:B7", Shape.MAC),
        ("4111 1111 1111 1111", Shape.CARD),
        ("DE89370400440532013000", Shape.IBAN),
        ("123-45-6789", Shape.SSN),
        ("Mozilla/5.0 (X11; Linux x86_64)", Shape.USER_AGENT),
        ("52.5200,13.4050", Shape.COORDINATES),
        ("+49 30 1234567", Shape.PHONE),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", Shape.UUID),
        ("2026-01-02 10:00:00", Shape.DATE),
        ("12.50", Shape.NUMBER),
        ("https://www.example.org/a?b=c", Shape.URL),
        ("Ana María O'Brien", Shape.NAME),
        ("张伟", Shape.NAME),
        ("This is a longer text of more than five words.", Shape.TEXT),
        ("SKU-1234_x", None),
        ("", None),
    ],
)
def test_each_shape_is_known(value: str, shape: Shape | None) -> None:
    assert patterns.shape_of(value) is shape


def test_shares_are_of_the_values_that_say_something() -> None:
    common = patterns.in_common(["ann@example.org", "bob@example.org", "unknown", "", "  "])

    assert common.values == 3
    assert common.share(Shape.EMAIL) == pytest.approx(2 / 3)


def test_no_values_have_nothing_in_common() -> None:
    assert patterns.in_common([]).share(Shape.EMAIL) == 0


def test_what_stands_inside_texts_is_found() -> None:
    found = patterns.embedded(
        [
            "please write to ann@example.org today",
            "card 4111 1111 1111 1111 declined",
            "order 4111 1111 1111 1112",
            "nothing",
        ]
    )

    assert found == {Shape.EMAIL: 0.25, Shape.CARD: 0.25}


def test_keys_of_documents_are_found_at_any_depth() -> None:
    documents = [
        '{"user": {"email": "ann@example.org", "n": 1}, "list": [{"email": "bob@example.org"}]}',
        "{broken",
        "text",
    ]

    assert patterns.keys_in_documents(documents)["email"] == ["ann@example.org", "bob@example.org"]


@pytest.mark.parametrize("size", [10_000, 100_000])
@pytest.mark.parametrize("text", ["a@", "1 ", "aaaa.", "(((", "-1.", "a a "])
def test_no_value_takes_long(text: str, size: int) -> None:
    import time

    value = (text * size)[:size]
    begun = time.process_time()
    patterns.shape_of(value)
    patterns.embedded([value[:2000]])

    assert time.process_time() - begun < 2
