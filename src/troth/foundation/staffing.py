"""What staff do to each other's accounts, and the limits of it.

Nobody gives a role that may more than their own, nor enters, empties or changes an account of such a role: an
administrator who could issue a link for the data protection officer would read what the officer reads. Closing an
account and ending its sessions only takes away, so that whoever may do it may do it to all. Nobody changes their own
role or closes their own account. The operator of the machine (`troth staff`) stands outside these limits, and in the
ledger.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from troth.errors import AccessDenied, TrothError
from troth.foundation import operations, staff
from troth.foundation.factors import codes
from troth.foundation.operations import Operation
from troth.foundation.roles import Role
from troth.foundation.staff import Account, Caller
from troth.foundation.store import Store
from troth.foundation.tables import staff_passkeys, staff_providers


def add(store: Store, caller: Caller, name: str, role: Role, *, now: datetime) -> Account:
    """Make an account that is entered by a one-time link. Raises: AccessDenied, TrothError for the name."""
    operations.require(caller.role, Operation.STAFF_ADD)
    _require_below(caller, role)
    return staff.add(store, name, role, now=now, by=caller.id)


def set_role(store: Store, caller: Caller, account: int, role: Role, *, now: datetime) -> Account:
    """Give somebody another role; their sessions end. Raises: AccessDenied, TrothError."""
    other = _other(store, caller, account, Operation.STAFF_ROLE)
    _require_below(caller, other.role)
    _require_below(caller, role)
    return staff.set_role(store, other.name, role, now=now, by=caller.id)


def close(store: Store, caller: Caller, account: int, *, now: datetime) -> Account:
    """Close somebody's account; their sessions end. Raises: AccessDenied, TrothError."""
    other = _other(store, caller, account, Operation.STAFF_CLOSE)
    return staff.disable(store, other.name, now=now, by=caller.id)


def link(store: Store, caller: Caller, account: int, *, now: datetime) -> str:
    """The token of a link that signs somebody in once. Raises: AccessDenied, TrothError."""
    other = _other(store, caller, account, Operation.STAFF_LINK)
    _require_below(caller, other.role)
    return staff.issue_login_link(store, other.name, now=now, by=caller.id)


def reset_factors(store: Store, caller: Caller, account: int, *, now: datetime) -> bool:
    """Take away somebody's second factors, who has lost them; their sessions end. Raises: AccessDenied, TrothError."""
    other = _other(store, caller, account, Operation.STAFF_FACTORS)
    _require_below(caller, other.role)
    return _forget_all(store, other, now=now, by=caller.id)


def end_sessions(store: Store, caller: Caller, account: int, *, now: datetime) -> int:
    """End somebody's sessions and links; gives how many sessions. Raises: AccessDenied, TrothError."""
    operations.require(caller.role, Operation.STAFF_SESSIONS)
    with store.writing() as tx:
        ended = staff.end_sessions(tx, account)
        staff.record(tx, "staff.sessions-ended", account, now, by=caller.id, sessions=ended)
        return ended


def reset_by_operator(store: Store, name: str, *, now: datetime) -> tuple[Account, bool]:
    """As `reset_factors`, by who has the machine. Raises: TrothError when there is no such account."""
    with store.reading() as tx:
        found = next((each for each in staff.list_(tx) if each.name == staff.spelled(name)), None)
    if found is None:
        raise TrothError("there is no account of that name", repair="See `troth staff list`.")
    return found, _forget_all(store, found, now=now, by=None)


def _forget_all(store: Store, account: Account, *, now: datetime, by: int | None) -> bool:
    with store.writing() as tx:
        had = _forget(tx, account.id)
        if had:
            ended = staff.end_sessions(tx, account.id)
            staff.record(tx, "staff.factor-removed", account.id, now, factor="all", by=by, sessions=ended)
        return had


def _forget(tx: Connection, account: int) -> bool:
    had = codes.forget(tx, account)
    for table in (staff_passkeys, staff_providers):
        had |= tx.execute(delete(table).where(table.c.staff == account)).rowcount > 0
    return had


def _other(store: Store, caller: Caller, account: int, operation: Operation) -> Account:
    operations.require(caller.role, operation)
    with store.reading() as tx:
        found = staff.find(tx, account)
    if found is None:
        raise TrothError("there is no account of that number", repair="See `troth staff list`.")
    if found.id == caller.id:
        raise AccessDenied(
            f"You may not {operation.what} that is your own; nothing was done.", repair="Ask a colleague."
        )
    return found


def _require_below(caller: Caller, role: Role) -> None:
    if not operations.may_give(caller.role, role):
        raise AccessDenied(
            f"A role that may more than yours ({role.label}) is not yours to give or to enter; nothing was done.",
            repair="Ask a data protection officer.",
        )
