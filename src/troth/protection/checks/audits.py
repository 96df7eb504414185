"""Audits and assessments proven: what scanners wrote, as it was kept, and what nobody mended in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.attestations import reading as attestations
from troth.foundation.ledger import entries
from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.periods import Duration
from troth.policy.vocabulary import Measure
from troth.protection.audits import reading
from troth.protection.audits.formats import Format, Severity

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence
    from troth.protection.audits.reading import FindingSeen, ScanSeen

_GRAVE = frozenset({Severity.CRITICAL, Severity.HIGH})
_MOST_OUTPUTS = 60
"""So many outputs of one tool are read again, the newest first: a daily scan has every limit of `[audits]` in them."""

_USUAL = Duration(12, "month")
_IMPORT = "let the scanner run, then `troth audit import FILE`"


@check(
    id="protection.audit-overdue",
    promise="audits and assessments are conducted",
    applies=lambda sentence, _: sentence.meaning.measure is Measure.AUDITS,
    reference="GDPR Art. 32(1)(d)",
)
def audit_overdue(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Audits and assessments take place as often as is said, and what they found is mended in time.

    What it proves: the newest output of a scanner on record is younger than the interval, is kept unaltered and as the
    ledger says, and every critical or high hole in the newest output of each tool stands in the register, as grave as
    there and no younger than the first of the outputs that report it without a break; none is open for longer than
    `[audits] critical` or `high`, unless a VEX or a suppression says why it is none. That somebody from outside tried
    to get in is attested (`pentest`). Where no tool writes what can be taken in, an assessment can be attested, too
    (`vulnerability-assessment`).

    What it does not prove: that the scanners look at everything; that what is accepted is no hole.

    Repair: scan, and take the output in; mend what is old, or write down why it is none. Before: no scan on record.
    After: `pip-audit --format json -o audit.json`, `troth audit import audit.json`.
    """
    every = sentence.meaning.every or _USUAL
    with seen.need_store().reading() as tx:
        last = reading.last_of_each_tool(tx)
        found = reading.findings(tx)
        faults = [fault for scan in last for fault in _unregistered(tx, scan, found)]
        faults += _kinder_than_told(tx)
        faults += _made_younger(tx, found, seen)
    scanned = [each for each in last if each.format is not Format.VEX]
    if not scanned:
        what = "an assessment for holes, and no output of a scanner is on record"
        yield attestations.look(seen, (sentence.id, "vulnerability-assessment"), what=what, repair=_IMPORT)
        yield _tried_from_outside(seen, sentence)
        return
    yield from faults
    newest = scanned[0]
    if every.after(newest.scanned_at) <= seen.now:
        yield broken(
            "audits", f"the last scan was on {newest.scanned_at:%Y-%m-%d}; that is not within {every}", repair=_IMPORT
        )
    else:
        yield kept("audits", f"{counted(len(scanned), 'tool')}, the last scan on {newest.scanned_at:%Y-%m-%d}")
    yield from _open_too_long(seen, found)
    yield _tried_from_outside(seen, sentence)


def _open_too_long(seen: Observation, found: tuple[FindingSeen, ...]) -> Iterator[Saw]:
    settings = seen.settings.audits
    limits = {Severity.CRITICAL: settings.critical, Severity.HIGH: settings.high}
    late = [each for each in found if reading.is_late(each, settings, seen.now)]
    for each in late:
        yield broken(
            each.place or each.tool,
            f"{each.name} ({each.severity}) is open since {each.first_seen:%Y-%m-%d},"
            f" longer than {limits[each.severity]}",
            repair="mend it and scan again, or take in a VEX that says why it is none: `troth audit import FILE`",
        )
    if not late:
        open_ = sum(1 for each in found if each.is_open)
        accepted = sum(1 for each in found if each.accepted is not None and each.closed_at is None)
        yield kept(
            "audits", f"no critical or high hole is open too long; {open_} open, {accepted} accepted with reason"
        )


def _unregistered(tx: Connection, scan: ScanSeen, found: tuple[FindingSeen, ...]) -> Iterator[Saw]:
    """What a kept output holds and the register does not; or that it is no longer what was taken in."""
    output = reading.output_of(tx, scan)
    if output is None:
        yield unproven(
            f"scan {scan.id}",
            f"the kept output of {scan.tool} is not the one taken in (its hash differs)",
            repair=_IMPORT,
        )
        return
    known = {each.key: each for each in found if each.tool == scan.tool}
    for hole in output.holes:
        if hole.severity not in _GRAVE or hole.accepted is not None:
            continue
        each = known.get(hole.key)
        if each is not None and (each.severity is not hole.severity or each.own is not None):
            yield broken(
                hole.place or scan.tool,
                f"{hole.name} ({hole.severity}) is said to be less in the register than {scan.tool} wrote",
                repair=_IMPORT,
            )
        if each is None or each.closed_at is not None or each.first_seen > scan.scanned_at:
            yield broken(
                hole.place or scan.tool,
                f"{hole.name} ({hole.severity}) stands in the newest output of {scan.tool} and not in the register",
                repair=_IMPORT,
            )


def _kinder_than_told(tx: Connection) -> Iterator[Saw]:
    """Scans on record that are not what the ledger says of them, and those that it lacks."""
    claims = reading.claims(tx)
    for name in entries.untrue(tx, claims):
        yield broken(name, entries.NOT_AS_TOLD, repair=f"find out who changed the register; {_IMPORT}")
    struck = sum(1 for _ in entries.of_kind(tx, "audit.scanned")) - len(claims)
    if struck > 0:
        yield broken(
            "audits", f"{counted(struck, 'scan')} in the ledger that the register lacks", repair="put the store back"
        )


def _made_younger(tx: Connection, found: tuple[FindingSeen, ...], seen: Observation) -> Iterator[Saw]:
    """Open holes that older outputs of their tool report too, without a break, from before the register says."""
    of_tool: dict[str, list[ScanSeen]] = {}
    for scan in reading.scans(tx):
        of_tool.setdefault(scan.tool, []).append(scan)
    keys: dict[int, frozenset[str]] = {}
    for each in found:
        if each.severity not in _GRAVE or not each.is_open or reading.is_late(each, seen.settings.audits, seen.now):
            continue
        for scan in of_tool.get(each.tool, ())[:_MOST_OUTPUTS]:
            if scan.id not in keys:
                output = reading.output_of(tx, scan)
                keys[scan.id] = frozenset(hole.key for hole in output.holes) if output is not None else frozenset()
            if each.key not in keys[scan.id]:
                break
            if scan.scanned_at < each.first_seen:
                yield broken(
                    each.place or each.tool,
                    f"{each.name} ({each.severity}) was reported on {scan.scanned_at:%Y-%m-%d} already,"
                    f" and the register has it from {each.first_seen:%Y-%m-%d}",
                    repair="find out who changed the register, and put the day right",
                )
                break


def _tried_from_outside(seen: Observation, sentence: Sentence) -> Saw:
    return attestations.look(seen, (sentence.id, "pentest"), what="a test by somebody from outside")


CHECKS: tuple[Check, ...] = (audit_overdue,)
