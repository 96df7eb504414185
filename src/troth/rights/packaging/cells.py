"""How the page of a copy shows one value: dates as people of its language write them, long texts cut, bytes counted."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from troth.foundation.records import instants
from troth.foundation.records.catalogue import ColumnKind
from troth.rights.packaging import values

LONGEST = 400
"""Letters of one value that the page shows; the files hold all."""

_LONG_WORD = re.compile(r"\S{25}")
_HIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}")


class Writing:
    """Values in the manner of one language; English where that language is not known."""

    def __init__(self, language: str) -> None:
        try:
            self._locale = Locale.parse(language.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            self._locale = Locale("en")
        self._days: dict[dt.date, str] = {}
        language = str(self._locale).replace("_", "-")
        spoken = Markup(' lang="{}"').format(language) if self._locale.language != "en" else Markup()
        self._time = Markup('<time datetime="{{}}"{}>{{}}</time>').format(spoken)

    def number(self, count: int) -> str:
        """A count with the separators of the language."""
        return str(format_decimal(count, locale=self._locale))

    def counted(self, count: int, one: str, many: str | None = None) -> str:
        return f"{self.number(count)} {one if count == 1 else many or one + 's'}"

    def day(self, moment: dt.date) -> str:
        """`3 March 2026`."""
        day = moment.date() if isinstance(moment, dt.datetime) else moment
        if day not in self._days:
            self._days[day] = format_date(day, "long", locale=self._locale)
        return self._days[day]

    def instant(self, moment: dt.datetime) -> str:
        """`3 March 2026, 14:05`; without the time where it is midnight to the microsecond, as dates are stored."""
        if moment.time() == dt.time():
            return self.day(moment)
        return f"{self.day(moment)}, {format_time(moment, 'HH:mm', locale=self._locale)}"

    def when(self, moment: dt.datetime | None) -> Markup:
        """A day as a `time` element; a dash where there is none."""
        if moment is None:
            return _EMPTY
        return self._time.format(moment.date().isoformat(), self.day(moment))

    def moment(self, moment: dt.datetime) -> Markup:
        """An instant as a `time` element."""
        return self._time.format(moment.isoformat(), self.instant(moment))

    def listed(self, words: Iterable[str]) -> str:
        """Words with commas between, each once."""
        return ", ".join(dict.fromkeys(words))

    def cell(self, value: Any, kind: ColumnKind | None) -> Markup:
        """One value of a row."""
        if value is None:
            return _EMPTY
        if isinstance(value, bool):
            return _YES if value else _NO
        if kind is ColumnKind.BOOLEAN and value in {0, 1}:
            return _YES if value else _NO
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Markup('<span class="soft">{} of data</span>').format(_size(len(bytes(value))))
        if (kind is ColumnKind.TIME or isinstance(value, (dt.datetime, dt.date))) and not isinstance(value, dt.time):
            moment = instants.read(value)
            if moment is not None:
                return self.moment(moment)
        if isinstance(value, (int, float, Decimal)):
            return escape(str(value))
        text = value if isinstance(value, str) else None
        if text is None:
            said = values.exact(value)
            text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
            if isinstance(value, (Mapping, list, tuple)):
                return Markup("<code>{}</code>").format(_cut(text))
        if not text.strip():
            return _EMPTY
        kinds = [name for name, holds in (("said", "\n" in text), ("long", _LONG_WORD.search(text))) if holds]
        shown = escape(_cut(text))
        return Markup('<span class="{}">{}</span>').format(" ".join(kinds), shown) if kinds else shown

    @staticmethod
    def is_number(value: Any) -> bool:
        return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


_EMPTY = Markup('<span class="soft" title="empty">\N{EN DASH}</span>')
_YES, _NO = Markup("yes"), Markup("no")


def _cut(text: str) -> str:
    """At most `LONGEST` letters, and none that a page cannot hold."""
    shown = text[:LONGEST].translate(_HIDDEN)
    return shown if len(text) <= LONGEST else f"{shown.rstrip()}… ({len(text):,} letters, whole in the files)"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} byte" + ("" if count == 1 else "s")
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < size * 1000 or unit == "GB":
            return f"{count / size:.3g} {unit}"
    raise AssertionError
