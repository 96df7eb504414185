"""What the store keeps about itself, for those who decide from memory. Schema only; numbers of people, nothing else.

INVARIANT: whatever changes how a person is found or where they stand adds a row to `store_changes` in the same
transaction; who follows the rows can keep a copy that is exact.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table, Text

from troth.foundation.store.columns import Instant
from troth.foundation.store.schema import metadata

_LONG = BigInteger().with_variant(Integer(), "sqlite")

# `people` are four-byte numbers one after the other; empty is everybody. `naming` says that identifiers changed too.
# `xid` is PostgreSQL's number of the transaction, which tells exactly whose snapshot has it; SQLite has one writer,
# so that the order of `id` is that of commits.
store_changes = Table(
    "store_changes",
    metadata,
    Column("id", _LONG, primary_key=True),
    Column("xid", BigInteger, index=True),
    Column("people", LargeBinary),
    Column("naming", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

# One row: how often old rows of `store_changes` were let go. Who finds it moved has to read everything anew.
store_trims = Table(
    "store_trims",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("trims", BigInteger, nullable=False),
)

# PostgreSQL: every process that decides from memory, and the snapshot up to which it obeys.
store_readers = Table(
    "store_readers",
    metadata,
    Column("id", String(43), primary_key=True),
    Column("applied", Text, nullable=False),
    Column("since", Instant, nullable=False),
)
