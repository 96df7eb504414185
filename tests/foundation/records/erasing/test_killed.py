"""The process is killed at each statement of an erasure, just before the commit and just after it: all or nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.foundation.records.erasing.company import ENGINES, NOW, Company, Make, new_url, pseudonym
from tests.foundation.records.erasing.test_erasing import MAP, SHOP
from troth.foundation.records import carrying, prepared, steps
from troth.foundation.records.erasureplan import StorePlan
from troth.foundation.records.keys import Subject

TABLES = ("visits", "messages", "order_items", "orders", "addresses", "users")
INSERTS = [line.strip() for line in SHOP.split(";\n") if line.strip().startswith("insert")]
SELF = "update users set referrer_id = null"


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    make = Make(request.param, new_url(request, tmp_path, request.param))
    yield make(SHOP, MAP)
    make.close()


def _killed_at(shop: Company, plan: StorePlan, people: tuple[Subject, ...], moment: int) -> bool:
    """Carry the plan out in a process that is killed at that moment; False where it ended before."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
        return os.WIFSIGNALED(status)
    passed = 0

    def moment_passes(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    run = prepared.Ready.run

    def watched(*arguments: Any) -> Any:
        moment_passes()
        outcome = run(*arguments)
        moment_passes()
        return outcome

    try:
        writer = shop.writer()
        prepared.Ready.run = watched  # type: ignore[method-assign] # in this process alone, which ends here
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(writer.engine, name, moment_passes)
        carrying.carry_out(writer, plan, people, "r1", at=NOW, pseudonym=pseudonym)
        moment_passes()  # committed, and nobody was told
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it met
        os._exit(3)
    os._exit(0)


def test_killed_at_any_moment_all_or_nothing_was_done_and_a_resume_tells_true_counts(shop: Company) -> None:
    people = shop.find("1")
    plan = shop.plan(people)
    with shop.writer() as writer:
        steps.prepare(writer)
    untouched = shop.everything()
    done = shop.erase(people).as_json()
    erased = shop.everything()
    moment, states = 0, []
    while True:
        moment += 1
        shop.run("delete from troth_step", SELF, *(f"delete from {name}" for name in TABLES), *INSERTS)
        assert shop.everything() == untouched
        killed = _killed_at(shop, plan, people, moment)
        if not killed:
            break
        states.append(shop.everything())
        assert states[-1] in (untouched, erased), f"half-erased at {moment}"
        with shop.writer() as writer:
            resumed = carrying.carry_out(writer, plan, people, "r1", at=NOW, pseudonym=pseudonym)
        assert resumed.as_json() == done
        assert resumed.resumed == (states[-1] == erased)
        assert shop.everything() == erased
    assert moment > 2 * len(plan.steps), "too few moments for so many statements"
    assert states[0] == untouched
    assert states[-1] == erased
