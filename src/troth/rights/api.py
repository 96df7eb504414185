"""The door for the company's own apps: file a request for a customer who is signed in there, and see how it goes.

`Idempotency-Key` makes repeats one request. The app answers for who its customer is; for an erasure the person still
follows a link that goes to their address on file. An app sees the requests that it filed, and no others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from troth.errors import RequestUnknown, TrothError
from troth.policy.vocabulary import Right
from troth.rights import fulfilment, register, requests
from troth.rights.desk import Desk
from troth.rights.requests import Intake
from troth.rights.words import Channel, Proof
from troth.use.standing import named

log = logging.getLogger(__name__)

Text = Annotated[str, Field(min_length=1, max_length=400)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


class Filing(BaseModel):
    """A right, the person it is for, and what they wrote; `purpose` is what they object to."""

    model_config = ConfigDict(extra="forbid")

    right: Right
    person: Text | Annotated[dict[str, Text], Field(min_length=1, max_length=4)]
    purpose: Text | None = None
    note: Annotated[str, Field(max_length=requests.LONGEST_WISH)] = ""


def router(desk: Callable[[], Desk]) -> APIRouter:
    """What answers below `/v1/requests`."""
    answers = APIRouter(prefix="/requests")

    @answers.post("", status_code=201)
    def file(asked: Filing, request: Request, later: BackgroundTasks, key: Key = None) -> dict[str, Any]:
        """Take a request in; it has its number and its day when this answers, and goes on by itself."""
        intake = Intake(
            asked.right,
            Channel.API,
            named(asked.person),
            proof=Proof.APP,
            purpose=asked.purpose,
            wish=asked.note,
            key=key,
            app=request.state.app,
        )
        filed = requests.file(desk(), intake)
        if filed.new:
            later.add_task(_go_on, desk, filed.request.id)
        return register.as_json(filed.request)

    @answers.get("/{number}")
    def show(number: str, request: Request) -> dict[str, Any]:
        """Where a request of this app stands."""
        with desk().office.store.reading() as tx:
            found = requests.find(tx, number)
            if found is None or register.app_of(tx, found) != request.state.app:
                raise RequestUnknown
        return register.as_json(found)

    return answers


def _go_on(desk: Callable[[], Desk], which: int) -> None:
    try:
        fulfilment.begin(desk(), which)
    except TrothError as problem:
        log.warning("request %d waits: %s", which, problem)
