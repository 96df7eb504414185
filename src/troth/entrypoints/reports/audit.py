"""The audit report: what is promised and how it stands, what is open, how requests went, what the registers hold.

    {schema, report: {...}, note}

`note` is a signed note (C2SP signed-note) by the key of the ledger, over the SHA-256 of the report's canonical bytes
(RFC 8785): whoever has the ledger's public key can tell that nobody altered it. Its first line is not the name of a
ledger, so that it can't be taken for a checkpoint. Names of staff who answer for something stand in it; people's data
do not.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from troth.entrypoints.reports import alone, registers
from troth.entrypoints.reports.json import of_report, to_report
from troth.errors import KeyUnavailable, TrothError
from troth.foundation import verdicts
from troth.foundation.canonical import digest
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, notes
from troth.foundation.ledger.notes import PublicKey
from troth.foundation.proof import Verdict
from troth.policy import reading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from troth.foundation.store import Store
    from troth.policy.settings import Instance

SCHEMA = 1
FIRST_LINE = "troth report"


def signed(instance: Instance, store: Store, now: dt.datetime) -> dict[str, Any]:
    """The report with its note. Where there is no key, `note` is None and `unsigned` says why.

    Raises: TrothError when nothing was checked yet, or the files cannot be read.
    """
    report = gather(instance, store, now)
    made: dict[str, Any] = {"schema": SCHEMA, "report": report, "note": None}
    ledger = report["ledger"]
    if ledger is None:
        return made | {"unsigned": "the ledger has no signed head yet"}
    try:
        keyring = Keyring.load(instance.folder, instance.environ)
    except KeyUnavailable as problem:
        return made | {"unsigned": problem.message}
    made["note"] = notes.sign(_text(report), ledger["origin"], keyring)
    return made


def verify(made: dict[str, Any], known: list[PublicKey]) -> None:
    """Make sure that a key of `known` signed this very report. Raises: ProofInvalid."""
    from troth.errors import ProofInvalid

    if notes.read(made["note"] or "", known) != _text(made["report"]):
        raise ProofInvalid("the note was signed over another report: it was altered")


def _text(report: dict[str, Any]) -> str:
    return f"{FIRST_LINE}\n{digest(report).hex()}\n"


def gather(instance: Instance, store: Store, now: dt.datetime) -> dict[str, Any]:
    """Everything that the report says, as JSON. Raises: TrothError when nothing was checked yet."""
    policy = reading.read(instance.policy_file)
    with store.reading() as tx:
        kept = verdicts.latest(tx, policy.sha256)
        if kept is None:
            raise TrothError("this text of the policy was not checked yet.", repair="Run `troth check` first.")
        judged = to_report(kept).as_of(now)
        said = of_report(judged)
        return {
            "company": policy.controller.name,
            "made_at": now.isoformat(),
            "policy": said["policy"],
            "checked_at": said["checked_at"],
            "summary": said["summary"],
            "open": _open(said["clauses"]),
            "clauses": said["clauses"],
            "requests": registers.requests_of(tx, now),
            "registers": registers.registers_of(tx, instance, now),
            "ledger": _ledger(tx),
        }


def _open(clauses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every finding with its sentence, what is broken first."""
    found = [{"number": clause["number"], **finding} for clause in clauses for finding in clause["findings"]]
    return sorted(found, key=lambda each: each["verdict"] != Verdict.BROKEN)


def _ledger(tx: Connection) -> dict[str, Any] | None:
    head = checkpoints.latest(tx)
    if head is None:
        return None
    said = checkpoints.claimed(head.note)
    return {
        "origin": said.origin,
        "size": said.size,
        "root": said.root.hex(),
        "checkpoint": head.note,
        "keys": [key.text for key in checkpoints.public_keys(tx)],
        "verify": [
            "`troth ledger export FOLDER` writes the ledger in the open format tlog-tiles (https://c2sp.org).",
            "The README.md in FOLDER says how to verify it without troth; any tool for tlog-tiles does.",
            "Its checkpoint must go on from the one printed here, and be signed by the key that you were told.",
            "The note of this report is signed by the same key over the SHA-256 of `report` as canonical JSON.",
        ],
    }


def as_json(made: dict[str, Any]) -> str:
    """The signed report as it is written."""
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def as_html(made: dict[str, Any]) -> str:
    """The signed report as one page to read and print. The signed JSON is inside, for whoever verifies it."""
    from markupsafe import Markup

    inside = json.dumps(made, ensure_ascii=False).replace("<", "\\u003c")
    return alone.document(
        "record/report.html",
        title="Audit report",
        company=made["report"]["company"],
        report=made["report"],
        note=made["note"],
        unsigned=made.get("unsigned"),
        inside=Markup(inside),  # noqa: S704 - JSON without a single `<`
    )
