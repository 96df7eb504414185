"""Take in what a named role says about a sentence or topic, with its document's hash; or take it back.

The document stays with the company: name and SHA-256 are kept, so that a changed or lost one is seen. In the ledger
stand the subject, the role, the hashes of document and statement, and the last day; no name and no words.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select, update

from troth.errors import AccessDenied, TrothError, UnknownName
from troth.foundation.attestations import reading
from troth.foundation.attestations.reading import Attested
from troth.foundation.attestations.tables import attestations
from troth.foundation.attestations.topics import subject_of
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.roles import Role
from troth.foundation.store import hold
from troth.foundation.tables import staff as accounts
from troth.policy.documents import nearest
from troth.policy.model import Policy

LONGEST_STATEMENT = 2_000
LONGEST_LIFE = dt.timedelta(days=3 * 366)
"""Nobody can say today what holds in ten years; the longest certificates run three."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be attested. `about` is a sentence's id or number, or a topic; `owner` a role or an account's name;
    `document` a path, absolute or below the instance's folder; `until` the last day on which it holds.
    """

    about: str
    statement: str
    owner: str = field(repr=False)
    document: str
    until: dt.date


def attest(  # noqa: PLR0917 - what an entry needs at hand, then the statement
    tx: Connection, keyring: Keyring, policy: Policy, folder: Path, said: Statement, now: dt.datetime
) -> Attested:
    """Record the statement and its ledger entry in the caller's transaction. It replaces earlier ones of its subject.

    Raises: UnknownName for a subject or owner that is none; AccessDenied for an account that is closed; TrothError for
    a statement that says nothing, a document that is not below the folder, or a day that has passed or is too far.
    """
    about = subject_of(policy, said.about)
    statement = _statement(said.statement)
    owner, staff, role = owner_of(tx, said.owner)
    document, sha256 = document_of(folder, said.document)
    if not now.date() <= said.until <= (now + LONGEST_LIFE).date():
        raise TrothError(
            "an attestation cannot hold until that day",
            where="--until",
            expected=f"a day from {now.date()} to {(now + LONGEST_LIFE).date()}",
        )
    body = {
        "about": about,
        "document": sha256,
        "statement": hashlib.sha256(statement.encode()).hexdigest(),
        "role": role,
        "staff": staff,
        "until": said.until.isoformat(),
    }
    leaf = leaves.append(tx, keyring, "attestation.made", None, body, now)
    facts = {"about": about, "owner": owner, "at": now, "until": said.until, "document": document, "sha256": sha256}
    made = tx.execute(attestations.insert().values(statement=statement, staff=staff, leaf=leaf, **facts))
    number = made.inserted_primary_key
    assert number is not None  # INVARIANT: the table numbers its rows
    return Attested(number[0], about, owner, now, said.until, document, sha256, statement)


def withdraw(tx: Connection, keyring: Keyring, number: int, now: dt.datetime) -> Attested:
    """Take back the attestation `number`; it proves nothing from now on. Taking back twice changes nothing.

    Raises: UnknownName when there is none of that number.
    """
    hold(tx, f"attestation {number}")
    found = next((each for each in reading.all_(tx) if each.id == number), None)
    if found is None:
        raise UnknownName(f"there is no attestation of the number {number}.", repair="See `troth attest --list`.")
    if found.withdrawn_at is None:
        leaf = leaves.append(tx, keyring, "attestation.withdrawn", None, {"attestation": number}, now)
        row = attestations.c.id == number
        tx.execute(update(attestations).where(row).values(withdrawn_at=now, withdrawn_leaf=leaf))
        found = next(each for each in reading.all_(tx) if each.id == number)
    return found


def _statement(text: str) -> str:
    kept = unicodedata.normalize("NFC", text).strip()
    if not 0 < len(kept) <= LONGEST_STATEMENT:
        raise TrothError(
            "an attestation says something", where="--statement", expected=f"1 to {LONGEST_STATEMENT:,} letters"
        )
    return kept


def owner_of(tx: Connection, owner: str) -> tuple[str, int | None, str]:
    """How the owner is shown, which account it is if one, and in which role."""
    folded = unicodedata.normalize("NFC", owner).strip().lower()
    if folded in set(Role):
        return folded, None, folded
    row = tx.execute(select(accounts).where(accounts.c.name == folded)).one_or_none()
    if row is None:
        raise UnknownName(
            "the owner is no role and no account of staff.",
            where="--owner",
            expected=f"one of: {', '.join(Role)}, or a name of `troth staff list`",
            nearest=nearest(folded, list(Role)),
        )
    if row.disabled_at is not None:
        raise AccessDenied("this account is closed and answers for nothing", repair="Name somebody who is there.")
    return row.name, row.id, row.role.value


def document_of(folder: Path, named: str) -> tuple[str, str]:
    """The path below `folder`, and the hash of what stands there."""
    home = folder.resolve()
    path = (home / named).resolve()
    if not path.is_relative_to(home):
        raise TrothError(
            "the document does not stand below the folder of troth.toml",
            where="--document",
            repair="Put it beside the policy, `documents/` for one, so that it can be looked at again.",
        )
    relative = path.relative_to(home).as_posix()
    found = reading.sha256_of(path) if path.is_file() else None
    if found is None:
        raise TrothError("there is no such document that can be read", where=relative, expected="a file")
    if len(relative) > 400:
        raise TrothError("the path of the document is too long", where="--document", expected="400 letters at most")
    return relative, found
