"""troth in a company's own software: ask over HTTP, guard routes and functions, filter queries.

    from troth.integrations import Client, PurposeMiddleware, Rule, permitted_only, purpose

- `Client` and `AsyncClient` ask a running troth over HTTP. Whatever goes wrong on the way, the answer is no.
- `PurposeMiddleware` (ASGI) and `WsgiPurposeMiddleware` say what each route is for and refuse with 403.
- `purpose` guards a function. `permitted_only` keeps of a query the people who may be used.

The last four take an opened `Troth` or a client, whichever the software has. What stands here is loaded when it is
first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from troth.integrations.asgi import PurposeMiddleware
    from troth.integrations.asynchronous import AsyncClient
    from troth.integrations.client import Client
    from troth.integrations.guarding import decides, purpose
    from troth.integrations.queries import permitted_only
    from troth.integrations.routes import Bound, Rule
    from troth.integrations.wsgi import WsgiPurposeMiddleware

_HOMES = {
    "AsyncClient": "asynchronous",
    "Bound": "routes",
    "Client": "client",
    "PurposeMiddleware": "asgi",
    "Rule": "routes",
    "WsgiPurposeMiddleware": "wsgi",
    "decides": "guarding",
    "permitted_only": "queries",
    "purpose": "guarding",
}

__all__ = [
    "AsyncClient",
    "Bound",
    "Client",
    "PurposeMiddleware",
    "Rule",
    "WsgiPurposeMiddleware",
    "decides",
    "permitted_only",
    "purpose",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"troth.integrations.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
