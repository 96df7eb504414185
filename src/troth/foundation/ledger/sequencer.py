"""Give every leaf its place: one sequencer at a time, in batches, each with a signed head.

1. What waits is what stands in `ledger_waiting`, in the order of ids. A smaller id that another transaction commits
   later is simply placed later; nothing is ever passed over.
2. A batch is one transaction: places, tiles, head, and the leaves no longer waiting; all of it or nothing. A process
   killed at any moment leaves the ledger as it was before or after a batch.
3. Who sequences has a lease with a fencing token, renewed by each batch. A lease that lapsed may be taken by anyone;
   the token grows, and whoever held it before starts again from what the store says.
4. A head is signed only over a tree that goes on from the last signed one. A store that was put back under a running
   process is not signed for.
5. A head is signed by the key in force only. Who has the next one and, for once, the one before, passes from the one to
   the other with a batch that takes all that waits (`lineage`); a process that still has the one before signs no more.
"""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from troth.errors import StoreError
from troth.foundation import ids
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, lineage, notes
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.notes import PublicKey, is_name
from troth.foundation.ledger.tables import LONG, ledger_checkpoints, ledger_state
from troth.foundation.ledger.tiles import GrowingTree
from troth.foundation.store import Store, hold

log = logging.getLogger("troth.ledger")

BATCH = 16_384
"""Leaves in one transaction, at most."""

GATHER_S = 0.003
"""How long a batch waits for company once somebody waits for it."""

LEASE = timedelta(seconds=2)
"""How long another sequencer keeps away after a batch."""

