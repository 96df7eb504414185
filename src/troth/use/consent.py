"""Consent given, refused and withdrawn, with the exact words that were agreed to (GDPR Art. 7; ISO/IEC TS 27560).

1. Consent can be given only for a purpose that the policy bases on consent.
2. It is bound to the words as printed: their hash, the file's hash, the sentence. New words later change nothing.
3. It can be withdrawn at any time, as easily as given, also when the purpose has left the policy since.
4. It lasts as long as the policy says (`lasts: 13 months`); from that instant on it counts as not given.
5. Each word is one row more and one ledger leaf, in one transaction; rows are never changed. A recipient who got data
   on a consent that ends is queued to be told in the same (`telling`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from troth.errors import PersonUnknown, TrothError
from troth.foundation.ledger import leaves
from troth.foundation.people import PersonNumber
from troth.foundation.store import changes, hold
from troth.use import agreements, standing, telling
from troth.use.agreements import Wording
from troth.use.office import Office, known_method, said_at, unknown_purpose
from troth.use.standing import Person
from troth.use.tables import consent_events, consent_meanings, consent_texts
from troth.use.words import Consent

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Where one person stands on one purpose. `state` is None when they were never asked; then so is all after it.

    `record` numbers the row that counts, `leaf` its ledger entry; `text_sha256` is the hash of the words agreed to.
    `until` is when a consent ends by itself; `source` where it was brought from.
    """

    purpose: str
    declared: bool
    state: Consent | None = None
    since: datetime | None = None
    clause: str | None = None
    number: str | None = None
    text_sha256: str | None = None
    language: str | None = None
    method: str | None = None
    record: int | None = None
    leaf: int | None = None
    until: datetime | None = None
    source: str | None = None

    @property
    def given(self) -> bool:
        return self.state is Consent.GIVEN


def wordings(office: Office) -> dict[str, Wording]:
    """The words of each purpose that rests on consent, in the order of the page."""
    return agreements.wordings(office.policy, office.compiled)


def give(
    office: Office,
    person: Person,
    purpose: str,
    *,
    language: str = "en",
    method: str = "form",
    at: datetime | None = None,
) -> Choice:
    """Record that `person` consents to `purpose`; when this returns, every decision knows.

    Raises: UnknownName for a purpose not declared or not based on consent; PersonUnknown, PersonAmbiguous; TrothError
    for a language that the policy is not printed in, or a time in the future; StoreError. Then nothing was written.
    """
    return _say(office, person, purpose, Consent.GIVEN, language=language, method=method, at=at)


def refuse(
    office: Office,
    person: Person,
    purpose: str,
    *,
    language: str = "en",
    method: str = "form",
    at: datetime | None = None,
) -> Choice:
    """Record that `person`, when asked, said no to `purpose`. Raises as `give`."""
    return _say(office, person, purpose, Consent.REFUSED, language=language, method=method, at=at)


def withdraw(
    office: Office, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None
) -> Choice:
    """Record that `person` no longer consents; when this returns, no decision permits on that consent.

    To withdraw twice is to withdraw once. Who spoke of a purpose can withdraw also after it has left the policy.
    Raises: UnknownName for a purpose of which nobody knows; PersonUnknown, PersonAmbiguous; StoreError.
    """
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return withdraw_in(tx, office, number, purpose, method=method, at=at)


def show(office: Office, person: Person) -> tuple[Choice, ...]:
    """Where `person` stands on each purpose that rests on consent, in the order of the page; then on those gone.

    Raises: PersonUnknown, PersonAmbiguous; StoreError.
    """
    with office.store.reading() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return show_in(tx, office, number)


def give_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, *, language: str, method: str
) -> Choice:
    """As `give`, now, within a deed of the caller's."""
    return _write(tx, office, person, purpose, Consent.GIVEN, language=language, method=method, at=None)


def write_in(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    purpose: str,
    event: Consent,
    *,
    language: str,
    method: str,
    **more: Any,
) -> Choice:
    """Write any word, now, within a deed of the caller's; `more` are further columns of the register."""
    return _write(tx, office, person, purpose, event, language=language, method=method, at=None, **more)


