"""Statements are compiled once a worker, not once for each store that a test opens.

SQLAlchemy keeps what it compiled with the engine, and a test has engines of its own: a third of a whole `troth check`
went into compiling what the test before had compiled. Here all engines whose dialects are alike share one cache. Its
key is SQLAlchemy's own; only a table that was described from a catalogue, whose columns have no type and no default,
counts as the same as one with the same names, since it is described anew for each connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType
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
    return (_kind(dialect), _named(statement, {}), *rest)


def _kind(dialect: Dialect) -> Any:
    """All that tells one dialect from another: its class, and what it was told and found out of the server."""
    kept = vars(dialect).get("_kind_in_tests")
    if kept is None:
        state = sorted((name, value) for name, value in vars(dialect).items() if isinstance(value, _PLAIN))
        kept = (type(dialect), repr(state))
        if getattr(dialect, "server_version_info", None) is not None:  # it has met its server: nothing changes any more
            vars(dialect)["_kind_in_tests"] = kept
    return kept


def _named(key: tuple[Any, ...], seen: dict[Table, Any]) -> tuple[Any, ...]:
    """`key` with the names of described tables in their place; two tables of one name stay two."""
    named: list[Any] | None = None
    for at, part in enumerate(key):
        if type(part) is tuple:
            new: Any = _named(part, seen)
        elif type(part) is Table:
            if part not in seen:
                seen[part] = _name(part, len(seen))
            new = seen[part]
        else:
            continue
        if new is not part:
            named = list(key) if named is None else named
            named[at] = new
    return key if named is None else tuple(named)


def _name(table: Table, number: int) -> Any:
    described = all(type(column.type) is NullType and column.default is None for column in table.columns)
    return (table.fullname, tuple(table.columns.keys()), number) if described else table


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    shared = _Shared(KEPT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "_compiled_cache", property(lambda _: shared, lambda _, __: None), raising=False)
        yield
