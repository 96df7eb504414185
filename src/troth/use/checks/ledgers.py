"""The ground "consent": the ledger that its record rests on, looked at whole or from its newest entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import StoreError
from troth.foundation.proof import Check, NothingToObserve, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import LegalBasis

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

MOST = 10_000
"""Entries that are verified at each look; a longer ledger is verified as a whole by `troth ledger verify`."""

_WHOLE_WITHIN = dt.timedelta(days=7)
_SHOWN = 3
_AHEAD = dt.timedelta(days=1)


def _ground(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.basis is LegalBasis.CONSENT and not sentence.meaning.uses


@check(
    id="use.ledger-broken",
    promise="consent is named as a ground",
    applies=_ground,
    reference="GDPR Art. 5(2), 7(1); RFC 6962",
)
def ledger_broken(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one ledger for all
    """What the ledger says of consents is what was written when they were given.

    What it proves: up to 10,000 entries, each hashes to its place in the tree whose newest head is signed, sealed
    bodies, keys and order included. Of a longer ledger the newest 10,000 are looked at each time, and
    `troth ledger verify` found nothing in the whole of it within the last seven days. No entry has waited for its place
    for more than ten seconds, and none of the newest 10,000 is dated later than today.

    What it does not prove: that a clock was not set back when something was written; that the end was not cut off, or
    an older store put back: that shows against a checkpoint kept outside, `troth ledger verify --checkpoint FILE`.

    Repair: say who wrote to the store past troth, and put it back from a backup. Before: `update ledger_leaves set
    content = ...`. After: a new entry that corrects the old one, and `troth watch` running.
    """
    store = seen.need_store()
    from troth.foundation.ledger import newest, verification, watching

    try:
        with store.reading() as tx:
            ledger = watching.look(tx)
        whole = ledger.size <= MOST
        if whole:
            outcome, first = verification.verify(store, keyring=seen.keyring), 0
        else:
            outcome, first = newest.verify_newest(store, keyring=seen.keyring, at_least=MOST)
    except StoreError as problem:
        raise NothingToObserve(
            "the ledger cannot be read", where=problem.where, repair=problem.repair or "run `troth upgrade`"
        ) from None
    fine = True
    repair = "run `troth ledger verify`, and find out who wrote to the store past troth"
    for finding in outcome.findings[:_SHOWN]:
        fine = False
        yield broken("ledger", str(finding), repair=repair)
    if outcome.count > _SHOWN:
        yield broken("ledger", f"{outcome.count - _SHOWN} more findings", repair=repair)
    if not whole and ledger.findings:
        fine = False
        yield broken("ledger", f"the last verification of the whole found: {ledger.wrong}", repair=repair)
    ahead = _dated_ahead(seen)
    if ahead:
        fine = False
        yield broken(
            "ledger",
            f"{'1 entry is' if ahead == 1 else f'{ahead} entries are'} dated later than today",
            repair="have a time service keep the clocks of the machines that write to it",
        )
    if ledger.size and ledger.late(seen.now):
        fine = False
        waiting = "1 entry waits" if ledger.waiting == 1 else f"{ledger.waiting} entries wait"
        yield broken(
            "ledger",
            f"{waiting} for a place, the oldest since {ledger.waiting_since:%Y-%m-%d %H:%M} UTC",
            repair="keep `troth watch` running; its log says why a ledger is not sequenced",
        )
    if not fine:
        return
    if not ledger.size:
        yield unproven("ledger", "no head has been signed yet", repair="run `troth ledger checkpoint`")
    elif not whole and (ledger.verified_at is None or seen.now - ledger.verified_at > _WHOLE_WITHIN):
        since = "never" if ledger.verified_at is None else f"last on {ledger.verified_at:%Y-%m-%d}"
        yield unproven(
            "ledger",
            f"its newest {outcome.size - first} entries are sound; the whole was verified {since}",
            repair="run `troth ledger verify` every day",
        )
    else:
        entries = "1 entry" if outcome.size == 1 else f"{outcome.size} entries"
        before = (
            "" if whole or ledger.verified_at is None else f" from {first} on, as a whole {ledger.verified_at:%Y-%m-%d}"
        )
        scope = f"verified{before or ' one and all'}"
        yield kept("ledger", f"{entries}, {scope}; the newest head is {outcome.root.hex()[:16]}")


def _dated_ahead(seen: Observation) -> int:
    """How many of the newest entries say that they were written in a time to come."""
    from sqlalchemy import func, select

    from troth.foundation.ledger.tables import ledger_leaves as table

    with seen.need_store().reading() as tx:
        last = tx.execute(select(func.max(table.c.id))).scalar() or 0
        later = select(func.count()).where(table.c.id > last - MOST, table.c.at > seen.now + _AHEAD)
        return int(tx.execute(later).scalar_one())


CHECKS: tuple[Check, ...] = (ledger_broken,)
