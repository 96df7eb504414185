"""Whether a text that looks like a number of some kind can be one: check digits, ranges, lengths."""

from __future__ import annotations

import ipaddress
import re

_IBANS = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18
    FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
    LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24
    SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBANS.split()}
_CARD = re.compile(r"[2-6][0-9]{11,18}\Z")
"""2 Mastercard, 3 Amex and Diners, 4 Visa, 5 Mastercard, 6 UnionPay and others; 12 to 19 digits in all."""
_NO_PHONE = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}\Z|-?\d+\.\d+\Z|\d{3}-\d{2}-\d{4}\Z|\d{1,3}(\.\d{1,3}){3}\Z"
)
_ISBN = re.compile(r"97[89][0-9]{10}\Z")


def luhn(digits: str) -> bool:
    """Whether the last digit of `digits` is the check digit of the others (ISO/IEC 7812)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card_number(text: str) -> bool:
    """12 to 19 digits of a known issuer range with a right check digit; blanks and hyphens do not count."""
    digits = re.sub(r"[ -]", "", text)
    return bool(_CARD.match(digits)) and len(set(digits)) > 1 and not _ISBN.match(digits) and luhn(digits)


def is_iban(text: str) -> bool:
    """The length of its country and a right remainder (ISO 13616, mod 97)."""
    compact = text.replace(" ", "").upper()
    if not compact.isascii() or not compact.isalnum() or _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_ip_address(text: str) -> bool:
    """An IPv4 or IPv6 address, also with a prefix length ("192.0.2.7", "2001:db8::/32")."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "." in text or ":" in text


def is_us_social_security_number(text: str) -> bool:
    """Three, two and four digits with hyphens, outside the ranges that are never given out."""
    match = re.match(r"([0-9]{3})-([0-9]{2})-([0-9]{4})\Z", text)
    if match is None:
        return False
    area, group, serial = match.groups()
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_chinese_identity_number(text: str) -> bool:
    """18 signs with a date of birth and a right check sign (GB 11643)."""
    match = re.match(
        r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]\Z", text
    )
    if match is None:
        return False
    total = sum(
        int(digit) * weight
        for digit, weight in zip(text, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=False)
    )
    return "10X98765432"[total % 11] == text[-1].upper()


def is_phone_number(text: str) -> bool:
    """7 to 15 digits with the signs people put between them; no date, decimal, ISBN or network address."""
    digits = re.sub(r"[^0-9]", "", text)
    return 7 <= len(digits) <= 15 and not _ISBN.match(digits) and not _NO_PHONE.match(text)
