"""Build the whole tree anew from hashes as they come, and hold it against tiles and heads that were kept. Pure.

What differs is located as closely as what was kept allows: a tile differs in one hash; a head that does not fit says
that something differs after the last head that did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from troth.foundation.ledger import merkle
from troth.foundation.ledger.findings import Verification
from troth.foundation.ledger.merkle import HASH, HEIGHT, WIDTH, Frontier

Stored = Callable[[int, int], bytes | None]
"""Gives the tile (level, number) as it was kept; None when there is none."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A root that the tree must have had at a size. `what` names who says so; `outside`: not the ledger itself."""

    size: int
    root: bytes
    what: str
    outside: bool = False


class TreeCheck:
    """A tree under verification. `add` each tile of hashes in turn, then `finish`."""

    def __init__(self, stored: Stored, marks: Iterable[Mark], outcome: Verification) -> None:
        self._stored = stored
        self._marks = sorted(marks, key=lambda mark: mark.size)
        self._next = 0
        self._fits: list[bool] = []
        self._outcome = outcome
        self._frontier = Frontier()
        self._levels: dict[int, list[bytes]] = {}

    def add(self, hashes: Sequence[bytes], joined: bytes) -> None:
        """The next up to 256 hashes of entries, also joined."""
        self._compare_marks()
        size = self._frontier.size
        inside = self._next < len(self._marks) and self._marks[self._next].size < size + len(hashes)
        if len(hashes) == WIDTH and not inside:
            self._frontier.push(merkle.fold(joined), HEIGHT)
            self._lift()
            return
        for one in hashes:
            self._frontier.push(one)
            if self._frontier.completed:
                self._lift()
            if inside:
                self._compare_marks()

    def finish(self) -> None:
        """Compare what is left, and say which marks do not fit."""
        self._compare_marks()
        for level, hashes in sorted(self._levels.items()):
            if len(hashes) % WIDTH:
                self._compare_tile(level, len(hashes) // WIDTH, hashes[len(hashes) // WIDTH * WIDTH :])
        self._outcome.size = self._frontier.size
        self._outcome.root = self._frontier.root()
        self._judge_marks()

    def _lift(self) -> None:
        for level, root in self._frontier.take():
            hashes = self._levels.setdefault(level, [])
            hashes.append(root)
            if len(hashes) % WIDTH == 0:
                self._compare_tile(level, len(hashes) // WIDTH - 1, hashes[-WIDTH:])

    def _compare_tile(self, level: int, number: int, hashes: Sequence[bytes]) -> None:
        kept = self._stored(level, number)
        where = f"tile {number} of level {level}"
        span = WIDTH**level
        if kept is None:
            self._outcome.add(where, "is missing", place=number * WIDTH * span)
            return
        for offset, expected in enumerate(hashes):
            if kept[offset * HASH : (offset + 1) * HASH] != expected:
                first = (number * WIDTH + offset) * span
                message = f"hash {offset} is not that of the entries {first} to {first + span - 1}"
                self._outcome.add(where, message, place=first)
        if len(kept) > len(hashes) * HASH:
            self._outcome.add(where, "holds more than the tree", place=(number * WIDTH + len(hashes)) * span)

    def _compare_marks(self) -> None:
        size = self._frontier.size
        while self._next < len(self._marks) and self._marks[self._next].size <= size:
            mark = self._marks[self._next]
            self._fits.append(mark.size == size and self._frontier.root() == mark.root)
            self._next += 1

    def _judge_marks(self) -> None:
        judged = list(zip(self._marks, self._fits, strict=False))
        self._judge_own([(mark, fits) for mark, fits in judged if not mark.outside])
        self._judge_outside([(mark, fits) for mark, fits in judged if mark.outside])
        for mark in self._marks[self._next :]:
            size = self._frontier.size
            lost = "the end was cut off, or an older copy put back"
            message = f"it stands for {mark.size} entries, and there are {size}: {lost}"
            self._outcome.add(mark.what, message, place=size)

    def _judge_own(self, judged: Sequence[tuple[Mark, bool]]) -> None:
        """A head of the ledger's own that does not fit, while a later one does, is itself wrong; else entries are."""
        last = max((at for at, (_, fits) in enumerate(judged) if fits), default=-1)
        for mark, fits in judged[: last + 1]:
            if not fits:
                self._outcome.add(mark.what, "its root is not the one that the tree had", place=mark.size)
        if len(judged) > last + 1:
            self._differs(judged[last + 1][0], judged[last][0].size if last >= 0 else 0)

    def _judge_outside(self, judged: Sequence[tuple[Mark, bool]]) -> None:
        """The first that does not fit says from where on the ledger has another past."""
        fitting = 0
        for mark, fits in judged:
            if not fits:
                self._differs(mark, fitting)
                return
            fitting = mark.size

    def _differs(self, mark: Mark, fitting: int) -> None:
        there = f"entries {fitting} to {mark.size - 1}" if mark.size > fitting else "the entries"
        self._outcome.add(mark.what, f"{there} are not those that it was signed for", place=fitting)
