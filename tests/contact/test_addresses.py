"""The form of a published mailbox, number and postal address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.contact import addresses


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Email: privacy@shop.com.cn", "shop.com.cn"),
        ("Write to <dpo@Tee-Haus.de>.", "tee-haus.de"),
        ("datenschutz@müller.de", "xn--mller-kva.de"),
        ("privacy at shop dot com", None),
        ("a@b.example, c@d.example", None),
        ("privacy@localhost", None),
        ("privacy@-bad-.com", None),
        ("privacy@" + "a" * 64 + ".com", None),
    ],
)
def test_the_domain_of_the_one_mailbox(text: str, domain: str | None) -> None:
    assert addresses.mail_domain(text) == domain


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("example.com", "example.com"),
        ("mail.example.org", "example.org"),
        ("shop.example", ".example"),
        ("a.test", ".test"),
        ("b.invalid", ".invalid"),
        ("c.localhost", ".localhost"),
        ("notexample.com", None),
        ("example.de", None),
        ("test.com", None),
    ],
)
def test_names_that_nobody_can_receive_mail_under(domain: str, name: str | None) -> None:
    assert addresses.reserved(domain) == name


@pytest.mark.parametrize(
    "number",
    [
        "+86 21 6279 0000",
        "+1 (415) 200-0199",
        "+44.20.7219.3000",
        "+852-2525-1234",
        "+49 (0)30 2270 5",
        "+49 30 22705 ext. 12",
        "+49 30 22705 (Mon-Fri 9-17)",
        "+49 30 22705 / +49 30 22706",
        "+49 30 22705, +43 1 22706 ext 4",
    ],
)
def test_numbers_that_can_be_dialled_have_no_fault(number: str) -> None:
    assert addresses.phone_fault(number) is None


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("+86-XXX-XXXX-XXXX", "letters"),
        ("021 6279 0000", "begin with +"),
        ("+86 21", "7 to 15"),
        ("+1234567890123456", "7 to 15"),
        ("+0 21 6279 0000", "7 to 15"),
        ("+1 415 555 0123", "fiction"),
        ("+44 7700 900123", "fiction"),
        ("+86 000 0000 0000", "still to be filled in"),
        ("+999 1234 5678", "of no country"),
        ("+49 30 22705 / +49 XXX", "letters"),
        ("+49 (XXX) 22705", "letters"),
        ("", "begin with +"),
    ],
)
def test_numbers_that_cannot_be_dialled_are_told_with_the_reason(number: str, fault: str) -> None:
    assert fault in (addresses.phone_fault(number) or "")


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.sampled_from([" ", "-", ".", " (", ") "]))
def test_separators_change_nothing(number: str, separator: str) -> None:
    spread = separator.join((number[:3], number[3:5], number[5:]))

    assert addresses.phone_fault(spread) == addresses.phone_fault(number)


NAMES = ("China",)


@pytest.mark.parametrize(
    "text",
    [
        "Example Company, 12 Nanjing Road, 200000 Shanghai, China",
        "Example Company; P.O. Box 7; Shanghai; PRC",
        "中国上海市南京西路1266号 Example Company",
    ],
)
def test_a_whole_address_has_no_fault(text: str) -> None:
    assert addresses.address_fault(text, "CN", NAMES) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Example Company, Privacy Department, Address to be filled", "to be filled"),
        ("12 Lorem Street, Ipsum, China", "Lorem"),
        ("[street] 12, Shanghai, China", "[street]"),
        ("TBD 1, Shanghai, China", "TBD"),
        ("Nanjing Road, Shanghai, China", "no number"),
        ("12 Nanjing Road China", "parts of their own"),
        ("12 Nanjing Road, 200000 Shanghai, Old Chinatown", "does not name the country"),
    ],
)
def test_what_an_address_lacks_is_told(text: str, fault: str) -> None:
    assert fault in (addresses.address_fault(text, "CN", NAMES) or "")
