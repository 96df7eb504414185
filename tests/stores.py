"""Stores for tests: upgraded like a real one, with tables that wait for the next migration made beside."""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy

from troth.foundation.store import Store
from troth.foundation.store.migrations import upgrade
from troth.foundation.store.schema import metadata

# An upgraded store, by the tables that were declared when it was made: made once, then copied. On SQLite the bytes of
# the file; on PostgreSQL the name of a database, for each server.
_made: dict[frozenset[str], bytes] = {}
_templates: dict[tuple[str | None, int | None, frozenset[str]], str] = {}


def fresh_store(folder: Path, *, url: str | None = None) -> Store:
    """A new SQLite store in `folder` (or the one at `url`), with every table that has been imported so far."""
    if url is not None:
        bring_up_to_date(url)
        return Store.open(url)
    path = folder / "troth.db"
    write_store(path)
    return Store.open(f"sqlite:///{path}")


def write_store(path: Path) -> None:
    """Write a new SQLite store, as `fresh_store` opens it."""
    tables = frozenset(metadata.tables)
    if tables not in _made:
        with _upgraded(Store.open(f"sqlite:///{path}")) as store:
            store.settle()
        _made[tables] = path.read_bytes()
    path.touch(0o600)
    path.write_bytes(_made[tables])


def bring_up_to_date(url: str) -> None:
    """Take the store at `url` through all steps, with every table that has been imported so far.

    An empty database on PostgreSQL that nobody is connected to, and that is not the server's own, is put away for a
    copy of one that is there already.
    """
    address = sqlalchemy.make_url(url)
    if address.get_backend_name() != "postgresql" or address.database == "postgres" or not _is_empty(url):
        _upgraded(Store.open(url)).close()
        return
    server = sqlalchemy.create_engine(
        address.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
    )
    key = (address.host, address.port, frozenset(metadata.tables))
    with server.connect() as connection:
        if key not in _templates:
            name = f"m{secrets.token_hex(6)}"
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
            _upgraded(Store.open(address.set(database=name).render_as_string(hide_password=False))).close()
            _templates[key] = name
        connection.exec_driver_sql(f"DROP DATABASE {address.database}")
        connection.exec_driver_sql(f"CREATE DATABASE {address.database} TEMPLATE {_templates[key]}")
    server.dispose()


def _is_empty(url: str) -> bool:
    asked = (
        "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        " + (SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%%'"
        "    AND nspname NOT IN ('public', 'information_schema'))"
        " + (SELECT count(*) FROM pg_stat_activity"
        "    WHERE datname = current_database() AND pid <> pg_backend_pid())"
    )
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        found = int(connection.exec_driver_sql(asked).scalar_one())
    engine.dispose()
    return found == 0


def _upgraded(store: Store) -> Store:
    upgrade(store)
    with store.writing() as tx:
        metadata.create_all(tx, checkfirst=True)
    return store
