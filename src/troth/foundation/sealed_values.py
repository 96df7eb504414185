"""How a value looks that was closed under a key of its person: told from any other, and whose key it names.

In base64: the mark of the format (3 bytes, which read `trt1`), the id of the key (8), a nonce (12), and what
AES-256-GCM made of the content. Here nothing is opened. Where a key is destroyed, whoever keeps keys in memory
(`holders`) lets go of them.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

from troth.errors import TrothError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from troth.foundation.store import Store

HEAD: Final = "trt1"
"""How every sealed value begins. It counts the format, for the next one."""

TOMBSTONE: Final = "field key"
"""The kind of tombstone that is the id of such a key: where a restore brings the key back, it goes again."""

FORMAT: Final = a2b_base64(HEAD)
ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
SHORTEST: Final = 52
"""Letters of a sealed value at least: those of nothing, sealed."""

_ID_LETTERS: Final = 16
_SURE: Final = 14
"""Of the letters that hold mark and id so many are the same in every value of a key; the next has some of the nonce."""


class Holder(Protocol):
    """What keeps people's keys in memory."""

    def forget(self) -> None:
        """Let every key go."""

    def rest(self, store: Store) -> None:
        """Serve no more, where it is this store that is closed."""


holders: Final[WeakSet[Any]] = WeakSet()


def forget() -> None:
    """Let every holder of this process let its keys go."""
    holder: Holder
    for holder in tuple(holders):
        holder.forget()


def rest(store: Store) -> None:
    """Let no holder of this process serve this store any more: it is closed."""
    holder: Holder
    for holder in tuple(holders):
        holder.rest(store)


def is_sealed(value: object) -> bool:
    """Whether a value looks like a sealed one; only its key can say whether it is."""
    return isinstance(value, str) and len(value) >= SHORTEST and key_id_of(value) is not None


def key_id_of(text: str) -> bytes | None:
    """The id of the key that a sealed value, or its first 16 letters, names; None for any other text."""
    try:
        raw = a2b_base64(text[:_ID_LETTERS], strict_mode=True)
    except ValueError:
        return None
    return raw[len(FORMAT) : len(FORMAT) + ID_BYTES] if raw.startswith(FORMAT) and len(raw) > ID_BYTES else None


def place_of(name: str) -> bytes:
    """What a value is bound to, from `store.table.column`. Raises: TrothError for any other form."""
    parts = name.split(".")
    if len(parts) != 3 or not all(parts) or "|" in name:
        raise TrothError("a sealed column has a place", where=name, expected="store.table.column")
    return b"troth field|" + name.encode("utf-8") + b"|"


# --- in a database ----------------------------------------------------------------------------------------------------


def sealed(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether what stands in a column of text looks sealed."""
    import sqlalchemy

    head = sqlalchemy.func.substr(column, 1, len(HEAD)) == sqlalchemy.literal_column(f"'{HEAD}'")
    return sqlalchemy.and_(head, sqlalchemy.func.length(column) >= sqlalchemy.literal_column(str(SHORTEST)))


def or_else(column: ColumnElement[Any], otherwise: Any) -> ColumnElement[Any]:
    """The value of a column where it looks sealed, and `otherwise` where not."""
    import sqlalchemy

    return sqlalchemy.case((sealed(column), column), else_=otherwise)


def head_of(column: ColumnElement[Any]) -> ColumnElement[str]:
    """So much of a sealed value as `key_id_of` needs."""
    import sqlalchemy

    return sqlalchemy.func.substr(column, 1, _ID_LETTERS)


def names(column: ColumnElement[Any], key_id: bytes) -> ColumnElement[bool]:
    """Whether a value was sealed with the key of that id."""
    import sqlalchemy

    start = b2a_base64(FORMAT + key_id, newline=False).decode()[:_SURE]
    return sqlalchemy.func.substr(column, 1, _SURE) == sqlalchemy.literal_column(f"'{start}'")
