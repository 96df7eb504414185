"""The papers of Example Company stand as they would today, whatever day it is."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

from troth.example import papers
from troth.policy import reading

SHIPPED = resources.files("troth.example")
ISO = re.compile(r"(?:until|review|reviewed): (\d{4}-\d{2}-\d{2})")
HASHED = re.compile(r"document: (documents/[\w.-]+),? *\s*sha256: ([0-9a-f]{64})")


def days(text: str) -> list[dt.date]:
    return [dt.date.fromisoformat(found) for found in ISO.findall(text)]


def test_until_the_day_they_were_written_for_they_stand_as_shipped(tmp_path: Path) -> None:
    papers.lay_out(tmp_path, papers.WRITTEN - dt.timedelta(days=40))

    laid = {each.relative_to(tmp_path).as_posix(): each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    documents = {f"documents/{each.name}": each.read_bytes() for each in SHIPPED.joinpath("documents").iterdir()}
    assert laid == documents | {name: SHIPPED.joinpath(name).read_bytes() for name in ("policy.yaml", "datamap.yaml")}


@pytest.mark.parametrize("later", [1, 47, 365, 1_000, 4_000])
def test_each_day_moves_with_the_calendar_and_nothing_else_changes(tmp_path: Path, later: int) -> None:
    papers.lay_out(tmp_path, papers.WRITTEN + dt.timedelta(days=later))

    shipped, laid = SHIPPED.joinpath("policy.yaml").read_text(), (tmp_path / "policy.yaml").read_text()
    assert len(days(shipped)) == 13
    assert days(laid) == [day + dt.timedelta(days=later) for day in days(shipped)]
    plain = [re.sub(r"[0-9a-f]{64}", "", ISO.sub("", text)) for text in (shipped, laid)]
    assert plain[0] == plain[1]
    assert reading.read(tmp_path / "policy.yaml").effective == dt.date(2024, 1, 9)
    hashed = HASHED.findall(laid)
    assert len(hashed) == 9
    for paper, sha256 in hashed:
        assert hashlib.sha256((tmp_path / paper).read_bytes()).hexdigest() == sha256, paper


def test_a_document_and_the_policy_name_the_same_last_day(tmp_path: Path) -> None:
    papers.lay_out(tmp_path, dt.date(2028, 2, 29))

    text = (tmp_path / "policy.yaml").read_text()
    last = re.search(r"certificate: \{kind: PCI DSS AoC, until: ([\d-]+)\}", text)
    assert last is not None
    named = f"{dt.date.fromisoformat(last[1]):%d %B %Y}".lstrip("0")
    assert f"Valid until {named}." in (tmp_path / "documents" / "certificate-example-pay.md").read_text()
    months = (tmp_path / "documents" / "impact-terms.md").read_text()
    assert "To be looked at again by June 2029." in months
