"""The tree in the store: tiles of 256 hashes, and which leaf stands where. Read in O(log n), added to at the edge."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from troth.errors import StoreError
from troth.foundation.ledger import merkle
from troth.foundation.ledger.merkle import HASH, HEIGHT, WIDTH, Frontier, Tiles
from troth.foundation.ledger.tables import ledger_order, ledger_tiles


def reader(tx: Connection) -> Tiles:
    """Tiles as the store holds them, each read once. A tile that is missing is StoreError."""
    seen: dict[tuple[int, int], bytes] = {}

    def tile(level: int, number: int) -> bytes:
        if (level, number) not in seen:
            statement = select(ledger_tiles.c.hashes).where(
                ledger_tiles.c.level == level, ledger_tiles.c.number == number
            )
            found = tx.execute(statement).scalar_one_or_none()
            if found is None:
                raise StoreError(
                    f"tile {number} of level {level} of the ledger is missing", repair="Run `troth ledger verify`."
                )
            seen[level, number] = found
        return seen[level, number]

    return tile


def find_place(tx: Connection, leaf: int) -> int | None:
    """The place of the leaf in the tree, from 0; None while it has none."""
    statement = select(ledger_order).where(ledger_order.c.last >= leaf, ledger_order.c.first <= leaf)
    for row in tx.execute(statement.order_by(ledger_order.c.last)).all():
        ids = unpacked(row.leaves)
        if leaf in ids:
            return int(row.number) * WIDTH + ids.index(leaf)
    return None


def leaf_at(tx: Connection, place: int) -> int | None:
    """The id of the leaf at `place`; None when the tree is not that long."""
    statement = select(ledger_order.c.leaves).where(ledger_order.c.number == place // WIDTH)
    ids = unpacked(tx.execute(statement).scalar_one_or_none() or b"")
    return ids[place % WIDTH] if place % WIDTH < len(ids) else None


def packed(ids: Sequence[int]) -> bytes:
    """Ids as 8 bytes each, big-endian."""
    return struct.pack(f">{len(ids)}q", *ids)


def unpacked(data: bytes) -> tuple[int, ...]:
    """The ids in `data`; what is left over at its end is not read."""
    return struct.unpack(f">{len(data) // 8}q", data[: len(data) // 8 * 8])


class GrowingTree:
    """The edge of the tree in memory, and what a batch adds to it. One batch, then `save`, then the next."""

    def __init__(self, tx: Connection, size: int) -> None:
        """Read the edge of a tree of `size` entries. Raises: StoreError when the store does not hold it."""
        read = reader(tx)
        try:
            self._frontier: Frontier = merkle.frontier_from(read, size)
        except ValueError as error:
            raise StoreError(f"the ledger is damaged: {error}", repair="Run `troth ledger verify`.") from None
        self._order: dict[int, list[int]] = {}
        self._tiles: dict[tuple[int, int], bytearray] = {}
        if size % WIDTH:
            number = size // WIDTH
            ids = tx.execute(select(ledger_order.c.leaves).where(ledger_order.c.number == number)).scalar_one_or_none()
            self._order[number] = list(unpacked(ids or b""))[: size % WIDTH]
            if len(self._order[number]) != size % WIDTH:
                raise StoreError("the order of the ledger is damaged", repair="Run `troth ledger verify`.")
        level, count = 0, size
        while count:
            if count % WIDTH:
                self._tiles[level, count // WIDTH] = bytearray(read(level, count // WIDTH)[: count % WIDTH * HASH])
            count >>= HEIGHT
            level += 1
        self._touched: set[tuple[int, int]] = set()

    @property
    def size(self) -> int:
        return self._frontier.size

    def root(self) -> bytes:
        """The root over all entries so far."""
        return self._frontier.root()

    def add(self, leaves: Sequence[tuple[int, bytes]]) -> None:
        """Put leaves (id, hash) at the next places, in this order."""
        start = 0
        while start < len(leaves):
            room = WIDTH - self.size % WIDTH
            part = leaves[start : start + room]
            number = self.size // WIDTH
            joined = b"".join([hashed for _, hashed in part])
            self._order.setdefault(number, []).extend([leaf for leaf, _ in part])
            self._extend(0, number, joined)
            if len(part) == WIDTH:
                self._frontier.push(merkle.fold(joined), HEIGHT)
            else:
                for _, hashed in part:
                    self._frontier.push(hashed)
            for level, hashed in self._frontier.take():
                position = (self.size >> (HEIGHT * level)) - 1
                self._extend(level, position // WIDTH, hashed)
            start += len(part)

    def save(self, tx: Connection) -> None:
        """Write what was added since the last time."""
        tiles = [
            {"level": level, "number": number, "hashes": bytes(self._tiles[level, number])}
            for level, number in sorted(self._touched)
        ]
        order = [
            {"number": number, "leaves": packed(ids), "first": min(ids), "last": max(ids)}
            for number, ids in self._order.items()
        ]
        if tiles:
            _put(tx, ledger_tiles, ("level", "number"), tiles)
            _put(tx, ledger_order, ("number",), order)
        self._touched.clear()
        # A full tile is never touched again.
        self._tiles = {place: hashes for place, hashes in self._tiles.items() if len(hashes) < WIDTH * HASH}
        self._order = {number: ids for number, ids in self._order.items() if len(ids) < WIDTH}

    def _extend(self, level: int, number: int, hashes: bytes) -> None:
        self._tiles.setdefault((level, number), bytearray()).extend(hashes)
        self._touched.add((level, number))


def _put(tx: Connection, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows; one that is there under the same key is written over."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    changed = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), list(rows))
