"""Small ugly stores for tests of reading: the same tables on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Column, Date, DateTime, ForeignKey, Index, Integer, MetaData, String, Table, Text

ENGINES = ("sqlite", "postgresql", "mariadb")

UGLY_TABLE = 'sel"ect.from`x'
UGLY_COLUMN = "O'Brien; drop table--"
WIDE_TABLE = "名前" * 10  # 20 signs, 60 bytes: nearly all that PostgreSQL takes

metadata = MetaData()
users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(80), unique=True, nullable=False),
    Column("referrer_id", ForeignKey("users.id", ondelete="SET NULL"), index=True),
    Column("joined", DateTime),
    Column("born", Date),
)
visits = Table(
    "visits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("at_real", DateTime),
    Column("at_text", String(40)),
    Column("at_seconds", sqlalchemy.BigInteger),
    Column("at_millis", sqlalchemy.BigInteger),
    Column("note", Text),
)
Index("visits_user_at", visits.c.user_id, visits.c.at_real)
ugly = Table(UGLY_TABLE, metadata, Column(UGLY_COLUMN, String(40)), Column("order", Integer), Column("50%", Integer))
wide = Table(WIDE_TABLE, metadata, Column("größe", Integer), Column("Mixed Case", String(10)))


def made_url(request: pytest.FixtureRequest, folder: Path, engine: str) -> str:
    """A new database of that kind with these tables, empty."""
    url: str = f"sqlite:///{folder / 'shop.db'}" if engine == "sqlite" else request.getfixturevalue(f"{engine}_scratch")
    made = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    metadata.create_all(made)
    made.dispose()
    return url


def fill(url: str, table: Table, rows: list[dict[str, object]]) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(table.insert(), rows)
    engine.dispose()


def visit(at: dt.datetime, text: str | None = None, **more: object) -> dict[str, object]:
    """One visit at one instant, written in four ways."""
    utc = at.astimezone(dt.UTC)
    return {
        "user_id": None,
        "at_real": utc.replace(tzinfo=None),
        "at_text": text if text is not None else utc.strftime("%Y-%m-%d %H:%M:%S"),
        "at_seconds": int(at.timestamp()),
        "at_millis": int(at.timestamp() * 1000),
        "note": None,
        **more,
    }
