"""The three other occasions of section 4 proven: demands of authorities, a sold business, and consent.

Each compares the record of what left with the register that it rests on, and both with the ledger. Where nothing left
on an occasion, only somebody's word can say that it is so: then an attestation is looked at.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from troth.foundation.attestations import reading as attestations
from troth.foundation.proof import Applies, Check, Saw, broken, check, counted, kept
from troth.policy.vocabulary import Circumstance
from troth.sharing.checks.shared import every
from troth.sharing.words import DemandState, DemandStep

if TYPE_CHECKING:
    from pyroaring import BitMap
    from sqlalchemy import Connection

    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence
    from troth.sharing.demand_reading import Demand
    from troth.sharing.disclosures import Disclosure
    from troth.sharing.notices import Told
    from troth.sharing.transfer_reading import Transfer

_DAY = dt.timedelta(days=1)


def _circumstance(circumstance: Circumstance) -> Applies:
    return lambda sentence, _: sentence.meaning.circumstance is circumstance


@check(
    id="sharing.demand-unrecorded",
    promise="data are shared where a law or an authority demands it",
    applies=_circumstance(Circumstance.LEGAL_DEMAND),
    reference="GDPR Art. 5(2), 6(1)(c), 48",
)
def demand_unrecorded(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each disclosure to an authority has a demand on record: who asked, on what article, how much, who decided.

    What it proves: every disclosure on a legal demand names a demand in the register, with the same authority; the
    demand has a reference; what left is not more than what was approved, nor that more than was asked, and about nobody
    else; review and approval are in the ledger, of the same scope, by two people of whom neither took it in; whoever
    was meant has been told once it was secret no more. Where no authority demanded anything, somebody attests it.

    What it does not prove: that the demand was lawful; that nothing was handed over past the gate.

    Repair: file each demand (`troth demand file`), have it reviewed and approved, and carry it out by `troth demand
    carry-out` only. Before: a disclosure that names no demand. After: one of a demand that two people decided.
    """
    store = seen.need_store()  # first, as a policy alone needs no database
    from troth.sharing import demand_reading

    with store.reading() as tx:
        found = {each.id: each for each in demand_reading.every(tx)}
        left = [each for each in every(seen) if each.reason is Circumstance.LEGAL_DEMAND and each.state.told]
        faults = [(f"disclosure {each.id}", fault) for each in left if (fault := _past(tx, each, found)) is not None]
        entries = _bodies(tx, "demand.")
        faults += [
            (f"demand {each.id}", fault)
            for each in found.values()
            if (fault := _untrue(each, left, entries, seen.now)) is not None
        ]
    for where, fault in faults:
        yield broken(where, fault, repair="find out who let it go; file, review and approve each demand first")
    if faults:
        return
    if not found:
        yield attestations.look(seen, (sentence.id, "legal-demand"), what="whether an authority demanded data")
    else:
        yield kept(
            "demands",
            f"{counted(len(found), 'demand')} on record, {counted(len(left), 'disclosure')}, none wider than approved",
        )


