"""The shop's own database: a SQLite file by default, PostgreSQL by setting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, create_engine, event

from troth.example.shop.tables import metadata

Found = Row[*tuple[Any, ...]]
"""One row that was found; its columns are attributes."""


def open_database(url: str) -> Engine:
    """An engine for `url`, its tables made where they are missing.

    `url` is a SQLAlchemy address: `sqlite:///shop.sqlite3`, `postgresql+psycopg://...`. On SQLite foreign keys are
    kept, what is deleted is overwritten, and readers do not wait for writers.
    """
    engine = create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _settle_sqlite)
    metadata.create_all(engine)
    return engine


def _settle_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "foreign_keys=ON",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=5000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
