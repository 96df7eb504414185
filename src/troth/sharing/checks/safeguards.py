"""What the policy says protects the data at a recipient, looked for in what was really handed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.noise import exactly
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import sent
from troth.sharing.checks.shared import every

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Recipient, Sentence
    from troth.policy.noise import Noise
    from troth.sharing.disclosures import Disclosure

_FRESH = dt.timedelta(days=35)
_BY_THE_POLICY = (Circumstance.PROCESSOR, Circumstance.CONSENT)
_SMALLEST = 5
"""People in a group where the policy names no number."""


def _has_safeguard(sentence: Sentence, _: object) -> bool:
    return sentence.meaning.safeguard is not None and not sentence.sums


@check(
    id="sharing.certificate-over",
    promise="a kind of recipient comes with a safeguard",
    applies=_has_safeguard,
    reference="GDPR Art. 28(5); PCI DSS 4.0.1 requirement 12.8",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=31),
    may_be_silent=True,
)
def certificate_over(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The certificates on which a safeguard rests are on record and not over.

    What it proves: no recorded certificate of a recipient of this kind has ended; where the words promise a standard
    (PCI DSS), each recipient has one of that standard.

    What it does not prove: that the recipient still meets it.

    Repair: record the certificate. Before: `{name: Example Pay, ...}`.
    After: `certificate: {kind: PCI DSS AoC, until: 2027-01-31}`.
    """
    today = seen.now.date()
    standard = "PCI DSS" if "pci" in sentence.text.lower().replace("-", " ").split() else None
    for recipient in sentence.meaning.recipients:
        certificate = recipient.certificate
        repair = f"get the certificate that holds now, and record it under `certificate` of {recipient.name}"
        if certificate is not None and certificate.until < today:
            yield broken(
                recipient.name, f"its certificate ({certificate.kind}) ended on {certificate.until}", repair=repair
            )
        elif standard and (certificate is None or "pci" not in certificate.kind.lower()):
            yield broken(
                recipient.name, f"the sentence promises {standard}, and no such certificate is on record", repair=repair
            )
        elif certificate is not None:
            yield kept(recipient.name, f"{certificate.kind}, until {certificate.until}")


