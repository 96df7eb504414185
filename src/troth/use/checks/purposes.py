"""Uses that people can opt out of, and every use that rests on a choice held against that choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, check, unproven
from troth.policy.vocabulary import LegalBasis
from troth.use import answering

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


def _opt_out(sentence: Sentence, _: Policy) -> bool:
    return any(use.opt_out and use.basis is LegalBasis.CONSENT for use in sentence.meaning.uses)


@check(
    id="use.sent-after-opt-out",
    promise="a use that people can opt out of at any time",
    applies=_opt_out,
    reference="GDPR Art. 6(1)(a), 7(3), 21(3); ePrivacy Directive Art. 13(1), (2)",
)
def sent_after_opt_out(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nobody's data were used without their consent, or after they had taken it back.

    What it proves: in each table whose rows the data map calls uses for this purpose, every row came while that
    person's consent stood: given before, not withdrawn since, no objection raised. Up to 200,000 rows a table are read,
    and held against the register of choices. Times kept in whole seconds have one second's grace.

    What it does not prove: sending that leaves no row, or one in a table that the map does not call a use; times kept
    without a zone, which are taken as UTC; that each message says how to stop it; that the sender of
    the mail obeys.

    Repair: ask before each use, for all readers at once. Before: `select email from users where newsletter`.
    After: `troth.permitted("marketing", ["contact.email", "profile.name"], persons)`.
    """
    purposes = frozenset(use.purpose for use in sentence.meaning.uses if use.opt_out)
    yield from held_against_choices(
        seen, sentence, purposes, repair="ask `troth may` before each use, and write to those concerned"
    )


def held_against_choices(
    seen: Observation, sentence: Sentence, purposes: frozenset[str], *, repair: str
) -> Iterator[Saw]:
    """Each use for these purposes against the choice of that person; unproven where there is nothing to look at."""
    tables = answering.tables_with_uses(seen, purposes)
    if not tables:
        names = ", ".join(sorted(purposes))
        yield unproven(
            sentence.id,
            f"no table is named whose rows are uses for {names}",
            repair="say in datamap.yaml which tables hold them: `uses: {purpose: marketing, at: sent_at}`",
        )
        return
    from troth.use import log_reading

    rows = 0
    for table, use in tables:
        for looked in log_reading.uses_without_choice(seen, table, use):
            rows += looked.rows
            yield from log_reading.judged(looked, repair=repair)
    if not rows:
        yield unproven(sentence.id, "no use for it is on record yet", repair="look again when there are some")


CHECKS: tuple[Check, ...] = (sent_after_opt_out,)
