"""What each route of a company's site is for: rules over paths, and the `may` that is bound to one request.

The first rule that matches a request holds. A rule that is not `required` only binds; a required one lets the request
through when the decision is a yes, and answers 403 otherwise, also when nobody is signed in.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeAlias

from troth.errors import PersonError, Refused
from troth.use.decision import Decision, Reason

Person: TypeAlias = str | Mapping[str, str]
Data: TypeAlias = str | Iterable[str]

NOBODY = Decision(False, Reason.PERSON_UNKNOWN)
PROBLEM = "application/problem+json"


class Decides(Protocol):
    """What answers: an opened `Troth`, a `Client` or an `AsyncClient`."""

    def may(
        self, person: Any, purpose: str, data: Any, recipient: str | None = None
    ) -> Decision | Awaitable[Decision]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests whose path matches `path` (`*` stands for anything) use `data` for `purpose`.

    `methods` empty: whichever. With `required`, the request is answered only for people for whom that is permitted.
    """

    path: str
    purpose: str
    data: Data
    recipient: str | None = None
    required: bool = True
    methods: frozenset[str] = frozenset()

    def matches(self, method: str, path: str) -> bool:
        """Whether it holds for this request. Upper and lower case differ; slashes at the end and doubled do not.

        What holds for all that is below a folder (`/offers/*`) holds for the folder, too.
        """
        asked = "/" + "/".join(part for part in path.split("/") if part)
        ruled = "/" + "/".join(part for part in self.path.split("/") if part)
        verb = "GET" if method.upper() == "HEAD" else method.upper()
        found = fnmatchcase(asked, ruled) or fnmatchcase(asked, ruled.removesuffix("/*") or "/")
        return (not self.methods or verb in self.methods) and found


def rule_for(rules: Sequence[Rule], method: str, path: str) -> Rule | None:
    """The first that matches."""
    return next((rule for rule in rules if rule.matches(method, path)), None)


@dataclass(frozen=True, slots=True)
class Bound:
    """`may` and `require` for the person and the purpose of one request; what is not said is as the rule says.

    With an `AsyncClient` behind it, both are awaited.
    """

    decides: Decides = field(repr=False)
    person: Person | None = field(repr=False)
    rule: Rule | None = None

    def may(self, purpose: str | None = None, data: Data | None = None, recipient: str | None = None) -> Any:
        """The decision; refused where nobody is signed in, or no purpose is known."""
        rule = self.rule
        if purpose is None and rule is not None:
            purpose, recipient = rule.purpose, recipient or rule.recipient
        if data is None and rule is not None:
            data = rule.data
        if purpose is None or data is None:
            return self._answered(Decision(False, Reason.PURPOSE_NOT_DECLARED))
        if self.person is None:
            return self._answered(NOBODY)
        try:
            return self.decides.may(self.person, purpose, data, recipient)
        except PersonError:
            return self._answered(NOBODY)

    def require(self, purpose: str | None = None, data: Data | None = None, recipient: str | None = None) -> Any:
        """As `may`. Raises: Refused, which the middleware answers with 403."""
        decision = self.may(purpose, data, recipient)
        return self._awaited(decision) if inspect.isawaitable(decision) else required(decision)

    async def _awaited(self, decision: Awaitable[Decision]) -> Decision:
        return required(await decision)

    def _answered(self, decision: Decision) -> Any:
        if not inspect.iscoroutinefunction(self.decides.may):
            return decision

        async def given() -> Decision:
            return decision

        return given()


def required(decision: Decision) -> Decision:
    """`decision` when it permits. Raises: Refused."""
    if not decision:
        raise RefusedHere(decision)
    return decision


class RefusedHere(Refused):
    """The use is not permitted."""

    def __init__(self, decision: Decision) -> None:
        at = f" ({decision.number})" if decision.number else ""
        super().__init__(f"not permitted: {decision.reason.value.replace('-', ' ')}{at}", where=decision.clause)
        self.decision = decision


def problem(decision: Decision | None) -> bytes:
    """The body of a 403: RFC 9457, with the reason and the sentence, and nothing about the person."""
    body: dict[str, Any] = {"title": "Forbidden", "status": 403, "detail": "This use is not permitted."}
    if decision is not None:
        body |= {"reason": decision.reason, "clause": decision.clause, "number": decision.number}
    return json.dumps(body).encode()


def decision_of(error: Refused) -> Decision | None:
    """The decision behind a refusal, where it is one of these."""
    return error.decision if isinstance(error, RefusedHere) else None


FindsPerson: TypeAlias = Callable[[Any], Person | None]
"""Who is signed in, from the request as the server hands it over; None is nobody."""
