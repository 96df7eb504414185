"""The Merkle tree of RFC 6962 and RFC 9162: hashes, proofs and how they are verified. Pure: no store, no key, no clock.

A tree of n entries has one root. Its right edge is all that is needed to add to it (`Frontier`), and tiles of 256
hashes (C2SP tlog-tiles) are all that is needed to prove anything about it: reading them costs O(log n).

A proof is a tuple of hashes; verifying one needs the roots alone. Whatever does not hold is a no, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

HASH = 32
"""Bytes of a hash."""

HEIGHT = 8
"""Levels of the tree that one tile spans."""

WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""

EMPTY = hashlib.sha256().digest()
"""The root of the tree without entries (RFC 6962 section 2.1)."""

Tiles = Callable[[int, int], bytes]
"""Gives the hashes of the tile (level, number), joined; it may give more than the tree of the day had."""

# A hash that has taken its first byte is copied, which costs less than beginning a new one. Never updated itself.
LEAF = hashlib.sha256(b"\x00")
_NODE = hashlib.sha256(b"\x01")


def leaf_hash(content: bytes) -> bytes:
    """The hash that stands for `content` in the tree: SHA-256 over 0x00 and the bytes (RFC 6962 section 2.1)."""
    hashing = LEAF.copy()
    hashing.update(content)
    return hashing.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two hashes: SHA-256 over 0x01 and both."""
    hashing = _NODE.copy()
    hashing.update(left + right)
    return hashing.digest()


def fold(hashes: bytes) -> bytes:
    """The root of a full subtree, whose 2^k hashes of one level stand joined in `hashes`."""
    while len(hashes) > HASH:
        joined = []
        for start in range(0, len(hashes), 2 * HASH):
            hashing = _NODE.copy()
            hashing.update(hashes[start : start + 2 * HASH])
            joined.append(hashing.digest())
        hashes = b"".join(joined)
    return hashes


class Frontier:
    """The right edge of a growing tree: the roots of its full subtrees, largest first, one for each bit of its size."""

    __slots__ = ("completed", "edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        assert size.bit_count() == len(edge)
        self.size = size
        self.edge = list(edge)
        self.completed: list[tuple[int, bytes]] = []
        """What `push` has completed: (level, hash) for each full tile, as the tile above takes it. Taken by `take`."""

    def push(self, root: bytes, height: int = 0) -> None:
        """Add a full subtree of 2^height entries; the size must be a multiple of that."""
        assert self.size % (1 << height) == 0
        self.size += 1 << height
        position = self.size >> height
        if height and height % HEIGHT == 0:
            self.completed.append((height // HEIGHT, root))
        while not position & 1:
            root = node_hash(self.edge.pop(), root)
            position >>= 1
            height += 1
            if height % HEIGHT == 0:
                self.completed.append((height // HEIGHT, root))
        self.edge.append(root)

    def take(self) -> list[tuple[int, bytes]]:
        """What was completed since the last call."""
        taken, self.completed = self.completed, []
        return taken

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.edge:
            return EMPTY
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over these hashes of entries."""
    frontier = Frontier()
    for one in leaf_hashes:
        frontier.push(one)
    return frontier.root()


def tile_widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile of a tree of `size`: level, number, and how many hashes it holds; none is empty."""
    level = 0
    while size:
        for number in range(-(-size // WIDTH)):
            yield level, number, min(WIDTH, size - number * WIDTH)
        size >>= HEIGHT
        level += 1


# --- proofs from tiles ------------------------------------------------------------------------------------------


def root_from(tiles: Tiles, size: int) -> bytes:
    """The root that the tree had at `size` entries."""
    return _range(tiles, 0, size) if size else EMPTY


def frontier_from(tiles: Tiles, size: int) -> Frontier:
    """The right edge that the tree had at `size` entries."""
    edge, start = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            edge.append(_range(tiles, start, start + (1 << height)))
            start += 1 << height
    return Frontier(size, edge)


def inclusion_proof(tiles: Tiles, index: int, size: int) -> tuple[bytes, ...]:
    """That the entry at `index` (from 0) is in the tree of `size` entries: the hashes from its neighbour to the root's
    child (RFC 6962 section 2.1.1). ValueError when it is not.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such entry")
    return tuple(_range(tiles, *part) for part in _inclusion_parts(index, size))


def consistency_proof(tiles: Tiles, old: int, new: int) -> tuple[bytes, ...]:
    """That the tree of `new` entries goes on from the one of `old` (RFC 6962 section 2.1.2). ValueError when it is
    shorter. Nothing has to be shown where one is empty or both are the same.
    """
    if not 0 <= old <= new:
        raise ValueError("the tree is shorter than the one before")
    return tuple(_range(tiles, *part) for part in _consistency_parts(old, new))


def _inclusion_parts(index: int, size: int) -> list[tuple[int, int]]:
    parts, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start = middle
    return parts[::-1]


def _consistency_parts(old: int, new: int) -> list[tuple[int, int]]:
    if old in {0, new}:
        return []
    parts, start, end, whole = [], 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start, whole = middle, False
    if not whole:
        parts.append((start, end))
    return parts[::-1]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range(tiles: Tiles, start: int, end: int) -> bytes:
    """The root over the entries from `start` to before `end`, which is a subtree of the tree."""
    size = end - start
    if size & (size - 1):
        middle = start + _split(size)
        return node_hash(_range(tiles, start, middle), _range(tiles, middle, end))
    level, rest = divmod(size.bit_length() - 1, HEIGHT)
    number, offset = divmod(start >> (HEIGHT * level), WIDTH)
    hashes = tiles(level, number)[offset * HASH : (offset + (1 << rest)) * HASH]
    if len(hashes) != HASH << rest:
        raise ValueError(f"tile {number} of level {level} is too short")
    return fold(hashes)


# --- verifying --------------------------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the entry of hash `leaf` is at `index` of the tree of `size` entries and `root`
    (RFC 9162 section 2.1.3.2).
    """
    if not 0 <= index < size or any(len(one) != HASH for one in proof):
        return False
    at, last, reached = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            reached = node_hash(one, reached)
            while at and not at & 1:
                at >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, one)
        at >>= 1
        last >>= 1
    return last == 0 and reached == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` entries goes on from the one of `old` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or any(len(one) != HASH for one in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while at and not at & 1:
                at >>= 1
                last >>= 1
        else:
            after = node_hash(after, one)
        at >>= 1
        last >>= 1
    return last == 0 and before == old_root and after == new_root
