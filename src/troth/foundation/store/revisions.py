"""Which steps a store has taken, and which this version knows: data, so that asking loads no migration machinery."""

from __future__ import annotations

from sqlalchemy import Connection, text

from troth.errors import StoreAhead, StoreBehind

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
    "0022",
    "0023",
)
"""Every step in order; each is a file in `migrations/versions`."""

HEAD = REVISIONS[-1]

_REPAIR = "Run `troth upgrade`."


def revision_of(tx: Connection) -> str | None:
    """The last step that this store has taken; None when it has taken none."""
    if not tx.dialect.has_table(tx, "alembic_version"):
        return None
    found = tx.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(found[0]) if found else None


def require_current(tx: Connection, where: str) -> None:
    """Make sure that the store named `where` has taken exactly the steps that this version knows.

    Raises: StoreBehind with the repair `troth upgrade`; StoreAhead when a newer troth wrote it.
    """
    revision = revision_of(tx)
    if revision is None:
        raise StoreBehind("the store has no tables yet", where=where, repair=_REPAIR)
    require_known(revision, where)
    if revision != HEAD:
        raise StoreBehind(f"the store is at step {revision}, this version needs {HEAD}", where=where, repair=_REPAIR)


def require_known(revision: str, where: str) -> None:
    """Make sure that `revision` is a step of this version. Raises: StoreAhead."""
    if revision not in REVISIONS:
        raise StoreAhead(
            f"the store was written by a newer version (step {revision}, this version ends at {HEAD})",
            where=where,
            repair="Run the newer troth.",
        )
