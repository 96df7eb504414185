"""Everybody at once: a million decisions against numpy, and the audience of ten million people.

The bitmaps are filled with random standings, roaring's worst case. A million decisions are one call with arrays; the
floor is the same mask test written by hand. Time of single steps is told in milliseconds against the budgets of the
design, beside the ratio to a hand-written intersection.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

from bench.decision import policy_text
from bench.ratio import Figure, at_most, compare, times

PEOPLE = 10_000_000
QUESTIONS = 1_000_000


def figures() -> Iterator[Figure]:
    """The figures, measured now."""
    import tempfile
    from pathlib import Path

    import numpy as np
    from pyroaring import BitMap

    from troth.policy import reading
    from troth.use.batch import KNOWN_BIT, Column, masks_of
    from troth.use.bitmaps import KNOWN, Planes, plane_names
    from troth.use.decision import compile_policy

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policy.yaml"
        file.write_text(policy_text(random.Random(7)), encoding="utf-8")
        compiled = compile_policy(reading.read(file))
    chance = np.random.default_rng(7)
    known = BitMap()
    known.add_range(1, PEOPLE + 1)
    kept = {KNOWN: known}
    shares = {1: 0.01}
    for given, withdrawn in compiled.consent_bits.values():
        shares[given], shares[withdrawn] = 0.5, 0.2
    numbers = np.arange(1, PEOPLE + 1, dtype=np.uint32)
    for bit, name in plane_names(compiled).items():
        kept[name] = BitMap(numbers[chance.random(PEOPLE) < shares.get(bit, 0.03)])
    for purpose in compiled.consent_bits:
        kept[f"withdrawn {purpose}"] -= kept[f"given {purpose}"]
    planes = Planes(compiled, kept)

    category = next(c for p, c, to in compiled.table if p == "marketing" and to is None)
    mask, required, *_ = compiled.table["marketing", category, None]
    wanted = [planes.bits[bit] for bit in planes.bits if required & bit]
    unwanted = [planes.bits[bit] for bit in planes.bits if mask & ~required & bit]

    def by_hand() -> Any:
        found = wanted[0] & planes.known
        for plane in unwanted:
            found = found - plane
        return found

    assert planes.audience(mask, required) == by_hand()
    yield at_most(
        f"audience of {PEOPLE:,} people, against the same intersection by hand",
        compare(times(lambda: planes.audience(mask, required), 10), times(by_hand, 10)),
        2,
    )
    count_s, _ = _least(lambda: len(planes.audience(mask, required)))
    yield Figure("its count", f"{count_s * 1e3:.2f} ms", "at most 10 ms", count_s <= 0.010)
    ids_s, ids = _least(lambda: np.frombuffer(planes.audience(mask, required).to_array(), dtype=np.uint32))
    yield Figure(f"all its {len(ids):,} numbers as an array", f"{ids_s * 1e3:.1f} ms", "at most 50 ms", ids_s <= 0.050)
    used = [planes.known, *(planes.bits[bit] for bit in planes.bits if mask & bit)]
    size = sum(len(plane.serialize()) for plane in planes.named(compiled).values())
    own = sum(len(plane.serialize()) for plane in used)
    yield Figure(
        f"memory, all {len(planes.bits) + 1} planes of 12 purposes", f"{size / PEOPLE:.2f} bytes a person",
        "at most 3 bytes", size / PEOPLE <= 3,
    )  # fmt: skip
    yield Figure("memory, the planes of this purpose", f"{own / PEOPLE:.2f} bytes a person")
    column = Column(planes)
    some = random.Random(3).sample(range(1, PEOPLE), 20_000)
    given = compiled.consent_bits["marketing"][0]

    def change() -> None:
        """Each of them says yes, or no longer does."""
        for n in some:
            before = column.word(n)
            assert before is not None
            planes.put(n, before ^ given, before)
            column.put(n, before ^ given)

    change_s, _ = _least(change)
    yield Figure(
        "one change in memory, bitmap and column", f"{change_s / len(some) * 1e6:.2f} µs", "at most 5 µs",
        change_s / len(some) <= 5e-6,
    )  # fmt: skip

    questions: list[Any] = list(compiled.table)
    masks = masks_of(compiled, questions)
    people = chance.integers(1, PEOPLE, QUESTIONS, dtype=np.uint32)
    which = chance.integers(0, len(questions), QUESTIONS, dtype=np.uint32)
    look_at = np.array([one for one, _ in masks], dtype=np.int64)
    bits = np.array([one for _, one in masks], dtype=np.int64)

    def floor() -> Any:
        return column.words[people] & look_at[which] == bits[which]

    assert (column.answers(people, masks, which) == floor()).all()
    yield at_most(
        f"{QUESTIONS:,} mixed decisions at once, against numpy",
        compare(lambda: column.answers(people, masks, which), floor),
        3,
    )
    one = masks[questions.index(("marketing", category, None))]
    assert one[0] & KNOWN_BIT
    yield at_most(
        f"one question about {QUESTIONS:,} people, against numpy",
        compare(
            times(lambda: column.answers(people, [one], None), 5),
            times(lambda: column.words[people] & one[0] == one[1], 5),
        ),
        3,
    )


def _least(work: Any) -> tuple[float, Any]:
    """The least CPU time of five runs, and what the last gave."""
    least, found = float("inf"), None
    for _ in range(5):
        began = time.process_time()
        found = work()
        least = min(least, time.process_time() - began)
    return least, found
