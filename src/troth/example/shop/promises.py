"""What the shop asks of troth: the few verbs of its front door that a shop needs, and nothing behind them.

`troth.open(folder)` gives an object that fits. A person is named as everywhere in troth, by the shop's own number:
`id=17`. A decision is false in an `if` when the answer is no, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, Protocol

SERVICE: Final = "service.provide"
IMPROVEMENT: Final = "service.improve"
TRANSACTIONS: Final = "transactions"
NOTICES: Final = "notices"
MARKETING: Final = "marketing"
ANALYTICS: Final = "analytics"
FRAUD: Final = "fraud"
SECURITY: Final = "security"
RESEARCH: Final = "research"
LEGAL: Final = "legal"
TERMS: Final = "terms"

PAYMENT_PROCESSOR: Final = "Example Pay"
"""The recipient's name, as the policy has it in 4.2."""


LETTER_DATA: Final = ("contact.email", "profile.name")
"""What a newsletter uses of its reader."""


class Decision(Protocol):
    """Yes or no, with the reason and the clause of the policy that decided."""

    @property
    def reason(self) -> Any: ...

    @property
    def clause(self) -> str | None: ...

    def __bool__(self) -> bool: ...


class Working(Protocol):
    """One run of a program, under the purpose that it named."""

    def permitted(self, persons: Iterable[str]) -> list[str]: ...

    def used(self, rows: int) -> None: ...


class Promises(Protocol):
    """troth, as far as this shop needs it. Times are aware; `None` means now."""

    def register(self, *, id: str, email: str | None = None, phone: str | None = None) -> object: ...  # noqa: A002 - troth's own word

    def register_many(self, people: Iterable[Mapping[str, str]]) -> object: ...

    def may(self, person: str, purpose: str, data: str | Sequence[str], recipient: str | None = None) -> Decision: ...

    def permitted(self, purpose: str, data: str | Sequence[str], persons: Iterable[str]) -> list[str]: ...

    def run(self, program: str, purpose: str, data: str | Sequence[str]) -> AbstractContextManager[Working]: ...

    def give_consent(
        self, person: str, purpose: str, *, language: str = "en", method: str = "form", at: datetime | None = None
    ) -> object: ...

    def withdraw_consent(self, person: str, purpose: str, *, at: datetime | None = None) -> object: ...

    def unsubscribe_headers(self, person: Mapping[str, str], purpose: str) -> dict[str, str]: ...

    def honour_signal(self, person: str) -> object: ...

    def centre_link(self, person: str) -> str: ...

    def give_consents(self, choices: Iterable[tuple[str, str, datetime]]) -> object: ...

    def withdraw_consents(self, choices: Iterable[tuple[str, str, datetime]]) -> object: ...


def person(number: int) -> str:
    """How troth is told of the customer with that number: `id=17`."""
    return f"id={number}"
