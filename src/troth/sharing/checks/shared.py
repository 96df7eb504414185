"""The record of what left, held against the policy and against the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Circumstance, expand
from troth.sharing.words import ENDED_AS, State

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.sharing.disclosures import Disclosure

_LONG = dt.timedelta(hours=1)
_MOST_TOLD = 10
_SHARE = "give data to recipients by `troth share` or Troth.share only"
_KIND = "data.disclosing"


def _sums_up_occasions(sentence: Sentence, policy: Policy) -> bool:
    return any(policy.by_number[n].meaning.circumstance for n in sentence.sums if n in policy.by_number)


def _lists_recipients(sentence: Sentence, policy: Policy) -> bool:
    return any(policy.by_number[n].meaning.recipients for n in sentence.sums if n in policy.by_number)


@check(
    id="sharing.without-reason",
    promise="data are shared on listed occasions only",
    applies=_sums_up_occasions,
    reference="GDPR Art. 5(2), 6(1)",
    max_age=dt.timedelta(days=7),
)
def without_reason(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each disclosure on record has one of the reasons that the policy lists, and the ledger says the same of it.

    What it proves: the reason of every disclosure is an occasion that this sentence sums up; each has an entry in the
    ledger with the same recipient, purpose, kinds of data, rows, people, bytes and noise, ended as it says, and every
    entry has its disclosure; none was begun and left without an end.

    What it does not prove: that nothing left past the gate; `sharing.undeclared-recipient` looks at the traffic.

    Repair: find out who changed the record, and put it right from the ledger; `troth share --resume` ends what a crash
    left. Before: a disclosure with a reason that nobody declared. After: one of the listed reasons, or no disclosure.
    """
    below = (seen.policy.by_number[number] for number in sentence.sums if number in seen.policy.by_number)
    reasons = {each.meaning.circumstance for each in below} - {None}
    found = every(seen)
    bad = False
    for each in found:
        fault = _fault(each, reasons) or _differs(seen, each)
        if fault is not None:
            bad = True
            yield broken(
                f"disclosure {each.id}", fault, repair="find out who made or changed it; the ledger has it as it was"
            )
    missing = _entries(seen) - len(found)
    if missing > 0:
        bad = True
        yield broken(
            "disclosures",
            f"{counted(missing, 'disclosure')} in the ledger that the record lacks",
            repair="find out who deleted it",
        )
    late = [each for each in found if each.state is State.BEGUN and each.at < seen.now - _LONG]
    for each in late[:_MOST_TOLD]:
        yield unproven(
            f"disclosure {each.id}",
            f"was begun on {each.at:%Y-%m-%d} and never ended",
            repair="run `troth share --resume`",
        )
    if not found and not bad:
        yield unproven("disclosures", "nothing has been shared through the gate yet", repair=_SHARE)
    elif not bad and not late:
        yield kept(
            "disclosures", f"{counted(len(found), 'disclosure')} on record, each for a listed reason, as in the ledger"
        )


