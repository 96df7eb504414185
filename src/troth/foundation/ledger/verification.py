"""Go through a whole ledger and recompute everything from the stored bytes: what is wrong, and exactly where.

1. Each leaf hashes to what its row, and its place in the tree, say; its columns say what its bytes say.
2. Each sealed body is the one its leaf is bound to, or a leaf records that its key was destroyed.
3. Each tile holds the hashes of the tile below; each signed head has the root that the tree had at its size, and the
   signature of the key that was in force at that size (`lineage`).
4. Each leaf has a place or waits for one, and nothing has a place that is not there.
5. Each checkpoint kept outside fits. Only this shows a tail cut off, an older store put back, or a history rewritten
   by whoever holds the signing key: from inside, a ledger that was cut is a shorter ledger.

It streams: memory does not grow with the ledger. No JSON is read, but for entries with a sealed body and wrong ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from troth.errors import ProofInvalid
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, lineage, merkle, notes
from troth.foundation.ledger.findings import Verification, entry
from troth.foundation.ledger.leafcheck import LeafCheck
from troth.foundation.ledger.lineage import Lineage
from troth.foundation.ledger.merkle import HASH, WIDTH
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.ledger.rows import Row, Rows, as_bytes
from troth.foundation.ledger.tables import (
    ledger_checkpoints,
    ledger_order,
    ledger_state,
    ledger_tiles,
    ledger_verification,
    ledger_waiting,
)
from troth.foundation.ledger.tiles import find_place, unpacked
from troth.foundation.ledger.treecheck import Mark, TreeCheck
from troth.foundation.store import Store

_TILES_AT_ONCE = 16


def verify(
    store: Store,
    *,
    keyring: Keyring | None = None,
    known: Iterable[PublicKey] = (),
    outside: Sequence[str] = (),
) -> Verification:
    """Verify the ledger of `store`. `outside`: checkpoints that were kept elsewhere, as notes.

    The newest head must be signed by a key of `known`, or by that of `keyring`, or by one that these have handed over
    to; with neither, by one that the store itself names, which shows damage but no forger. Raises: StoreError when the
    store cannot be read; ProofInvalid for an `outside` that is no checkpoint at all.
    """
    with store.reading() as tx:
        whole = _Whole(tx, keyring, tuple(known), tuple(outside))
        try:
            return whole.verified()
        finally:
            whole.close()


class _Whole:
    def __init__(
        self, tx: Connection, keyring: Keyring | None, known: tuple[PublicKey, ...], outside: tuple[str, ...]
    ) -> None:
        self._tx = tx
        self._keyring = keyring
        self._outcome = Verification()
        state = tx.execute(
            select(as_bytes(tx, ledger_state.c.origin), as_bytes(tx, ledger_state.c["keys"]), ledger_state.c.size)
        ).one_or_none()
        origin, names, claimed = (b"", b"", 0) if state is None else state
        self._claimed = int(claimed)
        self._outcome.origin = origin.decode("utf-8", "replace") or None
        self._named = names.decode("utf-8", "replace").splitlines()
        self._line = self._lineage()
        self._trusted = self._find_trusted(known)
        self._keys = tuple(dict.fromkeys((*self._trusted, *self._line.keys)))
        self._marks = [*self._heads(), *self._outside(outside)]
        self._rows = Rows(tx)
        self._leaf = LeafCheck(tx, keyring, self._outcome)
        self._tree = TreeCheck(self._stored_tile, self._marks, self._outcome)
        self._placed = 0

    def verified(self) -> Verification:
        size = self._go_through()
        self._tree.finish()
        if size != self._claimed:
            self._outcome.add("the size of the ledger", f"{self._claimed} entries are claimed, {size} have a place")
        self._compare_counts(size)
        waiting = self._go_through_waiting()
        if self._tx.dialect.name == "sqlite":
            self._find_missing(waiting)
        self._leaf.finish()
        return self._outcome

    def close(self) -> None:
        self._rows.close()

    def _lineage(self) -> Lineage:
        try:
            named = tuple(PublicKey.parse(line) for line in self._named)
        except ProofInvalid:
            self._outcome.add("the keys that the ledger names", "one of them is damaged")
            named = ()
        try:
            found = lineage.load(self._tx) if named else Lineage(None)
        except ProofInvalid as problem:
            self._outcome.add("the keys that the ledger names", problem.message)
            return Lineage(named[0] if named else None)
        if named != found.keys and named:
            self._outcome.add("the keys that the ledger names", "they are not those that took over from each other")
        for each in found.handovers:
            if not each.vouched:
                self._outcome.notes.append(
                    f"from size {each.size} on another key signs, and the key before does not say so: it was lost"
                )
        return found

    def _find_trusted(self, known: tuple[PublicKey, ...]) -> tuple[PublicKey, ...]:
        """The keys of which one must have signed the newest head: those that were told, and whom they handed over to.

        Keys of earlier heads need no trust: the tree below an earlier head is a part of the tree below the newest.
        """
        if self._keyring is not None and self._outcome.origin is not None and notes.is_name(self._outcome.origin):
            former = PublicKey.former_of(self._keyring, self._outcome.origin)
            known = (*known, PublicKey.of(self._keyring, self._outcome.origin), *((former,) if former else ()))
        if not known:
            self._outcome.notes.append("the key was taken from the store itself; give the one that you were told")
            known = self._line.keys
        return lineage.followed(known, self._line.handovers)

    def _heads(self) -> list[Mark]:
        marks = []
        columns = ledger_checkpoints.c
        statement = select(columns.size, columns.root, as_bytes(self._tx, columns.note).label("note"))
        newest = self._tx.execute(select(func.max(columns.size))).scalar_one()
        last = 0
        for row in self._tx.execute(statement.order_by(columns.size)):
            self._outcome.heads += 1
            what = f"the head of size {row.size}"
            keys = self._trusted if row.size == newest else self._keys
            note = row.note.decode("utf-8", "replace")
            try:
                read = lineage.read_head(note, keys, self._line)
            except ProofInvalid as problem:
                self._outcome.add(what, problem.message, place=row.size)
                continue
            if (read.size, read.root, read.origin) != (row.size, row.root, self._outcome.origin):
                self._outcome.add(what, f"its row and its signed text (size {read.size}) differ", place=row.size)
                continue
            marks.append(Mark(read.size, read.root, what))
            last = row.size
        if last != self._claimed and self._outcome.holds:
            message = f"it is of size {last}, and {self._claimed} entries are claimed"
            self._outcome.add("the last head", message, place=last)
        return marks

    def _outside(self, texts: tuple[str, ...]) -> list[Mark]:
        marks = []
        for text in texts:
            for note in checkpoints.split_notes(text):
                claimed = checkpoints.claimed(note)
                what = f"the checkpoint of size {claimed.size} kept outside"
                try:
                    lineage.read_head(note, self._keys, self._line)
                except ProofInvalid as problem:
                    self._outcome.add(what, problem.message)
                    continue
                if claimed.origin != self._outcome.origin:
                    self._outcome.add(what, "it is of another ledger")
                    continue
                marks.append(Mark(claimed.size, claimed.root, what, outside=True))
        return marks

    def _go_through(self) -> int:
        """All entries in the order of the tree; gives how many places there are."""
        number, size = 0, 0
        while parts := self._order(number):
            tiles = self._tiles(number)
            for ids in parts:
                self._go_through_tile(number, ids, tiles.get(number, b""))
                size = number * WIDTH + len(ids)
                number += 1
        return size

    def _order(self, number: int) -> list[tuple[int, ...]]:
        """The ids of the next tiles of entries, as far as they go on without a gap."""
        columns = ledger_order.c
        statement = select(columns.number, columns.leaves, columns.first, columns.last).order_by(columns.number)
        parts: list[tuple[int, ...]] = []
        for row in self._tx.execute(statement.where(columns.number.between(number, number + _TILES_AT_ONCE - 1))):
            ids = unpacked(row.leaves)
            where = f"the order of entries from {row.number * WIDTH}"
            if row.number != number + len(parts) or (parts and len(parts[-1]) != WIDTH):
                self._outcome.add(where, "it does not go on from the one before", place=row.number * WIDTH)
                break
            if not ids or len(row.leaves) % 8 or len(ids) > WIDTH:
                self._outcome.add(where, "it is damaged", place=row.number * WIDTH)
                break
            if (row.first, row.last) != (min(ids), max(ids)):
                self._outcome.add(where, "its smallest and largest leaf are not those named", place=row.number * WIDTH)
            parts.append(ids)
        return parts

    def _go_through_tile(self, number: int, ids: tuple[int, ...], tile: bytes) -> None:
        rows = self._rows.next(ids)
        computed = None if rows is None else self._leaf.quick(rows)
        if computed is None:
            careful = self._rows.careful(ids)
            computed = self._leaf.go_through(careful, ids, number * WIDTH)
            joined = b"".join(computed)
            stored = b"".join(row.hash for row in careful if row is not None)
            if not joined == tile == stored:
                computed = self._locate(number * WIDTH, ids, careful, computed, tile)
            self._placed += sum(row is not None for row in careful)
        else:
            self._placed += len(ids)
            if b"".join(computed) != tile:
                computed = self._locate(number * WIDTH, ids, self._rows.careful(ids), computed, tile)
        self._tree.add(computed, b"".join(computed))

    def _locate(
        self, first: int, ids: tuple[int, ...], rows: Sequence[Row | None], computed: list[bytes], tile: bytes
    ) -> list[bytes]:
        """Say which entries of a tile are wrong, and give the hashes that the tree most likely had."""
        if not tile:
            self._outcome.add(f"tile {first // WIDTH} of level 0", "is missing", place=first)
            return computed
        placed = [tile[at * HASH : (at + 1) * HASH] for at in range(len(ids))]
        elsewhere = {hashed: at for at, hashed in enumerate(placed)}
        likely = []
        for at, (leaf, row, own, place) in enumerate(zip(ids, rows, computed, placed, strict=True)):
            where, stored = entry(first + at, leaf), None if row is None else row.hash
            likely.append(own if own == stored and len(place) != HASH else place or own)
            if row is None:
                self._outcome.add(where, "is gone", place=first + at, leaf=leaf)
            elif own == place != stored:
                self._outcome.add(where, "its stored hash was changed", place=first + at, leaf=leaf)
            elif stored == place != own:
                self._outcome.add(where, "its content was changed", place=first + at, leaf=leaf)
            elif own != place:
                other = elsewhere.get(own)
                message = "is not the entry that was placed here"
                if other is not None and other != at:
                    message += f"; it belongs to place {first + other}"
                self._outcome.add(where, message, place=first + at, leaf=leaf)
        if len(tile) > len(ids) * HASH:
            where = f"tile {first // WIDTH} of level 0"
            self._outcome.add(where, "holds more than the tree", place=first + len(ids))
        return likely

    def _tiles(self, number: int) -> dict[int, bytes]:
        """The tiles of level 0 from `number` on, as many as `_order` gives."""
        columns = ledger_tiles.c
        statement = select(columns.number, columns.hashes).where(
            columns.level == 0, columns.number.between(number, number + _TILES_AT_ONCE - 1)
        )
        return {row.number: row.hashes for row in self._tx.execute(statement)}

    def _stored_tile(self, level: int, number: int) -> bytes | None:
        columns = ledger_tiles.c
        found = select(columns.hashes).where(columns.level == level, columns.number == number)
        return self._tx.execute(found).scalar_one_or_none()

    def _compare_counts(self, size: int) -> None:
        """Nothing may stand in the tables beyond what was gone through."""
        tiles = self._tx.execute(select(ledger_tiles.c.level, ledger_tiles.c.number)).all()
        more = {tuple(row) for row in tiles} - {(level, number) for level, number, _ in merkle.tile_widths(size)}
        for level, number in sorted(more):
            self._outcome.add(f"tile {number} of level {level}", "belongs to no entry")
        orders = self._tx.execute(select(func.count()).select_from(ledger_order)).scalar_one()
        if orders != -(-size // WIDTH):
            self._outcome.add("the order of the entries", "parts of it do not go on from the rest", place=size)

    def _go_through_waiting(self) -> list[int]:
        """The leaves without a place: each must be there and sound; and there may be no leaf beside these."""
        highest = self._tx.execute(select(func.max(ledger_order.c.last))).scalar_one() or 0
        if self._tx.dialect.name == "sqlite":
            waiting = list(self._rows.ids(above=highest))
        else:
            waiting = list(self._tx.execute(select(ledger_waiting.c.leaf).order_by(ledger_waiting.c.leaf)).scalars())
        self._outcome.waiting = len(waiting)
        there = 0
        for start in range(0, len(waiting), 4096):
            ids = waiting[start : start + 4096]
            rows = self._rows.careful(ids)
            computed = self._leaf.go_through(rows, ids, None)
            for leaf, row, own in zip(ids, rows, computed, strict=True):
                if row is None:
                    self._outcome.add(entry(None, leaf), "waits for its place and is gone", leaf=leaf)
                    continue
                there += 1
                if row.hash != own:
                    self._outcome.add(entry(None, leaf), "its content is not that of its hash", leaf=leaf)
        placed = any(find_place(self._tx, leaf) is not None for leaf in waiting if leaf <= highest)
        if placed or self._rows.count() != self._placed + there:
            self._find_strays(set(waiting))
        return waiting

    def _find_missing(self, waiting: Sequence[int]) -> None:
        """SQLite gives the ids without a gap, and takes back those of what is undone. So the number that it gave last
        shows a leaf that was taken away before it had a place, though nothing else ever spoke of it.
        """
        given = self._rows.given()
        placed = self._tx.execute(select(func.sum(func.length(ledger_order.c.leaves)))).scalar_one() or 0
        # As many as were given, and none beyond them: then there is no gap either.
        if given == placed // 8 + len(waiting) and max(waiting, default=given) == given:
            return
        known = set(waiting)
        for leaves in self._tx.execute(select(ledger_order.c.leaves)).scalars():
            known.update(unpacked(leaves))
        last = 0
        for leaf in (*sorted(one for one in known if 0 < one <= given), given + 1):
            if leaf > last + 1:
                more = f", and so are those up to leaf {leaf - 1}" if leaf > last + 2 else ""
                self._outcome.add(entry(None, last + 1), f"is gone, and never had a place{more}", leaf=last + 1)
            last = leaf
        if max(known, default=0) > given:
            message = f"leaf {given} was the last that got one, and there is a leaf {max(known)}"
            self._outcome.add("the numbers of leaves", message)

    def _find_strays(self, waiting: set[int]) -> None:
        placed: dict[int, int] = {}
        statement = select(ledger_order.c.number, ledger_order.c.leaves).order_by(ledger_order.c.number)
        for row in self._tx.execute(statement):
            for at, leaf in enumerate(unpacked(row.leaves)):
                if leaf in placed or leaf in waiting:
                    message = "has more than one place" if leaf in placed else "has a place and waits for one"
                    self._outcome.add(entry(row.number * WIDTH + at, leaf), message, leaf=leaf)
                placed[leaf] = row.number * WIDTH + at
        for leaf in self._rows.ids():
            if leaf not in placed and leaf not in waiting:
                self._outcome.add(entry(None, leaf), "has no place and waits for none", leaf=leaf)


def remember(store: Store, outcome: Verification, at: datetime) -> None:
    """Keep how a verification of the whole ledger ended, for checks to see. Raises: StoreError."""
    first = str(outcome.findings[0])[:300] if outcome.findings else None
    with store.writing() as tx:
        tx.execute(ledger_verification.delete())
        row = {"one": 1, "at": at, "size": outcome.size, "findings": outcome.count, "first": first}
        tx.execute(ledger_verification.insert().values(row))
