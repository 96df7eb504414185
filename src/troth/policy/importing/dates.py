"""Dates and lengths of time as policies write them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from troth.policy.periods import Duration

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio janeiro",
            "february feb februar février fevrier febrero febbraio fevereiro",
            "march mar märz maerz mars marzo março",
            "april apr avril abril aprile",
            "may mai mayo maggio maio",
            "june jun juni juin junio giugno junho",
            "july jul juli juillet julio luglio julho",
            "august aug août aout agosto",
            "september sep sept septembre septiembre settembre setembro",
            "october oct oktober okt octobre octubre ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre decembre diciembre dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_FORMS = (
    re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})(?![0-9])"),
    re.compile(r"(?P<year>[0-9]{4}) ?年 ?(?P<month>[0-9]{1,2}) ?月 ?(?P<day>[0-9]{1,2}) ?[日号號]"),
    re.compile(
        rf"\b(?P<name>{_MONTH})\.? (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year>[0-9]{{4}})\b", re.IGNORECASE
    ),
    re.compile(
        rf"(?<![0-9])(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|\.|º|er)?(?: of| de)? (?P<name>{_MONTH})\.?,?(?: de)? "
        r"(?P<year>[0-9]{4})\b",
        re.IGNORECASE,
    ),
)
_SLASHED = re.compile(r"(?<![0-9])(?P<first>[0-9]{1,2})[/.](?P<second>[0-9]{1,2})[/.](?P<year>[0-9]{4})(?![0-9])")

_COUNTED = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_NUMBERS = {word: number for number, word in enumerate(_COUNTED.split(), start=1)} | {
    "eighteen": 18,
    "twenty": 20,
    "twenty-four": 24,
    "thirty": 30,
    "sixty": 60,
    "ninety": 90,
}
_UNITS = {"小时": "hour", "天": "day", "日": "day", "周": "week", "个月": "month", "月": "month", "年": "year"}
_LENGTH = re.compile(
    rf"\b(?P<count>[0-9]{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})[ -](?:\([0-9]+\) )?"
    r"(?:calendar |business |working )?(?P<unit>hour|day|week|month|year)s?\b"
    r"|(?<![0-9月])(?P<wide>[0-9]{1,3}) ?(?:个)?(?P<sign>小时|天|日|周|个月|月|年)(?!前|[0-9])",
    re.IGNORECASE,
)
_REGULAR = (
    (re.compile(r"\bannual|\byearly|(?:once|every|each) (?:a )?year|每年", re.IGNORECASE), Duration(12, "month")),
    (re.compile(r"half[- ]year|twice a year|every six months|每半年", re.IGNORECASE), Duration(6, "month")),
    (re.compile(r"quarterly|every quarter|每季度", re.IGNORECASE), Duration(3, "month")),
    (re.compile(r"\bmonthly|every month|每月", re.IGNORECASE), Duration(1, "month")),
)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A day in a text; `doubtful` where day and month could be exchanged ("03/04/2024", read day first)."""

    day: dt.date
    doubtful: bool = False


def find_date(text: str) -> FoundDate | None:
    """The first day that `text` names: in words, in figures with the year first, or day first."""
    for form in _FORMS:
        for found in form.finditer(text):
            parts = found.groupdict()
            name = parts.get("name")
            month = _MONTHS[name.lower()] if name else int(parts["month"])
            day = _day(int(parts["year"]), month, int(parts["day"]))
            if day is not None:
                return FoundDate(day)
    for found in _SLASHED.finditer(text):
        first, second, year = int(found["first"]), int(found["second"]), int(found["year"])
        day = _day(year, second, first) or _day(year, first, second)
        if day is not None:
            return FoundDate(day, doubtful=first <= 12 and second <= 12 and first != second)
    return None


def find_length(text: str) -> Duration | None:
    """The first length of time that `text` names ("13 months", "two years"), or None."""
    found = _LENGTH.search(text)
    if found is None:
        return None
    if found["wide"]:
        return Duration(int(found["wide"]), _UNITS[found["sign"]])
    count = found["count"].lower()
    return Duration(int(count) if count.isdigit() else _NUMBERS[count], found["unit"].lower())


def find_interval(text: str) -> Duration | None:
    """How often `text` says that something is done ("annually"), or None where it only says "regularly"."""
    return next((length for form, length in _REGULAR if form.search(text)), None)


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