def withdraw_in(
    tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str, at: datetime | None = None
) -> Choice:
    """As `withdraw`, within a deed of the caller's."""
    hold(tx, f"said by {person}")
    last = last_in(tx, person, purpose)
    if last is None:
        wording_of(office, purpose)
    elif last.event is Consent.WITHDRAWN:
        return _choice(office, last)
    return _write(tx, office, person, purpose, Consent.WITHDRAWN, language=_language(office), method=method, at=at)


def show_in(tx: Connection, office: Office, person: PersonNumber) -> tuple[Choice, ...]:
    """As `show`, within a transaction of the caller's."""
    rows = tx.execute(
        select(consent_events)
        .where(consent_events.c.person == person)
        .order_by(consent_events.c.at, consent_events.c.id)
    )
    last = {row.purpose: row for row in rows}
    purposes = dict.fromkeys((*office.compiled.consent_bits, *last))
    return tuple(
        _choice(office, last[purpose]) if purpose in last else Choice(purpose, declared=True) for purpose in purposes
    )


def record_many(
    office: Office,
    choices: Iterable[tuple[Person, str, datetime | None]],
    event: Consent,
    *,
    language: str = "en",
    method: str = "import",
) -> int:
    """Record many words (person, purpose, when) in one transaction, written in batches; gives how many.

    All or nothing: one unknown person or purpose undoes the whole. Raises as `give`.
    """
    known_method(method)
    spoken = _language(office, language)
    texts = wordings(office)
    count = 0
    waiting = iter(choices)
    with office.deed() as tx:
        while batch := list(islice(waiting, _BATCH)):
            numbers = list(standing.find_many(tx, office.keyring, [person for person, _, _ in batch]))
            missing = numbers.count(None)
            if missing:
                raise PersonUnknown(
                    f"{missing} of the people in this batch are unknown or ambiguous; nothing was written"
                )
            rows = []
            for number, (_, purpose, at) in zip(numbers, batch, strict=True):
                assert number is not None
                last = last_in(tx, number, purpose) if at is None or purpose not in texts else None
                wording = texts.get(purpose) or _wording_unless(
                    office, purpose, withdrawn=last is not None and event is Consent.WITHDRAWN
                )
                moment = said_at(office, at, None if last is None else last.at)
                rows.append(
                    row_of(office, number, wording or purpose, event, language=spoken, method=method, at=moment)
                )
            keep_wordings(tx, {texts[row["purpose"]] for row in rows if row["purpose"] in texts})
            insert(tx, office, rows)
            count += len(rows)
    return count


def _say(
    office: Office, person: Person, purpose: str, event: Consent, *, language: str, method: str, at: datetime | None
) -> Choice:
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        return _write(tx, office, number, purpose, event, language=language, method=method, at=at)


def _write(
    tx: Connection,
    office: Office,
    person: PersonNumber,
    purpose: str,
    event: Consent,
    *,
    language: str,
    method: str,
    at: datetime | None,
    **more: Any,
) -> Choice:
    wording = _wording_unless(office, purpose, withdrawn=event is Consent.WITHDRAWN)
    spoken = _language(office, language)
    known_method(method)
    hold(tx, f"said by {person}")
    before = last_in(tx, person, purpose)
    moment = said_at(office, at, None if before is None else before.at)
    row = row_of(office, person, wording or purpose, event, language=spoken, method=method, at=moment, **more)
    if wording is not None:
        keep_wordings(tx, {wording})
    insert(tx, office, [row])
    last = last_in(tx, person, purpose)
    assert last is not None
    return _choice(office, last)


def row_of(
    office: Office,
    person: PersonNumber,
    wording: Wording | str,
    event: Consent,
    *,
    language: str,
    method: str,
    at: datetime,
    **more: Any,
) -> dict[str, Any]:
    """One word as the register takes it; `wording` is the name alone of a purpose that has left the policy."""
    known = wording if isinstance(wording, Wording) else None
    lasts = known.terms.lasts if known is not None and event is Consent.GIVEN else None
    return {
        "person": person,
        "purpose": known.purpose if known else wording,
        "event": event,
        "at": at,
        "recorded_at": office.clock.now(),
        "text_sha256": known.sha256 if known else None,
        "meaning_sha256": known.meaning_sha256 if known else None,
        "clause": known.clause if known else None,
        "number": known.number if known else None,
        "policy_sha256": bytes.fromhex(office.policy.sha256),
        "policy_updated": office.policy.last_updated,
        "language": language,
        "method": method,
        "until": None if lasts is None else lasts.after(at),
        "guardian": None,
        "source": None,
        "source_sha256": None,
        "source_line": None,
    } | more


