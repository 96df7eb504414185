"""Needles: values by which a person would be known again, and how one is found in any text.

A value is a needle when it is long and varied enough to mean somebody. Before an erasure they are taken from the
person's own rows; after it nobody but others may still have them (`sweep`). Rules of finding:

1. Case, the width of blanks, and blanks written as `_` or `+` make no difference.
2. A needle begins and ends where a word does: the address of `joann@` does not hold that of `ann@`.
3. JSON escapes, percent signs of URLs and HTML entities are read through, in bytes too where they are UTF-8.
4. The address of a page and the name of what is clicked are the company's own words, by which nobody would be known
   again, though only one person was there; not so where they carry a query or a number.
5. Of a long text its beginning and its end are looked for, so that a cut copy is found as well.
6. One word of a name is many people's: alone in somebody's text it tells of nobody (`Needle.lone`). So the names of a
   row are looked for together as well.

A phone is looked for as written and as bare digits. What is encrypted or hashed is not seen; what is
packed is opened by `unpacking`.
Pure: no store here. Values are in no message and no `repr`.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

MOST = 2_000
"""Needles kept of one person at most, those that identify first."""

_FEW = 64  # words that are quicker looked for one by one than among all words of a text
_SHORTEST = 5
_SHORTEST_OTHER = 8
_LONG = 90
_PIECE = 60
_WORD = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"[0-9a-z]+")
_NUMERIC = re.compile(r"[\d\s.,:/+()TZ-]+")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\([nrtbf])|\\(.)")
_PERCENT = re.compile(r"%[0-9a-f]{2}")
_IDENTITY = ("identity.national_id", "identity.passport", "identity.tax_number", "identity.licence")
_IDENTIFYING = (
    "contact.",
    "account.username",
    "account.id",
    "profile.name",
    "payment.",
    "communication.",
    "content.",
    "note.",
    "device.id",
    "device.fingerprint",
    "device.cookie",
    "transaction.billing_address",
    *_IDENTITY,
)
_OWN_WORDS = {
    "usage.page": re.compile(r"(?:https?://[^/?#]+)?/(?:(?!\d{4})[^?#=@%\s])*"),
    "usage.click": re.compile(r"(?:(?!\d{4})[^?#=@%])*"),
}
_NAME = "profile.name"
_LONE = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NAMES = 3
"""Columns of one row, at most, whose names are put together."""

_NUMBERS = ("contact.phone", "contact.fax", "payment.", "device.", "account.id", *_IDENTITY)


@dataclass(frozen=True, slots=True)
class Needle:
    """One value of one person. `person` is whatever the caller tells people apart by.

    `identifying`: it stands for this person by its kind (an address, a name, a card), not only by being rare.
    `lone`: it is one word, known as a part of their name only.
    """

    person: int
    value: str = field(repr=False)
    identifying: bool
    lone: bool = False


def needles_of(person: int, values: Iterable[tuple[str | None, Any]]) -> tuple[Needle, ...]:
    """The needles in a person's values, each with its category; at most `MOST`, those that identify first."""
    found: dict[str, bool] = {}
    more_than_a_word: set[str] = set()
    for category, value in values:
        identifying = (category or "").startswith(_IDENTIFYING)
        for text in _worth(category or "", value, identifying=identifying):
            found[text] = found.get(text, False) or identifying
            if category != _NAME or _LONE.fullmatch(text) is None:
                more_than_a_word.add(text)
    chosen = sorted(found.items(), key=lambda each: (not each[1], -len(each[0]), each[0]))[:MOST]
    return tuple(Needle(person, text, identifying, text not in more_than_a_word) for text, identifying in chosen)


def names_of_row(categories: Sequence[str | None]) -> tuple[int, ...]:
    """The places of the columns of one row that hold a name each; none where one column holds the whole."""
    at = tuple(place for place, category in enumerate(categories) if category == _NAME)
    return at[:_NAMES] if len(at) > 1 else ()


