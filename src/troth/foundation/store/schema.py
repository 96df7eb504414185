"""The one schema of troth's own store: every section's `tables.py` puts its tables on this metadata.

Names of keys and indexes follow one convention, so that a migration written on SQLite names the same thing on
PostgreSQL. Tables only: nothing here reads or writes.
"""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

VIEW_ON = "view_on"
"""In the `info` of a table: the engine on which it is a view, which its migration makes; nothing is written there."""
