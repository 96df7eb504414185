"""Everybody's standing as bitmaps, and who may be used for a purpose as algebra over them.

A plane is one roaring bitmap of people's numbers for one bit of the standing. The compiled mask of a use says which
bits must be set and which must not; its audience is everybody known, and with the planes of the first, and without
those of the others. Nothing here reads or writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyroaring import BitMap

from troth.foundation.people import PersonNumber
from troth.use.decision import RESTRICTED_BIT, Compiled

KNOWN = "known"


def plane_names(compiled: Compiled) -> dict[int, str]:
    """What each bit of a standing is called; the same in every policy, whatever bit it assigns."""
    names = {RESTRICTED_BIT: "restricted"}
    for purpose, (given, withdrawn) in compiled.consent_bits.items():
        names[given], names[withdrawn] = f"given {purpose}", f"withdrawn {purpose}"
    names.update((bit, f"objected {purpose}") for purpose, bit in compiled.objection_bits.items())
    if compiled.ended_bit:
        names[compiled.ended_bit] = "ended"
    return names


class Planes:
    """One bitmap for each bit, and one for everybody known."""

    __slots__ = ("_planes", "bits", "known")

    def __init__(self, compiled: Compiled, kept: Mapping[str, BitMap] | None = None) -> None:
        """Empty, or from bitmaps by name. Raises: KeyError where one is missing."""
        names = plane_names(compiled)
        self.known = BitMap() if kept is None else kept[KNOWN]
        self.bits: dict[int, BitMap] = {bit: BitMap() if kept is None else kept[names[bit]] for bit in names}
        self._planes = list(self.bits.items())

    def put(self, person: PersonNumber, word: int | None, before: int | None = None) -> None:
        """The standing of this person is `word` now; None is one nobody knows.

        `before` is what it was, where that is known: then only the planes that differ are touched.
        """
        if before is not None and word is not None:
            left = word ^ before
            while left:
                bit = left & -left
                plane = self.bits[bit]
                if word & bit:
                    plane.add(person)
                else:
                    plane.discard(person)
                left ^= bit
            return
        if word is None:
            self.known.discard(person)
            word = 0
        else:
            self.known.add(person)
        for bit, plane in self._planes:
            if word & bit:
                plane.add(person)
            elif person in plane:  # asking is quicker than taking out what is not there
                plane.discard(person)

    def put_many(self, standings: Iterable[tuple[PersonNumber, int]]) -> None:
        """Add people who are in no plane yet."""
        members: dict[int, list[PersonNumber]] = {bit: [] for bit in self.bits}
        for person, word in standings:
            left = word
            while left:
                bit = left & -left
                members[bit].append(person)
                left ^= bit
        for bit, people in members.items():
            self.bits[bit].update(people)

    def word(self, person: PersonNumber) -> int | None:
        """The standing as the planes have it."""
        if person not in self.known:
            return None
        return sum(bit for bit, plane in self.bits.items() if person in plane)

    def audience(self, mask: int, required: int) -> BitMap:
        """Everybody known whose standing under `mask` is `required`."""
        if required & ~mask:
            return BitMap()
        wanted = [plane for bit, plane in self.bits.items() if required & bit]
        unwanted = [plane for bit, plane in self.bits.items() if mask & ~required & bit]
        found = BitMap.intersection(self.known, *wanted) if wanted else self.known.copy()
        for plane in unwanted:
            found -= plane
        return found

    def named(self, compiled: Compiled) -> dict[str, BitMap]:
        """Every plane by its name, as it is kept."""
        names = plane_names(compiled)
        return {KNOWN: self.known, **{names[bit]: plane for bit, plane in self.bits.items()}}
