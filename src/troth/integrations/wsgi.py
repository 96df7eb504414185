"""A WSGI middleware: each route has its purpose, and a refusal is a 403.

    app = WsgiPurposeMiddleware(app, troth, [Rule("/offers/*", "marketing", "contact.email")], person=signed_in)

`person` is given the environ and says who is signed in. The application finds the `Bound` in `environ["troth"]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from troth.errors import Refused, TrothError
from troth.integrations.routes import PROBLEM, Bound, Decides, FindsPerson, Rule, decision_of, problem, rule_for
from troth.use.decision import Decision

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]

KEY = "troth"


class WsgiPurposeMiddleware:
    """Wraps a WSGI application; see the head of the module."""

    def __init__(
        self, app: Callable[[Environ, StartResponse], Iterable[bytes]], decides: Decides, rules: Sequence[Rule],
        *, person: FindsPerson,
    ) -> None:  # fmt: skip
        """Raises: TrothError for a client that has to be awaited: nothing here could."""
        import inspect

        if inspect.iscoroutinefunction(decides.may):
            raise TrothError("a WSGI application cannot await", expected="an opened Troth, or a Client")
        self._app = app
        self._decides = decides
        self._rules = tuple(rules)
        self._person = person

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        rule = rule_for(self._rules, environ.get("REQUEST_METHOD", "GET"), path)
        bound = Bound(self._decides, self._person(environ), rule)
        if rule is not None and rule.required:
            decision: Decision = bound.may()
            if not decision:
                return _refuse(environ, start_response, decision)
        environ[KEY] = bound
        begun = False

        def starting(*head: Any) -> Any:
            nonlocal begun
            begun = True
            return start_response(*head)

        try:
            return self._app(environ, starting)
        except Refused as refused:
            if begun:  # the head of an answer may have gone out; the server ends the connection
                raise
            return _refuse(environ, start_response, decision_of(refused))


def _refuse(environ: Environ, start_response: StartResponse, decision: Decision | None) -> Iterable[bytes]:
    body = problem(decision)
    headers = [("Content-Type", PROBLEM), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response("403 Forbidden", headers)
    return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else body]
