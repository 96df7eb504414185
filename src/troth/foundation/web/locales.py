"""Dates, times and numbers as the reader's language writes them, and the direction it is written in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


def direction(language: str) -> str:
    """`rtl` or `ltr`, by the language's own script."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def day(value: date, language: str, zone: tzinfo) -> str:
    """A day in long form: 22 November 2026. An instant is taken in `zone`."""
    from babel.dates import format_date

    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    return format_date(value, "long", _locale(language))


def moment(value: datetime, language: str, zone: tzinfo) -> str:
    """An instant with its day and time in `zone`: 22 November 2026, 06:00."""
    from babel.dates import format_time

    return f"{day(value, language, zone)}, {format_time(value.astimezone(zone), 'HH:mm', locale=_locale(language))}"


def number(value: float, language: str) -> str:
    """A number with the language's own grouping: 1,204."""
    from babel.numbers import format_decimal

    return format_decimal(value, locale=_locale(language))


def filters(zone: tzinfo) -> dict[str, Callable[..., str]]:
    """The template filters `day`, `moment`, `number` (in the page's language) and `iso` (for machines)."""

    @pass_context
    def _day(context: Context, value: date) -> str:
        return day(value, context["language"], zone)

    @pass_context
    def _moment(context: Context, value: datetime) -> str:
        return moment(value, context["language"], zone)

    @pass_context
    def _number(context: Context, value: float) -> str:
        return number(value, context["language"])

    def _iso(value: Any) -> str:
        return value.isoformat()  # type: ignore[no-any-return]

    return {"day": _day, "moment": _moment, "number": _number, "iso": _iso}


def _locale(language: str) -> Any:
    from babel.core import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en", "GB")
