"""Consents from elsewhere: judged first, all of a file or nothing, never twice, with provenance, never trusted blindly."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.use.company import Company
from troth.errors import TrothError, UnknownName, UnreadableFile
from troth.use import renewal
from troth.use.recording import commands, exporting, importing, records
from troth.use.tables import consent_events, consent_texts
from troth.use.words import Consent

CANARY = "canary-91f0@customer.example"


@pytest.fixture
def people(company: Company) -> Company:
    return _peopled(company)


@pytest.fixture
def people_on_each(company_on_each: Company) -> Company:
    return _peopled(company_on_each)


def _peopled(company: Company) -> Company:
    for number in range(1, 6):
        company.troth.register(id=str(number), email=f"person{number}@customer.example")
    return company


def brought(company: Company, table: str, **more: Any) -> importing.Plan:
    file = company.folder / "old.csv"
    file.write_text(table)
    return importing.carry_out(company.office, file, source="old-crm", **({"purpose": "marketing"} | more))


def test_a_file_is_brought_once_with_its_provenance(people_on_each: Company) -> None:
    people = people_on_each
    text = 'id,at,word,text\n1,2024-05-01T10:00:00+02:00,given,"Yes, send me news"\n2,2024-06-01,refused,\n1,2025-01-01,withdrawn,\n3,2024-05-02,given,Yes please\n'

    first, second = brought(people, text), brought(people, text)

    assert (first.lines, first.new, first.known, first.faults) == (4, 4, 0, ())
    assert (second.new, second.known) == (0, 4)
    rows = people.rows(consent_events)
    assert [(row.person, row.event, row.source, row.source_line) for row in rows] == [
        (1, Consent.GIVEN, "old-crm", 2),
        (3, Consent.GIVEN, "old-crm", 5),
        (2, Consent.REFUSED, "old-crm", 3),
        (1, Consent.WITHDRAWN, "old-crm", 4),
    ]
    assert {row.source_sha256.hex() for row in rows} == {first.sha256}
    assert {row.text for row in people.rows(consent_texts)} >= {"Yes, send me news", "Yes please"}
    troth = people.troth
    assert troth.permitted("marketing", "contact.email", [f"id={n}" for n in range(1, 6)]) == ["id=3"]
    body = json.loads(people.leaves()[-1].content)["body"]
    assert (body["source"], body["line"]) == ("old-crm", 4)


def test_what_does_not_say_to_which_words_is_kept_and_permits_nothing(people: Company) -> None:
    found = brought(people, "id,at\n1,2024-05-01\n")

    assert (found.new, found.unproven) == (1, 1)
    assert not people.troth.may("id=1", "marketing", "contact.email")
    [row] = people.rows(consent_events)
    assert (row.event, row.text_sha256) == (Consent.UNKNOWN, None)
    with people.office.store.reading() as tx:
        [record] = records.of_person(tx, people.office, 1)
    assert record.json["consent_status"] == "https://w3id.org/dpv#ConsentUnknown"
    assert record.json["events"][0]["provenance"]["source"] == "old-crm"


def test_words_for_the_whole_file_make_it_proven_and_are_not_asked_anew(people: Company) -> None:
    found = brought(people, "id,at\n1,2024-05-01\n", text="I would like your letters about tea.")
    assert found.unproven == 0
    assert people.troth.may("id=1", "marketing", "contact.email")
    assert renewal.ask(people.office) == ()


FAULTY = [
    ("id,at\n1,yesterday\n", 2, "at", "not a time"),
    ("id,at\n1,2024-05-01T10:00:00\n", 2, "at", "no zone"),
    ("id,at\n1,2099-01-01\n", 2, "at", "still to come"),
    ("id,at,word\n1,2024-05-01,maybe\n", 2, "word", "not a word"),
    ("id,at,purpose\n1,2024-05-01,fraud\n", 2, "purpose", "not a purpose that rests on consent"),
    ("id,at,method\n1,2024-05-01,By Phone\n", 2, "method", "one lower-case word"),
    ("id,at\n404,2024-05-01\n", 2, "who", "nobody is known"),
    ("id,email,at\n1,person2@customer.example,2024-05-01\n", 2, "who", "different people"),
    ("email,at\nno address,2024-05-01\n", 2, "who", "not an e-mail"),
    ("id,at\n,2024-05-01\n", 2, "who", "a person is named"),
    ("id,at\n1,2024-05-01,extra\n", 2, "", "3 cells"),
    ("id,at\n1,2024-05-01\n1,2024-05-01\n", 3, "", "earlier line"),
    ("id,at,colour\n1,2024-05-01,red\n", 1, "", "not one of those"),
    ("id,id,at\n1,1,2024-05-01\n", 1, "", "stands twice"),
    ("id\n1\n", 1, "at", "when it was said"),
    ("at\n2024-05-01\n", 1, "", "who it was"),
    ('id,at\n1,"2024-05-01\n', 2, "", "cannot be read"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), FAULTY, ids=[case[3] for case in FAULTY])
def test_each_fault_is_named_with_its_line_and_nothing_is_written(
    people: Company, text: str, line: int, column: str, words: str
) -> None:
    found = brought(people, text)

    assert [(fault.line, fault.path) for fault in found.faults] == [(line, column)]
    assert words in found.faults[0].message
    assert people.count(consent_events) == 0


def test_all_faults_are_told_at_once_and_one_stops_the_whole_file(people: Company) -> None:
    text = f"email,at,word\nperson1@customer.example,2024-05-01,given\n{CANARY},2024-05-01,given\nperson2@customer.example,never,{CANARY}\n"
    found = brought(people, text)
    assert [(fault.line, fault.path) for fault in found.faults] == [(4, "at"), (4, "word"), (3, "who")]
    assert CANARY not in "".join(map(str, found.faults))
    assert people.count(consent_events) == 0


def test_a_file_that_is_no_table_and_a_source_that_is_no_name_are_refused(people: Company) -> None:
    office, file = people.office, people.folder / "old.csv"
    with pytest.raises(UnreadableFile):
        importing.plan(office, people.folder / "missing.csv", source="old-crm", purpose="marketing")
    file.write_bytes(b"id,at\n1,\xff\n")
    with pytest.raises(UnreadableFile, match="UTF-8"):
        importing.plan(office, file, source="old-crm", purpose="marketing")
    file.write_text("")
    with pytest.raises(UnreadableFile, match="first line"):
        importing.plan(office, file, source="old-crm", purpose="marketing")
    file.write_text("id,at\n")
    with pytest.raises(TrothError, match="source"):
        importing.plan(office, file, source="Bob's list", purpose="marketing")
    with pytest.raises(UnknownName):
        importing.plan(office, file, source="old-crm", purpose="fraud")


def test_an_end_that_the_file_names_is_kept_to(people: Company) -> None:
    found = brought(people, "id,at,until,text\n1,2024-05-01,2025-05-01,Yes\n2,2024-05-01,2030-05-01,Yes\n")
    assert found.new == 2
    assert people.troth.permitted("marketing", "contact.email", ["id=1", "id=2"]) == ["id=2"]


def test_the_terminal_shows_first_and_does_only_when_told(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command("import")(commands.import_)
    app.command("export")(commands.export)
    monkeypatch.chdir(company.folder)
    monkeypatch.setenv("STORE_URL", company.environ["STORE_URL"])
    key = company.troth.register(id="1").removeprefix("key=")
    Path("words.txt").write_text("=Yes, I want news\n")
    Path("old.csv").write_text("id,at\n1,2024-05-01\n")
    words = ["import", "old.csv", "--source", "old-crm", "--purpose", "marketing", "--text", "words.txt"]

    shown = CliRunner().invoke(app, words)
    assert (shown.exit_code, shown.stdout) == (0, "would write: 1 of 1 lines (1 given)\n")
    assert "--yes" in shown.stderr
    assert company.count(consent_events) == 0
    done = CliRunner().invoke(app, [*words, "--yes", "--format", "json"])
    assert json.loads(done.stdout)["done"] is True
    again = CliRunner().invoke(app, [*words, "--yes"])
    assert again.stdout == "written: 0 of 1 lines (none)\non record already: 1\n"

    exported = CliRunner().invoke(app, ["export"])
    [row] = csv.DictReader(exported.stdout.splitlines())
    assert row["key"] == key
    assert row["text"] == "'=Yes, I want news", "no spreadsheet runs it"
    assert json.loads(CliRunner().invoke(app, ["export", "--format", "json"]).stdout)["text"] == "=Yes, I want news"
    Path("back.csv").write_text(exported.stdout)
    back = CliRunner().invoke(app, ["import", "back.csv", "--source", "own-export", "--yes"])
    assert back.stdout.startswith("written: 0 of 1 lines"), "what is on record is not brought twice"

    Path("old.csv").write_text("id,at\n404,2024-05-01\n")
    faulty = CliRunner().invoke(app, [*words, "--yes"])
    assert faulty.exit_code == 1
    assert "old.csv:2:1  who: nobody is known by this." in faulty.stdout


def test_export_leads_back_to_the_same_standing(people: Company, tmp_path: Path) -> None:
    troth = people.troth
    troth.give_consent("id=1", "marketing")
    troth.give_consent("id=1", "analytics")
    troth.withdraw_consent("id=1", "analytics")
    with people.office.store.reading() as tx:
        rows = list(exporting.export(tx))
    assert [(row["purpose"], row["word"]) for row in rows] == [
        ("marketing", "given"), ("analytics", "given"), ("analytics", "withdrawn"),
    ]  # fmt: skip
