"""The page of the measures: what was looked at last, and for how long that counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of
from tests.use.company import POLICY
from troth.entrypoints.reports.json import of_report
from troth.foundation import verdicts
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.foundation.roles import Role
from troth.policy import reading
from troth.protection.checks import CHECKS
from troth.protection.measures import console

PROMISE = """\
protection:
  number: "3"
  title: Protection
  text: We protect what we hold.
  servers: {text: Our servers are secure., measure: infrastructure, hosts: [shop.example.com]}
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, policy=POLICY + PROMISE) as made:
        yield made


@pytest.fixture
def site(office: Office) -> Iterator[Any]:
    with site_of(office) as made:
        yield made


def shown(office: Office, site: Any) -> str:
    page = browser(site)
    sign_in_staff(office, page, Role.AUDITOR)
    answer = page.get("/console/measures")
    assert answer.status_code == 200
    return answer.text


def test_before_the_first_check_the_page_says_so(office: Office, site: Any) -> None:
    assert "Nothing was checked yet" in shown(office, site)


def test_each_measure_stands_there_with_what_was_looked_at(office: Office, site: Any, tmp_path: Path) -> None:
    policy = reading.parse((POLICY + PROMISE).encode())
    seen = Observation(policy, office.now, tmp_path)
    report = run_checks(policy, CHECKS, seen)
    with office.desk.office.store.writing() as tx:
        verdicts.record(tx, checked_at=report.checked_at, report=of_report(report))

    text = shown(office, site)

    assert "Our servers are secure." in text
    assert "protection.open-port" in text
    assert "troth has no store yet" in text
    assert "probes are switched off" in text


def test_what_speaks_against_it_comes_first_and_evidence_says_until_when_it_counts(tmp_path: Path) -> None:
    from troth.foundation.proof import Evidence, Finding, Grade, SentenceReport, Verdict

    now = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
    evidence = Evidence("a.b", Grade.MEASURED, now, "a host", "fine", dt.timedelta(days=1))
    finding = Finding("a.c", Verdict.BROKEN, "a port", "is open", "close it")
    sentence = SentenceReport("s", "3a", "Servers.", Verdict.BROKEN, (), (evidence,), (finding,))

    first, second = console.looks(sentence)

    assert (first.where, first.verdict, first.repair, first.until) == ("a port", "broken", "close it", None)
    assert (second.where, second.how, second.until) == ("a host", "measured", now + dt.timedelta(days=1))
