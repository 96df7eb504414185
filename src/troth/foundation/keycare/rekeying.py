"""Replace a key that was lost, by the word of two people. What was sealed under it is gone, and that is written down.

Until it is done, nothing opens this store: no key fits it, so no decision, no destructive run and no restore. Then:

1. One asks, another approves; both are accounts that may, and both stand in the ledger.
2. A new key is written to the file. Its id is in the store first, so that a run that was killed knows it again.
3. An entry says that the key was lost, and how many keys of people and sealed bodies with it (`key.lost`).
4. Keys of people that the lost one closed are destroyed, and the bodies under them, a thousand people to a transaction:
   nobody can open them, and who finds the key shall not either. People get new keys when something of theirs is sealed.
5. The ledger passes to the new signing key without the signature of the old one (`key.replaced`): whoever verifies is
   told so. The chain before it still verifies.
6. The store says that it is sealed with the new key.

Each step is done or not, and what was done is not done again: run it until it ends. Nobody but the two decides, and
nothing here reads what was sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, tuple_, update

from troth.errors import AccessDenied, KeyUnavailable, TrothError
from troth.foundation import keys, keysource, operations
from troth.foundation.clock import Clock
from troth.foundation.keycare import holdings
from troth.foundation.keycare.looking import Act, note
from troth.foundation.keycare.turning import require_own_file
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.sequencer import Sequencer
from troth.foundation.ledger.tables import ledger_bodies, person_keys
from troth.foundation.ledger.words import KEY_LOST
from troth.foundation.operations import Operation
from troth.foundation.store import Store, hold
from troth.foundation.tables import key_replacements
from troth.foundation.tables import staff as accounts

_BATCH: Final = 1000
_ALL: Final = 1_000_000_000
"""The batch of the ledger that passes to a key whose forerunner signs nothing: all that waits."""

Row = Any


@dataclass(frozen=True, slots=True)
class Replacement:
    """How far it is. `id` is the new key once there is one; `lost` the one that the store is sealed with."""

    lost: str
    id: str | None
    asked_at: datetime
    approved_at: datetime | None
    done_at: datetime | None
    people_keys: int = 0
    gone: tuple[tuple[str, int], ...] = ()
    """What cannot be read any more: what it is, and how much."""


def rekey(
    store: Store,
    folder: Path,
    environ: Mapping[str, str],
    by: str,
    clock: Clock,
    *,
    batch: int = _BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Replacement:
    """Ask for the lost key to be replaced; or approve it, where somebody else asked, and carry it out; or go on.

    Stop what serves and works before. Raises: KeyUnavailable when the key at hand is the store's, so that it is not
    lost, or the file holds another; AccessDenied for an account that may not, or the same one twice; StoreError.
    """
    require_own_file(folder, environ)
    with store.reading() as tx:
        lost = keys.now_sealed_with(tx)
    found = _at_hand(folder)
    if lost is None or (found is not None and fits(store, found)):
        raise KeyUnavailable("the key is not lost: it is the one of this store", repair="Run `troth key rotate`.")
    row = _decided(store, lost, by, clock, new=None if found is None else found.id)
    if row.approved_at is None:
        return _said(row)
    keyring = _provide(store, folder, row)
    gone = _record_loss(store, row, clock)
    count = _destroy(store, batch, clock, progress)
    sequencer = Sequencer(store, keyring, clock, replacing=True)
    sequencer.pass_on(_ALL)
    now = clock.now()
    with store.writing() as tx:
        keys.adopt(tx, keyring)
        tx.execute(update(key_replacements).where(key_replacements.c.id == row.id).values(done_at=now))
        note(tx, Act.REKEYED, keyring.id, now, lost=lost)
        row = tx.execute(select(key_replacements).where(key_replacements.c.id == row.id)).one()
    store.settle()
    return _said(row, people_keys=count, gone=gone)


def fits(store: Store, keyring: Keyring) -> bool:
    """Whether it is the key of this store."""
    try:
        keys.confirm(store, keyring)
    except KeyUnavailable:
        return False
    return True


def pending(tx: Connection) -> Replacement | None:
    """The replacement that is asked for and not done; None where there is none."""
    row = tx.execute(select(key_replacements).where(key_replacements.c.done_at.is_(None))).one_or_none()
    return None if row is None else _said(row)


def _at_hand(folder: Path) -> Keyring | None:
    if not (folder / keysource.FILE).exists():
        return None
    return Keyring.load(folder, {})


def _decided(store: Store, lost: str, by: str, clock: Clock, *, new: str | None) -> Row:
    """The row, after this account asked or approved. Raises: KeyUnavailable for a file that is in the way."""
    now = clock.now()
    with store.writing() as tx:
        hold(tx, "key replacement")
        row = tx.execute(select(key_replacements).where(key_replacements.c.done_at.is_(None))).one_or_none()
        if new is not None and (row is None or row.key_id != new):
            raise KeyUnavailable(
                f"{keysource.FILE} holds another key than the store was sealed with ({lost})",
                repair=f"Put {lost} back from escrow; if it is lost, move the file away first.",
            )
        if row is None:
            account = _account(tx, by, Operation.KEY_ASK)
            tx.execute(key_replacements.insert().values(lost=lost, asked_by=str(account), asked_at=now))
            leaves.append(tx, None, "key.replacement-asked", None, {"lost": lost, "staff": account}, now)
        elif row.approved_at is None:
            account = _account(tx, by, Operation.KEY_APPROVE)
            operations.require_apart(Operation.KEY_APPROVE, account, first=int(row.asked_by))
            approved = {"approved_by": str(account), "approved_at": now}
            tx.execute(update(key_replacements).where(key_replacements.c.id == row.id).values(**approved))
            leaves.append(tx, None, "key.replacement-approved", None, {"lost": lost, "staff": account}, now)
        else:
            _account(tx, by, Operation.KEY_APPROVE)
        return tx.execute(select(key_replacements).where(key_replacements.c.done_at.is_(None))).one()


def _account(tx: Connection, name: str, operation: Operation) -> int:
    row = tx.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    if row is None:
        raise TrothError("there is no account of that name", repair="See `troth staff list`.")
    if row.disabled_at is not None:
        raise AccessDenied(f"this account may not {operation.what}: it is closed")
    operations.require(row.role, operation)
    return int(row.id)


def _provide(store: Store, folder: Path, row: Row) -> Keyring:
    """The new key: from the file, or made. Its id stands in the store before the file does."""
    found = _at_hand(folder)
    if found is not None:
        return found
    text = keys.new_text()
    keyring = Keyring.from_text(text, where=str(folder / keysource.FILE))
    with store.writing() as tx:
        tx.execute(update(key_replacements).where(key_replacements.c.id == row.id).values(key_id=keyring.id))
    keys.put(folder, text)
    return keyring


def _record_loss(store: Store, row: Row, clock: Clock) -> tuple[tuple[str, int], ...]:
    """The entry that says what is lost, once; gives what cannot be read any more."""
    with store.writing() as tx:
        gone = holdings.sealed_rows(tx)
        if row.leaf is None:
            now = clock.now()
            standing = select(func.count()).where(person_keys.c.wrapped.is_not(None))
            body = {"lost": row.lost, "keys": tx.execute(standing).scalar_one()}
            body["bodies"] = tx.execute(select(func.count()).select_from(ledger_bodies)).scalar_one()
            leaf = leaves.append(tx, None, KEY_LOST, None, body, now)
            tx.execute(update(key_replacements).where(key_replacements.c.id == row.id).values(leaf=leaf))
    return gone


def _destroy(store: Store, batch: int, clock: Clock, progress: Callable[[int, int], None] | None) -> int:
    """Destroy every person's key that stands, with its bodies; gives how many this run destroyed.

    INVARIANT: no key of a person was made under the new key yet: it opens no store before this is over.
    """
    columns, count, total = person_keys.c, 0, 0
    standing = select(columns.person, columns["use"]).where(columns.wrapped.is_not(None))
    if progress is not None:
        with store.reading() as tx:
            total = tx.execute(select(func.count()).where(columns.wrapped.is_not(None))).scalar_one()
    while True:
        with store.writing() as tx:
            some = [tuple(row) for row in tx.execute(standing.order_by(columns.person, columns["use"]).limit(batch))]
            if not some:
                return count
            theirs = tuple_(columns.person, columns["use"]).in_(some)
            tx.execute(update(person_keys).where(theirs).values(wrapped=None, destroyed_at=clock.now()))
            bodies = tuple_(ledger_bodies.c.person, ledger_bodies.c.under).in_(some)
            tx.execute(delete(ledger_bodies).where(bodies))
        count += len(some)
        if progress is not None:
            progress(count, total)


def _said(row: Row, *, people_keys: int = 0, gone: tuple[tuple[str, int], ...] = ()) -> Replacement:
    return Replacement(row.lost, row.key_id, row.asked_at, row.approved_at, row.done_at, people_keys, gone)
