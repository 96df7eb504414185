"""The copy says to whom a person's data were really given."""

from __future__ import annotations

import json
from pathlib import Path

from tests.rights.packaging.copies import FACTS, NOW
from troth.rights.packaging import page, reading_matter
from troth.rights.packaging.contents import Copy, Told

TIMES = (
    *tuple(
        Told("Example Desk", "support", "Customer support", "processor", NOW, ("contact.email",), "masked")
        for _ in range(2)
    ),
    Told("Example Pay", "transactions", "Orders", "processor", NOW, ("payment.token",)),
)


def copy_of(told: tuple[Told, ...]) -> Copy:
    return Copy("2026-000412", NOW, "en", FACTS, (), (), iter(()), told)


def test_the_page_says_to_whom_how_often_and_which_data(tmp_path: Path) -> None:
    text = b"".join(page.html(copy_of(TIMES), [], {})).decode()

    assert "Example Desk" in text
    assert "2 times" in text
    assert "E-mail address" in text
    assert "(masked)" in text


def test_who_was_told_of_nobody_reads_so() -> None:
    assert "have been given to anybody" in b"".join(page.html(copy_of(()), [], {})).decode()


def test_programs_get_each_single_time() -> None:
    told = json.loads(json.dumps(reading_matter.facts_json(copy_of(TIMES), [], {})))["disclosures"]

    assert [each["recipient"] for each in told] == ["Example Desk", "Example Desk", "Example Pay"]
    assert told[0]["kinds"] == ["contact.email"]