@check(
    id="sharing.undeclared-data",
    promise="data are shared with service providers",
    applies=lambda sentence, _: sentence.meaning.circumstance is Circumstance.PROCESSOR,
    reference="GDPR Art. 5(1)(b), (c), 28(3)(a)",
    max_age=dt.timedelta(days=7),
)
def undeclared_data(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """Service providers got only the kinds of data that the policy declares for them, for the declared purpose.

    What it proves: for each disclosure to a service provider on record, purpose and kinds of data are among those that
    the policy declares for that recipient.

    What it does not prove: that a column holds what it is said to hold; `sharing.safeguard-missing` looks into what was
    handed over.

    Repair: declare what is sent, or stop sending it. Before: a disclosure with `contact.phone` to a recipient of
    `contact.email`. After: the column left out.
    """
    allowed: dict[str, set[tuple[str, str]]] = {}
    for _, recipient in seen.policy.recipients:
        pairs = {(recipient.purpose, category) for category in expand(recipient.data)}
        allowed.setdefault(recipient.name, set()).update(pairs)
    found = [
        each
        for each in every(seen)
        if each.reason is Circumstance.PROCESSOR and each.state.told and each.recipient in allowed
    ]
    bad = False
    for each in found:
        over = sorted(kind for kind in each.kinds if (each.purpose, kind) not in allowed[each.recipient])
        if over:
            bad = True
            yield broken(
                f"disclosure {each.id} to {each.recipient}",
                f"{', '.join(over)} for {each.purpose} is not declared for it",
                repair="stop sending it and have it deleted there, or declare it first",
            )
    if not found:
        yield unproven("disclosures", "nothing has been shared with a declared recipient yet", repair=_SHARE)
    elif not bad:
        yield kept(
            "disclosures", f"{counted(len(found), 'disclosure')}, only declared kinds of data for the declared purpose"
        )


@check(
    id="sharing.recipient-unlisted",
    promise="the third parties are listed",
    applies=_lists_recipients,
    reference="GDPR Art. 13(1)(e); CJEU C-154/21",
    max_age=dt.timedelta(days=7),
)
def recipient_unlisted(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """Every service provider that data were given to is one that the policy lists.

    What it proves: no disclosure on record as one to a service provider has a name that the policy does not declare.
    Recipients that were declared and got nothing are told in the evidence.

    What it does not prove: that nothing left past the gate.

    Repair: name the recipient in section 4, with its contract. Before: a disclosure to Example Ghost. After: Example
    Ghost under `recipients`, or nothing sent to it.
    """
    declared = {each.name for _, each in seen.policy.recipients}
    told = [each for each in every(seen) if each.reason is Circumstance.PROCESSOR and each.state.told]
    strangers = sorted({each.recipient for each in told} - declared)
    for name in strangers:
        yield broken(
            name, "got data, and the policy does not list it", repair="name it in section 4, or stop sending to it"
        )
    if not told:
        yield unproven("disclosures", "nothing has been shared with a service provider yet", repair=_SHARE)
    elif not strangers:
        never = sorted(declared - {each.recipient for each in told})
        beside = f"; listed and given nothing: {', '.join(never)}" if never else ""
        yield kept("disclosures", f"{counted(len(told), 'disclosure')}, all to recipients that are listed{beside}")


def every(seen: Observation) -> tuple[Disclosure, ...]:
    """Every disclosure on record, read once a run."""

    def read() -> tuple[Disclosure, ...]:
        store = seen.need_store()
        from troth.sharing import disclosures

        with store.reading() as tx:
            return tuple(disclosures.every(tx))

    return seen.once("disclosures", read)


def _fault(each: Disclosure, reasons: set[Any]) -> str | None:
    if each.reason not in reasons:
        return f"its reason ({each.reason.value}) is none that the policy lists"
    return None


def _differs(seen: Observation, each: Disclosure) -> str | None:
    """How the ledger's entries of a disclosure differ from the record of it."""
    from pyroaring import BitMap
    from sqlalchemy import select

    from troth.foundation.ledger import entries
    from troth.sharing import disclosures
    from troth.sharing.tables import disclosures as table

    with seen.need_store().reading() as tx:
        told = entries.of_leaves(tx, [leaf for leaf in (each.leaf, each.outcome) if leaf is not None])
        row = tx.execute(select(table.c.people, table.c.token).where(table.c.id == each.id)).one()
    people: bytes = row.people or b""
    begun = told.get(each.leaf)
    if begun is None or begun.kind != _KIND:
        return "no entry in the ledger says that it was begun"
    noise = begun.body.get("noise") or {"epsilon": None, "delta": None}
    if (noise["epsilon"], noise["delta"]) != (each.epsilon, each.delta):
        return "its noise is not what its entry in the ledger says"
    said = begun.body["people"]
    if not begun.says(_KIND, **_facts(each)) or said["count"] != (None if each.noisy else each.people):
        return f"its record {entries.NOT_AS_TOLD}"
    if people and said["sha256"] != disclosures.mark_of(people, row.token if each.noisy else None):
        return f"its record {entries.NOT_AS_TOLD}"
    if people and len(BitMap.deserialize(people)) != each.people:
        return "it counts other people than it holds"
    if each.state is State.BEGUN:
        return None
    ended = told.get(each.outcome or 0)
    if ended is None or not ended.says(ENDED_AS[each.state], disclosure=each.id):
        return f"that it is {each.state} is not what the ledger says"
    return None


def _facts(each: Disclosure) -> dict[str, Any]:
    """What the first entry of a disclosure must say."""
    return {
        "recipient": each.recipient,
        "purpose": each.purpose,
        "reason": each.reason,
        "safeguard": each.safeguard,
        "categories": list(each.kinds),
        "rows": each.rows,
        "sha256": each.sha256,
        "demand": each.demand,
        "at": each.at,
    }


def _entries(seen: Observation) -> int:
    store = seen.need_store()
    from sqlalchemy import func, select

    from troth.foundation.ledger.tables import ledger_leaves

    with store.reading() as tx:
        query = select(func.count()).select_from(ledger_leaves).where(ledger_leaves.c.kind == _KIND)
        return int(tx.execute(query).scalar_one())


CHECKS: tuple[Check, ...] = (without_reason, undeclared_data, recipient_unlisted)
