"""The commands, as an operator types them: results go to standard output, talk to standard error, statuses as said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.use.company import Company
from troth.errors import TrothError
from troth.use import commands

CANARY = "canary-33aa"

app = typer.Typer()
app.command("may")(commands.may)
app.add_typer(commands.consent, name="consent")
app.command("object")(commands.object_)
app.command("restrict")(commands.restrict)


class Terminal:
    """Types commands in the company's folder."""

    def __init__(self, company: Company, patch: pytest.MonkeyPatch) -> None:
        company.troth.register(id=CANARY, email=f"{CANARY}@example.org")
        patch.chdir(company.folder)
        patch.setenv("STORE_URL", company.environ["STORE_URL"])
        self.person = f"id={CANARY}"

    def run(self, *words: str, typed: str | None = None) -> tuple[int, str, str]:
        """Exit status, standard output, standard error; an error of troth is told as `main` tells it."""
        result = CliRunner().invoke(app, list(words), input=typed)
        if isinstance(result.exception, TrothError):
            return 2, result.stdout, result.exception.diagnostics()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def json(self, *words: str, status: int = 0) -> Any:
        code, out, err = self.run(*words, "--format", "json")
        assert (code, err) == (status, ""), err
        return json.loads(out)


@pytest.fixture
def terminal(company: Company, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(company, monkeypatch)


def test_a_decision_says_yes_or_no_with_the_sentence_and_ends_0_or_1(terminal: Terminal) -> None:
    yes = terminal.run("may", terminal.person, "--purpose", "service.provide", "--data", "contact.email")
    no = terminal.run(
        "may", terminal.person, "--purpose", "marketing", "--data", "contact.email", "--data", "profile.name"
    )

    assert yes == (0, 'yes  basis applies  1.1a use.purposes.service\n     "We run your account."\n', "")
    assert no == (1, 'no  consent not given  1.1b use.purposes.mailing\n     "We send you the newsletter."\n', "")


def test_the_same_as_json(terminal: Terminal) -> None:
    told = terminal.json("may", terminal.person, "--purpose", "marketing", "--data", "contact.email", status=1)

    assert told == {
        "schema": 1,
        "permitted": False,
        "reason": "consent-not-given",
        "clause": "use.purposes.mailing",
        "number": "1.1b",
    }


def test_the_person_can_come_from_standard_input(terminal: Terminal) -> None:
    asked = ("may", "-", "--purpose", "service.provide", "--data", "contact.email")

    assert terminal.run(*asked, typed=f"email={CANARY}@example.org\n")[0] == 0
    status, _, told = terminal.run(*asked, typed="\n")
    assert (status, "standard input named nobody" in told) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--purpose", "marketting", "--data", "contact.email"), 'Did you mean "marketing"?'),
        (
            ("--purpose", "marketing", "--data", "contact.fax"),
            "1.1b declares for marketing: contact.email, profile.name.",
        ),
        (
            ("--purpose", "marketing", "--data", "contact.email", "--to", "Example Pay"),
            "recipients declared for marketing: Example Mail.",
        ),
    ],
)
def test_a_slip_is_refused_and_the_right_names_are_told_aside(
    terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    status, out, err = terminal.run("may", terminal.person, *words)

    assert (status, out.startswith("no  ")) == (1, True)
    assert told in err
    assert "policy.yaml" in err


def test_somebody_unknown_is_refused_and_named_by_nothing(terminal: Terminal) -> None:
    status, out, err = terminal.run(
        "may", f"email=x{CANARY}@example.org", "--purpose", "service.provide", "--data", "contact.email"
    )

    assert (status, out.splitlines()[0]) == (1, "no  person unknown  1.1a use.purposes.service")
    assert "Nobody is known by that." in err
    assert CANARY not in out + err


@pytest.mark.parametrize(
    "words",
    [
        ("may", CANARY, "--purpose", "marketing", "--data", "contact.email"),
        ("consent", "give", f"email=x{CANARY}@example.org", "--purpose", "marketing"),
        ("consent", "give", f"id={CANARY}", "--purpose", f"{CANARY}@example.org"),
        ("consent", "give", f"id={CANARY}", "--purpose", "marketing", "--method", f"by {CANARY}"),
        ("consent", "give", f"id={CANARY}", "--purpose", "marketing", "--at", "2027-01-01T00:00:00"),
        ("consent", "withdraw", f"id={CANARY}", "--purpose", "service.provide"),
        ("consent", "show", f"id=x{CANARY}"),
        ("object", f"id={CANARY}", "--purpose", "service.provide"),
        ("restrict", f"id=x{CANARY}"),
        ("restrict", f"id={CANARY}", "--ground", "whim"),
    ],
)
def test_what_cannot_be_done_ends_2_with_a_message_that_names_nobody(
    terminal: Terminal, company: Company, words: tuple[str, ...]
) -> None:
    status, out, err = terminal.run(*words)

    assert (status, out) == (2, "")
    assert err.strip()
    assert CANARY not in err
    assert "Traceback" not in err
    assert company.leaves() == []


def test_consent_is_given_shown_and_withdrawn(terminal: Terminal) -> None:
    given = terminal.json(
        "consent",
        "give",
        terminal.person,
        "--purpose",
        "marketing",
        "--method",
        "paper",
        "--at",
        "2026-01-02T03:04:05+00:00",
    )
    assert [(one["state"], one["since"], one["method"]) for one in given["consents"]] == [
        ("given", "2026-01-02T03:04:05+00:00", "paper")
    ]
    status, out, _ = terminal.run("consent", "show", terminal.person)
    assert (status, out.splitlines()[0]) == (0, "marketing            given      since 2026-01-02T03:04:05+00:00")
    assert out.splitlines()[1] == "analytics            no         never asked"

    assert (
        terminal.json("consent", "withdraw", terminal.person, "--purpose", "marketing")["consents"][0]["state"]
        == "withdrawn"
    )

    assert (
        terminal.json("may", terminal.person, "--purpose", "marketing", "--data", "contact.email", status=1)["reason"]
        == "consent-withdrawn"
    )


def test_an_objection_and_a_restriction_are_recorded_and_lifted(terminal: Terminal) -> None:
    assert terminal.json("object", terminal.person, "--purpose", "fraud")["objects"] is True
    assert terminal.json("restrict", terminal.person, "--ground", "accuracy-contested")["grounds"] == [
        "accuracy-contested"
    ]
    shown = terminal.json("consent", "show", terminal.person)
    assert [one["purpose"] for one in shown["objections"] if one["objects"]] == ["fraud"]
    assert shown["restriction"]["restricted"] is True
    text = terminal.run("consent", "show", terminal.person)[1]
    assert "objects to fraud, since" in text
    assert "use is restricted (accuracy-contested) since" in text

    assert terminal.run("object", terminal.person, "--purpose", "fraud", "--lift")[1].startswith(
        "does not object to fraud, since"
    )
    assert (
        terminal.run("restrict", terminal.person, "--ground", "accuracy-contested", "--lift")[1]
        == "use is not restricted\n"
    )
    assert terminal.run("restrict", terminal.person)[1].startswith("use is restricted (request) since")


def test_a_folder_without_an_instance_is_told_in_one_line(tmp_path: Path) -> None:
    code = """
from tests.use.test_commands import app
from troth.errors import TrothError
try:
    app()
except TrothError as problem:
    print(problem)
    raise SystemExit(2)
"""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = ["may", "id=17", "--purpose", "marketing", "--data", "contact.email"]

    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (2, "")
    assert "policy.yaml" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing is made by asking"


def test_what_only_a_guess_would_permit_is_told_with_the_line_to_confirm(terminal: Terminal, company: Company) -> None:
    policy = company.folder / "policy.yaml"
    lines = policy.read_text().splitlines()
    at = next(place for place, line in enumerate(lines) if "purpose: service.provide" in line)
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines.insert(at, f"{indent}guess: true")
    policy.write_text("\n".join(lines) + "\n")

    told = terminal.run("may", terminal.person, "--purpose", "service.provide", "--data", "contact.email")

    assert told[0] == 1
    assert "take `guess: true` out" in told[2]
    assert told[2].startswith("policy.yaml:")


def test_who_is_unknown_is_told_how_people_become_known(terminal: Terminal) -> None:
    for words in (("consent", "show"), ("restrict",)):
        status, _, told = terminal.run(*words, "id=nobody")
        assert status == 2
        assert "register(id=" in told