@check(
    id="sharing.safeguard-missing",
    promise="a kind of recipient comes with a safeguard",
    applies=_has_safeguard,
    reference="GDPR Art. 28(1), 32; WP216; PCI DSS 4.0.1 requirement 3",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def safeguard_missing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What was handed over to the recipients is protected as the policy says.

    What it proves: the last file of each recipient is the recorded one, holds no column that its record lacks, and:
    *tokens-only*: no card number stands in it; *anonymised*: each line is a group of enough people, and nobody can be
    singled out (a hash of an identifier counts as one that can); *encrypted*: it is sealed for a public key; *masked*:
    no mail address, phone, card or account number stands in it. Where the policy names `noise`: every batch that went
    under a policy of ours that says so has it, no exact number stands in the last file, and what was told in all stays
    within the budget.

    What it does not prove: what went over HTTP or into a stream, or was fetched away since; what the recipient does
    with it; that a free text tells nobody by what it says; that groups of two batches which count in
    different ways cannot be subtracted (those that count the same way the gate keeps apart); that noise was drawn well,
    which no look at a file can tell.

    Repair: share through the gate, which carries the safeguard out. Before: `cp export.csv outbox/`.
    After: `troth share "Example Metrics" ...`.
    """
    recipients = sentence.meaning.recipients
    if not recipients:
        yield unproven(
            sentence.id, "no recipient of this kind is named", repair="name the recipients under `recipients`"
        )
    for recipient in recipients:
        noise, last = sentence.meaning.noise, _last(seen, recipient)
        if noise is not None:
            yield from _noise(seen, noise, recipient)
        if last is None:
            yield unproven(recipient.name, "nothing has been shared with it yet", repair="share through the gate")
        elif last.at < seen.now - _FRESH:
            yield unproven(recipient.name, f"the last batch is of {last.at:%Y-%m-%d}", repair="share through the gate")
        elif noise is not None and not last.noisy:
            yield unproven(recipient.name, "its last batch has no noise", repair="share a batch that has")
        else:
            yield from _look(seen, sentence, recipient, last)


def _noise(seen: Observation, noise: Noise, recipient: Recipient) -> Iterator[Saw]:
    """What the record says of noise: a batch that should have had it, and a sum that is too large.

    Which policies said so is known of the one in force, and of each under which a batch with noise went to it.
    """
    told = [each for each in _told(seen, recipient) if each.reason in _BY_THE_POLICY]
    saying = {seen.policy.sha256} | {each.policy for each in told if each.noisy}
    for each in told:
        if not each.noisy and each.policy in saying:
            yield broken(
                f"disclosure {each.id} to {recipient.name}",
                "it went without noise, under a policy that says it comes with noise",
                repair="find out who let it out past the gate, and have it deleted there",
            )
    spent = sum((exactly(each.epsilon) for each in told if each.epsilon is not None), Decimal())
    if spent > exactly(noise.budget):
        yield broken(
            recipient.name,
            f"it was told {spent.normalize():f}, and the policy allows {noise.budget:g} in all",
            repair="share no more with it; what was told stays told",
        )
    elif spent:
        yield kept(recipient.name, f"told {spent.normalize():f} of {noise.budget:g} in all, with noise each time")


def _look(seen: Observation, sentence: Sentence, recipient: Recipient, last: Disclosure) -> Iterator[Saw]:
    where = f"disclosure {last.id} to {recipient.name}"
    handed = sent.at_hand(last, seen.folder)
    if handed is None:
        yield unproven(
            where,
            "what was handed over does not lie there any more",
            repair="keep the last file until it was looked at",
        )
        return
    if not handed.same:
        yield broken(where, "the file is not the one on record: it was changed, or put there past the gate",
                     repair="find out who put it there, and tell the recipient")  # fmt: skip
        return
    safeguard = sentence.meaning.safeguard
    if safeguard is Safeguard.ENCRYPTED:
        if sent.is_sealed(handed):
            yield kept(where, "sealed for a public key before it left")
        else:
            yield broken(where, "it is not encrypted", repair="share through the gate with the recipient's key")
        return
    columns = sent.columns_of(handed, last.form)
    if columns is None:
        yield unproven(where, f"rows in {last.form.value} are not looked into", repair="share as JSON lines or CSV")
        return
    faults = [f"the column {name} is not in its record" for name in sent.undeclared(columns, last)]
    faults += _faults(safeguard, columns, sentence.meaning.smallest_group or _SMALLEST)
    faults += _exact(columns) if last.noisy else []
    for fault in faults:
        yield broken(where, fault, repair="share through the gate, which carries the safeguard out")
    rows = len(next(iter(columns.values()), ()))
    if not rows:
        yield unproven(where, "no row stands in it", repair="share a batch that has some")
    elif not faults:
        yield kept(where, f"{counted(rows, 'row')} looked into: {_HOLDS[safeguard]}")


def _exact(columns: Any) -> list[str]:
    return ["the column rows is exact, and its figures come with noise"] if sent.ROWS in columns else []


def _faults(safeguard: Safeguard | None, columns: Any, smallest: int) -> list[str]:
    if safeguard is Safeguard.ANONYMISED:
        return sent.singled_out(columns, smallest)
    if safeguard is Safeguard.TOKENS_ONLY:
        return [f"card numbers stand in {n} values of {name}" for name, n in sent.cards(columns).items()]
    return [f"{n} values of {name} are not masked" for name, n in sent.unmasked(columns).items()]


_HOLDS = {
    Safeguard.TOKENS_ONLY: "tokens only, no card number",
    Safeguard.ANONYMISED: "groups of enough people, nobody is singled out",
    Safeguard.MASKED: "no mail address, phone, card or account number",
    None: "nothing else than its record says",
}


def _last(seen: Observation, recipient: Recipient) -> Disclosure | None:
    return next(_told(seen, recipient), None)


def _told(seen: Observation, recipient: Recipient) -> Iterator[Disclosure]:
    return (each for each in every(seen) if each.recipient == recipient.name and each.state.told)


CHECKS: tuple[Check, ...] = (certificate_over, safeguard_missing)
