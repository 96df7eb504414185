"""The record as tables with names: the sheets of a workbook, the files of a set of CSV, the parts of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from troth.entrypoints.ropa import columns as laid_out
from troth.entrypoints.ropa import saying
from troth.entrypoints.ropa.record import Field, Record
from troth.entrypoints.ropa.saying import NONE, filled
from troth.entrypoints.ropa.words import Columns, View
from troth.policy.rendering.annexes import country_name, data_label, purpose_label


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; no cell is empty. `key` is its short name, `note` a line about what is in it."""

    key: str
    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheets(record: Record, view: View, columns: Columns) -> tuple[Sheet, ...]:
    """Every table of the record, in the order of reading."""
    made = [_controller(record)]
    if view is View.CONTROLLER:
        heads, rows = laid_out.heads(columns), laid_out.rows(record, columns)
        made.append(Sheet("activities", "Activities", "One line for each processing activity.", heads, rows))
        made += [_recipients(record), _limits(record)]
    else:
        note = "One line for each controller for whom data are processed (Art. 30(2))."
        rows = laid_out.processor_rows(record)
        made.append(Sheet("activities", "For controllers", note, laid_out.PROCESSOR_HEADS, rows))
    return (*made, _measures(record), _gaps(record, view), _about(record))


def _controller(record: Record) -> Sheet:
    it = record.controller
    contacts = [text for _, text in it.contacts]
    rows = (
        ("Name", it.name),
        ("Country", country_name(it.country)),
        ("Contact", filled(contacts, record.missing(Field.CONTACT))),
        ("Data protection officer", filled([it.officer or ""], record.missing(Field.OFFICER))),
        ("Representative", filled([it.representative or ""], record.missing(Field.REPRESENTATIVE))),
        ("Joint controllers", filled(map(saying.joint, it.joint or ()), record.missing(Field.JOINT))),
        ("Kept by", filled([it.keeper or ""], record.missing(Field.KEEPER))),
    )
    return Sheet("controller", "Controller", "Who is responsible, and how they are reached.", ("What", "Who"), rows)


def _recipients(record: Record) -> Sheet:
    heads = ("Recipient", "Kind", "Country", "Purpose", "Data", "Protected by", "Contract", "Hands on to", "Transfer")
    activity = {
        purpose.id: each.id for each in record.activities for purpose in each.purposes
    }  # the gaps of a recipient stand at its activity
    rows = []
    for each in record.recipients:
        known = each.known
        below = "\n".join(
            f"{one.name}, {country_name(one.country)}" + (f": {one.task}" if one.task else "")
            for one in known.sub_processors
        )
        moved = known.transfer
        until = f" until {moved.until}" if moved and moved.until else ""
        rests = f"{moved.ground.replace('-', ' ')}{until}" if moved else ""
        missing = [
            gap
            for gap in record.missing(Field.TRANSFERS, activity.get(known.purpose))
            if gap.message.startswith(f"{each.name} ")
        ]
        rows.append(
            (
                each.name,
                each.kind,
                country_name(known.country),
                purpose_label(known.purpose),
                data_label(each.data),
                each.safeguard or "no safeguard declared",
                saying.contract(each).partition(": ")[2] or "GAP: no contract on record (Art. 28(3))",
                below or NONE,
                filled([rests], missing, "none is needed") if each.third else f"not {record.third}",
            )
        )
    note = "Who receives data, under which papers."
    return Sheet("recipients", "Recipients", note, heads, tuple(rows) or (_nobody(heads, "nobody receives data"),))


def _limits(record: Record) -> Sheet:
    heads = ("Rule", "Data", "Kept for", "Counted from", "Then", "Because", "Sentence")
    rows = tuple(
        (each.id, data_label(each.data), each.keep, each.after, each.then, each.because, each.sentence)
        for each in record.limits
    )
    done = record.executed
    carried = "no run has carried these rules out yet"
    if done.run is not None:
        day = str(done.begun_at)[:16]
        carried = f"carried out by run {done.run} of {day} UTC"
        carried = carried if done.same else f"the last run ({day} UTC) had other rules"
    return Sheet(
        "limits",
        "Time limits",
        f"The rules that end data, as they are carried out (mark {done.mark}): {carried}.",
        heads,
        rows or (_nobody(heads, "no period is declared"),),
    )


def _measures(record: Record) -> Sheet:
    heads = ("Sentence", "Measure", "Kind", "Verdict", "Evidence of", "Evidence")
    rows = tuple(
        (each.sentence, each.text, each.kind, each.verdict, _moment(each.seen_at), each.evidence)
        for each in record.measures
    )
    note = "Technical and organisational measures (Art. 32), with the verdict of the last check."
    empty = _nobody(heads, saying.gap_text(record.missing(Field.MEASURES)))
    return Sheet("measures", "Measures", note, heads, rows or (empty,))


def _gaps(record: Record, view: View) -> Sheet:
    heads = ("Where", "Activity", "What is missing", "Repair")
    rows = tuple(
        (gap.where, gap.activity or "the whole record", gap.message, gap.repair)
        for gap in record.gaps
        if view is View.CONTROLLER or gap.activity is None
    )
    note = "What the record should say and nobody has declared yet."
    return Sheet("gaps", "Gaps", note, heads, rows or (_nobody(heads, "nothing is missing"),))


def _about(record: Record) -> Sheet:
    return Sheet("about", "About", "What this record was made from.", ("What", "Which"), tuple(_sources(record)))


def _sources(record: Record) -> Iterator[tuple[str, str]]:
    it = record.about
    yield "Policy", it.policy_file
    yield "Version of the policy", saying.changed(record)
    yield "Hash of the policy (SHA-256)", it.policy_sha256
    yield "What the last change was", "\n".join(it.changes) or "the first version"
    yield "Data map", it.map_file or "there is none"
    yield "Hash of the data map (SHA-256)", it.map_sha256 or "there is none"
    yield "Last check", _moment(it.checked_at)
    yield "Ledger", f"{it.ledger}, {it.size} entries" if it.ledger else "no signed head yet"
    yield "Root of the ledger", it.root or "no signed head yet"
    yield "Newest fact in this record", _moment(it.as_of)
    yield "Made by", "troth ropa"


def _moment(moment: object) -> str:
    return f"{str(moment)[:16]} UTC" if moment else "never"


def _nobody(heads: tuple[str, ...], said: str) -> tuple[str, ...]:
    return (said, *[NONE] * (len(heads) - 1))
