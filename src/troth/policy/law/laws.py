"""The laws that troth knows, read once from `data/*.yaml`.

`law("gdpr")` is one law, `laws_of(("gdpr", "pipl"))` several in the order asked for. A file of the table is read as
strictly as a company's own files: an unknown word, a missing article or an unreadable period is a fault with its place.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from troth.errors import UnknownName
from troth.policy.documents import Document, Faults, Path_, load, nearest
from troth.policy.law.provisions import (
    Confidence,
    Duty,
    Entitlement,
    Extension,
    Fee,
    FeeRule,
    FurtherRight,
    Handling,
    Identity,
    IdentityRule,
    Law,
    Length,
    Limit,
    PeriodEnd,
    Provision,
    Scope,
    Start,
    Unit,
)
from troth.policy.law.table import DATA, known_laws
from troth.policy.vocabulary import LegalBasis, Right

_LENGTH = re.compile(r"(?P<count>[0-9]{1,3}) (?P<unit>calendar month|calendar day|business day|working day)s?\Z")
_Word = TypeVar("_Word", bound=StrEnum)


@cache
def law(law_id: str) -> Law:
    """The law of that id. Raises UnknownName, with the nearest id, where the table has none."""
    if law_id not in known_laws():
        raise UnknownName(
            f'"{law_id}" is not a law that troth knows.',
            expected=f"one of: {', '.join(known_laws())}",
            nearest=nearest(law_id, known_laws()),
        )
    name = f"{law_id}.yaml"
    return parse_law((DATA / name).read_bytes(), name)


def laws_of(law_ids: Iterable[str]) -> tuple[Law, ...]:
    """The laws of those ids, each once, in the order asked for. Raises UnknownName."""
    return tuple(law(law_id) for law_id in dict.fromkeys(law_ids))


def parse_law(data: bytes, file: str) -> Law:
    """One law from the bytes of its file.

    Raises DeclarationFaults with everything wrong in it, or UnreadableFile.
    """
    return _Reader(load(data, file)).law()


class _Reader:
    """Reads one file; collects faults and goes on, so that all are told at once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._faults = Faults(document)

    def law(self) -> Law:
        fields = self._mapping((), "law name short source checked_on", _OPTIONAL)
        handling = self._handling(("requests",), None)
        read = Law(
            id=self._text(("law",)) or "",
            name=self._text(("name",)) or "",
            short=self._text(("short",)) or "",
            source=self._text(("source",)) or "",
            checked_on=self._date(("checked_on",)) or dt.date.min,
            confidence=self._word(("confidence",), Confidence, Confidence.FIRM),
            in_force=self._in_force(),
            authorities=self._texts(("authorities",)),
            countries=self._texts(("countries",)),
            ends=self._word(("period_ends",), PeriodEnd, PeriodEnd.AS_COUNTED),
            bases=frozenset(self._words(("bases",), LegalBasis)) if "bases" in fields else None,
            consent_age=self._whole(("consent_age",)),
            handling=handling,
            complaint=self._limit(("complaint",)),
            silence=self._text(("silence",)),
            acts=self._texts(("acts",)),
            rights=MappingProxyType(
                {
                    right: self._entitlement(("rights", right), right, handling)
                    for right in self._keys(("rights",), Right)
                }
            ),
            further_rights=MappingProxyType(
                {
                    right: self._provision(("further_rights", right))
                    for right in self._keys(("further_rights",), FurtherRight)
                }
            ),
            duties=MappingProxyType(
                {duty: self._provision(("duties", duty)) for duty in self._keys(("duties",), Duty)}
            ),
        )
        self._faults.raise_if_any()
        return read

    def _in_force(self) -> dt.date | None:
        """The first day of the law, where it is sure; an unsure day is not relied on."""
        if self._at(("in_force",)) is None:
            return None
        self._mapping(("in_force",), "from", "confidence")
        confidence = self._word(("in_force", "confidence"), Confidence, Confidence.FIRM)
        day = self._date(("in_force", "from"))
        return day if confidence is Confidence.FIRM else None

    def _handling(self, path: Path_, default: Handling | None) -> Handling:
        """How requests are answered; what `path` leaves out is as in `default`, `none` takes it away."""
        fields = self._at(path)
        fields = fields if isinstance(fields, dict) else {}
        if default is None:
            self._mapping(path, "answer", "acknowledge extension appeal fee identity")

        def part(name: str, read: Any) -> Any:
            if name not in fields:
                return getattr(default, name) if default else None
            return None if fields[name] == "none" else read((*path, name))

        handling = Handling(
            answer=part("answer", self._limit) or Limit(None, ""),
            acknowledge=part("acknowledge", self._limit),
            extension=part("extension", self._extension),
            appeal=part("appeal", self._limit),
            fee=part("fee", self._fee),
            identity=part("identity", self._identity),
        )
        within, longer = handling.answer.within, handling.extension
        if longer and (within is None or within.unit is not longer.by.unit):
            self._faults.add((*path, "extension"), "an extension is counted in the unit of the answer.")
        return handling

    def _entitlement(self, path: Path_, right: Right, default: Handling) -> Entitlement:
        self._mapping(path, "article", "scope says answer acknowledge extension appeal fee identity")
        return Entitlement(
            right,
            self._text((*path, "article")) or "",
            self._word((*path, "scope"), Scope, Scope.FULL),
            self._handling(path, default),
            self._text((*path, "says")),
        )

    def _limit(self, path: Path_) -> Limit | None:
        if self._at(path) is None:
            return None
        self._mapping(path, "article", "within counted_from stops since says confidence")
        starts = self._at((*path, "counted_from"))
        return Limit(
            self._length((*path, "within")),
            self._text((*path, "article")) or "",
            (self._word((*path, "counted_from"), Start, Start.RECEIPT),)
            if isinstance(starts, str)
            else tuple(self._words((*path, "counted_from"), Start)) or (Start.RECEIPT,),
            self._at((*path, "stops")) is True,
            self._date((*path, "since")),
            self._text((*path, "says")),
            self._word((*path, "confidence"), Confidence, Confidence.FIRM),
        )

    def _extension(self, path: Path_) -> Extension:
        self._mapping(path, "by told_within article", "confidence")
        return Extension(
            self._length((*path, "by")) or _NEVER,
            self._length((*path, "told_within")) or _NEVER,
            self._text((*path, "article")) or "",
            self._word((*path, "confidence"), Confidence, Confidence.FIRM),
        )

    def _fee(self, path: Path_) -> Fee:
        self._mapping(path, "rule article", "times says")
        return Fee(
            self._word((*path, "rule"), FeeRule, FeeRule.FREE),
            self._text((*path, "article")) or "",
            self._whole((*path, "times")),
            self._text((*path, "says")),
        )

    def _identity(self, path: Path_) -> Identity:
        self._mapping(path, "rule article", "says")
        return Identity(
            self._word((*path, "rule"), IdentityRule, IdentityRule.REASONABLE),
            self._text((*path, "article")) or "",
            self._text((*path, "says")),
        )

    def _provision(self, path: Path_) -> Provision:
        self._mapping(path, "article", "says confidence")
        return Provision(
            self._text((*path, "article")) or "",
            self._text((*path, "says")),
            self._word((*path, "confidence"), Confidence, Confidence.FIRM),
        )

    # One value each. A missing value is None; a wrong one is a fault and None.

    def _at(self, path: Path_) -> Any:
        value = self._document.value
        for part in path:
            if not isinstance(value, dict):
                return None
            value = value.get(str(part))
        return value

    def _mapping(self, path: Path_, required: str, optional: str) -> Mapping[str, Any]:
        value = self._at(path)
        if not isinstance(value, dict):
            self._faults.add(path, "nothing is declared here.", expected=f"the words: {required}")
            return {}
        words = required.split() + optional.split()
        for key in value:
            if key not in words:
                message = f'"{key}" is not a word of the law table.'
                self._faults.add((*path, key), message, nearest=nearest(key, words), at_key=True)
        for word in required.split():
            if value.get(word) is None:
                self._faults.add(path, f'"{word}" is missing.')
        return value

    def _keys(self, path: Path_, words: type[_Word]) -> tuple[_Word, ...]:
        value = self._at(path)
        return tuple(filter(None, (self._one((*path, key), key, words) for key in value or ())))

    def _words(self, path: Path_, words: type[_Word]) -> tuple[_Word, ...]:
        return tuple(filter(None, (self._one(path, text, words) for text in self._texts(path))))

    def _word(self, path: Path_, words: type[_Word], default: _Word) -> _Word:
        value = self._at(path)
        return default if value is None else self._one(path, str(value), words) or default

    def _one(self, path: Path_, text: str, words: type[_Word]) -> _Word | None:
        try:
            return words(text)
        except ValueError:
            known = [word.value for word in words]
            expected = f"one of: {', '.join(known)}"
            self._faults.add(path, f'"{text}" is not known here.', expected=expected, nearest=nearest(text, known))
            return None

    def _length(self, path: Path_) -> Length | None:
        value = self._at(path)
        match = _LENGTH.match(value) if isinstance(value, str) else None
        if match:
            return Length(int(match["count"]), Unit(match["unit"]))
        if value is not None:
            self._faults.add(path, f"{value!r} is not a legal period.", expected='a form such as "45 calendar days"')
        return None

    def _text(self, path: Path_) -> str | None:
        value = self._at(path)
        return None if value is None else str(value)

    def _texts(self, path: Path_) -> tuple[str, ...]:
        value = self._at(path)
        if value is not None and not isinstance(value, list):
            self._faults.add(path, "a list is needed here.")
        return tuple(str(entry) for entry in value) if isinstance(value, list) else ()

    def _whole(self, path: Path_) -> int | None:
        value = self._at(path)
        if value is not None and not isinstance(value, int):
            self._faults.add(path, "a whole number is needed here.")
        return value if isinstance(value, int) else None

    def _date(self, path: Path_) -> dt.date | None:
        value = self._at(path)
        if value is not None and not isinstance(value, dt.date):
            self._faults.add(path, "a day is needed here, such as 2026-11-22.")
        return value if isinstance(value, dt.date) else None


_NEVER = Length(0, Unit.CALENDAR_DAY)
_OPTIONAL = (
    "requests rights further_rights duties authorities countries period_ends bases consent_age in_force complaint "
    "silence acts confidence"
)
