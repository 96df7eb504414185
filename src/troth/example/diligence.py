"""What Example Company does about its promises besides software: it trains, scans, assesses, and says so by name.

Every entry goes through the same deed as in any company; the papers stand under `documents`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from troth.foundation import staff
from troth.foundation.attestations import register as attestations
from troth.foundation.attestations.register import Statement
from troth.foundation.keys import Keyring
from troth.foundation.store import Store
from troth.policy import reading
from troth.protection.audits import register as audits
from troth.protection.impacts import register as impacts
from troth.protection.impacts.register import Weighed
from troth.protection.training import clearance, course
from troth.protection.training import register as training

_HALF_A_YEAR = dt.timedelta(days=180)
_ATTESTED = (
    ("business-transfer", "No part of the business was sold or merged.", "dpo", "minutes-no-transfer.md"),
    ("consent-sharing", "Nobody gets data because people agreed to it.", "dpo", "minutes-no-partners.md"),
    ("patches", "Security updates are put in daily.", "administrator", "server-baseline.md"),
    ("disk-encryption", "All volumes are encrypted.", "administrator", "server-baseline.md"),
    ("default-credentials", "Nothing answers to the password it came with.", "administrator", "server-baseline.md"),
    ("backup-restore", "The backup was put back on trial, and was whole.", "administrator", "restore.md"),
    ("pentest", "Nobody got in; what was remarked is mended.", "dpo", "pentest.md"),
)
_SCANS = ("vex.json", "scan-dependencies.json")
_ASSESSED = ("fraud", "terms")


def take_care(store: Store, keyring: Keyring, folder: Path, team: Sequence[str], now: dt.datetime) -> None:
    """Train the team, take in the scans, record the assessments, and attest what no probe can see."""
    policy = reading.read(folder / "policy.yaml")
    with store.reading() as tx:
        accounts = {account.name: account.id for account in staff.list_(tx)}
    with store.writing() as tx:
        for name in team:
            quiz = training.begin(tx, accounts[name], course.load(), now)
            best = {each.question: each.order.index(0) for each in quiz.drawn}
            training.answer(tx, keyring, quiz, best, course.load(), clearance.every(policy), now)
        for name in _SCANS:
            audits.take_in(tx, keyring, (folder / "documents" / name).read_bytes(), name, now)
        for purpose in _ASSESSED:
            paper = f"documents/impact-{purpose}.md"
            weighed = Weighed(purpose, paper, "dpo", (now + 2 * _HALF_A_YEAR).date())
            impacts.add(tx, keyring, policy, folder, weighed, now)
        for about, says, owner, paper in _ATTESTED:
            said = Statement(about, says, owner, f"documents/{paper}", (now + _HALF_A_YEAR).date())
            attestations.attest(tx, keyring, policy, folder, said, now)
