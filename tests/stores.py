"""Stores for tests: upgraded like a real one, with tables that wait for the next migration made beside."""

from __future__ import annotations

from pathlib import Path

from troth.foundation.store import Store
from troth.foundation.store.migrations import upgrade
from troth.foundation.store.schema import metadata


def fresh_store(folder: Path, *, url: str | None = None) -> Store:
    """A new SQLite store in `folder` (or the one at `url`), with every table that has been imported so far."""
    store = Store.open(url or f"sqlite:///{folder / 'troth.db'}")
    upgrade(store)
    with store.writing() as tx:
        metadata.create_all(tx, checkfirst=True)
    return store
