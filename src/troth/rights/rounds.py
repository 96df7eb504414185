"""What is due by the clock alone: reminders to staff, ends of consents, copies and keys, proofs of erasures, mail.

Every round is safe to repeat, and to make in two processes at once. What fails is logged and tried in the next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from troth.errors import TrothError
from troth.rights import consent_letters, erasure, farewell, fulfilment, letters, packages, register
from troth.rights.words import ErasureState, State
from troth.use import renewal

if TYPE_CHECKING:
    import threading

    from troth.rights.desk import Desk

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
PROVE_EVERY = timedelta(hours=6)
"""How often all stores are searched for those whose erasure waits to be proven: within 24 hours, with room to fail."""


def make(desk: Desk, proved_at: datetime | None = None) -> datetime | None:
    """One round; gives when the pass for waiting erasures was made last, which the next round is given."""
    for part in (remind, ended_consents, packages.clear, fulfilment.deliver):
        _guarded(desk, part)
    now = desk.office.clock.now()
    if proved_at is not None and now - proved_at < PROVE_EVERY:
        return proved_at
    _guarded(desk, prove)
    _guarded(desk, farewell.end_accountability)
    _guarded(desk, consent_letters.remind)
    return now


def keep_making(desk_now: Callable[[], Desk], stop: threading.Event) -> None:
    """Make a round every minute until `stop` is set."""
    proved_at: datetime | None = None
    while not stop.is_set():
        proved_at = make(desk_now(), proved_at)
        stop.wait(EVERY.total_seconds())


def remind(desk: Desk) -> int:
    """Mail the owner which open requests are due soon, or late; once for each set of them. Gives how many those are."""
    owner, now = desk.instance.settings.mail.owner, desk.office.clock.now()
    with desk.office.store.writing() as tx:
        found = register.list_(tx, states=[state for state in State if state.open])
        soon = [each for each in found if desk.settings.remind.after(now) >= each.due_at]
        if soon and owner:
            letters.remind(tx, desk, soon[0].due, soon, owner)
    return len(soon)


def ended_consents(desk: Desk) -> int:
    """Write down which consents have ended, and ask anew where what was agreed to has changed; gives how many."""
    asked = renewal.ask(desk.office)
    return renewal.expire(desk.office) + sum(one.people for one in asked)


def prove(desk: Desk) -> int:
    """One pass through every store for the erasures that wait for it; gives how many were looked for."""
    with desk.office.store.reading() as tx:
        waiting = erasure.waiting(tx, ErasureState.ERASED)
    return len(erasure.prove_waiting(desk)) if waiting else 0


def _guarded(desk: Desk, part: Callable[[Desk], object]) -> None:
    try:
        part(desk)
    except TrothError as problem:
        log.warning("%s: %s", part.__name__, problem)
