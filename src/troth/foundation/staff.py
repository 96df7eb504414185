"""The controller's staff: accounts, roles, and the sessions in which they act.

A session is a random token that only its holder knows; the store keeps its hash. It ends 30 minutes after the last
sight of it, 12 hours after the login, and at once when the account is disabled, its role changes or its password does.
Every login gives a new token. Who has a second factor gets a session that opens nothing until it was shown
(`factors.sessions`). Tries are counted by account and by source before they are made (`throttling`), and the answer to
a wrong name, a wrong password, a disabled account and too many tries is one and the same (ASVS 5.0: 6.3.8).

Each deed is a leaf of the ledger, under numbers of accounts, never names: `by` is the account that did it, None the
operator of the machine, `provider` the company's own list of who may what. Refused tries are a leaf each time that a
counter closes, with how many they were.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, true, update

from troth.errors import StoreConflict, TrothError
from troth.foundation import ids, passwords, throttling
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.tables import staff as accounts
from troth.foundation.tables import staff_codes, staff_passkeys, staff_providers
from troth.foundation.tables import staff_links as links
from troth.foundation.tables import staff_sessions as sessions

IDLE = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=12)
LINK_LIFE = timedelta(minutes=15)
OWING = timedelta(minutes=10)
"""How long a second factor is waited for."""
_SEEN_EVERY = timedelta(minutes=1)

ACCOUNT_LIMIT = throttling.Limit(free=5)
SOURCE_LIMIT = throttling.Limit(free=20)

_FACTORS = (
    ("code", staff_codes, staff_codes.c.confirmed_at.is_not(None)),
    ("passkey", staff_passkeys, true()),
    ("provider", staff_providers, true()),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One member of staff. `cleared_until`: until when their data protection training holds; None: never trained.
    `factors`: what they can show beside a password: `code`, `passkey`, `provider`.
    """

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    cleared_until: datetime | None
    has_password: bool
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """The member of staff behind a live session. `fresh_at`: when a second factor was last shown in it."""

    id: int
    name: str = field(repr=False)
    role: Role
    cleared_until: datetime | None = None
    fresh_at: datetime | None = None


def add(
    store: Store,
    name: str,
    role: Role,
    *,
    now: datetime,
    password: str | None = None,
    by: int | str | None = None,
    subject: bytes | None = None,
) -> Account:
    """Make an account. Without a password it can be entered by a one-time link only, or as `subject` by the provider.

    Raises: TrothError for a name that is taken or cannot be one, or a password that cannot be taken.
    """
    name = _name(name)
    hashed = passwords.hash_of(password, name) if password is not None else None
    try:
        with store.writing() as tx:
            tx.execute(accounts.insert().values(name=name, role=role, password=hashed, created_at=now))
            row = _row(tx, name)
            if subject is not None:
                tx.execute(staff_providers.insert().values(staff=row.id, subject=subject, linked_at=now))
            record(tx, "staff.added", row.id, now, role=role, by=by)
            return _account(row)
    except StoreConflict:
        raise TrothError("there is an account of that name already", repair="See `troth staff list`.") from None


def list_(tx: Connection) -> tuple[Account, ...]:
    """Every account, by name; disabled ones too."""
    held: dict[int, list[str]] = {}
    for factor, table, counts in _FACTORS:
        for number in tx.execute(select(table.c.staff).where(counts).distinct()).scalars():
            held.setdefault(number, []).append(factor)
    rows = tx.execute(select(accounts).order_by(accounts.c.name))
    return tuple(replace(_account(row), factors=tuple(held.get(row.id, ()))) for row in rows)


def find(tx: Connection, account: int) -> Account | None:
    """The account of that number; None when there is none."""
    return next((each for each in list_(tx) if each.id == account), None)


def disable(store: Store, name: str, *, now: datetime, by: int | None = None) -> Account:
    """Close an account and end its sessions and links at once. Closing twice changes nothing.

    Raises: TrothError when there is no such account.
    """
    with store.writing() as tx:
        row = _row(tx, _name(name))
        open_still = (accounts.c.id == row.id, accounts.c.disabled_at.is_(None))
        closed = tx.execute(update(accounts).where(*open_still).values(disabled_at=now)).rowcount == 1
        ended = end_sessions(tx, row.id)
        if closed:
            record(tx, "staff.closed", row.id, now, by=by, sessions=ended)
        return _account(_row(tx, row.name))


def set_role(store: Store, name: str, role: Role, *, now: datetime, by: int | str | None = None) -> Account:
    """Give an account another role; its sessions end, so that no page goes on with the old one. Raises: TrothError."""
    with store.writing() as tx:
        row = _row(tx, _name(name))
        tx.execute(update(accounts).where(accounts.c.id == row.id).values(role=role))
        ended = end_sessions(tx, row.id)
        record(tx, "staff.role", row.id, now, was=row.role, role=role, by=by, sessions=ended)
        return _account(_row(tx, row.name))


