"""What ends soon: from registers and from the policy, on its last day and not after, whatever was renewed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.policies import policy_of
from tests.protection.registers import POLICY, Desk, desk_in
from troth.foundation.attestations import register as attestations
from troth.foundation.attestations.register import Statement
from troth.policy.model import Policy
from troth.policy.periods import Duration
from troth.protection import ending
from troth.protection.impacts import register as impacts
from troth.protection.impacts.register import Weighed
from troth.protection.training import register as training

DAY = dt.timedelta(days=1)
MONTH = Duration(30, "day")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path) as made:
        made.paper("paper.md")
        yield made


def ends(desk: Desk, policy: Policy = POLICY, *, after: dt.timedelta = dt.timedelta()) -> list[tuple[str, str, str]]:
    with desk.store.reading() as tx:
        found = ending.soon(tx, policy, desk.now + after, MONTH)
    return [(str(each.day), each.kind.value, each.what) for each in found]


def attest(desk: Desk, until: dt.date) -> None:
    said = Statement("pentest", "Nobody got in.", "dpo", "paper.md", until)
    with desk.store.writing() as tx:
        attestations.attest(tx, desk.keyring, POLICY, desk.folder, said, desk.now)


def test_a_statement_is_named_until_its_last_day_and_not_when_a_newer_one_holds_longer(desk: Desk) -> None:
    last = (desk.now + 20 * DAY).date()
    attest(desk, last)
    assert ends(desk) == ends(desk, after=20 * DAY) == [(str(last), "attestation", "pentest")]
    assert ends(desk, after=21 * DAY) == []
    attest(desk, last + 200 * DAY)
    assert ends(desk) == []
    assert [what for *_, what in ends(desk, after=200 * DAY)] == ["pentest"]


def test_assessments_and_trainings_end_too_the_nearest_first(desk: Desk) -> None:
    day = (desk.now + 10 * DAY).date()
    account = desk.person("ada")
    desk.person("ben")  # never trained: that is for the check to say
    with desk.store.writing() as tx:
        impacts.add(tx, desk.keyring, POLICY, desk.folder, Weighed("fraud", "paper.md", "dpo", day), desk.now)
        held = Duration(5, "day")
        training.record(tx, desk.keyring, account, "course", desk.now, held, desk.now, body={})
    assert ends(desk) == [
        (str((desk.now + 5 * DAY).date()), "training", "ada"),
        (str(day), "impact assessment", "fraud"),
    ]
    assert ends(desk, policy_of(_OTHER)) == [ends(desk)[0]], "a purpose that is declared no more is no matter"


_OTHER = """
use: {number: "2", title: Use, text: We use data., uses: [{purpose: legal, data: [device.ip], basis: legal-obligation}]}
"""
_DATED = """
use:
  number: "2"
  title: Use
  text: We use data.
  uses: [{purpose: fraud, data: [device.ip], basis: legitimate-interests}]
  weighed:
    text: We weighed it.
    balance_tests:
      fraud: {document: paper.md, sha256: "%s", reviewed: 2025-12-20, review: 12 months}
sharing:
  number: "4"
  title: Sharing
  text: We share data.
  given:
    text: With one.
    recipients:
      - {name: Example Pay, purpose: fraud, data: [device.ip], country: US,
         contract: {document: paper.md, sha256: "%s", until: 2026-12-05},
         certificate: {kind: PCI DSS, until: 2026-12-01},
         transfer: {ground: adequacy, until: 2028-01-01}}
"""


def test_dates_of_the_policy_end_too(desk: Desk) -> None:
    policy = policy_of(_DATED % ("ab" * 32, "ab" * 32))
    assert ends(desk, policy) == [
        ("2026-12-01", "recipient", "Example Pay: certificate PCI DSS"),
        ("2026-12-05", "recipient", "Example Pay: contract"),
        ("2026-12-20", "balance test", "fraud"),
    ]
