"""Guard a function: it runs only for people whose data may be used for its purpose.

    decides(troth)

    @purpose("marketing", data="contact.email", person="customer_id")
    def send_offer(customer_id: int) -> None: ...

`person` names the argument that holds the company's own id of the person, or is a function of the call's arguments
that gives the person. A refusal raises `Refused` before anything of the function has run.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from troth.errors import TrothError
from troth.integrations.routes import Bound, Data, Decides, Person, Rule

P = ParamSpec("P")
R = TypeVar("R")

_default: list[Decides] = []


def decides(by: Decides | None) -> None:
    """Say who decides for every guarded function that does not say so itself: an opened `Troth` or a client."""
    _default[:] = [] if by is None else [by]


def purpose(
    name: str,
    data: Data,
    *,
    person: str | Callable[..., Person | None],
    recipient: str | None = None,
    kind: str = "id",
    by: Decides | Callable[[], Decides] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the function run only where `data` of `person` may be used for the purpose `name`, given to `recipient`.

    The argument that `person` names is the value of `kind` (`id` by default), or a mapping of identifiers. `by` says
    who decides. Functions, coroutines and generators of both kinds can be guarded; it is asked when they begin.
    Raises: TrothError when the function has no such argument. The guarded function raises Refused.
    """
    if not isinstance(data, str):
        data = tuple(data)
    rule = Rule("", name, data, recipient)

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        if isinstance(person, str) and person not in signature.parameters:
            raise TrothError(
                f"{function.__qualname__} has no argument {person}",
                expected=f"one of: {', '.join(signature.parameters)}",
            )

        def bound(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Bound:
            who = _person(signature, person, kind, arguments, named)
            return Bound(_who_decides(by), who, rule)

        async def allow(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
            asked = bound(arguments, named)
            if inspect.iscoroutinefunction(asked.decides.may):
                await asked.require()
            else:
                await asyncio.to_thread(asked.require)

        guarded: Any
        if inspect.iscoroutinefunction(function):

            async def guarded(*arguments: Any, **named: Any) -> Any:
                await allow(arguments, named)
                return await function(*arguments, **named)

        elif inspect.isasyncgenfunction(function):

            async def guarded(*arguments: Any, **named: Any) -> Any:
                await allow(arguments, named)
                async for value in function(*arguments, **named):
                    yield value

        else:

            def guarded(*arguments: Any, **named: Any) -> Any:
                asked = bound(arguments, named)
                if inspect.iscoroutinefunction(asked.decides.may):
                    raise TrothError(f"{function.__qualname__} cannot await", expected="an opened Troth, or a Client")
                asked.require()
                return function(*arguments, **named)

        wrapped: Callable[P, R] = functools.wraps(function)(guarded)
        return wrapped

    return guard


def _person(
    signature: inspect.Signature,
    person: str | Callable[..., Person | None],
    kind: str,
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
) -> Person | None:
    if not isinstance(person, str):
        return person(*arguments, **named)
    given = signature.bind(*arguments, **named)
    given.apply_defaults()
    value = given.arguments[person]
    if value is None or isinstance(value, Mapping):
        return value
    # INVARIANT: never read as `email=...`: the value may come from outside, and would then choose whom it is about.
    return {kind: str(value)}


def _who_decides(by: Decides | Callable[[], Decides] | None) -> Decides:
    if by is None:
        if not _default:
            raise TrothError("nobody was named who decides", repair="Call `decides(troth)` when the program starts.")
        return _default[0]
    if hasattr(by, "may"):
        return by
    return by()
