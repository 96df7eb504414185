"""What the rooms over the registers can be tried on, brought about."""

from __future__ import annotations

import datetime as dt
import hashlib

from tests.entrypoints.makers import Try, no_transfer
from tests.rights.desks import Office
from troth.entrypoints.reports.json import of_report
from troth.foundation import verdicts
from troth.foundation.guards import pausing
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.policy import reading


def changed_text(office: Office, *_: object) -> Try:
    """The policy with other bytes that mean the same, unpublished."""
    no_transfer(office)
    file = office.desk.instance.policy_file
    file.write_text(f"{file.read_text()}# {len(file.read_text())}\n")
    return Try(form={"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})


def paused(office: Office, *_: object) -> Try:
    """What writes into the company's stores is stopped."""
    desk = office.desk.office
    with desk.store.writing() as tx:
        pausing.pause(tx, desk.keyring, office.now)
    return Try()


def assessing(office: Office, *_: object) -> Try:
    purpose = office.desk.office.policy.purposes[0]
    form = {"purpose": purpose, "document": "policy.yaml", "residual": "acceptable", "review": str(office.now.date())}
    return Try(form=form)


def scanned(office: Office, *_: object) -> Try:
    """What pip-audit wrote just now, in bytes that nobody has seen before."""
    office.company.clock.advance(dt.timedelta(seconds=1))
    return Try(
        form={"tool": "pip-audit"},
        files={"output": b'{"dependencies": []}' + b" " * (int(office.now.timestamp()) % 5_000)},
    )


def sequenced(office: Office, *_: object) -> Try:
    """Every entry of the ledger has its place, under a signed head."""
    desk = office.desk.office
    sequence_all(desk.store, desk.keyring)
    return Try()


def proven(office: Office, *_: object) -> Try:
    """The newest entry of the ledger, which has its place."""
    sequenced(office)
    return Try({"number": str(office.company.leaves()[-1].id)})


def checked(office: Office, *_: object) -> Try:
    """The policy as its file is now has been checked."""
    file = office.desk.instance.policy_file
    seen = Observation(reading.read(file), office.now, file.parent)
    with office.desk.office.store.writing() as tx:
        verdicts.record(tx, checked_at=office.now, report=of_report(run_checks(seen.policy, (), seen)))
    return sequenced(office)
