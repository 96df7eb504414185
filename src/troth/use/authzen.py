"""The decision point in the words of the OpenID AuthZEN Authorization API 1.0.

`subject` is a person: its `type` one of email, phone, id, key (or `user`, which is `id`). `resource.properties.data`
lists categories, or `resource.id` is one. `context.purpose` is the purpose, or else the action's name;
`context.recipient` the recipient. What is not known is a no, never an error; the answer's `context` has the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response
from fastapi import Depends as DependsOn
from fastapi.params import Depends
from pydantic import BaseModel, Field

from troth.errors import PersonError
from troth.foundation.people import Kind
from troth.use.decision import Decision, Reason
from troth.use.lease import Lease

MOST_AT_ONCE = 1_000
_LONGEST_ID = 200
_USERS = frozenset({"user", "person", "customer"})

Short = Annotated[str, Field(max_length=400)]


class Entity(BaseModel):
    """A subject or a resource."""

    type: Short = ""
    id: Short = ""
    properties: dict[str, Any] = {}


class Action(BaseModel):
    """What is to be done."""

    name: Short = ""
    properties: dict[str, Any] = {}


class Evaluation(BaseModel):
    """One question; what is missing is taken from around it."""

    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: dict[str, Any] | None = None


class Options(BaseModel):
    """When to stop answering."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class Evaluations(Evaluation):
    """Several questions."""

    evaluations: Annotated[list[Evaluation], Field(max_length=MOST_AT_ONCE)] = []
    options: Options = Options()


def router(lease: Lease, dependencies: Sequence[Depends]) -> APIRouter:
    """`/evaluation` and `/evaluations`."""
    made = APIRouter(dependencies=[*dependencies, DependsOn(_name_again)])

    @made.post("/evaluation")
    def evaluation(asked: Evaluation) -> dict[str, Any]:
        return _answer(_decide(lease, asked, Evaluation()))

    @made.post("/evaluations")
    def evaluations(asked: Evaluations) -> dict[str, Any]:
        if not asked.evaluations:
            return _answer(_decide(lease, asked, Evaluation()))
        answers = []
        for one in asked.evaluations:
            decision = _decide(lease, one, asked)
            answers.append(_answer(decision))
            semantic = asked.options.evaluations_semantic
            if (semantic == "deny_on_first_deny" and not decision) or (
                semantic == "permit_on_first_permit" and decision
            ):
                break
        return {"evaluations": answers}

    return made


def _name_again(response: Response, request_id: Annotated[str | None, Header(alias="X-Request-ID")] = None) -> None:
    """Give the asker's name for the question back, so that both logs can be read side by side."""
    if request_id is not None and len(request_id) <= _LONGEST_ID and request_id.isascii() and request_id.isprintable():
        response.headers["X-Request-ID"] = request_id


def metadata(address: str) -> dict[str, str]:
    """What stands at `/.well-known/authzen-configuration`."""
    return {
        "policy_decision_point": address,
        "access_evaluation_endpoint": f"{address}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{address}/access/v1/evaluations",
    }


def _decide(lease: Lease, asked: Evaluation, around: Evaluation) -> Decision:
    subject = asked.subject or around.subject or Entity()
    action = asked.action or around.action or Action()
    resource = asked.resource or around.resource or Entity()
    context = around.context if asked.context is None else asked.context
    context = context or {}
    purpose, recipient = context.get("purpose", action.name), context.get("recipient")
    data = resource.properties.get("data", resource.id)
    categories = (data,) if isinstance(data, str) else tuple(data) if isinstance(data, list) else ()
    if not isinstance(purpose, str):
        return Decision(False, Reason.PURPOSE_NOT_DECLARED)
    if not all(isinstance(category, str) for category in categories):
        return Decision(False, Reason.DATA_NOT_DECLARED)
    if recipient is not None and not isinstance(recipient, str):
        return Decision(False, Reason.RECIPIENT_NOT_DECLARED)
    kind = Kind.ID.value if subject.type in _USERS else subject.type
    try:
        return lease.may(f"{kind}={subject.id}", purpose, categories, recipient)
    except PersonError:
        return Decision(False, Reason.PERSON_UNKNOWN)


def _answer(decision: Decision) -> dict[str, Any]:
    context = {"reason": decision.reason, "clause": decision.clause, "number": decision.number}
    return {"decision": decision.permitted, "context": context}
