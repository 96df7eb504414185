"""A process killed while it shares: what left is on record, what is on record as stopped has not left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.killing import after_commit, every_commit, mortal
from tests.sharing.gateworld import PAY, gate_world
from troth import application
from troth.sharing import disclosures, recording
from troth.sharing.words import State
from troth.testing import FixedClock

ROWS = [{"user": str(n), "token": f"tok_{n}", "amount": "5"} for n in range(1, 20)]


def sharing(arguments: dict[str, Any]) -> int:
    """Share one batch of the company in `folder`."""
    with application.open(arguments["folder"], {}, FixedClock()) as troth:
        return troth.share("Example Pay", "fraud", ROWS, person="user", columns=PAY, to="out.jsonl").rows


def found(folder: Path) -> Path:
    """A copy of a company that was made once; nobody is at its store while it is copied."""
    model = folder.parent / "model"
    if not model.exists():
        model.mkdir()
        with gate_world(model):
            pass
    shutil.copytree(model, folder)
    return folder


def resumed(folder: Path) -> list[State]:
    """What the record says once somebody has looked, an hour later."""
    clock = FixedClock("2026-11-22T07:00:00+00:00")
    with application.open(folder, {}, clock) as troth:
        recording.settle(troth.office, folder)
        with troth.office.store.reading() as tx:
            return [each.state for each in disclosures.latest(tx)]


def test_killed_at_each_commit_nothing_leaves_without_its_record_and_a_resume_says_how_it_ended(tmp_path: Path) -> None:
    with mortal(sharing) as process:
        whole = process.live({"folder": str(found(tmp_path / "whole"))})
        assert whole.done
        for number, death in enumerate(every_commit(whole)):
            folder = found(tmp_path / f"killed-{number}")
            assert process.live({"folder": str(folder)}, die=death).killed
            states = resumed(folder)
            left = (folder / "out.jsonl").exists()
            assert states == ([State.DONE] if left else [State.STOPPED] if states else [])
            assert list(folder.glob(".troth-*")) == []


def test_killed_between_the_record_and_the_sending_the_disclosure_stays_begun_until_somebody_looks(
    tmp_path: Path,
) -> None:
    folder = found(tmp_path / "company")
    with mortal(sharing) as process:
        for at in range(1, 20):
            if process.live({"folder": str(folder)}, die=after_commit(at)).killed and _states(folder) == [State.BEGUN]:
                break

    assert _states(folder) == [State.BEGUN]
    assert not (folder / "out.jsonl").exists()
    assert resumed(folder) == [State.STOPPED]


def _states(folder: Path) -> list[State]:
    with application.open(folder, {}, FixedClock()) as troth, troth.office.store.reading() as tx:
        return [each.state for each in disclosures.latest(tx)]
