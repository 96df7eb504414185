"""Recognise the numbers of payment cards in text: length and first digits of an issuer, and the check digit.

A tenth of all numbers of the right length have a right check digit by chance. A column of such numbers is therefore
taken for cards only when most of them are right, or far more than chance gives (ISO/IEC 7812-1; PCI DSS 4.0.1
requirement 3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

CODE_NAMES = re.compile(
    r"(?:^|_)(?:cvv2?|cvc2?|cav2|csc|card_?(?:security_?)?code|security_?code)(?:$|_)", re.IGNORECASE
)
"""Names of columns that hold the code beside the number, which nobody may keep (PCI DSS 4.0.1 requirement 3.3.1)."""

EXPRESSION = "[0-9]{13}|[0-9]{4}[^0-9][0-9]{4}[^0-9][0-9]{4}[^0-9][0-9]|[0-9]{4}[^0-9][0-9]{6}[^0-9][0-9]{4}"
"""A first look as a regular expression that servers understand: what it lets through is read by `card_numbers`."""

PATTERN = f"*{'[0-9]' * 4}?[0-9]*{'[0-9]' * 4}*"
"""A first look for GLOB of SQLite, which lets through somewhat more and is much faster than exact patterns."""

_BETWEEN = r"[.\u00a0\u2007\u2009\u2010-\u2013\u202f/_]"
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z+_.])(?:[0-9](?:[ -]?[0-9]){12,18}"
    rf"|[0-9]{{4}}({_BETWEEN})[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}|[0-9]{{4}}({_BETWEEN})[0-9]{{6}}\2[0-9]{{5}})"
    r"(?![0-9A-Za-z_])"
)
SMALLEST = 10**14
"""From here on a number in a column of numbers is looked at: shorter ones are telephone numbers and counters."""

_ISSUERS = (
    (re.compile(r"4"), (16, 19)),  # of 13 digits they have not been issued for long, and many telephone numbers are
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),
    (re.compile(r"352[89]|35[3-8]"), (16,)),
    (re.compile(r"30[0-5]|36|38"), (14,)),
    (re.compile(r"62|81"), (16, 17, 18, 19)),
)
_MOSTLY = 0.5
_BY_CHANCE = 0.1
_SURE = 6.0
"""So many times the usual spread above what chance gives, numbers among others are cards."""


def card_numbers(texts: Iterable[str]) -> int:
    """In how many of these texts of one column a card number stands; 0 where right check digits are mere chance."""
    holding = candidates = right = 0
    for text in texts:
        found = _candidates(text)
        fitting = [digits for digits in found if luhn(digits)]
        candidates += len(found)
        right += len(fitting)
        holding += bool(fitting)
    chance = _BY_CHANCE * candidates + _SURE * math.sqrt(_BY_CHANCE * (1 - _BY_CHANCE) * candidates)
    return holding if right and (right >= _MOSTLY * candidates or right > chance) else 0


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        doubled = value * 2 if place % 2 else value
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _candidates(text: str) -> list[str]:
    found = []
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"[^0-9]", "", match.group())
        if len(set(digits)) > 1 and any(start.match(digits) and len(digits) in lengths for start, lengths in _ISSUERS):
            found.append(digits)
    return found
