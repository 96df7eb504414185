"""What went wrong in the store, in words that may be shown.

A driver's own message can hold values of a row. Only its code is kept; the sentence is ours.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from troth.errors import StoreBehind, StoreConflict, StoreError

_UPGRADE = "Run `troth upgrade`."

_SENTENCES = {
    "SQLITE_BUSY": ("another process has been writing for more than 5 s", "Try again."),
    "SQLITE_LOCKED": ("another process has been writing for more than 5 s", "Try again."),
    "SQLITE_FULL": ("the disk is full; nothing was written", "Make room, then try again."),
    "SQLITE_IOERR": ("the disk did not read or write; nothing was written", "Look at the disk, then try again."),
    "SQLITE_READONLY": (
        "the store may not be written to; nothing was written",
        "Give this user the right to write the file and its folder.",
    ),
    "SQLITE_CANTOPEN": ("there is no store here, or it may not be opened", _UPGRADE),
    "SQLITE_NOTADB": ("the file is not a SQLite store", "Name the right file, or restore it from a backup."),
    "SQLITE_CORRUPT": ("the file is damaged", "Restore it from a backup."),
    "55P03": ("another process has held the same rows for more than 5 s", "Try again."),
    "40P01": ("two writers waited for each other; this one was undone", "Try again."),
    "40001": ("another writer was first; this one was undone", "Try again."),
    "53100": ("the disk is full; nothing was written", "Make room, then try again."),
    "25006": ("the store may not be written to; nothing was written", "Open it for writing."),
    "28P01": ("the store refused the password", "Check the address of the store in troth.toml."),
    "28000": ("the store refused this user", "Check the address of the store in troth.toml."),
    "3D000": ("there is no database of that name", "Create it, then run `troth upgrade`."),
    "42501": ("this user lacks a right in the store", "Grant it to the user that the address names."),
}


def told(error: DBAPIError | PoolTimeoutError | sqlite3.Error, where: str) -> StoreError:
    """The same trouble as an error of troth: one line, the place, what is wrong, the repair; no value of any row."""
    if isinstance(error, PoolTimeoutError):
        return StoreError("all connections to the store are in use", where=where, repair="Try again.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = _code(cause)
    if isinstance(error, IntegrityError):
        return StoreConflict(where=where)
    if code == "42P01" or (code == "SQLITE_ERROR" and "no such table" in str(cause)):
        return StoreBehind("the store has no such table yet", where=where, repair=_UPGRADE)
    for known, (message, repair) in _SENTENCES.items():
        if code == known or (known.startswith("SQLITE_") and code.startswith(f"{known}_")):
            return StoreError(message, where=where, repair=repair)
    if code == "" and not getattr(error, "statement", None):
        return StoreError(
            "the store cannot be reached", where=where, repair="Check that it runs and that its address is right."
        )
    return StoreError(f"the store refused a statement ({code or type(cause).__name__})", where=where)


def _code(cause: BaseException | None) -> str:
    return str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
