"""Section 4 proven as far as papers and pages go: contracts that stand, recipients that are named to the public.

What really leaves is looked at by `traffic`, `shared` and `sent`; demands, transfers of business and consent to single
recipients by `occasions`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation import crawling
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Circumstance

if TYPE_CHECKING:
    from pathlib import Path

    from troth.foundation.observation import Observation
    from troth.policy.model import Recipient, Sentence

_EMPTY = hashlib.sha256().hexdigest()
_ROW = "recipient-"
"""Ids of the rows that name recipients on the published page begin so; the first cell is the name."""


def _circumstance(circumstance: Circumstance) -> Applies:
    return lambda sentence, _: sentence.meaning.circumstance is circumstance


@check(
    id="sharing.contract-missing",
    promise="data are shared with service providers",
    applies=_circumstance(Circumstance.PROCESSOR),
    reference="GDPR Art. 28(3), (9)",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=31),
)
def contract_missing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each recipient that the policy names works under a contract that is at hand, unaltered and not over.

    What it proves: the file of each contract exists, holds something, has the recorded SHA-256, and its `until` has not
    passed.

    What it does not prove: that the other side signed it or keeps it; what is sent, which `sharing.undeclared-data`
    looks at.

    Repair: put the signed contract beside the policy and record it. Before: `{name: Example Pay, ...}`.
    After: `contract: {document: documents/example-pay.pdf, sha256: ..., until: 2027-03-31}`.
    """
    recipients = [each for at, each in seen.policy.recipients if at.meaning.circumstance is not Circumstance.CONSENT]
    if not recipients:
        yield unproven(
            sentence.id, "the policy names no recipient", repair="name each one under `recipients` in section 4"
        )
        return
    bad = False
    for recipient in recipients:
        fault = _contract_fault(recipient, seen.folder, _today(seen))
        if fault is not None:
            bad = True
            yield broken(recipient.name, fault[0], repair=fault[1])
    if not bad:
        yield kept("documents", f"{counted(len(recipients), 'contract')} at hand, unaltered, none over")


@check(
    id="sharing.recipients-differ",
    promise="the third parties are listed",
    applies=lambda sentence, policy: (
        bool(sentence.sums)
        and any(policy.by_number[n].meaning.recipients for n in sentence.sums if n in policy.by_number)
    ),
    reference="GDPR Art. 13(1)(e); CJEU C-154/21",
    max_age=dt.timedelta(days=7),
)
def recipients_differ(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """The recipients that the policy declares are those that the published page names, neither more nor fewer.

    What it proves: for each declared recipient one row of the page (an element whose id begins with `recipient-`)
    begins with its name, and no such row names anybody else.

    What it does not prove: that nobody else receives data.

    Repair: publish the page with its annexes. Before: a page that names only kinds of recipient.
    After: `<tr id="recipient-example-pay"><td>Example Pay</td>...`.
    """
    page = crawling.policy_page(seen)
    path = seen.need_site().policy
    declared = {" ".join(recipient.name.split()) for _, recipient in seen.policy.recipients}
    rows = [text for each in page.ids if each.startswith(_ROW) for text in page.texts(each)]
    shown = {text.partition(" | ")[0] for text in rows}
    for name in sorted(declared - shown):
        yield broken(
            path, f"the page does not name the recipient {name}", repair="publish the page with its list of recipients"
        )
    for name in sorted(shown - declared):
        yield broken(
            path,
            f"the page names a recipient that the policy does not declare: {name or '(hidden row)'}",
            repair="declare it in section 4, or publish the page anew",
        )
    if declared == shown:
        yield kept(path, f"{counted(len(declared), 'recipient')} declared, the same shown")


def _contract_fault(recipient: Recipient, folder: Path, today: dt.date) -> tuple[str, str] | None:
    """What is wrong with the contract of a recipient, and what mends it."""
    contract = recipient.contract
    if contract is None:
        return "no contract is on record", f"sign one, and record it under `contract` of {recipient.name}"
    try:
        found = hashlib.sha256((folder / contract.document).read_bytes()).hexdigest()
    except OSError:
        return (
            f"its contract {contract.document} is not there",
            "put the file where the policy says, or correct the path",
        )
    if found != contract.sha256:
        return (
            f"its contract {contract.document} is not the recorded one (its hash differs)",
            "look at what changed, then record the new hash",
        )
    if found == _EMPTY:
        return (
            f"its contract {contract.document} is an empty file",
            "put the signed contract there, and record its hash",
        )
    if contract.until is not None and contract.until < today:
        return f"its contract ended on {contract.until}", "renew it, and record the new file and end"
    return None


def _today(seen: Observation) -> dt.date:
    return seen.now.date()


CHECKS: tuple[Check, ...] = (contract_missing, recipients_differ)
