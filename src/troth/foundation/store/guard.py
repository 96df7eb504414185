"""What may not happen while a write transaction is open: network, mail, a company's store.

A slow peer inside a write transaction would stop every other writer. The eyes and the mail ask here before they go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from troth.errors import StoreError

_writing: ContextVar[bool] = ContextVar("troth_writing", default=False)


def refuse_inside_writing(act: str) -> None:
    """Refuse `act` ("mail", "a network probe") inside `Store.writing()` of this thread or task.

    Raises: StoreError. It is a fault of the program, not of the data.
    """
    if _writing.get():
        raise StoreError(f"{act} was begun inside a write transaction", repair="Commit first, then go out.")


@contextmanager
def marked_writing() -> Iterator[None]:
    """Mark this thread or task as one that writes. Raises StoreError when it already does: writing does not nest."""
    if _writing.get():
        raise StoreError("a write transaction was begun inside another", repair="Pass the open transaction on instead.")
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)
