"""What goes over the wire between a company's software and `/v1`, and what an answer means. No network here.

INVARIANT: an answer is a yes only where troth said so in full: status 200, JSON, `permitted` exactly true, and a reason
that permits. Everything else is a no.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from troth.errors import NetworkUnreachable, PersonError, PersonUnknown, Refused, TrothError
from troth.use.decision import PERMITS, Decision, Reason

Person: TypeAlias = str | Mapping[str, str]
"""`"id=17"`, or `{"id": "17", "email": "..."}`."""

Data: TypeAlias = str | Iterable[str]

UNREACHABLE = Decision(False, Reason.POINT_UNREACHABLE)
TIMEOUT_S = 2.0
MOST_AT_ONCE = 2_500
"""So many people in one question at most: the body stays well below what troth takes."""

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which a write is sent once more, under the same key."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST of `body` to `path`; never a person in the path. `key` makes its repeats one."""

    path: str
    body: bytes = field(repr=False)
    key: str | None = None

    def headers(self, token: str) -> dict[str, str]:
        found = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        return found if self.key is None else {**found, "Idempotency-Key": self.key}


def base_url(address: str) -> str:
    """`address` as it may be called. Raises: TrothError for one that would show the token to the network."""
    parts = urlsplit(address)
    try:
        near = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        near = False
    if not parts.hostname or parts.scheme not in {"http", "https"} or (parts.scheme == "http" and not near):
        raise TrothError("the address of troth must be https", expected="https://..., or http:// on this machine")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise TrothError("the address of troth is host and path only", expected="https://troth.example.com")
    return address.rstrip("/")


def question(person: Person, purpose: str, data: Data, recipient: str | None) -> Request:
    """One decision."""
    return _request("/v1/decisions", person=_person(person), purpose=purpose, data=_data(data), recipient=recipient)


def questions(persons: Sequence[Person], purpose: str, data: Data, recipient: str | None) -> Iterator[Request]:
    """The same question about many, in as many requests as it takes."""
    categories = _data(data)
    for start in range(0, len(persons), MOST_AT_ONCE):
        part = [_person(person) for person in persons[start : start + MOST_AT_ONCE]]
        yield _request("/v1/decisions/many", persons=part, purpose=purpose, data=categories, recipient=recipient)


def consent_word(
    person: Person,
    purpose: str,
    word: str,
    *,
    language: str | None = None,
    method: str,
    at: datetime | None = None,
    old_enough: bool | None = None,
) -> Request:
    """What a person said about a purpose."""
    moment = None if at is None else at.isoformat()
    said = {"word": word, "language": language, "method": method, "at": moment, "old_enough": old_enough}
    return _word("/v1/consents", person=_person(person), purpose=purpose, **said)


def objection_word(person: Person, purpose: str, method: str, *, lift: bool) -> Request:
    """An objection, or its end."""
    return _word("/v1/objections", person=_person(person), purpose=purpose, method=method, lift=lift)


def restriction_word(person: Person, ground: str, method: str, *, lift: bool) -> Request:
    """A restriction, or its end."""
    return _word("/v1/restrictions", person=_person(person), ground=ground, method=method, lift=lift)


def registration(identifiers: Mapping[str, str]) -> Request:
    """Who a person is; to say it twice is to say it once."""
    return Request("/v1/people", json.dumps(dict(identifiers)).encode())


def decision_in(status: int, body: bytes) -> Decision:
    """The decision that an answer holds; a refusal when it holds none."""
    try:
        answer: Any = json.loads(body) if status == 200 else None
        reason = Reason(answer["reason"])
        permitted = answer["permitted"] is True and reason in PERMITS
        return Decision(permitted, reason, _text(answer.get("clause")), _text(answer.get("number")))
    except (TypeError, KeyError, ValueError, AttributeError):
        return UNREACHABLE


def positions_in(status: int, body: bytes, asked: int) -> list[int]:
    """The places of those permitted. Raises: NetworkUnreachable, since a short list would look like an answer."""
    try:
        places = json.loads(body)["permitted"] if status == 200 else None
        assert isinstance(places, list)
        assert all(type(place) is int and 0 <= place < asked for place in places)
    except (AssertionError, TypeError, KeyError, ValueError):
        raise unreachable(status) from None
    return sorted(set(places))


def answer_in(status: int, body: bytes) -> dict[str, Any]:
    """What troth says to a write. Raises: PersonUnknown, Refused, TrothError; NetworkUnreachable: try again."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if status in {200, 201} and isinstance(answer, dict):
        return answer
    if status == 404:
        raise PersonUnknown("nobody is known by this")
    if status in {401, 403}:
        raise Refused("troth does not know this token, or refuses the act")
    if 400 <= status < 500 and status != 429:
        raise TrothError(f"troth did not take this ({status})", expected="what its API page says")
    raise unreachable(status)


def unreachable(status: int | None = None) -> NetworkUnreachable:
    """The error of a call that got no answer."""
    met = "did not answer" if status is None else f"answered with status {status}"
    return NetworkUnreachable(f"troth {met}", repair="Try again; a write is done once, however often it is sent.")


def _word(path: str, **body: Any) -> Request:
    return _request(path, key=str(uuid.uuid4()), **body)


def _request(path: str, key: str | None = None, **body: Any) -> Request:
    kept = {name: value for name, value in body.items() if value is not None}
    return Request(path, json.dumps(kept).encode(), key)


def _person(person: Person) -> str | dict[str, str]:
    if isinstance(person, str):
        return person
    if isinstance(person, Mapping):
        return {str(kind): str(value) for kind, value in person.items() if value is not None}
    raise PersonError("a person is named by text, or by a mapping of identifiers", expected="email, phone, id or key")


def _data(data: Data) -> str | list[str]:
    return data if isinstance(data, str) else list(data)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
