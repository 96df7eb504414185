"""An ASGI middleware: each route has its purpose, and a refusal is a 403.

    app = PurposeMiddleware(app, troth, [Rule("/offers/*", "marketing", "contact.email")], person=signed_in)

`person` is given the scope and says who is signed in. The endpoint finds the `Bound` in `scope["troth"]`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias

from troth.errors import Refused
from troth.integrations.routes import PROBLEM, Bound, Decides, FindsPerson, Rule, decision_of, problem, rule_for
from troth.use.decision import Decision

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

KEY = "troth"
_POLICY_VIOLATION = 1008


class PurposeMiddleware:
    """Wraps an ASGI application; see the head of the module."""

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], decides: Decides, rules: Sequence[Rule],
        *, person: FindsPerson,
    ) -> None:  # fmt: skip
        self._app = app
        self._decides = decides
        self._rules = tuple(rules)
        self._person = person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        rule = rule_for(self._rules, scope.get("method", "GET"), scope["path"])
        person = self._person(scope)
        if inspect.isawaitable(person):
            person = await person
        bound = Bound(self._decides, person, rule)
        if rule is not None and rule.required:
            decision = await _decided(bound)
            if not decision:
                await _refuse(scope, receive, send, decision)
                return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] in {"http.response.start", "websocket.accept"}
            await send(message)

        try:
            await self._app({**scope, KEY: bound}, receive, sending)
        except Refused as refused:
            if begun:  # nothing can be taken back; the server ends the connection
                raise
            await _refuse(scope, receive, send, decision_of(refused))


async def _decided(bound: Bound) -> Decision:
    if inspect.iscoroutinefunction(bound.decides.may):
        found: Decision = await bound.may()
        return found
    # A decision that is not in memory reads the store, or asks over the network.
    return await asyncio.to_thread(bound.may)


async def _refuse(scope: Scope, receive: Receive, send: Send, decision: Decision | None) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    body = problem(decision)
    headers = [
        (b"content-type", PROBLEM.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