_SKEW = timedelta(minutes=5)
_IDLE_S = 0.2
_NO_HOST = "troth.invalid"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did: the first place it gave, how many, and the head that it signed."""

    first: int
    count: int
    checkpoint: Checkpoint


def sequence_once(
    store: Store, keyring: Keyring, clock: Clock | None = None, *, host: str = _NO_HOST, limit: int = BATCH
) -> Batch | None:
    """Place what waits now, at most `limit` leaves, and sign the head; None when nothing waits or another is at it.

    `host` names a new ledger: `shop.example/ledger/` and a random part. It is not used again once the ledger has its
    name. Raises: StoreError.
    """
    sequencer = Sequencer(store, keyring, clock, host=host)
    batch = sequencer.once(limit)
    sequencer.release()
    return batch


def sequence_all(store: Store, keyring: Keyring, clock: Clock | None = None, *, host: str = _NO_HOST) -> None:
    """Place all that waits now, unless another is at it. Raises: StoreError."""
    while sequence_once(store, keyring, clock, host=host) is not None:
        pass


class Sequencer:
    """A sequencer that may go on: it keeps the edge of the tree in memory from batch to batch.

    In a `with` it runs in a thread of its own; `wake` makes it look at once.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        clock: Clock | None = None,
        *,
        host: str = _NO_HOST,
        replacing: bool = False,
    ) -> None:
        """`replacing`: the key in force was lost, and this one takes its place without its signature."""
        self._replacing = replacing
        self._passed = False
        self._store = store
        self._keyring = keyring
        self._clock = clock or SystemClock()
        self._host = host
        self._holder = ids.random_token()[:24]
        self._token: int | None = None
        self._tree: GrowingTree | None = None
        self._signed = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def once(self, limit: int = BATCH) -> Batch | None:
        """One batch; None when nothing waits, or another sequencer holds the lease. Raises: StoreError."""
        if not self._may_pass():
            with self._store.reading() as tx:
                if tx.exec_driver_sql("SELECT 1 FROM ledger_waiting LIMIT 1").first() is None:
                    return None
        try:
            with self._store.writing() as tx:
                return self._batch(tx, limit)
        except BaseException:
            self._tree = None  # it may hold what was undone
            raise

    def pass_on(self, limit: int = BATCH) -> None:
        """Pass from the key before to ours now, and not only when something waits; does nothing where that is done, and
        where nothing was ever signed. Raises: StoreError.
        """
        with self._store.reading() as tx:
            begun = tx.execute(select(ledger_state.c["keys"])).scalar_one_or_none()
        while begun and self._may_pass():
            self.once(limit)
        self.release()

    def release(self) -> None:
        """Give the lease back, so that another need not wait for it to lapse."""
        if self._token is None:
            return
        with self._store.writing() as tx:
            mine = (ledger_state.c.holder == self._holder, ledger_state.c.token == self._token)
            tx.execute(update(ledger_state).where(*mine).values(holder=None, held_until=None))
        self._token = None

    def wake(self) -> None:
        """Look for waiting leaves now, and not only when the next look is due."""
        self._wake.set()

    def start(self) -> None:
        """Sequence in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._keep, name="troth ledger", daemon=True)
        self._thread.start()

    def stop(self, *, wait_s: float = 10.0) -> None:
        """Place what still waits, give the lease back, and end; waits at most `wait_s` seconds."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _keep(self) -> None:
        failed = False
        while not self._stop.is_set():
            if self._wake.wait(_IDLE_S) and not self._stop.is_set():
                self._stop.wait(GATHER_S)
            self._wake.clear()
            failed = self._round(already_failed=failed)
        try:
            self.release()
        except StoreError as error:
            log.warning("the ledger's lease was not given back: %s", error)

    def _round(self, *, already_failed: bool) -> bool:
        """Batches until nothing waits; whether it failed. A trouble is logged when it begins, not each time again."""
        try:
            while self.once() is not None:
                pass
        except StoreError as error:
            if not already_failed:
                log.warning("the ledger could not be sequenced: %s", error)
            return True
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again; its message may hold a value
            if not already_failed:
                log.error("the ledger could not be sequenced: %s", type(error).__name__)  # noqa: TRY400 - as above
            return True
        return False

    def _batch(self, tx: Connection, limit: int) -> Batch | None:
        hold(tx, "ledger sequencer")
        now = self._clock.now()
        state = self._take(tx, now)
        if state is None:
            return None
        before = self._key_before(state)
        waiting = _waiting(tx, limit)
        # INVARIANT: the entry of a hand-over is the last under its head, so this batch must take all that waits.
        passes = before is not None and len(waiting) < limit
        if not waiting and not passes:
            return None
        tree = self._tree_of(tx, state.size)
        first = tree.size
        if before is not None and passes:
            ours, size = PublicKey.of(self._keyring, state.origin), first + len(waiting) + 1
            waiting.append(lineage.append(tx, before, ours, size, now, vouched=not self._replacing))
        tree.add(waiting)
        tree.save(tx)
        _no_longer_waiting(tx, [leaf for leaf, _ in waiting])
        head = Checkpoint(state.origin, tree.size, tree.root())
        note = self._signed_head(head, before, passes=passes)
        tx.execute(ledger_checkpoints.insert().values(size=head.size, root=head.root, note=note))
        tx.execute(update(ledger_state).values(size=head.size, keys=self._keys(state, before, passes=passes)))
        self._tree, self._signed = tree, head.size
        return Batch(first, len(waiting), head)

    def _take(self, tx: Connection, now: datetime) -> Any:
        """The state of the ledger with the lease in our hands; None while another holds it."""
        state = tx.execute(select(ledger_state)).one_or_none()
        if state is None:
            state = self._found(tx)
        mine = state.holder == self._holder and state.token == self._token
        if not mine:
            held = state.holder is not None and state.held_until is not None
            # Who has to pass takes over at once: the key before signs nothing any more, whoever has it.
            if held and now < state.held_until <= now + LEASE + _SKEW and not self._may_pass():
                return None
            self._token, self._tree = state.token + 1, None
        values = {"holder": self._holder, "token": self._token, "held_until": now + LEASE}
        tx.execute(update(ledger_state).values(**values))
        return state

    def _found(self, tx: Connection) -> Any:
        """Begin a ledger: give it its name for good."""
        host = self._host if is_name(self._host) else _NO_HOST
        origin = f"{host}/ledger/{secrets.token_hex(4)}"
        tx.execute(ledger_state.insert().values(one=1, origin=origin, keys="", size=0, token=0))
        return tx.execute(select(ledger_state)).one()

    def _tree_of(self, tx: Connection, size: int) -> GrowingTree:
        """The edge of the tree: what is in memory, or else what the store holds, held against its last signed head."""
        if size < self._signed:
            raise StoreError(
                f"the store holds {size} entries of the ledger, and this process has signed {self._signed}",
                where=self._store.where,
                repair="An older store was put back. Run `troth restore-guard`, then start again.",
            )
        if self._tree is not None and self._tree.size == size:
            return self._tree
        tree = GrowingTree(tx, size)
        last = checkpoints.latest(tx)
        if size != (last.size if last else 0) or (last and last.root != tree.root()):
            raise StoreError(
                "the tree of the ledger is not the one that was signed last; nothing more is signed",
                where=self._store.where,
                repair="Run `troth ledger verify`.",
            )
        return tree

    def _may_pass(self) -> bool:
        """Whether a hand-over may be due, also where nothing waits."""
        return not self._passed and (self._replacing or self._keyring.former_public_key is not None)

    def _key_before(self, state: Any) -> PublicKey | None:
        """The key that signs until now, where ours is to take over from it; None where ours is in force.

        Raises: StoreError where neither is so: another key signs this ledger.
        """
        lines = state.keys.splitlines()
        ours, former = PublicKey.of(self._keyring, state.origin), PublicKey.former_of(self._keyring, state.origin)
        if not lines or lines[-1] == ours.text:
            self._passed = bool(lines)
            return None
        if ours.text not in lines and (self._replacing or (former is not None and lines[-1] == former.text)):
            return PublicKey.parse(lines[-1])
        over = "has handed over, and" if ours.text in lines else "is not the one that signs this ledger:"
        raise StoreError(
            f"the key at hand ({ours.id.hex()}) {over} {PublicKey.parse(lines[-1]).id.hex()} is in force",
            where=self._store.where,
            repair="Bring the key that `troth key rotate` left to this machine, and start troth again.",
        )

    def _signed_head(self, head: Checkpoint, before: PublicKey | None, *, passes: bool) -> str:
        if before is None or (passes and self._replacing):
            return checkpoints.sign(head, self._keyring)
        if passes:
            return checkpoints.sign(head, self._keyring, former=True)
        if self._replacing:
            raise StoreError("too much waits for one batch; nothing was signed", where=self._store.where)
        return notes.sign_as_former(head.text, head.origin, self._keyring)

    def _keys(self, state: Any, before: PublicKey | None, *, passes: bool) -> str:
        """The public keys of this ledger, the one in force last."""
        lines = state.keys.splitlines()
        if lines and (before is None or not passes):
            return str(state.keys)
        return "\n".join([*lines, PublicKey.of(self._keyring, state.origin).text])


def _waiting(tx: Connection, limit: int) -> list[tuple[int, bytes]]:
    """Leaves that have no place yet: id and hash, by id."""
    statement = text(
        "SELECT w.leaf, l.hash FROM ledger_waiting AS w JOIN ledger_leaves AS l ON l.id = w.leaf"
        " ORDER BY w.leaf LIMIT :limit"
    )
    return [(row[0], row[1]) for row in tx.execute(statement, {"limit": limit}).all()]


def _no_longer_waiting(tx: Connection, leaves: list[int]) -> None:
    if tx.dialect.name == "sqlite":
        return  # a view there: a leaf with a place does not wait
    # INVARIANT: by their ids and never by a range: a smaller id may have been committed since they were read.
    statement = text("DELETE FROM ledger_waiting WHERE leaf = ANY(:leaves)").bindparams(
        bindparam("leaves", type_=ARRAY(LONG))
    )
    tx.execute(statement, {"leaves": leaves})
