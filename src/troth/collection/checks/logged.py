"""Log files: no number of a payment card stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from troth.collection.checks import cards
from troth.collection.checks.contents import speaks_for
from troth.foundation import matching
from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven

if TYPE_CHECKING:
    from pathlib import Path

    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence

MOST_BYTES = 64 * 1024 * 1024
"""So much of each file is read, from its end, where the newest lines stand."""

_LONGEST_LINE = 64 * 1024
_AT_ONCE = 5_000


@check(
    id="collection.card-in-a-log",
    promise="payment tokens are collected, no card numbers",
    applies=speaks_for("payment.token"),
    reference="PCI DSS 4.0.1 requirement 3.5.1; GDPR Art. 32(1)",
    may_be_silent=True,
)
def card_in_a_log(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - all logs, whatever is declared
    """No number of a payment card stands in the log files that `[protection] logs` names.

    What it proves: each line of each of these files, as far as the last 64 MiB go, was searched for what has the
    length, the issuer and the check digit of a card; none was found.

    What it does not prove: logs that no setting names, or that are compressed; a card among many numbers of such length
    that are none. Without the setting it says nothing.

    Repair: mask the number before it is logged, then delete what is there. Before: `paid with 4242 4242 4242 4242`.
    After: `paid with a card ending in 4242`.
    """
    for pattern in seen.settings.protection.logs:
        files = list(matching.files(seen.folder, pattern))
        if not files:
            yield unproven(pattern, "no file has this name", repair="correct `[protection] logs` in troth.toml")
            continue
        holding = 0
        for file in files:
            try:
                lines = _lines_with_cards(file)
            except OSError:
                holding += 1
                yield unproven(file.name, "the file cannot be read", repair="let troth read it, then run `troth check`")
                continue
            if lines:
                holding += 1
                yield broken(
                    file.name,
                    f"the number of a payment card stands in {counted(lines, 'line')}",
                    repair="mask it before it is logged, and delete these lines",
                )
        if not holding:
            yield kept(pattern, f"{counted(len(files), 'log file')} searched, no card number")


def _lines_with_cards(file: Path) -> int:
    found = 0
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - MOST_BYTES))
        lines = iter(lambda: stream.readline(_LONGEST_LINE), b"")
        while batch := [line.decode("utf-8", "replace") for line in islice(lines, _AT_ONCE)]:
            found += cards.card_numbers(batch)
    return found


CHECKS: tuple[Check, ...] = (card_in_a_log,)
