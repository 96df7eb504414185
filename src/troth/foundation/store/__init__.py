"""Where troth remembers: SQLAlchemy Core on SQLite (default) or PostgreSQL, one schema, durable short writes.

`Store` opens it, `schema.metadata` describes it, `migrations.upgrade` brings it to the present shape.
"""

from __future__ import annotations

from troth.foundation.store.opened import Store, hold

__all__ = ["Store", "hold"]
