"""What the company's programs report over HTTP: their runs, the messages that they sent, accounts closed and opened.

The same deeds as `troth.run`, `message_sent`, `close_account` and `reopen_account` in Python, for programs that are
not. An app that sends a report again under the same `Idempotency-Key` has reported once.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field

from troth.use import closing, message_log, repeats, runs
from troth.use.apibodies import Body, Data, Key, Person, Text
from troth.use.words import Closing, RunState

if TYPE_CHECKING:
    from troth.policy.usesettings import MessageSettings
    from troth.use.office import Office

RunNumber = Annotated[int, Path(ge=1, lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Message(Body):
    """A message that went to a person. A transactional one names its order; without `at` it went now."""

    person: Person
    template: Text
    order: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    at: datetime | None = None


class AccountWord(Body):
    """An account that a person closed, or that is open again."""

    person: Person
    word: Literal[Closing.CLOSED, Closing.REOPENED]
    method: Annotated[str, Field(max_length=40)] = "app"
    at: datetime | None = None


class RunBegun(Body):
    """A program that begins to use `data` for `purpose`."""

    program: Text
    purpose: Text
    data: Data


class RunEnded(Body):
    """How it ended, and what it used."""

    rows: Count = 0
    people: Count = 0
    failed: bool = False


BODIES = (Message, AccountWord, RunBegun, RunEnded)


def router(office: Office, settings: MessageSettings) -> APIRouter:
    """`/messages`, `/accounts`, `/runs` and `/runs/{run}/end`."""
    made = APIRouter()

    @made.post("/messages", status_code=201)
    def message(sent: Message, request: Request, key: Key = None) -> dict[str, Any]:
        """Record that a message went out; gives its class."""
        try:
            with repeats.once(office, request.state.app, key, f"messages\n{sent.model_dump_json()}"):
                kind = message_log.note(office, settings, sent.person, sent.template, order=sent.order, at=sent.at)
        except repeats.DoneBefore:
            kind = message_log.class_of(settings, sent.template)
        return {"class": kind}

    @made.post("/accounts", status_code=201)
    def account(word: AccountWord, request: Request, key: Key = None) -> dict[str, Any]:
        """Record that an account was closed or opened again; the grounds that rest on its contract follow."""
        deed = closing.close if word.word is Closing.CLOSED else closing.reopen
        try:
            with repeats.once(office, request.state.app, key, f"accounts\n{word.model_dump_json()}"):
                return asdict(deed(office, word.person, method=word.method, at=word.at))
        except repeats.DoneBefore:
            return asdict(closing.show(office, word.person))

    @made.post("/runs", status_code=201)
    def begin(run: RunBegun, request: Request, key: Key = None) -> dict[str, Any]:
        """Begin a run under a declared purpose; gives its number. What is not declared is refused, on record."""
        app = request.state.app
        data = (run.data,) if isinstance(run.data, str) else tuple(dict.fromkeys(run.data))
        wanted = runs.Beginning(run.program, run.purpose, data, app, repeats.named(office, app, key))
        try:
            with repeats.once(office, app, key, f"runs\n{run.model_dump_json()}"):
                return {"run": runs.begin(office, wanted)}
        except repeats.DoneBefore:
            return {"run": runs.begun(office, wanted)}

    @made.post("/runs/{run}/end")
    def end(run: RunNumber, ended: RunEnded, request: Request, key: Key = None) -> dict[str, Any]:
        """End one that this app began, with what it used."""
        app, state = request.state.app, RunState.FAILED if ended.failed else RunState.DONE
        with suppress(repeats.DoneBefore), repeats.once(office, app, key, f"runs/{run}\n{ended.model_dump_json()}"):
            runs.end(office, run, state, rows=ended.rows, people=ended.people, app=app)
        return {"run": run, "state": state}

    return made
