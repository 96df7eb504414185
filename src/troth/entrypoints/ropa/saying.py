"""The record in words: what stands in each place of it, for whoever reads a table.

A place is never empty: it holds what is declared, or says that there is none, or the gap with where to mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from troth.entrypoints.ropa.record import (
    Activity,
    AssessmentLine,
    Field,
    Gap,
    LimitLine,
    PurposeLine,
    RecipientLine,
    Record,
    TransferLine,
)
from troth.policy.recordkeeping import JointController, ProcessedFor
from troth.policy.rendering.annexes import country_name, data_label, purpose_label

NONE = "none"
Said = Callable[[Record, Activity], str]


def gap_text(gaps: Iterable[Gap]) -> str:
    """Gaps as lines: `GAP: ... (policy.yaml:88)`."""
    return "\n".join(f"GAP: {gap.message} ({gap.where})" for gap in gaps)


def filled(lines: Iterable[str], gaps: Iterable[Gap], otherwise: str = NONE) -> str:
    """The lines, then the gaps; `otherwise` where there is neither."""
    found = [line for line in (*lines, gap_text(gaps)) if line]
    return "\n".join(found) or otherwise


def _place(field: Field, lines: Callable[[Record, Activity], Iterable[str]], otherwise: str = NONE) -> Said:
    def said(record: Record, activity: Activity) -> str:
        return filled(lines(record, activity), record.missing(field, activity.id), otherwise)

    return said


def purpose(each: PurposeLine) -> str:
    return f"{each.label} (sentence {', '.join(each.sentences)})"


def basis(each: PurposeLine) -> str:
    """The ground of one purpose, with the law or the balance test that it rests on."""
    if each.basis is None:
        return ""
    more = each.law or (f"balance test {each.balance}" if each.balance else "")
    return f"{each.label}: {each.basis.replace('-', ' ')}" + (f" ({more})" if more else "")


def recipient(each: RecipientLine) -> str:
    return f"{each.name}, {each.kind.lower()} in {country_name(each.known.country)}"


def contract(each: RecipientLine) -> str:
    """Name, contract and its end."""
    paper = each.known.contract
    if paper is None:
        return ""
    until = f", until {paper.until}" if paper.until else ""
    return f"{each.name}: {paper.document}{until}"


def transfer(each: TransferLine) -> str:
    whom = f"{each.onward}, for {each.recipient}" if each.onward else each.recipient
    ground = each.ground.replace("-", " ") if each.ground else "no ground declared"
    paper = f", {each.document}" if each.document else ""
    until = f", until {each.until}" if each.until else ""
    return f"{whom}: {country_name(each.country)}, {ground}{paper}{until}"


def limit(each: LimitLine) -> str:
    return f"{data_label(each.data)}: {each.keep} after {each.after}, then {each.then} ({each.because})"


def assessment(each: AssessmentLine) -> str:
    """The assessment of one purpose, or why none is needed; nothing where it is a gap."""
    name = purpose_label(each.purpose)
    if each.document is not None:
        return f"{name}: {each.document}, risk left {each.residual}, to be looked at again by {each.review}"
    if each.needed:
        return ""
    met = f"meets {len(each.met)} of the criteria: {', '.join(each.met)}" if each.met else "meets none of the criteria"
    return f"{name}: not required ({met})"


def joint(each: JointController) -> str:
    arrangement = f", arrangement {each.arrangement}" if each.arrangement else ", no arrangement named"
    return f"{each.name}, {each.contact}{arrangement}"


def processed_transfers(each: ProcessedFor) -> str:
    return "\n".join(f"{country_name(one.country)}: {one.ground}" for one in each.transfers) or NONE


def measures(record: Record) -> str:
    """Every measure by its kind, with its verdict, a line each; the sheet of measures has the sentences."""
    lines = (f"{each.kind.replace('-', ' ')}: {each.verdict}" for each in record.measures)
    return filled(lines, record.missing(Field.MEASURES))


def joint_names(record: Record, activity: Activity) -> str:
    """Who decides together with the company on this activity."""
    return filled(map(joint, activity.joint or ()), record.missing(Field.JOINT))


def decisions(record: Record, activity: Activity) -> str:
    return filled(activity.decisions or (), record.missing(Field.DECISIONS, activity.id))


def rights(record: Record, activity: Activity) -> str:
    """The rights that the policy grants, and those that it owes and does not."""
    names = [right.value for right in activity.rights]
    granted = ", ".join([*names, *(["withdrawal of consent"] if activity.withdrawal else [])])
    return filled([granted], record.missing(Field.RIGHTS, activity.id))


def processing_transfers(record: Record, activity: Activity) -> str:
    return filled(
        map(transfer, activity.transfers),
        record.missing(Field.TRANSFERS, activity.id),
        f"none {record.third}",
    )


SAID: Mapping[Field, Said] = MappingProxyType(
    {
        Field.PURPOSES: _place(Field.PURPOSES, lambda _, a: map(purpose, a.purposes)),
        Field.PERSONS: lambda record, a: filled(
            a.persons,
            record.missing(Field.PERSONS, a.id) or (() if a.persons else record.missing(Field.STORES)),
            "nobody: the data stand in no mapped store",
        ),
        Field.DATA: _place(Field.DATA, lambda _, a: [data_label(a.data)]),
        Field.SPECIAL: _place(
            Field.SPECIAL, lambda _, a: [f"{data_label([name])}: {why}" for name, why in a.special if why]
        ),
        Field.SOURCES: _place(
            Field.SOURCES, lambda _, a: [f"{source}: {data_label(data)}" for source, data in a.sources]
        ),
        Field.RECIPIENTS: _place(Field.RECIPIENTS, lambda _, a: map(recipient, a.recipients)),
        Field.TRANSFERS: processing_transfers,
        Field.LIMITS: _place(Field.LIMITS, lambda _, a: map(limit, a.limits)),
        Field.STORES: lambda record, a: filled(
            [f"{store}: {', '.join(tables)}" for store, tables in _by_store(a).items()],
            record.missing(Field.STORES, a.id) or (() if a.stores else record.missing(Field.STORES)),
        ),
        Field.ASSESSMENT: _place(Field.ASSESSMENT, lambda _, a: filter(None, map(assessment, a.assessments))),
        Field.RIGHTS: rights,
        Field.DECISIONS: decisions,
        Field.MEASURES: lambda record, _: measures(record),
        Field.JOINT: joint_names,
    }
)
"""What stands in each place of an activity."""


def _by_store(activity: Activity) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in activity.stores:
        kind = each.processor or (each.kind if each.kind != "unknown" else None)
        name = f"{each.store} ({kind})" if kind else each.store
        found.setdefault(name, []).append(each.table)
    return found


def bases(record: Record, activity: Activity) -> str:
    """The ground of each purpose; a purpose without one is a gap of the purposes."""
    return filled(filter(None, map(basis, activity.purposes)), record.missing(Field.PURPOSES, activity.id))


def contracts(record: Record, activity: Activity) -> str:
    return filled(filter(None, map(contract, activity.recipients)), record.missing(Field.RECIPIENTS, activity.id))


def changed(record: Record) -> str:
    """When the record's ground last changed: the version of the policy in force."""
    about = record.about
    if about.policy_version is None:
        return "this text of the policy is not published"
    return f"version {about.policy_version}, published {str(about.published_at)[:10]}"
