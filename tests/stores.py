"""Stores for tests: upgraded like a real one, with tables that wait for the next migration made beside."""

from __future__ import annotations

from pathlib import Path

from troth.foundation.store import Store
from troth.foundation.store.migrations import upgrade
from troth.foundation.store.schema import metadata

# The bytes of an upgraded SQLite store, by the tables that were declared when it was made: made once, then copied.
_made: dict[frozenset[str], bytes] = {}


def fresh_store(folder: Path, *, url: str | None = None) -> Store:
    """A new SQLite store in `folder` (or the one at `url`), with every table that has been imported so far."""
    if url is not None:
        return _upgraded(Store.open(url))
    path = folder / "troth.db"
    tables = frozenset(metadata.tables)
    if tables not in _made:
        with _upgraded(Store.open(f"sqlite:///{path}")) as store:
            store.settle()
        _made[tables] = path.read_bytes()
    path.touch(0o600)
    path.write_bytes(_made[tables])
    return Store.open(f"sqlite:///{path}")


def _upgraded(store: Store) -> Store:
    upgrade(store)
    with store.writing() as tx:
        metadata.create_all(tx, checkfirst=True)
    return store