def set_password(store: Store, name: str, password: str, *, now: datetime, by: int | None = None) -> None:
    """Give an account a new password; its sessions and links end. Raises: TrothError."""
    name = _name(name)
    hashed = passwords.hash_of(password, name)
    with store.writing() as tx:
        row = _row(tx, name)
        tx.execute(update(accounts).where(accounts.c.id == row.id).values(password=hashed))
        record(tx, "staff.password", row.id, now, by=by, sessions=end_sessions(tx, row.id))


def clear(tx: Connection, account: int, until: datetime) -> None:
    """Let the account's training hold until `until`, or as long as it does already, if that is longer."""
    tx.execute(
        update(accounts)
        .where(accounts.c.id == account, or_(accounts.c.cleared_until.is_(None), accounts.c.cleared_until < until))
        .values(cleared_until=until)
    )


def log_in(store: Store, keyring: Keyring, *, name: str, password: str, source: str, now: datetime) -> str | None:
    """A new session's token, or None: wrong name, wrong password, disabled account or too many tries, not told apart.

    `source` is the address that the request came from. A locked-out owner waits at most 15 minutes.
    """
    known_as = spelled(name)
    with store.writing() as tx:
        by_account = throttling.take(tx, keyring, "account", known_as, limit=ACCOUNT_LIMIT, now=now)
        by_source = throttling.take(tx, keyring, "source", source, limit=SOURCE_LIMIT, now=now)
        row = tx.execute(select(accounts).where(accounts.c.name == _possible(known_as))).one_or_none()
        tried = throttling.tried(tx, keyring, "account", known_as)
        if by_account and tried >= ACCOUNT_LIMIT.free:
            record(tx, "staff.sign-in-refused", None if row is None else row.id, now, tries=tried)
    may_try = by_account and by_source and row is not None and row.disabled_at is None
    # The work is the same for those who do not exist, are disabled or have tried too often.
    fits = passwords.fits(row.password if may_try and row is not None else None, password)
    if row is None or not fits:
        return None
    renewed = passwords.hash_of(password) if passwords.is_old(row.password) else None
    with store.writing() as tx:
        throttling.forgive(tx, keyring, "account", known_as)
        throttling.give_back(tx, keyring, "source", source, limit=SOURCE_LIMIT)
        throttling.sweep(tx, now)
        if renewed is not None:
            tx.execute(
                update(accounts)
                .where(accounts.c.id == row.id, accounts.c.password == row.password)
                .values(password=renewed)
            )
        return begin(tx, row.id, "password", now, password=row.password if renewed is None else renewed, tries=tried)


def issue_login_link(
    store: Store, name: str, *, now: datetime, life: timedelta = LINK_LIFE, by: int | None = None
) -> str:
    """The token of a link that logs an account in once, within `life`. A new one ends the earlier ones.

    Raises: TrothError when there is no such account, or it is disabled.
    """
    token = ids.random_token()
    with store.writing() as tx:
        row = _row(tx, _name(name))
        if row.disabled_at is not None:
            raise TrothError("this account is disabled", repair="Make another: `troth staff add NAME`.")
        tx.execute(delete(links).where(links.c.staff == row.id))
        tx.execute(links.insert().values(token_hash=ids.token_hash(token), staff=row.id, ends_at=now + life))
        record(tx, "staff.link-issued", row.id, now, by=by)
    return token


def use_login_link(store: Store, token: str, *, now: datetime) -> str | None:
    """A new session's token for a link that is unused and alive, else None. Of two at once, one succeeds."""
    if not ids.is_token(token):
        return None
    with store.writing() as tx:
        hashed = ids.token_hash(token)
        alive = (links.c.token_hash == hashed, links.c.used_at.is_(None), links.c.ends_at > now)
        if tx.execute(update(links).where(*alive).values(used_at=now)).rowcount != 1:
            return None
        account = tx.execute(select(links.c.staff).where(links.c.token_hash == hashed)).scalar_one()
        password = tx.execute(select(accounts.c.password).where(accounts.c.id == account)).scalar_one()
        return begin(tx, account, "link", now, password=password)


