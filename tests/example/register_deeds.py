"""Registers to change behind the ledger's back, one function each: what a hurried officer would write to look better.

Each takes a copy of the company and leaves it with exactly one fault, in troth's own store; no entry is touched.
"""

from __future__ import annotations

import datetime as dt

from tests.example.proving import Copy


def an_attestation_is_made_longer(copy: Copy) -> None:
    copy.store("update attestations set until = '2031-01-01' where about = 'business-transfer'")


def a_training_is_made_longer(copy: Copy) -> None:
    copy.store("update trainings set until = ?", copy.ago(days=-900))


def a_hold_is_put_off(copy: Copy) -> None:
    copy.store("update holds set review = '2028-05-21'")


def a_run_is_made_younger(copy: Copy) -> None:
    copy.store("update retention_runs set begun_at = ?", copy.ago(minutes=5))


def a_hole_is_called_small(copy: Copy) -> None:
    copy.store("update audit_findings set severity = 'low' where name = 'EXAMPLE-2026-0017'")


def a_withdrawal_is_struck(copy: Copy) -> None:
    person = copy.shop(
        "select min(id) from users where closed_at is null and id in (select user_id from newsletter_sends)"
    )[0][0]
    with copy.troth() as troth:
        troth.withdraw_consents([(f"id={person}", "marketing", copy.now - dt.timedelta(minutes=9))])
    copy.store("delete from consent_events where id = (select max(id) from consent_events)")


def a_request_comes_later(copy: Copy) -> None:
    copy.store("update requests set received_at = ? where \"right\" = 'access'", copy.ago(minutes=5))


def a_disclosure_is_made_younger(copy: Copy) -> None:
    copy.store("update disclosures set at = ? where recipient = 'Example Storage'", copy.ago(minutes=5))


def an_erasure_is_made_younger(copy: Copy) -> None:
    copy.store("update erasures set proven_at = ?", copy.ago(minutes=5))


def a_version_is_backdated(copy: Copy) -> None:
    copy.store("update policy_versions set published_at = '2023-12-01 00:00:00.000000'")
