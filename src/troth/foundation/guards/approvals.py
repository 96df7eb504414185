"""Which data map may be acted on: the one whose very bytes somebody with the right role approved by name.

A map decides what is deleted. One wrong line in it deletes the wrong rows, so each change to the file, however small,
needs a new approval. Approved stays approved: to go back to an older file is to act on what was approved then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from troth.errors import AccessDenied, MapUnapproved, TrothError
from troth.foundation import operations
from troth.foundation.guards.tables import map_approvals
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.operations import Operation
from troth.foundation.roles import Role
from troth.foundation.store import hold
from troth.foundation.tables import staff as accounts
from troth.policy.datamap import DataMap


@dataclass(frozen=True, slots=True)
class Approval:
    """Who answers for a map, in which role, since when."""

    sha256: str
    staff: int
    name: str = field(repr=False)
    role: Role
    at: datetime


def approve(tx: Connection, keyring: Keyring, datamap: DataMap, name: str, now: datetime) -> Approval:
    """Approve this very map in the name of the staff account `name`; to approve again by the same is to do nothing.

    Raises: TrothError for a name that has no account or a map with open questions; AccessDenied for one that is closed
    or whose role may not.
    """
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise TrothError("there is no staff account of that name", repair="See `troth staff list`.")
    if row.disabled_at is not None or not operations.may(row.role, Operation.MAP_APPROVE):
        raise AccessDenied(
            "this account may not approve a data map",
            expected=f"one that is open, as {' or '.join(sorted(role.label for role in Operation.MAP_APPROVE.roles))}",
        )
    if any(datamap.open_questions(store) for store in datamap.stores):
        raise TrothError(
            "the map has questions that nobody has answered", where=datamap.file, repair="Answer them in the file."
        )
    hold(tx, "map approval")
    known = [each for each in approvals_of(tx, datamap.sha256) if each.staff == row.id]
    if known:
        return known[0]
    body = {"map": datamap.sha256, "staff": row.id, "role": row.role}
    leaf = leaves.append(tx, keyring, "map.approved", None, body, now)
    tx.execute(map_approvals.insert().values(sha256=datamap.sha256, staff=row.id, role=row.role, at=now, leaf=leaf))
    return Approval(datamap.sha256, row.id, row.name, row.role, now)


def approvals_of(tx: Connection, sha256: str) -> tuple[Approval, ...]:
    """Who approved the map of that hash, the first first."""
    statement = (
        select(map_approvals, accounts.c.name)
        .join(accounts, accounts.c.id == map_approvals.c.staff)
        .where(map_approvals.c.sha256 == sha256)
        .order_by(map_approvals.c.id)
    )
    return tuple(Approval(row.sha256, row.staff, row.name, row.role, row.at) for row in tx.execute(statement))


def require_approved(tx: Connection, datamap: DataMap) -> None:
    """Make sure that somebody approved this very map, and that it has no open question. Raises: MapUnapproved."""
    for store in datamap.stores:
        if datamap.open_questions(store):
            raise MapUnapproved(
                "questions about this store are open; nothing runs on it",
                where=f"{datamap.file}, {store}",
                repair="Answer them in the file, then have it approved.",
            )
    if not approvals_of(tx, datamap.sha256):
        raise MapUnapproved(
            where=datamap.file or "datamap.yaml",
            repair="Read it, then run `troth map --approve --as NAME` with the name of a data protection officer.",
        )
