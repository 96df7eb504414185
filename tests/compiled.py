"""Statements are compiled once a worker, not once for each store that a test opens.

SQLAlchemy keeps what it compiled with the engine, and a test has engines of its own: a third of a whole `troth check`
went into compiling what the test before had compiled. Here all engines whose dialects are alike share one cache. Its
key is SQLAlchemy's own, and tables that are described alike from a catalogue are one object (`records.statements`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

KEPT = 3000
_PLAIN = (str, int, bool, tuple, type(None))


class _Shared(LRUCache[Any, Any]):
    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_same_for_all(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_same_for_all(key), compiled)


def _same_for_all(key: Any) -> Any:
    dialect, statement, *rest = key
    return (_kind(dialect), statement, *rest)


def _kind(dialect: Dialect) -> Any:
    """All that tells one dialect from another: its class, and what it was told and found out of the server."""
    kept = vars(dialect).get("_kind_in_tests")
    if kept is None:
        state = sorted((name, value) for name, value in vars(dialect).items() if isinstance(value, _PLAIN))
        kept = (type(dialect), repr(state))
        if getattr(dialect, "server_version_info", None) is not None:  # it has met its server: nothing changes any more
            vars(dialect)["_kind_in_tests"] = kept
    return kept


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    shared = _Shared(KEPT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_compiled_cache", property(lambda _: shared, lambda _, __: None), raising=False)
        yield
