"""What every dialect can do, and the words for what may go wrong between troth and a store.

A driver's own message is never passed on: it may quote the address, the user or a value. It is told apart here by its
code or its fixed words, and said anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from troth.foundation.records.access import Grant, LinkSeen, SessionsSeen
from troth.foundation.records.catalogue import Table

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.exc import DBAPIError


class Trouble(StrEnum):
    """Why a store did not answer; the value is the sentence that says so."""

    UNKNOWN_HOST = "the name of its host is not known."
    REFUSED = "nothing answers at its address."
    CREDENTIALS = "it refuses the user name or the password."
    NO_DATABASE = "there is no database of that name on the server."
    NO_FILE = "there is no such file."
    NOT_A_DATABASE = "the file is no SQLite database."
    TIMEOUT = "it did not answer within the time limit."
    TLS = "no protected connection could be made: its certificate or its TLS settings do not fit."
    FORBIDDEN = "this user may not read that."
    HIDDEN = "row security keeps rows from this user; for what it does not see troth cannot answer."
    FULL = "it has no connection left."
    TABLE_GONE = "a table is gone."
    COLUMN_GONE = "a column is gone."
    READ_ONLY = "troth looks and never writes."
    OTHER = "it ended the connection or could not carry out the question."


REPAIRS = {
    Trouble.UNKNOWN_HOST: "Mend the host in its connect string.",
    Trouble.REFUSED: "Start the server, or mend host and port in its connect string.",
    Trouble.CREDENTIALS: "Mend user and password in the environment that its connect string names.",
    Trouble.NO_DATABASE: "Mend the name of the database in its connect string.",
    Trouble.NO_FILE: "Mend the path in its connect string.",
    Trouble.NOT_A_DATABASE: "Mend the path in its connect string.",
    Trouble.TIMEOUT: "Ask a less busy copy, or allow more time.",
    Trouble.TLS: "Give the authority that signed its certificate in the connect string.",
    Trouble.FORBIDDEN: "Run the statements of `troth grants` on the store.",
    Trouble.HIDDEN: "Let an administrator give the user BYPASSRLS: `troth grants` prints it.",
    Trouble.FULL: "Close idle connections, or allow the server more.",
    Trouble.TABLE_GONE: "Run `troth map --check` to see what differs.",
    Trouble.COLUMN_GONE: "Run `troth map --check` to see what differs.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one statement may take, in seconds, and the folder that relative file paths start from."""

    timeout_s: float
    base: Path


class Dialect(Protocol):
    """One kind of store."""

    def engine(self, address: URL, limits: Limits) -> Engine:
        """An engine whose every connection can only read, and gives up after the time limit."""

    def tables(self, connection: Connection) -> list[Table]:
        """Every table and view that the user can see."""

    def link(self, connection: Connection, address: URL) -> LinkSeen:
        """How this connection is protected."""

    def sessions(self, connection: Connection) -> SessionsSeen:
        """Who is connected to this store, and how, as far as the user can see."""

    def grants(self, connection: Connection) -> list[Grant]:
        """Who may do what on which table, as far as the user can see."""

    def trouble(self, problem: DBAPIError) -> Trouble:
        """What went wrong, told from the driver's code or words."""