@check(
    id="sharing.transfer-unannounced",
    promise="data go with the business in a merger or sale",
    applies=_circumstance(Circumstance.BUSINESS_TRANSFER),
    reference="GDPR Art. 13(3), 14(4)",
)
def transfer_unannounced(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No data leave with a sold business before people were told and could choose; their choices go with them.

    What it proves: every disclosure to a buyer is that of a transfer whose notice is in the ledger, at least as long
    before as the policy promises; no version of the policy was published between the freeze and the bundle; nobody who
    said no is in it; it holds every choice of everybody who is. Where none took place, somebody attests it.

    What it does not prove: that people read the notice; what the buyer does.

    Repair: announce and freeze first: `troth transfer announce`, `troth transfer freeze`. Where none took place, attest
    it yearly: `troth attest business-transfer --owner dpo --statement ... --document FILE --until DATE`. Before: a
    bundle that went on the day of the sale. After: one that went when the notice was over.
    """
    store = seen.need_store()  # first, as a policy alone needs no database
    from troth.sharing import transfer_reading

    with store.reading() as tx:
        found = transfer_reading.every(tx)
        of = {each.disclosure: each for each in found if each.disclosure is not None}
        left = [each for each in every(seen) if each.reason is Circumstance.BUSINESS_TRANSFER and each.state.told]
        entries = _bodies(tx, "transfer.") + _bodies(tx, "policy.")
        faults = [
            (f"disclosure {each.id}", fault)
            for each in left
            if (fault := _unannounced(tx, seen, each, of.get(each.id), entries)) is not None
        ]
    for where, fault in faults:
        yield broken(where, fault, repair="have the buyer delete it, tell people, and export again when they were told")
    if faults:
        return
    if left:
        yield kept("transfers", f"{counted(len(left), 'bundle')} went, each announced in time, with every choice")
    else:
        what = "whether a transfer of business took place"
        yield attestations.look(seen, (sentence.id, "business-transfer"), what=what)


@check(
    id="sharing.without-consent",
    promise="data are shared where the person agreed",
    applies=_circumstance(Circumstance.CONSENT),
    reference="GDPR Art. 6(1)(a), 7(1), 7(3), 19",
)
def without_consent(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each disclosure that rests on consent has a consent that names the recipient and stood at that time.

    What it proves: of everybody in such a disclosure, the consent that stood then names this recipient and these kinds
    of data; for each of them who has withdrawn since, a notice to the recipient is on record, and was taken within a
    day. Where nothing is shared on this ground, somebody attests it.

    What it does not prove: that the recipient stopped.

    Repair: share through the gate, which asks for the consent; name under [sharing.notices] where the recipient is
    told, and run `troth serve`. Before: rows of everybody for a partner. After: rows of those whose consent names it.
    """
    store = seen.need_store()  # first, as a policy alone needs no database
    from troth.sharing import disclosures, notices

    left = [each for each in every(seen) if each.reason is Circumstance.CONSENT and each.state.told]
    faults: list[tuple[str, str]] = []
    with store.reading() as tx:
        told = {(each.recipient, each.purpose, each.person): each for each in notices.every(tx)}
        for each in left:
            people = _still_known(tx, disclosures.people_of(tx, each.id))
            strangers = people - notices.agreeing(tx, each.purpose, each.recipient, each.kinds, each.at)
            if strangers:
                who = counted(len(strangers), "person") if len(strangers) == 1 else f"{len(strangers)} people"
                faults.append((f"disclosure {each.id}", f"{who} in it had not agreed that {each.recipient} gets it"))
            now = notices.agreeing(tx, each.purpose, each.recipient, each.kinds, seen.now)
            untold = sum(
                _untold(told.get((each.recipient, each.purpose, who)), seen.now) for who in people - strangers - now
            )
            if untold:
                fault = f"{each.recipient} was not told of {counted(untold, 'withdrawal')}"
                faults.append((f"disclosure {each.id}", fault))
    for where, fault in faults:
        yield broken(where, fault, repair="stop sharing, have it deleted there, and share through the gate only")
    if faults:
        return
    if left:
        yield kept("disclosures", f"{counted(len(left), 'disclosure')}, each on consents that name the recipient")
    else:
        what = "whether data are shared on the ground that people agreed"
        yield attestations.look(seen, (sentence.id, "consent-sharing"), what=what)


# --- demands ----------------------------------------------------------------------------------------------------------


def _past(tx: Connection, each: Disclosure, found: Mapping[int, Demand]) -> str | None:
    """How a disclosure went past the demand that it names."""
    from troth.sharing import demand_reading, disclosures

    demand = found.get(each.demand) if each.demand is not None else None
    if demand is None:
        return "it is said to rest on a legal demand, and none of that number is on record"
    if demand.authority != each.recipient:
        return f"it went to {each.recipient}, and the demand is of another authority"
    if demand.state is not DemandState.CARRIED_OUT or demand.granted is None:
        return f"demand {demand.id} was not carried out; it is {demand.state.value}"
    over = sorted(set(each.kinds) - set(demand.granted.categories))
    if over:
        return f"{', '.join(over)} left, which nobody approved"
    if disclosures.people_of(tx, each.id) - demand_reading.people_of(tx, demand.id):
        return "it is about people of whom nothing was demanded"
    return None


def _untrue(demand: Demand, left: list[Disclosure], entries: list[dict[str, Any]], now: dt.datetime) -> str | None:
    """What is wrong with a demand on record."""
    from troth.foundation.canonical import digest

    if not demand.reference.strip():
        return "it names no law that it rests on"
    if demand.granted is not None and not demand.granted.within(demand.asked):
        return "more was granted than was asked for"
    if demand.state not in {DemandState.APPROVED, DemandState.CARRIED_OUT}:
        return None
    filed, reviewed, approved = (demand.did(s) for s in (DemandStep.FILED, DemandStep.REVIEWED, DemandStep.APPROVED))
    if reviewed is None or approved is None or demand.granted is None or filed is None:
        return "nobody reviewed and approved it"
    eyes = [each.account for each in (filed, reviewed, approved)]
    if None in eyes[1:] or eyes[1] == eyes[2] or eyes[0] in eyes[1:]:
        return "it was not decided by two people who did not take it in"
    scope = digest(demand.granted.as_json()).hex()
    for step in (reviewed, approved):
        said = next((body for body in entries if body["leaf"] == step.leaf), None)
        if said is None or said["demand"] != demand.id or said["staff"] != step.account or said["scope"] != scope:
            return f"that it was {step.step.value} is not what the ledger says"
    if demand.state is DemandState.APPROVED:
        return None
    if not any(each.demand == demand.id for each in left):
        return "it is carried out, and no disclosure of it is on record"
    done = demand.did(DemandStep.CARRIED_OUT)
    since = demand.filed_at if done is None else done.at
    if demand.secret_until is not None:
        since = max(since, dt.datetime.combine(demand.secret_until + _DAY, dt.time(), dt.UTC))
    if demand.told_at is None and since + _DAY < now:
        return "it is secret no more, and the people meant were not told"
    return None


# --- a sold business --------------------------------------------------------------------------------------------------


def _unannounced(
    tx: Connection, seen: Observation, each: Disclosure, of: Transfer | None, entries: list[dict[str, Any]]
) -> str | None:
    """How the bundle of a business went too early, or with whom or what it should not."""
    from troth.sharing import disclosures, transfer_reading

    if of is None or of.exported_at is None or of.frozen_at is None:
        return "no transfer that was announced and frozen is on record for it"
    said = next((body for body in entries if body["leaf"] == of.leaf and body["kind"] == "transfer.announced"), None)
    if said is None or said["at"] != of.announced_at:
        return "the notice is not in the ledger as it is on record"
    due = dt.date.fromisoformat(said["due"])
    if seen.policy.sha256 == of.policy_sha256:
        due = max(due, transfer_reading.due_day(seen.policy, of.announced_at))
    if each.at.date() < due:
        return f"it went on {each.at:%Y-%m-%d}, and people had been promised that nothing goes before {due}"
    published = [body for body in entries if body["kind"] == "policy.published"]
    if any(of.frozen_at <= body["at"] <= of.exported_at for body in published):
        return "the policy was changed between the freeze and the bundle"
    people = disclosures.people_of(tx, each.id)
    if people & transfer_reading.refusing(tx, of):
        return "somebody is in it who does not go with the business"
    outcome = next((body for body in entries if body["leaf"] == of.outcome), None)
    if outcome is None or outcome["choices"] != of.result.get("choices"):
        return "what was in it is not what the ledger says"
    for what, n in _choices(tx, people, of.exported_at).items():
        if outcome["choices"].get(what, 0) != n:
            return f"{n} choices of the kind {what} stood, and {outcome['choices'].get(what, 0)} went with it"
    return None


def _choices(tx: Connection, people: BitMap, at: dt.datetime) -> dict[str, int]:
    """How many choices of these people stood on record at that time, each person and purpose once."""
    from sqlalchemy import select

    from troth.use.tables import consent_events, objections, restrictions

    def count(table: Any, about: Any) -> int:
        rows = tx.execute(select(table.c.person, about).where(table.c.recorded_at <= at).distinct())
        return sum(1 for row in rows if row.person in people)

    return {
        "consent": count(consent_events, consent_events.c.purpose),
        "objection": count(objections, objections.c.purpose),
        "restriction": count(restrictions, restrictions.c.ground),
    }


# --- consent ----------------------------------------------------------------------------------------------------------


def _untold(notice: Told | None, now: dt.datetime) -> bool:
    """Whether the recipient should have been told by now."""
    from troth.use.words import Notice

    if notice is None or notice.state is Notice.NEEDLESS:
        return True
    return notice.state is Notice.WAITING and notice.queued_at + _DAY < now


def _still_known(tx: Connection, numbers: BitMap) -> BitMap:
    """Without those who were erased: their consents went with them."""
    from pyroaring import BitMap
    from sqlalchemy import select

    from troth.foundation.tables import people

    return numbers & BitMap(tx.execute(select(people.c.number)).scalars())


def _bodies(tx: Connection, prefix: str) -> list[dict[str, Any]]:
    """The bodies of the ledger's entries whose kind begins so, each with its `leaf`, `kind` and `at`."""
    from sqlalchemy import select

    from troth.foundation.ledger.tables import ledger_leaves

    rows = tx.execute(select(ledger_leaves).where(ledger_leaves.c.kind.startswith(prefix)))
    return [
        json.loads(row.content)["body"] | {"leaf": row.id, "kind": row.kind, "at": _instant(row.content)}
        for row in rows
    ]


def _instant(content: bytes) -> dt.datetime:
    return dt.datetime.fromisoformat(json.loads(content)["at"])


CHECKS: tuple[Check, ...] = (demand_unrecorded, transfer_unannounced, without_consent)
