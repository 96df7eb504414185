"""A small troth in memory, for the shop's own tests: it keeps consents, refusals and who was registered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

CONSENT = frozenset({"marketing", "analytics"})
OTHERS = frozenset({"service.provide", "service.improve", "transactions", "notices", "fraud", "security"}) | {
    "research",
    "legal",
    "terms",
}


@dataclass(frozen=True, slots=True)
class Answer:
    permitted: bool
    reason: str
    clause: str | None

    def __bool__(self) -> bool:
        return self.permitted


@dataclass
class Running:
    of: StandIn
    purpose: str
    data: str | Sequence[str]
    rows: int = 0

    def permitted(self, persons: Iterable[str]) -> list[str]:
        return self.of.permitted(self.purpose, self.data, persons)

    def used(self, rows: int) -> None:
        self.rows += rows


@dataclass
class StandIn:
    """Fails closed: an unknown person or purpose is refused.

    `refuse` holds (person, purpose) that are objected to, and persons whose data is restricted.
    """

    people: dict[str, dict[str, str]] = field(default_factory=dict)
    consents: dict[tuple[str, str], list[tuple[datetime, bool]]] = field(default_factory=dict)
    refuse: set[tuple[str, str] | str] = field(default_factory=set)
    asked: list[tuple[str, str, str | Sequence[str], str | None]] = field(default_factory=list)
    signals: set[str] = field(default_factory=set)
    down: bool = False

    def register(
        self,
        *,
        id: str,  # noqa: A002
        email: str | None = None,
        phone: str | None = None,
    ) -> None:
        if self.down:
            raise ConnectionError("troth cannot be reached")
        self.people[f"id={id}"] = {key: value for key, value in (("email", email), ("phone", phone)) if value}

    def register_many(self, people: Iterable[Mapping[str, str]]) -> None:
        for known in people:
            self.register(**known)

    def unsubscribe_headers(self, person: Mapping[str, str], purpose: str) -> dict[str, str]:
        assert f"id={person['id']}" in self.people
        link = f"https://shop.example.com/privacy/centre/mail/{person['id']}-{purpose}"
        return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}

    def honour_signal(self, person: str) -> bool:
        if self.down:
            raise ConnectionError("troth cannot be reached")
        assert person in self.people
        self.signals.add(person)
        return True

    def centre_link(self, person: str) -> str:
        assert person in self.people
        return "https://shop.example.com/privacy/centre/enter/" + "a" * 43

    def may(self, person: str, purpose: str, data: str | Sequence[str], recipient: str | None = None) -> Answer:
        self.asked.append((person, purpose, data, recipient))
        clause = f"use.purposes.{purpose}"
        if self.down or person not in self.people:
            return Answer(False, "person-unknown", clause)
        if person in self.refuse:
            return Answer(False, "restricted", clause)
        if (person, purpose) in self.refuse:
            return Answer(False, "objection-stands", clause)
        if purpose in OTHERS:
            return Answer(True, "basis-applies", clause)
        words = self.consents.get((person, purpose), []) if purpose in CONSENT else []
        if words and max(enumerate(words), key=lambda said: (said[1][0], said[0]))[1][1]:
            return Answer(True, "consent-given", clause)
        return Answer(False, "consent-not-given", clause)

    @contextmanager
    def run(self, program: str, purpose: str, data: str | Sequence[str]) -> Iterator[Running]:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,79}", program)
        assert purpose in CONSENT | OTHERS
        yield Running(self, purpose, data)

    def permitted(self, purpose: str, data: str | Sequence[str], persons: Iterable[str]) -> list[str]:
        return [person for person in persons if self.may(person, purpose, data)]

    def give_consent(
        self,
        person: str,
        purpose: str,
        *,
        language: str = "en",  # noqa: ARG002
        method: str = "form",
        at: datetime | None = None,
    ) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", method)
        self.consents.setdefault((person, purpose), []).append((at or datetime.now(UTC), True))

    def withdraw_consent(self, person: str, purpose: str, *, at: datetime | None = None) -> None:
        self.consents.setdefault((person, purpose), []).append((at or datetime.now(UTC), False))

    def give_consents(self, choices: Iterable[tuple[str, str, datetime]]) -> None:
        for person, purpose, at in choices:
            self.give_consent(person, purpose, at=at)

    def withdraw_consents(self, choices: Iterable[tuple[str, str, datetime]]) -> None:
        for person, purpose, at in choices:
            self.withdraw_consent(person, purpose, at=at)
