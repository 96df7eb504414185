"""What the record should say and nobody has declared, each with file, line and repair.

Judges the finished record against what Art. 30 asks for; says nothing about whether what is declared is true, which is
the work of `troth check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from troth.entrypoints.ropa import owed
from troth.entrypoints.ropa.record import Activity, Field, Gap, Record
from troth.policy.lint import lint
from troth.policy.rendering.annexes import country_name, data_label
from troth.policy.vocabulary import LegalBasis

if TYPE_CHECKING:
    from troth.entrypoints.ropa.gathering import Told

SETTINGS = "troth.toml"
_CONTACT_RULES = ("contact.placeholder", "contact.reserved-domain")


def with_gaps(record: Record, told: Told) -> Record:
    """The same record, its gaps found: those of the whole first, then activity by activity."""
    found = [*_whole(record, told)]
    for activity in record.activities:
        found += _activity(activity, told)
    return replace(record, gaps=tuple(found))


def _setting(field: Field, activity: str | None, message: str, repair: str, told: Told) -> Gap:
    return Gap(field, activity, message, SETTINGS, told.settings_line, f"{repair} under `[record]`.")


def _whole(record: Record, told: Told) -> Iterator[Gap]:
    policy, controller = told.policy, record.controller
    where = policy.file
    if not controller.contacts:
        message = "no sentence says how the controller is reached"
        yield Gap(Field.CONTACT, None, message, where, None, "Give section 9 a sentence with `channel: mail`.")
    for fault in lint(policy, today=told.today):
        if fault.rule in _CONTACT_RULES and fault.clause.startswith("contact"):
            yield Gap(Field.CONTACT, None, f"{fault.number}: {fault.message}", where, fault.line, fault.repair)
    if controller.officer is None:
        message = "no data protection officer is named"
        repair = "Give section 9 a sentence with `channel: officer`, or write down why none is needed (Art. 37)."
        yield Gap(Field.OFFICER, None, message, where, None, repair)
    if controller.representative is None:
        message = (
            f"the company is in {country_name(controller.country)}, and no representative in {told.area.name} is named"
        )
        repair = (
            "Write `representative = {name = ..., contact = ...}`, or `no_representative = ...` with the reason, "
            f"as {told.area.representative} wants it,"
        )
        yield _setting(Field.REPRESENTATIVE, None, message, repair, told)
    if controller.joint is None:
        message = "nobody has said whether others decide together with the company"
        yield _setting(Field.JOINT, None, message, "Write `joint_controllers = []`, or name them,", told)
    if controller.keeper is None:
        yield _setting(Field.KEEPER, None, "nobody is named who keeps this record", "Write `keeper = ...`", told)
    if record.processing_for is None:
        message = "nobody has said whether the company processes data for other controllers (Art. 30(2))"
        yield _setting(Field.CONTROLLERS, None, message, "Write `processing_for = []`, or name them,", told)
    if not record.measures:
        message = "no sentence promises a measure of security"
        yield Gap(Field.MEASURES, None, message, where, None, "Declare `measure:` beside the sentences of section 3.")
    if not record.activities:
        message = "no sentence declares a use of data, so that there is no activity"
        yield Gap(Field.PURPOSES, None, message, where, None, "Declare `uses:` beside the sentences of section 2.")
    if told.datamap is None:
        message = "there is no data map: whose data they are and where they stand is not known"
        yield Gap(Field.STORES, None, message, told.map_file, None, "Draft one with `troth map URL`.")


def _activity(activity: Activity, told: Told) -> Iterator[Gap]:
    uses = told.families[activity.id]
    yield from _grounds(activity, told)
    unsourced = [use for use in uses if use.category not in told.sources]
    if unsourced:
        labels = data_label(dict.fromkeys(use.category for use in unsourced))
        message = f"section 1 does not say where these come from: {labels}"
        repair = "Name them in section 1 with `data:`, below a clause with `source:`."
        yield Gap(Field.SOURCES, activity.id, message, told.policy.file, unsourced[0].line, repair)
    ending = {category for rule in told.rules for category in rule.data}
    endless = [use for use in uses if use.category not in ending]
    if endless:
        labels = data_label(dict.fromkeys(use.category for use in endless))
        message = f"no period is declared for: {labels}"
        repair = "Add them to `periods:` of section 3.2."
        yield Gap(Field.LIMITS, activity.id, message, told.policy.file, endless[0].line, repair)
    for category, condition in activity.special:
        if condition is None:
            message = f"{category} is a special category, and no condition of Art. 9(2) is named"
            repair = f'Write `special_conditions = {{"{category}" = ...}}`'
            yield _setting(Field.SPECIAL, activity.id, message, repair, told)
    yield from _places(activity, told)
    yield from _papers(activity, told)
    for each in activity.assessments:
        if each.needed and each.document is None:
            message = f"{each.purpose} meets {len(each.met)} criteria ({', '.join(each.met)}) and was not assessed"
            repair = f"Record it: `troth assessment add {each.purpose} --document FILE --review DATE`."
            yield Gap(Field.ASSESSMENT, activity.id, message, told.policy.file, _line_of(each.purpose, told), repair)
    lacking = [each for each in owed.rights({use.basis for use in uses}) if each not in activity.rights]
    if lacking:
        message = f"no sentence grants the right of {', '.join(lacking)}"
        repair = f"Give section 5 a sentence with `right: {lacking[0]}`."
        yield Gap(Field.RIGHTS, activity.id, message, told.policy.file, uses[0].line, repair)
    if activity.decisions is None:
        message = "nobody has said whether decisions are made without a person (Art. 22)"
        yield _setting(Field.DECISIONS, activity.id, message, "Write `automated_decisions = {}`, or name them,", told)


def _grounds(activity: Activity, told: Told) -> Iterator[Gap]:
    for each in activity.purposes:
        line = _line_of(each.id, told)
        if each.basis is None:
            message = f"{each.id} has no legal basis"
            yield Gap(Field.PURPOSES, activity.id, message, told.policy.file, line, "Give the use a `basis:`.")
        if each.basis == LegalBasis.LEGAL_OBLIGATION and each.law is None:
            message = f"{each.id} rests on a legal obligation, and no listed law is named"
            repair = "Give the use a `statute:`, and list it under `statutes:`."
            yield Gap(Field.PURPOSES, activity.id, message, told.policy.file, line, repair)
        if each.basis == LegalBasis.LEGITIMATE_INTERESTS and each.balance is None:
            message = f"{each.id} rests on legitimate interests, and no balance test is on record"
            repair = f"Add `{each.id}:` with its document under `balance_tests:`."
            yield Gap(Field.PURPOSES, activity.id, message, told.policy.file, line, repair)


def _places(activity: Activity, told: Told) -> Iterator[Gap]:
    if told.datamap is None:
        return
    mapped = {column.category for _, column in told.datamap.columns()}
    nowhere = [category for category in activity.data if category not in mapped]
    if nowhere:
        message = f"the data map has no column for: {data_label(nowhere)}"
        repair = f"Give the columns that hold them their category in {told.datamap.file}, or take the use out."
        field = Field.STORES if activity.stores else Field.PERSONS
        line = next(use.line for use in told.families[activity.id] if use.category == nowhere[0])
        yield Gap(field, activity.id, message, told.policy.file, line, repair)


def _papers(activity: Activity, told: Told) -> Iterator[Gap]:
    for each in activity.recipients:
        line = told.policy.by_number[each.sentence].line
        contract = each.known.contract
        if contract is None:
            message = f"{each.name} has no contract on record (Art. 28(3))"
            repair = f"Record it under `contract:` of {each.name}."
            yield Gap(Field.RECIPIENTS, activity.id, message, told.policy.file, line, repair)
        elif contract.until is not None and contract.until < told.today:
            message = f"the contract with {each.name} ended on {contract.until}"
            yield Gap(Field.RECIPIENTS, activity.id, message, told.policy.file, line, "Renew it, and record its end.")
    for transfer in activity.transfers:
        recipient = next(each for each in activity.recipients if each.name == transfer.recipient)
        line = told.policy.by_number[recipient.sentence].line
        whose = f"{transfer.onward} (for {transfer.recipient})" if transfer.onward else transfer.recipient
        if transfer.ground is None:
            message = f"{whose} is in {country_name(transfer.country)}, and nothing is named that the transfer rests on"
            repair = f"Add `transfer: {{ground: ...}}` to {transfer.recipient} (Art. 44 to 49)."
            yield Gap(Field.TRANSFERS, activity.id, message, told.policy.file, line, repair)
        elif transfer.ground == "derogation" and transfer.document is None and transfer.onward is None:
            message = f"the transfer to {whose} rests on a derogation, and no document shows its safeguards"
            repair = "Name the `document:` (Art. 30(1)(e), 49(1) second subparagraph)."
            yield Gap(Field.TRANSFERS, activity.id, message, told.policy.file, line, repair)
        if transfer.until is not None and transfer.until < told.today:
            message = f"the ground of the transfer to {whose} ended on {transfer.until}"
            yield Gap(Field.TRANSFERS, activity.id, message, told.policy.file, line, "Renew it, and record its end.")


def _line_of(purpose: str, told: Told) -> int:
    return next(use.line for use in told.policy.uses if use.purpose == purpose)
