"""The steps that bring a store to the shape this version works with: each once, in one transaction, on either engine.

They are files in `versions`, listed in order in `revisions.REVISIONS`; what Alembic would make is read before it is
kept (`drift.step_source`). There are no steps back: a store is put back from its backup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from troth.foundation.store.opened import Store, hold
from troth.foundation.store.revisions import HEAD, REVISIONS, require_known, revision_of


def upgrade(store: Store, to: str = HEAD) -> tuple[str, ...]:
    """Bring the store to step `to`, and give the steps taken now; none when it was there already.

    All in one transaction: it stands at `to` or where it was. Two processes at once: one works, the other waits.
    Raises: StoreAhead when a newer version wrote it; StoreError.
    """
    with store.writing() as tx:
        hold(tx, "upgrade")
        revision = revision_of(tx)
        if revision is not None:
            require_known(revision, store.where)
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


__all__ = ["HEAD", "REVISIONS", "revision_of", "upgrade"]