def insert(tx: Connection, office: Office, rows: list[dict[str, Any]]) -> None:
    """Write words made by `row_of`, each with its leaf, in the caller's deed."""
    entries = [
        leaves.Entry(
            f"consent.{row['event']}",
            row["person"],
            {
                "purpose": row["purpose"],
                "at": row["at"],
                "text": None if row["text_sha256"] is None else row["text_sha256"].hex(),
                "sentence": row["number"],
                "policy": office.policy.sha256,
                "language": row["language"],
                "method": row["method"],
                "meaning": None if row["meaning_sha256"] is None else row["meaning_sha256"].hex(),
                **_beside(row),
            },
            row["recorded_at"],
        )
        for row in rows
    ]
    for row, leaf in zip(rows, leaves.append_many(tx, office.keyring, entries), strict=True):
        row["leaf"] = leaf
    tx.execute(consent_events.insert(), rows)
    telling.queue_in(tx, office, rows)
    changes.note(tx, [row["person"] for row in rows])


def _beside(row: dict[str, Any]) -> dict[str, Any]:
    """What only some words have: an end, a guardian, a source."""
    found = {"until": row["until"], "source": row["source"], "line": row["source_line"]}
    found |= {name: None if row[name] is None else row[name].hex() for name in ("guardian", "source_sha256")}
    return {name: value for name, value in found.items() if value is not None}


def keep_wordings(tx: Connection, agreed: Iterable[Wording]) -> None:
    """Keep the words and what they mean, each version once."""
    made = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    known = list(agreed)
    if not known:
        return
    texts = [{"sha256": one.sha256, "text": one.text} for one in known]
    tx.execute(made(consent_texts).on_conflict_do_nothing(index_elements=[consent_texts.c.sha256]), texts)
    meanings = [{"sha256": one.meaning_sha256, "purpose": one.purpose, "meaning": one.meaning} for one in known]
    tx.execute(made(consent_meanings).on_conflict_do_nothing(index_elements=[consent_meanings.c.sha256]), meanings)


def _choice(office: Office, row: Any) -> Choice:
    return Choice(
        purpose=row.purpose,
        declared=row.purpose in office.compiled.consent_bits,
        state=state_at(row.event, row.until, office.clock.now()),
        since=row.at,
        clause=row.clause,
        number=row.number,
        text_sha256=None if row.text_sha256 is None else row.text_sha256.hex(),
        language=row.language,
        method=row.method,
        record=row.id,
        leaf=row.leaf,
        until=row.until if row.event is Consent.GIVEN else None,
        source=row.source,
    )


def state_at(event: Consent, until: datetime | None, now: datetime) -> Consent:
    """What a word is worth at `now`: a consent whose end has come is expired, whether or not that was written down."""
    return Consent.EXPIRED if event is Consent.GIVEN and until is not None and until <= now else event


def wording_of(office: Office, purpose: str) -> Wording:
    """The words of a purpose that rests on consent. Raises: UnknownName for any other."""
    found = wordings(office).get(purpose)
    if found is None:
        consents = tuple(office.compiled.consent_bits)
        declared = purpose in office.compiled.purposes
        message = (
            "does not rest on consent; there is nothing to consent to."
            if declared
            else "is not a purpose of this policy."
        )
        raise unknown_purpose(office, purpose, message, consents)
    return found


def _wording_unless(office: Office, purpose: str, *, withdrawn: bool) -> Wording | None:
    """The words of `purpose`; None only for what is withdrawn after it has left the policy."""
    return wordings(office).get(purpose) if withdrawn else wording_of(office, purpose)


def last_in(tx: Connection, person: PersonNumber, purpose: str) -> Any:
    """The row of the word that counts about a purpose; None when nothing was said."""
    return standing.last_said(tx, consent_events, person, purpose)


def _language(office: Office, language: str | None = None) -> str:
    """The language of the words that are recorded: that of the policy's own text, its controller's first."""
    printed = office.policy.controller.languages[0]
    if language is not None and language != printed:
        raise TrothError(
            "the policy's words are not in this language, so nobody can have agreed to them in it", expected=printed
        )
    return printed
