"""What a value looks like, and what the values of a column have in common. Values are looked at and never kept.

A shape is tried on the whole value, trimmed; `embedded` finds the same inside longer texts. Python `re` only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from troth.collection import validators


class Shape(StrEnum):
    """A form that values have."""

    EMAIL = "e-mail address"
    CARD = "card number"
    IBAN = "IBAN"
    IP = "IP address"
    MAC = "hardware address"
    SSN = "US social security number"
    CHINESE_ID = "Chinese identity number"
    SLOW_HASH = "password hash"
    JWT = "signed token"
    USER_AGENT = "browser identification"
    PHONE = "phone number"
    COORDINATES = "coordinates"
    URL = "web address"
    UUID = "UUID"
    HEX_DIGEST = "digest"
    DATE = "date"
    NUMBER = "number"
    NAME = "words as names have"
    TEXT = "running text"


CATEGORY_OF: Mapping[Shape, str] = {
    Shape.EMAIL: "contact.email",
    Shape.CARD: "payment.card_number",
    Shape.IBAN: "payment.bank_account",
    Shape.IP: "device.ip",
    Shape.MAC: "device.id",
    Shape.SSN: "identity.national_id",
    Shape.CHINESE_ID: "identity.national_id",
    Shape.SLOW_HASH: "account.password",
    Shape.JWT: "account.password",
    Shape.USER_AGENT: "device.user_agent",
    Shape.PHONE: "contact.phone",
    Shape.COORDINATES: "location.precise",
}
"""The shapes that tell a category by themselves."""


@dataclass(frozen=True, slots=True)
class Common:
    """What the values of a column have in common: the share of each shape among them, from 0 to 1."""

    values: int
    shares: Mapping[Shape, float]
    international: float = 0.0  # share of phone numbers written with + or brackets

    def share(self, *shapes: Shape) -> float:
        return sum(self.shares.get(shape, 0.0) for shape in shapes)


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]"
_SLOW_HASH = (
    r"\$argon2(?:id|i|d)\$|\$2[abxy]?\$\d\d\$|\$(?:5|6|7|y|gy|scrypt|s0)\$|\$P\$|\$H\$|\$S\$|pbkdf2[_:$-]|scrypt[:$]|"
    r"bcrypt(?:_sha256)?\$|argon2\$|\{(?:SSHA\d*|PBKDF2[\w-]*|ARGON2|CRYPT|BCRYPT)\}|sha1\$|md5\$|sha256:\d+:"
)
_EXTENSION = r"(?: ?(?:x|ext\.?|#) ?\d{1,6})?"
_DEGREES = r"-?\d{1,3}\.\d{3,}"
_SHAPES: tuple[tuple[Shape, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    (Shape.EMAIL, re.compile(rf"<?{_EMAIL}>?|[^<>@]{{1,80}}<{_EMAIL}>"), None),
    (Shape.SLOW_HASH, re.compile(rf"(?:{_SLOW_HASH}).{{8,}}"), None),
    (Shape.JWT, re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), None),
    (Shape.UUID, re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), None),
    (Shape.IP, re.compile(r"(?:[0-9.]{7,15}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:/\d{1,3})?"), validators.is_ip_address),
    (Shape.MAC, re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}"), None),
    (Shape.IBAN, re.compile(r"[A-Za-z]{2}\d\d ?[A-Za-z0-9 ]{10,36}"), validators.is_iban),
    (Shape.CHINESE_ID, re.compile(r"\d{17}[\dXx]"), validators.is_chinese_identity_number),
    (Shape.CARD, re.compile(r"\d(?:[ -]?\d){11,18}"), validators.is_card_number),
    (Shape.SSN, re.compile(r"\d{3}-\d\d-\d{4}"), validators.is_us_social_security_number),
    (Shape.USER_AGENT, re.compile(r"(?:Mozilla|Opera|curl|Dalvik|okhttp|python-requests|Wget)/\d.*"), None),
    (Shape.COORDINATES, re.compile(rf"\(?{_DEGREES}[,; ]\s*{_DEGREES}\)?|POINT ?\({_DEGREES} {_DEGREES}\)"), None),
    (Shape.DATE, re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"), None),
    (Shape.NUMBER, re.compile(r"[-+]?\d+(?:[.,]\d+)?"), None),
    (Shape.PHONE, re.compile(rf"(?:\+|00)?[\d (][\d ().\-/]{{5,22}}{_EXTENSION}"), validators.is_phone_number),
    (Shape.HEX_DIGEST, re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}", re.IGNORECASE), None),
    (Shape.URL, re.compile(r"(?:https?|ftp)://\S+|www\.\S+\.\S+", re.IGNORECASE), None),
    (Shape.NAME, re.compile(r"[^\W\d_][^\d_@/\\<>{}\[\]|=+*:;!?]{0,60}"), lambda text: 1 <= len(text.split()) <= 5),
    (Shape.TEXT, re.compile(r".*\s.*", re.DOTALL), lambda text: len(text.split()) > 5),
)  # fmt: skip
_EMBEDDED = {
    Shape.EMAIL: re.compile(rf"(?<![\w.+-]){_EMAIL}(?![\w@])"),
    Shape.JWT: re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    Shape.IP: re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"),
    Shape.CARD: re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)"),
    Shape.IBAN: re.compile(r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
}
_CHECKED: Mapping[Shape, Callable[[str], bool]] = {
    Shape.CARD: validators.is_card_number,
    Shape.IBAN: validators.is_iban,
}
_MAX_DOCUMENTS = 50


def shape_of(value: str) -> Shape | None:
    """The first shape that the whole of `value` has, or None."""
    text = value.strip()
    for shape, pattern, valid in _SHAPES:
        if pattern.fullmatch(text) and (valid is None or valid(text)):
            return shape
    return None


def in_common(values: Iterable[str]) -> Common:
    """The share of each shape among `values`; empty ones do not count."""
    shapes: Counter[Shape] = Counter()
    count = international = 0
    for value in values:
        if not value.strip():
            continue
        count += 1
        shape = shape_of(value)
        if shape is not None:
            shapes[shape] += 1
        if shape is Shape.PHONE and value.strip()[0] in "+(":
            international += 1
    if not count:
        return Common(0, {})
    phones = shapes[Shape.PHONE]
    return Common(count, {shape: n / count for shape, n in shapes.items()}, international / phones if phones else 0.0)


def embedded(values: Iterable[str]) -> dict[Shape, float]:
    """The share of `values` in which each shape stands somewhere; shapes that stand nowhere are left out."""
    found: Counter[Shape] = Counter()
    count = 0
    for value in values:
        count += 1
        for shape, pattern in _EMBEDDED.items():
            valid = _CHECKED.get(shape)
            if any(valid is None or valid(match[0]) for match in pattern.finditer(value)):
                found[shape] += 1
    return {shape: n / count for shape, n in found.items()} if count else {}


def keys_in_documents(values: Iterable[str]) -> dict[str, list[str]]:
    """The keys inside JSON values, at any depth, each with some of its plain values as text."""
    found: dict[str, list[str]] = {}
    for number, value in enumerate(values):
        if number >= _MAX_DOCUMENTS:
            break
        if value[:1] not in "{[":
            continue
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            continue
        for key, plain in _pairs(document, 0):
            found.setdefault(key, []).append(plain)
    return found


def _pairs(document: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > 8:
        return
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, (dict, list)):
                yield from _pairs(value, depth + 1)
            elif value is not None:
                yield str(key), str(value)
    elif isinstance(document, list):
        for value in document:
            yield from _pairs(value, depth + 1)
