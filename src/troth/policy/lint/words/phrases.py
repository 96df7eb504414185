"""How patterns are written, and those that every section needs: periods, denials, ways, days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable


def words(ways: str) -> re.Pattern[str]:
    """One pattern, in any case, for all `ways`: one a line, where a line that ends in `|` goes on in the next."""
    joined = re.sub(r"\|\n\s*", "|", ways.strip())
    return re.compile("|".join(f"(?:{way.strip()})" for way in joined.splitlines()), re.IGNORECASE)


def any_of(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str]:
    """One pattern that finds what any of `patterns` finds."""
    return re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns), re.IGNORECASE)


def names(text: str) -> frozenset[str]:
    """The words of `text`, each once."""
    return frozenset(text.split())


PERIOD = words(
    r"""
    \b\d{1,4} (?:business |working |calendar )?(?:hour|day|week|month|year)s?\b
    \b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|thirteen|fourteen|fifteen|eighteen|twenty|thirty|
        sixty|ninety|(?:twenty|forty)[- ](?:four|five)) (?:\(\d{1,4}\) )?(?:business |working |calendar |full |
        whole )?(?:hour|day|week|month|year)s?\b
    """
)
"""A length of time in numbers: "13 months", "thirty (30) days", "one calendar month"."""
DENIES = words(
    r"""
    \b(?:do|does|did|will|shall|would|is|are|has|have) (?:\w+ )?(?:not|never)\b
    \b(?:don|doesn|won|isn|aren|haven)'t\b
    \bnever\b
    \bno (?:one|advertis|profil|automated|marketing|cookies?)
    \bneither\b
    \bnone of\b
    """
)
A_WAY = words(
    r"""
    \bby\b
    \bvia\b
    \bthrough\b
    \busing\b
    \bclick
    \blink\b
    \bsettings\b
    \bprivacy (?:centre|center|choices|page|portal)\b
    \bcontact
    \be-?mail
    \bwrite to\b
    \bsection \d
    https?://
    \bin your account\b
    \bunsubscribe\b
    """
)

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DATE = re.compile(
    r"(?P<y1>[12]\d{3})-(?P<m1>\d{2})-(?P<d1>\d{2})"
    r"|(?P<m2>[A-Za-z]{3,9})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>[12]\d{3})"
    r"|(?P<d3>\d{1,2})(?:st|nd|rd|th)?\.? (?:of )?(?P<m3>[A-Za-z]{3,9})\.?,? (?P<y3>[12]\d{3})"
)


def day_in(text: str) -> dt.date | None:
    """The first calendar day written out in `text`: 2024-01-09, January 9, 2024, 9 January 2024.

    Days written as numbers only in other orders are not guessed at.
    """
    for match in _DATE.finditer(text):
        which = next(n for n in "123" if match[f"y{n}"])
        month = match[f"m{which}"]
        number = int(month) if month.isdigit() else _month(month)
        try:
            return dt.date(int(match[f"y{which}"]), number, int(match[f"d{which}"]))
        except ValueError:
            continue
    return None


def _month(name: str) -> int:
    """1 to 12 for a month's English name or the beginning of it; 0 for another word, which makes no day."""
    return next((number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower())), 0)
