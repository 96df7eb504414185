"""A real schema on three engines: a map drafted by itself, and a policy that forgets something."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from tests.chinook import *  # noqa: F403 - its fixtures
from troth.collection import drafting
from troth.collection.checks import CHECKS
from troth.foundation.observation import Observation
from troth.foundation.proof import Report, Verdict, run_checks
from troth.foundation.records.reading import Records
from troth.policy import mapreading, reading

POLICY = Path(__file__).with_name("chinook-policy.yaml").read_text(encoding="utf-8")
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def checked(url: str, policy_text: str, folder: Path, *, unmapped: str = "") -> Report:
    """One check of section 1 with a drafted map, from which the lines of the column `unmapped` are taken out."""
    policy = reading.parse(policy_text.encode(), "chinook-policy.yaml")
    drafted = drafting.draft_map(url, name="music", variable="MUSIC")
    kept = [
        line for line in drafted.splitlines() if not (unmapped and re.match(rf" +{unmapped}: ", line, re.IGNORECASE))
    ]
    datamap = mapreading.parse("\n".join(kept).encode(), "datamap.yaml")
    with Records.open(datamap, {"MUSIC": url}, base=folder) as records:
        return run_checks(policy, CHECKS, Observation(policy, NOW, folder, datamap=datamap, records=records))


def test_a_policy_that_says_what_the_tables_hold_is_kept(chinook_url: str, tmp_path: Path) -> None:
    report = checked(chinook_url, POLICY, tmp_path)

    assert {s.number: s.verdict for s in report.sentences if s.number in ("1", "1.1", "1.1a", "1.1c")} == dict.fromkeys(
        ("1", "1.1", "1.1a", "1.1c"), Verdict.KEPT
    )


@pytest.mark.parametrize(
    ("forgotten", "columns"),
    [("contact.phone", 2), ("contact.fax", 2), ("identity.birth_date", 1), ("transaction.billing_address", 5)],
)
def test_what_the_policy_forgets_is_named_at_1_1_with_table_and_column(
    chinook_url: str, tmp_path: Path, forgotten: str, columns: int
) -> None:
    text = POLICY.replace(f", {forgotten}", "")
    assert text != POLICY

    report = checked(chinook_url, text, tmp_path)

    found = report.of("1.1").findings
    assert report.of("1.1").verdict is Verdict.BROKEN
    assert {finding.check for finding in found} == {"collection.undeclared-column"}
    assert len(found) == columns
    assert all(forgotten in finding.message and finding.where.endswith(" in music") for finding in found)
    if forgotten == "contact.phone":
        places = {finding.where.lower() for finding in found}
        assert places == {"customer.phone in music", "employee.phone in music"}
    assert report.of("1").caused_by == ("1.1",)
    assert report.of("1.1a").verdict is Verdict.KEPT


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (POLICY.replace(", contact.phone", ""), "contact.phone), which section 1 does not name"),
        (POLICY, "the data map does not name it, and it looks like contact.phone"),
    ],
    ids=["forgotten by both", "forgotten by the map"],
)
def test_a_phone_number_that_the_map_forgets_is_found_in_the_database_itself(
    chinook_url: str, tmp_path: Path, policy: str, words: str
) -> None:
    found = checked(chinook_url, policy, tmp_path, unmapped="phone").of("1.1").findings

    assert {finding.where.lower() for finding in found} == {"customer.phone in music", "employee.phone in music"}
    assert all(words in finding.message for finding in found)
