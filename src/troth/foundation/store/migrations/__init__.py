"""The steps that bring a store to the shape this version works with. Each is run once, in a transaction, on either
engine.

`REVISIONS` lists them in order. The list stands here as data so that asking "is it current?" loads no migration
machinery.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from troth.errors import StoreAhead, StoreBehind
from troth.foundation.store.opened import hold

if TYPE_CHECKING:
    from troth.foundation.store.opened import Store

REVISIONS = ("0001",)
HEAD = REVISIONS[-1]

_REPAIR = "Run `troth upgrade`."


def revision_of(tx: Connection) -> str | None:
    """The last step that this store has taken; None when it has taken none."""
    if not tx.dialect.has_table(tx, "alembic_version"):
        return None
    found = tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(found[0]) if found else None


def require_current(store: Store) -> None:
    """See `Store.require_current`."""
    with store.reading() as tx:
        revision = revision_of(tx)
    if revision is None:
        raise StoreBehind("the store has no tables yet", where=store.where, repair=_REPAIR)
    if revision not in REVISIONS:
        raise _ahead(store, revision)
    if revision != HEAD:
        raise StoreBehind(
            f"the store is at step {revision}, this version needs {HEAD}", where=store.where, repair=_REPAIR
        )


def upgrade(store: Store, to: str = HEAD) -> tuple[str, ...]:
    """Bring the store to step `to`, and give the steps taken now; none when it was there already.

    All in one transaction: it stands at `to` or where it was. Two processes at once: one works, the other waits.
    Raises: StoreAhead when a newer version wrote it; StoreError.
    """
    with store.writing() as tx:
        hold(tx, "upgrade")
        revision = revision_of(tx)
        if revision is not None and revision not in REVISIONS:
            raise _ahead(store, revision)
        before = 0 if revision is None else REVISIONS.index(revision) + 1
        steps = REVISIONS[before : REVISIONS.index(to) + 1]
        if steps:
            _run(tx, to)
    return steps


def _run(tx: Connection, to: str) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent))

    def steps(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs(to, revision)  # noqa: SLF001 - what `alembic upgrade` itself calls; there is no other door

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=tx, transactional_ddl=True)
        environment.run_migrations()


def _ahead(store: Store, revision: str) -> StoreAhead:
    return StoreAhead(
        f"the store was written by a newer version (step {revision}, this version ends at {HEAD})",
        where=store.where,
        repair="Run the newer troth.",
    )


__all__ = ["HEAD", "REVISIONS", "require_current", "revision_of", "upgrade"]
