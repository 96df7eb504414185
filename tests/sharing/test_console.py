"""The page of recipients as staff see it."""

from __future__ import annotations

import datetime as dt

from tests.sharing.gateworld import PAY, GateWorld
from troth.sharing import recipients
from troth.sharing.console import held_back, papers

TODAY = dt.date(2026, 11, 22)


def test_papers_stand_end_soon_are_over_or_missing(world: GateWorld) -> None:
    told = {each.name: papers(each, TODAY)[0].word for each in recipients.register(world.troth.policy)}

    assert told["Example Pay"] == "stands"
    assert told["Example Lapsed"] == "over"
    assert told["Example Unsigned"] == "missing"
    pay = recipients.load(world.troth.policy, "Example Pay", "fraud")
    assert papers(pay, dt.date(2027, 3, 1))[0].word == "ends soon"


def test_what_was_held_back_is_told_in_words(world: GateWorld) -> None:
    world.troth.object_to("id=2", "fraud")
    rows = [{"user": str(n), "token": "t", "amount": "1", "ip": "x"} for n in (1, 2)]

    assert held_back(world.share("Example Pay", "fraud", rows, PAY)) == "columns ip; 1 objection stands"
