from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.collection import validators

DIGITS = st.text("0123456789", min_size=2, max_size=18)


@given(digits=DIGITS)
def test_one_check_digit_fits_and_nine_do_not(digits: str) -> None:
    assert sum(validators.luhn(digits + str(check)) for check in range(10)) == 1


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "30569309025904", "6011111111111117"]
)
def test_numbers_of_every_kind_of_card_are_known(number: str) -> None:
    assert validators.is_card_number(number)


@pytest.mark.parametrize(
    "number", ["4111111111111112", "0000000000000000", "9780306406157", "1111111111111", "4111", ""]
)
def test_other_numbers_are_no_cards(number: str) -> None:
    assert not validators.is_card_number(number)


@pytest.mark.parametrize("text", ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "no9386011117947"])
def test_right_ibans_are_known(text: str) -> None:
    assert validators.is_iban(text)


@pytest.mark.parametrize("text", ["GB82 WEST 1234 5698 7654 33", "DE8937040044053201300", "XX89370400440532013000", ""])
def test_wrong_ibans_are_not(text: str) -> None:
    assert not validators.is_iban(text)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("192.0.2.7", True),
        ("2001:db8::1", True),
        ("198.51.100.0/24", True),
        ("300.1.1.1", False),
        ("10:30", False),
        ("12", False),
    ],
)
def test_network_addresses_are_known(text: str, known: bool) -> None:
    assert validators.is_ip_address(text) is known


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("+1-555-0123", True),
        ("(020) 7946 0000", True),
        ("+44 7700 900123", True),
        ("2024-01-02", False),
        ("31.12.2024", False),
        ("978-0-306-40615-7", False),
        ("12.345678", False),
        ("192.0.2.1", False),
        ("12345", False),
    ],
)
def test_phone_numbers_are_told_from_dates_and_books(text: str, known: bool) -> None:
    assert validators.is_phone_number(text) is known


def test_identity_numbers_have_their_check() -> None:
    assert validators.is_us_social_security_number("123-45-6789")
    assert not validators.is_us_social_security_number("000-45-6789")
    assert not validators.is_us_social_security_number("123456789")
    assert validators.is_chinese_identity_number("11010519491231002X")
    assert not validators.is_chinese_identity_number("110105194912310021")
