"""What goes wrong behind a page and is nobody's refusal: the log gets its kind and place, never its message.

The message of an error that nobody foresaw may hold a value, of a database or of a form; a server writes it into its
log with the whole trace. So it ends here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


class BrokenOff(Exception):
    """An answer ended before its end; what happened is in the log above."""


class Quietly:
    """ASGI middleware: an error below ends here, as kind and place. `is_ours` says of whose scope that holds.

    What had been answered in full stays so; what had begun is broken off (BrokenOff); else the answer is a 500.
    """

    def __init__(self, app: ASGIApp, is_ours: Callable[[Scope], bool] = lambda _: True) -> None:
        self._app = app
        self._is_ours = is_ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = ended = False

        async def noted(message: Message) -> None:
            nonlocal begun, ended
            begun = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as problem:
            if scope["type"] != "http" or not self._is_ours(scope):
                raise
            log.error("behind an answer: %s at %s", type(problem).__name__, place_of(problem))  # noqa: TRY400
            if begun and not ended:
                raise BrokenOff from None
        if not begun and scope["type"] == "http":
            await _failed(send)


async def _failed(send: Send) -> None:
    body = b"Something on our side failed. See whether it was done before you send it again.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def place_of(problem: BaseException) -> str:
    """File and line where `problem` was raised."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
