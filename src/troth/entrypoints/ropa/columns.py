"""The activities as one table: in troth's own columns, or in those that an authority's form has.

`cnil` are the places of the sheet of the CNIL's model register, `ico` the columns of the ICO's template for
controllers, both in the order of the form and under its names in English. A column whose fact troth does not hold says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from troth.entrypoints.ropa import saying
from troth.entrypoints.ropa.record import Activity, Field, MeasureLine, Record
from troth.entrypoints.ropa.saying import NONE, SAID, filled
from troth.entrypoints.ropa.words import Columns
from troth.policy.rendering.annexes import country_name
from troth.policy.vocabulary import LegalBasis

Column = tuple[str, Callable[[Record, Activity], str]]


def heads(columns: Columns) -> tuple[str, ...]:
    """The names of the columns."""
    return tuple(name for name, _ in SETS[columns])


def rows(record: Record, columns: Columns) -> tuple[tuple[str, ...], ...]:
    """One row an activity; no cell is empty."""
    return tuple(tuple(said(record, each) for _, said in SETS[columns]) for each in record.activities)


PROCESSOR_HEADS = (
    "Processor",
    "Controller",
    "Controller's contact",
    "Representative",
    "Data protection officer",
    "Categories of processing",
    "Transfers to third countries",
    "Security measures",
)


def processor_rows(record: Record) -> tuple[tuple[str, ...], ...]:
    """One row a controller for whom data are processed (Art. 30(2)); one that says why where there is none."""
    own = f"{record.controller.name}, {country_name(record.controller.country)}"
    if not record.processing_for:
        said = filled((), record.missing(Field.CONTROLLERS), "none: the company processes for no other controller")
        return ((own, said, *[NONE] * 5, saying.measures(record)),)
    return tuple(
        (
            own,
            each.name,
            each.contact,
            each.representative or NONE,
            each.officer or "none named",
            "\n".join(each.categories),
            saying.processed_transfers(each),
            saying.measures(record),
        )
        for each in record.processing_for
    )


def _of(field: Field) -> Callable[[Record, Activity], str]:
    return SAID[field]


def _actors(record: Record, activity: Activity) -> str:
    controller = record.controller
    lines = [
        f"Controller: {controller.name}, {country_name(controller.country)}",
        f"Data protection officer: {filled([controller.officer or ''], record.missing(Field.OFFICER))}",
        f"Representative: {filled([controller.representative or ''], record.missing(Field.REPRESENTATIVE))}",
        f"Joint controllers: {saying.joint_names(record, activity)}",
    ]
    return "\n".join(lines)


def _sub_purposes(_: Record, activity: Activity) -> str:
    return "\n".join(saying.purpose(each) for each in activity.purposes[1:]) or NONE


def _main_purpose(record: Record, activity: Activity) -> str:
    return filled([saying.purpose(activity.purposes[0])], record.missing(Field.PURPOSES, activity.id))


def _measure(kinds: Iterable[str]) -> Callable[[Record, Activity], str]:
    wanted = frozenset(kinds)

    def said(record: Record, _: Activity) -> str:
        return "\n".join(map(_measured, (m for m in record.measures if m.kind in wanted))) or "no measure is promised"

    return said


def _measured(each: MeasureLine) -> str:
    return f"{each.text}: {each.verdict}"


def _recipients_outside(_: Record, activity: Activity) -> str:
    return "\n".join(saying.recipient(each) for each in activity.recipients if each.third) or NONE


def _data_with_periods(record: Record, activity: Activity) -> str:
    return SAID[Field.LIMITS](record, activity)


def _interests(_: Record, activity: Activity) -> str:
    found = [each.label for each in activity.purposes if each.basis == LegalBasis.LEGITIMATE_INTERESTS]
    return "\n".join(found) or NONE


def _tests(_: Record, activity: Activity) -> str:
    resting = [each for each in activity.purposes if each.basis == LegalBasis.LEGITIMATE_INTERESTS]
    if not resting:
        return "not applicable"
    return "\n".join(each.balance or "GAP: no balance test on record" for each in resting)


def _exceptional(record: Record, activity: Activity) -> str:
    found = [saying.transfer(each) for each in activity.transfers if each.ground == "derogation"]
    return "\n".join(found) or f"none rests on a derogation of Art. 49, {record.third}"


def _special_condition(record: Record, activity: Activity) -> str:
    return SAID[Field.SPECIAL](record, activity) if activity.special else "not applicable: no special category"


def _schedule_1(_: Record, activity: Activity) -> str:
    return "not held by troth" if activity.special else "not applicable: no special category"


def _consents(_: Record, activity: Activity) -> str:
    return "troth consent export" if activity.withdrawal else "not applicable: does not rest on consent"


def _assessment_required(_: Record, activity: Activity) -> str:
    return "yes" if any(each.needed for each in activity.assessments) else "no"


def _assessment_progress(record: Record, activity: Activity) -> str:
    done = [each for each in activity.assessments if each.document]
    if not any(each.needed for each in activity.assessments):
        return "done all the same" if done else "not applicable"
    return filled(["done"] if done else [], record.missing(Field.ASSESSMENT, activity.id))


def _assessment_link(_: Record, activity: Activity) -> str:
    return "\n".join(each.document for each in activity.assessments if each.document) or NONE


def _retained(record: Record, _: Activity) -> str:
    done = record.executed
    if done.run is None:
        return "no run that ends data has been done yet"
    day = str(done.begun_at)[:10]
    return f"yes: run {done.run} of {day}" if done.same else f"not yet: the last run ({day}) had other rules"


def _fixed(text: str) -> Callable[[Record, Activity], str]:
    return lambda *_: text


SETS: Mapping[Columns, tuple[Column, ...]] = MappingProxyType(
    {
        Columns.TROTH: (
            ("Activity", lambda _, a: a.name),
            ("Purposes", _of(Field.PURPOSES)),
            ("Legal basis", saying.bases),
            ("Joint controllers", _of(Field.JOINT)),
            ("Persons", _of(Field.PERSONS)),
            ("Data", _of(Field.DATA)),
            ("Special categories", _of(Field.SPECIAL)),
            ("Sources", _of(Field.SOURCES)),
            ("Recipients", _of(Field.RECIPIENTS)),
            ("Transfers", _of(Field.TRANSFERS)),
            ("Time limits", _of(Field.LIMITS)),
            ("Stores", _of(Field.STORES)),
            ("Impact assessment", _of(Field.ASSESSMENT)),
            ("Automated decisions", _of(Field.DECISIONS)),
            ("Rights", _of(Field.RIGHTS)),
            ("Last change", lambda record, _: saying.changed(record)),
        ),
        Columns.CNIL: (
            ("Name of the processing", lambda _, a: a.name),
            ("Reference number", lambda _, a: a.id),
            ("Date of creation", lambda record, _: _day(record.about.published_at)),
            ("Last update", lambda record, _: saying.changed(record)),
            ("Actors", _actors),
            ("Main purpose", _main_purpose),
            ("Sub-purposes", _sub_purposes),
            ("User access control", _measure(["access-control"])),
            ("Traceability measures", _fixed("every act is entered in the ledger: `troth ledger verify`")),
            ("Software protection", _measure(["audits", "infrastructure"])),
            ("Backups", _fixed("not recorded apart: see the attestation backup-restore")),
            ("Encryption of data", _measure(["tls", "encrypted", "stand-in numbers only"])),
            ("Control of processors", saying.contracts),
            ("Other measures", _measure(["training", "made anonymous", "masked"])),
            ("Categories of personal data, with retention period", _data_with_periods),
            ("Sensitive data", _of(Field.SPECIAL)),
            ("Categories of persons", _of(Field.PERSONS)),
            ("Recipients", _of(Field.RECIPIENTS)),
            ("Recipients outside", _recipients_outside),
            ("Transfers, country, type of guarantee", _of(Field.TRANSFERS)),
        ),
        Columns.ICO: (
            ("Business function", lambda _, a: a.name),
            ("Purpose of processing", _of(Field.PURPOSES)),
            ("Name and contact details of joint controller", _of(Field.JOINT)),
            ("Categories of individuals", _of(Field.PERSONS)),
            ("Categories of personal data", _of(Field.DATA)),
            ("Categories of recipients", _of(Field.RECIPIENTS)),
            ("Link to contract with processor", saying.contracts),
            ("Third countries that personal data are transferred to", _of(Field.TRANSFERS)),
            ("Safeguards for exceptional transfers", _exceptional),
            ("Retention schedule", _of(Field.LIMITS)),
            ("General description of security measures", _of(Field.MEASURES)),
            ("Article 6 lawful basis", saying.bases),
            ("Article 9 condition", _special_condition),
            ("Legitimate interests", _interests),
            ("Link to legitimate interests assessment", _tests),
            ("Rights available to individuals", _of(Field.RIGHTS)),
            ("Automated decision-making", _of(Field.DECISIONS)),
            ("Source of the personal data", _of(Field.SOURCES)),
            ("Link to record of consent", _consents),
            ("Location of personal data", _of(Field.STORES)),
            ("DPIA required", _assessment_required),
            ("DPIA progress", _assessment_progress),
            ("Link to DPIA", _assessment_link),
            ("Personal data breach", _fixed("see the register of breaches: `troth breach list`")),
            ("DPA 2018 Schedule 1 condition", _schedule_1),
            ("Link to retention and erasure policy", lambda record, _: record.about.policy_file),
            ("Retained and erased accordingly", _retained),
        ),
    }
)
"""The columns of each form, in its order."""


def _day(moment: object) -> str:
    return str(moment)[:10] if moment else "not published yet"
