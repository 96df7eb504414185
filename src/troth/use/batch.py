"""A million decisions at once: arrays in, an array out, the same answers as one by one.

The standing of everybody is a column of integers, at the place of each person's number. A question is a mask and the
required bits; who is unknown lacks the highest bit, which every mask looks at. With numpy (extra `arrays`) it is one
pass over the arrays; without, or for a policy with more bits than a column has, the same in plain Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from troth.errors import TrothError
from troth.use.bitmaps import Planes
from troth.use.decision import Compiled

if TYPE_CHECKING:
    from numpy import ndarray

Question: TypeAlias = tuple[str, str | Iterable[str]] | tuple[str, str | Iterable[str], str | None]
"""(purpose, data), or (purpose, data, recipient)."""

KNOWN_BIT = 1 << 62
NEVER = (0, 1)
"""Mask and required bits of a question that nobody passes: it is not declared."""


def has_arrays() -> bool:
    """Whether numpy is there."""
    try:
        import numpy as np
    except ModuleNotFoundError:
        return False
    return np is not None


def masks_of(compiled: Compiled, questions: Sequence[Question]) -> list[tuple[int, int]]:
    """(mask, required bits) of each question; several categories must all pass."""
    found = []
    for purpose, data, *to in questions:
        categories = (data,) if isinstance(data, str) else tuple(data)
        entries = [compiled.table.get((purpose, category, to[0] if to else None)) for category in categories]
        mask = required = 0
        for entry in entries:
            if entry is None or entry[1] & ~entry[0] or (required ^ entry[1]) & mask & entry[0]:
                mask, required = NEVER
                break
            mask, required = mask | entry[0], required | entry[1]
        found.append((mask | KNOWN_BIT, required | KNOWN_BIT) if entries and (mask, required) != NEVER else NEVER)
    return found


class Column:
    """Everybody's standing as one array of 64-bit integers, by number."""

    __slots__ = ("_cells", "words")

    def __init__(self, planes: Planes) -> None:
        """Raises: ModuleNotFoundError without numpy; OverflowError where the policy needs more bits."""
        import numpy as np

        if any(bit >= KNOWN_BIT for bit in planes.bits):
            raise OverflowError("more bits than a column has")
        self.words: ndarray[Any, Any] = np.zeros(int(planes.known.max()) + 1 if planes.known else 1, dtype=np.int64)
        for bit, plane in [(KNOWN_BIT, planes.known), *planes.bits.items()]:
            members = np.frombuffer(plane.to_array(), dtype=np.uint32)
            self.words[members[members < len(self.words)]] |= bit
        self._cells = self.words.data  # one cell of it is read and written at a third of what the array takes

    def word(self, person: int) -> int | None:
        """The standing as the column has it; None is one nobody knows."""
        cells = self._cells
        held = cells[person] if person < len(cells) else 0
        return held ^ KNOWN_BIT if held & KNOWN_BIT else None

    def put(self, person: int, word: int | None) -> None:
        """The standing of this person is `word` now; None is one nobody knows."""
        if person >= len(self._cells):
            if word is None:
                return
            self._grow(person + 1)
        self._cells[person] = 0 if word is None else word | KNOWN_BIT

    def answers(self, numbers: Any, masks: Sequence[tuple[int, int]], which: Any) -> ndarray[Any, Any]:
        """Yes or no for each of `numbers`, by the question at the place `which` says; None: the only one."""
        import numpy as np

        numbers = np.asarray(numbers)
        if not numbers.size:  # an empty list is no list of integers to numpy
            return np.zeros(0, dtype=bool)
        if numbers.dtype.kind not in "ui":
            raise TrothError("people are numbers here", expected="an array of integers")
        words = self.words
        if numbers.size and (int(numbers.max()) >= len(words) or int(numbers.min()) < 0):
            numbers = np.where((numbers >= 0) & (numbers < len(words)), numbers, 0)  # nobody has the number 0
        seen = words[numbers]
        if which is None:
            seen &= masks[0][0]
            return np.asarray(seen == masks[0][1])
        look_at = np.array([mask for mask, _ in masks], dtype=np.int64)
        required = np.array([bits for _, bits in masks], dtype=np.int64)
        asked = np.asarray(which)
        seen &= look_at[asked]
        return np.asarray(seen == required[asked])

    def _grow(self, least: int) -> None:
        import numpy as np

        grown = np.zeros(max(least, len(self.words) * 5 // 4), dtype=np.int64)
        grown[: len(self.words)] = self.words
        self.words, self._cells = grown, grown.data


def answers(words: Sequence[int | None], masks: Sequence[tuple[int, int]], which: Sequence[int] | None) -> list[bool]:
    """As `Column.answers`, in plain Python."""
    asked = [0] * len(words) if which is None else which
    found = []
    for word, place in zip(words, asked, strict=True):
        mask, required = masks[place]
        found.append(word is not None and (word | KNOWN_BIT) & mask == required)
    return found


def placed(questions: Sequence[Question], people: int, which: Any) -> None:
    """Make sure that every person has one question. Raises: TrothError."""
    if which is None:
        if len(questions) != 1:
            raise TrothError("several questions need `which`: the place of the question for each person")
        return
    if len(which) != people:
        raise TrothError("there is not one question for each person", expected=f"{people} places in `which`")
    if people and (int(min_of(which)) < 0 or int(max_of(which)) >= len(questions)):
        raise TrothError("`which` names a question that is not there", expected=f"places up to {len(questions) - 1}")


def min_of(values: Any) -> int:
    """The least, of an array or of any sequence."""
    return int(values.min() if hasattr(values, "min") else min(values))


def max_of(values: Any) -> int:
    """The greatest, as `min_of`."""
    return int(values.max() if hasattr(values, "max") else max(values))
