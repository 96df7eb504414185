"""Where the declared tables and a store's real tables differ, and the migration step that would close the gap.

For the tests (no difference may stand after the last migration, on either engine) and for whoever writes the next
step. Nothing at run time uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, MetaData

from troth.foundation.store.columns import Instant, OneOf
from troth.foundation.store.opened import Store
from troth.foundation.store.schema import VIEW_ON

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.runtime.migration import MigrationContext


def differences(store: Store, metadata: MetaData) -> tuple[str, ...]:
    """One line for each way in which the store's tables are not those of `metadata`; empty when they are the same."""
    from alembic.autogenerate import compare_metadata

    with store.reading() as tx:
        return tuple(_said(change) for change in compare_metadata(_context(tx), metadata))


def step_source(store: Store, metadata: MetaData) -> tuple[str, str]:
    """Python for the next migration step: the body of `upgrade()` and of `downgrade()`; read it before keeping it."""
    from alembic.autogenerate import produce_migrations, render_python_code

    with store.reading() as tx:
        script = produce_migrations(_context(tx), metadata)
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        return (
            render_python_code(script.upgrade_ops, render_item=_render),
            render_python_code(script.downgrade_ops, render_item=_render),
        )


def _context(tx: Connection) -> MigrationContext:
    from alembic.runtime.migration import MigrationContext

    def is_table(item: Any, _name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:  # noqa: FBT001 - alembic's
        return kind != "table" or item.info.get(VIEW_ON) != tx.dialect.name

    opts = {"compare_type": True, "render_item": _render, "include_object": is_table}
    return MigrationContext.configure(tx, opts=opts)


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, Instant):
        return "Instant()"
    if kind == "type" and isinstance(item, OneOf):
        return f"sa.String(length={item.impl_instance.length})"  # type: ignore[attr-defined]
    return False


def _said(change: Any) -> str:
    return repr(change)
