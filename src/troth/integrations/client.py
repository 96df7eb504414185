"""Ask a running troth over HTTP, from ordinary code.

    with Client("https://troth.example.com", token) as client:
        if client.may("id=17", "marketing", "contact.email"):
            ...

Fails closed: what cannot be asked is refused (`decision-point-unreachable`), and a list that may be short raises. A
person is in the body, never in an address. Writes carry an idempotency key, and are sent once more when no answer came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from troth.errors import Refused
from troth.integrations import wire
from troth.integrations.wire import Data, Person
from troth.use.decision import Decision

if TYPE_CHECKING:
    import httpx

Named = TypeVar("Named", bound=Person)


class Client:
    """One connection pool to one troth. Safe to share between threads; `close` it when done, or use it in a `with`."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        timeout_s: float = wire.TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`timeout_s` bounds each of connecting, sending and waiting. Raises: TrothError for an address without TLS."""
        import httpx

        self._token = token
        self._errors: type[Exception] = httpx.HTTPError
        self._http = httpx.Client(
            base_url=wire.base_url(address),
            timeout=timeout_s,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    def may(self, person: Person, purpose: str, data: Data, recipient: str | None = None) -> Decision:
        """Whether `data` of `person` may be used for `purpose` now. False in an `if` when not; never raises for a
        troth that does not answer. Raises: PersonError.
        """
        answer = self._send(wire.question(person, purpose, data, recipient))
        return wire.UNREACHABLE if answer is None else wire.decision_in(*answer)

    def require(self, person: Person, purpose: str, data: Data, recipient: str | None = None) -> Decision:
        """As `may`. Raises: Refused with the reason and the sentence."""
        return required(self.may(person, purpose, data, recipient))

    def permitted(
        self, purpose: str, data: Data, persons: Sequence[Named], recipient: str | None = None
    ) -> list[Named]:
        """Those of `persons` for whom the answer is yes, in their order, however many.

        Raises: PersonError; NetworkUnreachable, since a short list would look like an answer.
        """
        found: list[Named] = []
        for number, request in enumerate(wire.questions(persons, purpose, data, recipient)):
            part = persons[number * wire.MOST_AT_ONCE : (number + 1) * wire.MOST_AT_ONCE]
            answer = self._send(request)
            if answer is None:
                raise wire.unreachable()
            found += [part[place] for place in wire.positions_in(*answer, len(part))]
        return found

    def register(self, **identifiers: str) -> str:
        """Make known who a person is; gives their `key=...`. Raises: TrothError, NetworkUnreachable."""
        return f"key={self._write(wire.registration(identifiers))['key']}"

    def give_consent(
        self,
        person: Person,
        purpose: str,
        *,
        language: str | None = None,
        method: str = "form",
        at: datetime | None = None,
        old_enough: bool | None = None,
    ) -> dict[str, Any]:
        """Record that `person` consents; when this returns, every decision obeys.

        `old_enough`: whether they may say so alone, where the company has people asked.

        Raises: TrothError, NetworkUnreachable.
        """
        return self._write(
            wire.consent_word(person, purpose, "given", language=language, method=method, at=at, old_enough=old_enough)
        )

    def refuse_consent(self, person: Person, purpose: str, *, method: str = "form") -> dict[str, Any]:
        """Record that `person`, when asked, said no. Raises as `give_consent`."""
        return self._write(wire.consent_word(person, purpose, "refused", method=method))

    def withdraw_consent(
        self, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None
    ) -> dict[str, Any]:
        """Record that `person` no longer consents. Raises as `give_consent`."""
        return self._write(wire.consent_word(person, purpose, "withdrawn", method=method, at=at))

    def object_to(self, person: Person, purpose: str, *, method: str = "form") -> dict[str, Any]:
        """Record an objection to a purpose, or with `"*"` to all. Raises as `give_consent`."""
        return self._write(wire.objection_word(person, purpose, method, lift=False))

    def lift_objection(self, person: Person, purpose: str, *, method: str = "form") -> dict[str, Any]:
        """Record the end of an objection. Raises as `give_consent`."""
        return self._write(wire.objection_word(person, purpose, method, lift=True))

    def restrict(self, person: Person, *, ground: str = "request", method: str = "form") -> dict[str, Any]:
        """Restrict the use of the person's data. Raises as `give_consent`."""
        return self._write(wire.restriction_word(person, ground, method, lift=False))

    def lift_restriction(self, person: Person, *, ground: str = "request", method: str = "form") -> dict[str, Any]:
        """Lift the restriction on `ground`. Raises as `give_consent`."""
        return self._write(wire.restriction_word(person, ground, method, lift=True))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._http.base_url})"

    def _send(self, request: wire.Request) -> tuple[int, bytes] | None:
        """Status and body; None when no answer came."""
        try:
            answer = self._http.post(request.path, content=request.body, headers=request.headers(self._token))
        except (self._errors, OSError, RuntimeError, ValueError):  # closed, cut off, not HTTP
            return None
        return answer.status_code, answer.content

    def _write(self, request: wire.Request) -> dict[str, Any]:
        answer = self._send(request)
        if answer is None or answer[0] in wire.AGAIN:
            answer = self._send(request)
        if answer is None:
            raise wire.unreachable()
        return wire.answer_in(*answer)


def required(decision: Decision) -> Decision:
    """`decision` when it permits. Raises: Refused."""
    if not decision:
        at = f" ({decision.number})" if decision.number else ""
        raise Refused(f"not permitted: {decision.reason.value.replace('-', ' ')}{at}", where=decision.clause)
    return decision