def caller_of(store: Store, token: str, *, now: datetime) -> Caller | None:
    """Who acts in the session of `token`; None when it has ended or never was. A sight of it keeps it from idling
    out.
    """
    if not ids.is_token(token):
        return None
    hashed = ids.token_hash(token)
    with store.reading() as tx:
        row = tx.execute(
            select(accounts, sessions.c.seen_at, sessions.c.fresh_at)
            .join(sessions, sessions.c.staff == accounts.c.id)
            .where(
                sessions.c.token_hash == hashed,
                sessions.c.owes.is_not(True),
                sessions.c.ends_at > now,
                sessions.c.seen_at > now - IDLE,
                accounts.c.disabled_at.is_(None),
            )
        ).one_or_none()
    if row is None:
        return None
    if row.seen_at <= now - _SEEN_EVERY and not store.read_only:
        with store.writing() as tx:
            tx.execute(update(sessions).where(sessions.c.token_hash == hashed).values(seen_at=now))
    return Caller(row.id, row.name, row.role, row.cleared_until, row.fresh_at)


def log_out(store: Store, token: str, *, now: datetime) -> None:
    """End the session of `token`; nothing happens when there is none."""
    if not ids.is_token(token):
        return
    its = sessions.c.token_hash == ids.token_hash(token)
    with store.writing() as tx:
        account = tx.execute(select(sessions.c.staff).where(its)).scalar_one_or_none()
        if account is not None:
            tx.execute(delete(sessions).where(its))
            record(tx, "staff.sessions-ended", account, now, by=account, sessions=1)


def begin(
    tx: Connection,
    account: int,
    how: str,
    now: datetime,
    *,
    password: str | None = None,
    known: bool = False,
    tries: int = 1,
    factor: str | None = None,
) -> str | None:
    """A new session's token, unless the account was disabled or given another password since it was looked at.

    Without a `factor` shown on the way, an account that has one gets a session that owes it, and opens nothing yet.
    `tries` counts the one that succeeded too. `known`: who it is was settled by another than the password.
    """
    row = tx.execute(
        select(accounts.c.password, accounts.c.disabled_at).where(accounts.c.id == account).with_for_update()
    ).one_or_none()
    if row is None or row.disabled_at is not None or (row.password != password and not known):
        return None
    tx.execute(delete(sessions).where(or_(sessions.c.ends_at <= now, sessions.c.seen_at <= now - IDLE)))
    owes = factor is None and bool(factors_of(tx, account))
    token = ids.random_token()
    facts = {"token_hash": ids.token_hash(token), "staff": account, "begun_at": now, "seen_at": now, "how": how}
    ends = now + (OWING if owes else LONGEST_SESSION)
    tx.execute(sessions.insert().values(ends_at=ends, owes=owes, fresh_at=now if factor else None, **facts))
    if not owes:
        record(tx, "staff.signed-in", account, now, how=how, factor=factor, refused=tries - 1)
    return token


def begin_by_factor(tx: Connection, account: int, how: str, now: datetime) -> str | None:
    """A new session's token for an account that came by a passkey or by the provider; None for one that is closed."""
    return begin(tx, account, how, now, known=True, factor=how)


def factors_of(tx: Connection, account: int) -> tuple[str, ...]:
    """The second factors that an account can show here: `code`, `passkey`. The provider's own are the provider's."""
    held = (
        factor
        for factor, table, counts in _FACTORS
        if factor != "provider" and tx.execute(select(table.c.staff).where(table.c.staff == account, counts)).first()
    )
    return tuple(held)


def end_sessions(tx: Connection, account: int, *, but: bytes | None = None) -> int:
    """End the sessions and links of an account, `but` the one of that token hash; gives how many sessions ended."""
    tx.execute(delete(links).where(links.c.staff == account))
    which = [sessions.c.staff == account] + ([sessions.c.token_hash != but] if but is not None else [])
    return tx.execute(delete(sessions).where(*which)).rowcount


def record(tx: Connection, kind: str, account: int | None, now: datetime, **facts: Any) -> int:
    """Write down in the ledger, in the same transaction, what was done about an account."""
    return leaves.append(tx, None, kind, None, {"staff": account, **facts}, now)


def _row(tx: Connection, name: str) -> Row:  # type: ignore[type-arg]
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise TrothError("there is no account of that name", repair="See `troth staff list`.")
    return row


def _account(row: Row) -> Account:  # type: ignore[type-arg]
    return Account(
        row.id,
        row.name,
        row.role,
        row.created_at,
        row.disabled_at,
        row.cleared_until,
        has_password=row.password is not None,
    )


def _name(name: str) -> str:
    folded = spelled(name)
    if not _possible(folded):
        raise TrothError("this cannot be the name of an account", expected="1 to 120 letters on one line")
    return folded


def _possible(folded: str) -> str:
    """The name when an account may have it, else the empty one that none has."""
    return folded if len(folded) <= 120 and folded.isprintable() else ""


def spelled(name: str) -> str:
    """One spelling for one name: composed, small letters, no blanks around."""
    return unicodedata.normalize("NFC", name).strip().lower()
