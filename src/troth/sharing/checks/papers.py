"""Section 4 proven as far as papers and pages go: contracts that stand, recipients that are named to the public.

What really leaves is looked at by `traffic`, `shared` and `sent`. Of demands, transfers of business and consent to
single recipients there is no register yet; their sentences are unproven and say what would prove them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation import crawling
from troth.foundation.attestations import reading as attestations
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Circumstance

if TYPE_CHECKING:
    from pathlib import Path

    from troth.foundation.observation import Observation
    from troth.policy.model import Recipient, Sentence

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

    What it proves: the file of each contract exists, has the recorded SHA-256, and its `until` has not passed.

    What it does not prove: that the other side signed it or keeps it; what is sent, which `sharing.undeclared-data`
    looks at.

    Repair: put the signed contract beside the policy and record it. Before: `{name: Example Pay, ...}`.
    After: `contract: {document: documents/example-pay.pdf, sha256: ..., until: 2027-03-31}`.
    """
    recipients = [recipient for _, recipient in seen.policy.recipients]
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
    id="sharing.demand-unrecorded",
    promise="data are shared where a law or an authority demands it",
    applies=_circumstance(Circumstance.LEGAL_DEMAND),
    reference="GDPR Art. 5(2), 6(1)(c), 48",
)
def demand_unrecorded(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - nothing to look at yet
    """Each disclosure to an authority has a demand on record: who asked, on what article, how much, who reviewed it.

    What it proves: nothing yet; there is no register of demands to look at.

    What it does not prove: that no disclosure was made past the register.

    Repair: keep a record of each demand. A version with the register will compare it with what was disclosed.
    """
    yield unproven(
        sentence.id,
        "no register of demands and disclosures is there to look at",
        repair="record each demand with authority, article, scope and reviewer",
    )


@check(
    id="sharing.transfer-unannounced",
    promise="data go with the business in a merger or sale",
    applies=_circumstance(Circumstance.BUSINESS_TRANSFER),
    reference="GDPR Art. 13(3), 14(4)",
    grade=Grade.ATTESTED,
)
def transfer_unannounced(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No data leave with a sold business before people were told and could choose.

    What it proves: a named role attests, with a document whose hash is on record and until a day that has not passed,
    that no transfer took place or how it was announced.

    What it does not prove: that it is so; what the buyer does.

    Repair: attest it yearly: `troth attest business-transfer --owner dpo --statement ... --document FILE --until DATE`.
    Before: nobody says so. After: "No part of the business was sold", with the minutes of the board.
    """
    what = "whether a transfer of business took place"
    yield attestations.look(seen, (sentence.id, "business-transfer"), what=what)


@check(
    id="sharing.without-consent",
    promise="data are shared where the person agreed",
    applies=_circumstance(Circumstance.CONSENT),
    reference="GDPR Art. 6(1)(a), 7(1), 7(3)",
)
def without_consent(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - nothing to look at yet
    """Each disclosure that rests on consent has a consent that names the recipient and stood at that time.

    What it proves: nothing yet; disclosures are not recorded.

    What it does not prove: that the recipient stopped after a withdrawal.

    Repair: send such data through the gate once this version has one.
    """
    yield unproven(
        sentence.id,
        "no record of disclosures is there to compare with the consents",
        repair="keep a record of each disclosure with its consent",
    )


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
    if contract.until is not None and contract.until < today:
        return f"its contract ended on {contract.until}", "renew it, and record the new file and end"
    return None


def _today(seen: Observation) -> dt.date:
    return seen.now.date()


CHECKS: tuple[Check, ...] = (
    contract_missing, demand_unrecorded, transfer_unannounced, without_consent, recipients_differ,
)  # fmt: skip
