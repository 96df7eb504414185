"""One report in four forms that say the same."""

from __future__ import annotations

import datetime as dt
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

from troth.entrypoints.reports import json as as_json
from troth.entrypoints.reports import junit, sarif, text
from troth.foundation.proof import Evidence, Finding, Grade, Report, SentenceReport, Verdict

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


@pytest.fixture
def report() -> Report:
    evidence = Evidence("use.made-up", Grade.MEASURED, NOW, "users in shop", "12 rows", dt.timedelta(days=1))
    worse = Finding("use.made-up", Verdict.BROKEN, "users in shop", "1 row [x] <b>", "run `troth map`", "GDPR Art. 5")
    unseen = Finding("use.made-up", Verdict.UNPROVEN, "", "nothing was there", "look", "")
    return Report(
        "policy.yaml",
        "ab" * 32,
        NOW,
        (
            SentenceReport("policy", "0", "We care.", Verdict.BROKEN, ("1a",), (), (), ("1a", "1b", "1c")),
            SentenceReport("use.a", "1a", "One & <two> [bold]", Verdict.BROKEN, (), (evidence,), (worse,), (), 4),
            SentenceReport("use.b", "1b", "Two\x0b", Verdict.UNPROVEN, (), (), (unseen,), (), 5),
            SentenceReport("use.c", "1c", "三", Verdict.KEPT, (), (evidence,), (), (), 6),
        ),
        version=3,
    )


def test_json_has_the_promised_shape_and_reads_back_whole(report: Report) -> None:
    value = json.loads(json.dumps(as_json.of_report(report)))

    assert value["schema"] == 1
    assert value["policy"] == {"file": "policy.yaml", "version": 3, "hash": "ab" * 32}
    assert value["summary"] == {"kept": 1, "broken": 2, "unproven": 1}
    assert [clause["number"] for clause in value["clauses"]] == ["0", "1a", "1b", "1c"]
    assert value["clauses"][0]["caused_by"] == ["1a"]
    assert set(value["clauses"][1]["evidence"][0]) >= {"grade", "observed_at", "source", "detail"}
    assert set(value["clauses"][1]["findings"][0]) >= {"check", "where", "message", "repair"}
    assert as_json.to_report(value) == report


def test_json_of_another_schema_is_refused(report: Report) -> None:
    with pytest.raises(ValueError, match="schema 9"):
        as_json.to_report({**as_json.of_report(report), "schema": 9})


def test_text_shows_the_sentence_above_the_fact_and_the_repair_below(report: Report) -> None:
    stream = io.StringIO()

    text.write(report, Console(file=stream, width=120))

    shown = stream.getvalue()
    assert shown.index('"One & <two> [bold]"') < shown.index("1 row [x] <b>") < shown.index("run `troth map`")
    assert "because of 1a" in shown
    assert "nothing was there" in shown
    assert shown.rstrip().endswith("Sentences: 1 kept, 2 broken, 1 unproven.")
    assert "三" not in shown


def test_text_shows_everything_when_asked(report: Report) -> None:
    stream = io.StringIO()

    text.write(report, Console(file=stream, width=120), everything=True)

    assert "三" in stream.getvalue()
    assert "users in shop: 12 rows (measured, use.made-up)" in stream.getvalue()


def test_text_keeps_to_the_width_of_a_terminal_and_to_one_line_elsewhere(report: Report) -> None:
    long = "no program has run for the purpose of this sentence within a month, so nothing shows what is used for it"
    unseen = Finding("use.made-up", Verdict.UNPROVEN, "", long, f"look: {long}", "")
    unproven = replace(report.sentences[2], findings=(unseen,))
    report = replace(report, sentences=(unproven,))
    narrow, piped = io.StringIO(), io.StringIO()

    text.write(
        report, Console(file=narrow, width=60, force_terminal=True, color_system=None, _environ={"TERM": "xterm"})
    )
    text.write(
        report,
        Console(file=narrow, width=60, force_terminal=True, color_system=None, _environ={"TERM": "xterm"}),
        everything=True,
    )
    text.write(report, Console(file=piped, width=60))

    assert max(map(len, narrow.getvalue().splitlines())) <= 60
    assert any(long in line for line in piped.getvalue().splitlines())


def test_text_says_of_a_sentence_that_nothing_looks_at_where_to_find_out_why(report: Report) -> None:
    stream = io.StringIO()
    report = replace(report, sentences=(replace(report.sentences[2], findings=()),))

    text.write(report, Console(file=stream, width=120), everything=True)

    assert "troth lint" in stream.getvalue()
    assert " 1 sentence " in stream.getvalue()


def test_sarif_places_every_finding_at_its_line(report: Report) -> None:
    log = sarif.of_report(report, ())

    results = log["runs"][0]["results"]
    assert log["version"] == "2.1.0"
    assert [(result["level"], result["properties"]["number"]) for result in results] == [
        ("error", "1a"),
        ("note", "1b"),
    ]
    assert results[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_junit_fails_what_is_broken_and_skips_what_is_unproven(report: Report) -> None:
    suite = ET.fromstring(junit.of_report(report).encode())[0]

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "2", "1")
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["failure"], ["skipped"], []]


def test_junit_fails_the_unproven_where_proof_is_required(report: Report) -> None:
    suite = ET.fromstring(junit.of_report(report, require_proof=True).encode())[0]

    assert (suite.get("failures"), suite.get("skipped")) == ("3", "0")
