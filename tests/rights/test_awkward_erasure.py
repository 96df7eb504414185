"""Everybody of the awkward shop is erased, one after the other, on three engines: every form of path, every trap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.awkward.fixtures import Awkward
from tests.awkward.seeding import PEOPLE
from tests.use.company import found_company
from troth.foundation import staff
from troth.foundation.guards import approvals
from troth.foundation.roles import Role
from troth.policy import settings
from troth.rights import erasure
from troth.rights.desk import Desk
from troth.rights.words import ErasureState


@contextmanager
def desk_of(folder: Path, shop: Awkward) -> Iterator[Desk]:
    with found_company(folder) as company:
        (folder / "datamap.yaml").write_text(shop.text)
        desk = Desk.of(company.office, settings.read(folder, {**company.environ, **shop.environ}))
        staff.add(desk.office.store, "dora", Role.DPO, now=company.clock.now())
        with desk.office.store.writing() as tx:
            approvals.approve(tx, desk.office.keyring, desk.datamap, "dora", company.clock.now())
        try:
            yield desk
        finally:
            desk.close()


def test_everybody_goes_in_turn_and_the_sweep_finds_nothing_of_them(awkward: Awkward, tmp_path: Path) -> None:
    gone: list[str] = []
    with desk_of(tmp_path, awkward) as desk:
        for person in PEOPLE:
            before = str(awkward.snapshot())
            subjects = erasure.find_subjects(desk.records, desk.datamap, awkward.known_by(person))
            assert subjects, person

            begun = erasure.begin(desk, f"person-{len(gone)}", subjects)
            erasure.carry_on(desk, begun.name)
            proven = erasure.prove(desk, begun.name)

            gone.append(person)
            after = str(awkward.snapshot())
            assert proven.state is ErasureState.PROVEN, (person, proven.residue)
            for each in PEOPLE:
                needles = {needle for found in awkward.needles_of(each).values() for needle in found}
                for needle in needles:
                    if each not in gone:
                        assert (needle in after) == (needle in before), f"{each} has lost something to {person}"
                    elif needle not in awkward.kept_of(each):
                        assert needle not in after, f"{each} is not whole gone"