def full_names(parts: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """The names of one row as people write them together, each with its category."""
    words = [" ".join(part.split()) for part in parts if isinstance(part, str) and part.strip()]
    for at, first in enumerate(words):
        for last in words[at + 1 :]:
            for written in (f"{first} {last}", f"{last} {first}", f"{last}, {first}"):
                yield _NAME, written


@dataclass(frozen=True, slots=True)
class Match:
    """Needle number `at` stands in a text; `whole`: the text is nothing else."""

    at: int
    whole: bool


class Matcher:
    """All needles of all people at once. What a text costs depends on its length, hardly on how many are looked for."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self.needles = tuple(needles)
        self._values = [needle.value.lower() for needle in needles]
        self._by_anchor: dict[str, list[int]] = defaultdict(list)
        for at, value in enumerate(self._values):
            anchor = _anchor(value)
            if anchor:
                self._by_anchor[anchor].append(at)
        self._anchors = frozenset(self._by_anchor)

    def __repr__(self) -> str:
        return f"Matcher({len(self.needles)} needles)"

    def find(self, value: Any) -> set[Match]:
        """Every needle in one value of a store: text, bytes, a document, a number."""
        found: set[Match] = set()
        for text in _readings(value):
            for anchor in self._anchors.intersection(_WORD.findall(text)):
                for at in self._by_anchor[anchor]:
                    value = self._values[at]
                    if _pattern(value).search(text):
                        quoted = self.needles[at].lone and f'"{value}"' in text  # all of a value in a document
                        found.add(Match(at, quoted or _evened(text) == _evened(value)))
        return {match for match in found if match.whole or Match(match.at, whole=True) not in found}

    def may_find(self, text: str) -> bool:
        """Whether `find` is worth its time: quick, and never no where it would find something. `text`: all of a row."""
        if len(self._anchors) <= _FEW:
            return any(anchor in reading for reading in _readings(text) for anchor in self._anchors)
        return any(not self._anchors.isdisjoint(_WORD.findall(reading)) for reading in _readings(text))

    def signs(self) -> tuple[tuple[str, ...], ...]:
        """What a store can choose rows by: each text with a needle holds all parts of one of these, in order.

        They stand over lower-cased text and hold letters and digits only, so that no escape hides a needle from them.
        """
        return tuple(dict.fromkeys(sign for needle in self.needles for sign in _signs(needle.value)))


def as_text(value: Any) -> str:
    """One value of a store as text; nothing for NULL."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _worth(category: str, value: Any, *, identifying: bool) -> Iterator[str]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            value = bytes(value).decode()
        except UnicodeDecodeError:
            return
    if isinstance(value, (dict, list, tuple)):
        for each in _inside(value):
            yield from _worth(category, each, identifying=identifying)
        return
    if not isinstance(value, (str, int)):
        return
    text = " ".join(str(value).split())
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            document = json.loads(text)
        except ValueError:
            pass
        else:
            if isinstance(document, (dict, list)):
                yield from _worth(category, document, identifying=identifying)
                return
    digits = "".join(_PLAIN.findall(text.lower())) if _NUMERIC.fullmatch(text) else ""
    if digits:
        if category.startswith(_NUMBERS) and len(digits) >= 7:
            yield text
            if category.startswith(("contact.", "payment.")):
                yield digits
        return
    if category in _OWN_WORDS and _OWN_WORDS[category].fullmatch(text):
        return
    if len(text) < (_SHORTEST if identifying else _SHORTEST_OTHER) or len(set(text.lower())) < 4:
        return
    if len(text) <= _LONG:
        yield text
        return
    yield _cut(text[:_PIECE], at_end=True)
    yield _cut(text[-_PIECE:], at_end=False)


def _inside(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        for each in document.values():
            yield from _inside(each)
    elif isinstance(document, (list, tuple)):
        for each in document:
            yield from _inside(each)
    else:
        yield document


def _cut(piece: str, *, at_end: bool) -> str:
    """A piece of a long text without the word that the cut went through."""
    bare = piece.rpartition(" ")[0] if at_end else piece.partition(" ")[2]
    return bare.strip() or piece


def _anchor(value: str) -> str:
    """The word of the needle by which texts are chosen: of an address the part that is the person's."""
    local, at, domain = value.partition("@")
    words = _WORD.findall(local) if at and domain else []
    return max(words or _WORD.findall(value), key=len, default="")


@lru_cache(maxsize=50_000)
def _pattern(value: str) -> re.Pattern[str]:
    body = r"[\s_+]+".join(re.escape(part) for part in re.split(r"[\s_]+", value) if part)
    before = after = ""
    if value[:1].isalnum():
        before = r"(?<!\w)(?<!\w[.+-])" if "@" in value else r"(?<!\w)"
    if value[-1:].isalnum():
        after = r"(?!\w)(?![.-]\w)" if "@" in value else r"(?!\w)"
    return re.compile(before + body + after)


def _evened(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _readings(value: Any) -> Iterator[str]:
    """A value as lower-case text, as it stands and with each kind of escape read."""
    text = as_text(value).lower()
    yield text
    if "\\" in text:
        read = _ESCAPED.sub(_unescape, text)
        yield read.encode("utf-16", "surrogatepass").decode("utf-16", "replace").lower()
    if "%" in text and _PERCENT.search(text):
        yield unquote(text).lower()
    if "&" in text and ";" in text:
        yield html.unescape(text).lower()


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return " " if match[2] else match[3]


def _signs(value: str) -> Iterator[tuple[str, ...]]:
    local, at, _ = value.lower().partition("@")
    run = max(_PLAIN.findall(local if at else value.lower()), key=len, default="")
    if len(run) >= 3 or (run and value.isascii()):
        yield (run,)
        return
    # Hardly a plain letter in it: a word as it may be spelt, as JSON escapes it, as a URL does.
    for spelt in (value.lower(), value, value.upper(), value.title()):
        word = max(_WORD.findall(spelt), key=len, default=spelt)
        yield (word,)
        yield tuple(re.findall("u[0-9a-f]{4}", json.dumps(word)))
        yield tuple(re.findall("(?<=%)[0-9a-f]{2}", quote(word).lower()))
