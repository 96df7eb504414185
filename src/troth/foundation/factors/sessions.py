"""The sessions of staff after their first step: the factor that is owed, the one that is shown again, and their ends.

1. Whoever has a second factor owes it after the first: until it is shown, the session opens nothing (10 minutes).
2. Before what is marked STEPS_UP in the matrix a factor must have been shown within 5 minutes. Who has none but a
   password shows that; who has neither came by a one-time link and has nothing to show.
3. Each time a factor is shown the session gets a new token, and the old one ends (ASVS 5.0: 7.2.4, 7.5.3).
4. Staff see their own sessions and end them; whoever may, ends those of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from troth.foundation import ids, passwords, staff, throttling
from troth.foundation.factors import codes
from troth.foundation.keys import Keyring
from troth.foundation.staff import Caller
from troth.foundation.store import Store
from troth.foundation.tables import staff as accounts
from troth.foundation.tables import staff_providers
from troth.foundation.tables import staff_sessions as sessions

FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Session:
    """One session as its owner sees it. `id` is part of the hash of its token; it opens nothing."""

    id: str
    begun_at: datetime
    seen_at: datetime
    how: str
    here: bool


def is_fresh(caller: Caller, now: datetime) -> bool:
    """Whether a second factor was shown in this session within the last 5 minutes."""
    return caller.fresh_at is not None and timedelta(0) <= now - caller.fresh_at <= FRESH


def what_to_show(tx: Connection, account: int) -> tuple[str, ...]:
    """What an account is asked to show again: its second factors; without any, itself to the provider, or its password;
    or nothing.
    """
    factors = staff.factors_of(tx, account)
    if factors:
        return factors
    if tx.execute(select(staff_providers.c.staff).where(staff_providers.c.staff == account)).first():
        return ("provider",)
    has = tx.execute(select(accounts.c.password).where(accounts.c.id == account)).scalar_one_or_none()
    return ("password",) if has else ()


def owing(store: Store, token: str, *, now: datetime) -> int | None:
    """The account whose session owes its second factor; None when there is no such session, or nothing is owed."""
    if not ids.is_token(token):
        return None
    with store.reading() as tx:
        row = _live(tx, token, now)
    return row.staff if row is not None and row.owes else None


def account_of(tx: Connection, token: str, *, now: datetime) -> int | None:
    """Whose session it is, whether or not it owes anything; None when it has ended."""
    row = _live(tx, token, now) if ids.is_token(token) else None
    return None if row is None else row.staff


def show(store: Store, keyring: Keyring, token: str, typed: str, *, now: datetime) -> str | None:
    """Show a code, a recovery code, or a password where that is asked for: the session's new token, or None.

    None: the session has ended, what was typed does not fit, or there were too many tries.
    """
    if not ids.is_token(token):
        return None
    with store.reading() as tx:
        row = _live(tx, token, now)
        asked = what_to_show(tx, row.staff) if row is not None else ()
    if row is None or not asked or asked == ("provider",) or not codes.may_try(store, keyring, row.staff, now):
        return None
    if asked == ("password",):
        with store.reading() as tx:
            hashed = tx.execute(select(accounts.c.password).where(accounts.c.id == row.staff)).scalar_one()
        if not passwords.fits(hashed, typed):
            return None
        with store.writing() as tx:
            throttling.forgive(tx, keyring, "factor", str(row.staff))
            return renewed(tx, token, "password", now)
    with store.writing() as tx:
        factor = codes.take(tx, keyring, row.staff, typed, now)
        return None if factor is None else renewed(tx, token, factor, now)


def renewed(tx: Connection, token: str, factor: str, now: datetime) -> str | None:
    """The session goes on under a new token, `factor` having been shown in it; None when it has ended."""
    row = _live(tx, token, now)
    if row is None or tx.execute(delete(sessions).where(sessions.c.token_hash == row.token_hash)).rowcount != 1:
        return None
    fresh = ids.random_token()
    ends = now + staff.LONGEST_SESSION if row.owes else row.ends_at
    facts: dict[str, Any] = {"staff": row.staff, "begun_at": row.begun_at, "seen_at": now, "ends_at": ends}
    tx.execute(
        sessions.insert().values(token_hash=ids.token_hash(fresh), how=row.how, owes=False, fresh_at=now, **facts)
    )
    if row.owes:
        staff.record(tx, "staff.signed-in", row.staff, now, how=row.how, factor=factor, refused=0)
    else:
        staff.record(tx, "staff.stepped-up", row.staff, now, factor=factor)
    return fresh


def list_(tx: Connection, account: int, token: str, *, now: datetime) -> tuple[Session, ...]:
    """The live sessions of an account, the one seen last first; `token` is that of the one who looks."""
    here = ids.token_hash(token) if ids.is_token(token) else b""
    statement = select(sessions).where(sessions.c.staff == account, *_alive(now)).order_by(sessions.c.seen_at.desc())
    return tuple(
        Session(_id(row.token_hash), row.begun_at, row.seen_at, row.how or "password", here=row.token_hash == here)
        for row in tx.execute(statement)
    )


def end(store: Store, account: int, which: str, *, now: datetime, by: int) -> bool:
    """End one session of an account by its id; whether there was one."""
    with store.writing() as tx:
        rows = tx.execute(select(sessions.c.token_hash).where(sessions.c.staff == account)).scalars()
        found = next((each for each in rows if _id(each) == which), None)
        if found is None:
            return False
        tx.execute(delete(sessions).where(sessions.c.token_hash == found))
        staff.record(tx, "staff.sessions-ended", account, now, by=by, sessions=1)
        return True


def end_others(store: Store, account: int, token: str, *, now: datetime) -> int:
    """End every session and link of an account but the one of `token`; gives how many sessions ended."""
    with store.writing() as tx:
        ended = staff.end_sessions(tx, account, but=ids.token_hash(token))
        if ended:
            staff.record(tx, "staff.sessions-ended", account, now, by=account, sessions=ended)
        return ended


def _live(tx: Connection, token: str, now: datetime) -> Row | None:  # type: ignore[type-arg]
    statement = (
        select(sessions)
        .join(accounts, accounts.c.id == sessions.c.staff)
        .where(sessions.c.token_hash == ids.token_hash(token), accounts.c.disabled_at.is_(None), *_alive(now))
    )
    return tx.execute(statement).one_or_none()


def _alive(now: datetime) -> tuple[Any, ...]:
    return (sessions.c.ends_at > now, sessions.c.seen_at > now - staff.IDLE)


def _id(token_hash: bytes) -> str:
    return token_hash.hex()[:16]
