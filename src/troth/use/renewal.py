"""Ask anew when what people agreed to has changed, and write down what ended: renewals, expiries, reminders.

- A purpose whose data, recipients or words have changed for people (`agreements.uncovered`) is no longer covered by
  what they agreed to. From the moment the new policy decides, such a consent counts as not given, for that purpose
  only: a word `renewal-asked` is written for each person, with its ledger entry, before the policy is adopted.
- A consent that has ended by itself gets its word `expired`. Decisions do not wait for it.
- `due` lists whose consent ends soon, so that they can be reminded once.

All are safe to repeat: who was asked is not asked again about the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, func, or_, select

from troth.foundation.clock import in_utc
from troth.foundation.people import PersonNumber
from troth.foundation.store import hold
from troth.use import agreements, consent
from troth.use.agreements import Wording
from troth.use.office import Office
from troth.use.tables import consent_events, consent_meanings, consent_renewals, consent_texts
from troth.use.words import Consent

METHOD_CHANGE = "policy-change"
METHOD_CLOCK = "end-of-time"
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Renewal:
    """A purpose for which people were asked anew: why (in a few words each), and how many."""

    purpose: str
    why: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class Ending:
    """A consent that ends soon. `record` numbers the word, so that one is reminded of it once."""

    person: PersonNumber
    purpose: str
    until: datetime
    record: int


def ask(office: Office) -> tuple[Renewal, ...]:
    """Ask everybody anew whose consent does not cover what the policy of `office` means; gives for which purposes.

    Call it before decisions are made by that policy. Writes nothing when nothing has changed. Raises: StoreError.
    """
    texts = consent.wordings(office)
    with office.store.reading() as tx:
        if next(_stale(tx, texts), None) is None:
            return ()
    found = []
    with office.deed() as tx:
        hold(tx, "consent renewals")
        for stale_one in tuple(_stale(tx, texts)):
            people = _ask_those(tx, office, stale_one)
            found.append(Renewal(stale_one.wording.purpose, stale_one.why, people))
    return tuple(one for one in found if one.people)


def expire(office: Office) -> int:
    """Write down for each consent whose end has come that it expired; gives how many. Raises: StoreError."""
    now = office.clock.now()
    texts = consent.wordings(office)
    ended = 0
    while True:
        with office.store.reading() as tx:
            rows = list(tx.execute(_ending_before(now).limit(_BATCH)))
        if not rows:
            return ended
        with office.deed() as tx:
            hold(tx, "consent expiry")
            still = list(tx.execute(_ending_before(now).limit(_BATCH)))
            _write(tx, office, still, texts, event=Consent.EXPIRED, method=METHOD_CLOCK)
            ended += len(still)


def due(tx: Connection, office: Office) -> tuple[Ending, ...]:
    """Consents that end within the time the policy names for a reminder (`remind: 30 days`), soonest
    first.
    """
    now = office.clock.now()
    found = []
    for wording in consent.wordings(office).values():
        if wording.terms.remind is None:
            continue
        query = _ending_before(wording.terms.remind.after(now)).where(
            consent_events.c.until > now, consent_events.c.purpose == wording.purpose
        )
        found += [Ending(row.person, row.purpose, row.until, row.id) for row in tx.execute(query)]
    return tuple(sorted(found, key=lambda one: one.until))


@dataclass(frozen=True, slots=True)
class _Stale:
    """An agreement that does not cover the policy's meaning any more. Words up to `upto` were asked about already."""

    meaning: bytes
    upto: int
    wording: Wording
    why: tuple[str, ...]


def _stale(tx: Connection, texts: dict[str, Wording]) -> Iterator[_Stale]:
    asked: dict[tuple[bytes, bytes], int] = {}
    for row in tx.execute(select(consent_renewals).order_by(consent_renewals.c.id)):
        asked[bytes(row.before), bytes(row.after)] = row.upto
    for row in list(tx.execute(select(consent_meanings))):
        meaning, wording = bytes(row.sha256), texts.get(row.purpose)
        if wording is None or meaning == wording.meaning_sha256:
            continue
        upto = asked.get((meaning, wording.meaning_sha256), 0)
        words = bytes.fromhex(json.loads(row.meaning)["words"])
        said = tx.execute(select(consent_texts.c.text).where(consent_texts.c.sha256 == words)).scalar_one_or_none()
        why = agreements.uncovered(row.meaning, wording.meaning, said, wording.text)
        if why and tx.execute(_agreed(meaning, upto).limit(1)).first() is not None:
            yield _Stale(meaning, upto, wording, why)


def _agreed(meaning: bytes, upto: int) -> Select[Any]:
    """Words given under `meaning` after word number `upto`."""
    return select(consent_events).where(
        consent_events.c.meaning_sha256 == meaning,
        consent_events.c.id > upto,
        consent_events.c.event == Consent.GIVEN,
    )


def _ask_those(tx: Connection, office: Office, stale: _Stale) -> int:
    """Write the word for each person who stands on the old agreement, and remember up to which word; gives how many."""
    texts = {stale.wording.purpose: stale.wording}
    last = tx.execute(select(func.max(consent_events.c.id))).scalar_one()
    after, people = stale.upto, 0
    while True:
        query = _standing(_agreed(stale.meaning, after)).where(consent_events.c.id <= last)
        rows = list(tx.execute(query.order_by(consent_events.c.id).limit(_BATCH)))
        if not rows:
            break
        after = rows[-1].id
        people += len(rows)
        _write(tx, office, rows, texts, event=Consent.RENEWAL_ASKED, method=METHOD_CHANGE)
    made = consent_renewals.insert().values(
        before=stale.meaning,
        after=stale.wording.meaning_sha256,
        upto=last,
        people=people,
        at=office.clock.now(),
    )
    tx.execute(made)
    return people


def _ending_before(instant: datetime) -> Select[Any]:
    """Consents that stand and whose end comes at `instant` or before, soonest first."""
    ends = select(consent_events).where(
        consent_events.c.until.is_not(None), consent_events.c.until <= instant, consent_events.c.event == Consent.GIVEN
    )
    return _standing(ends).order_by(consent_events.c.until, consent_events.c.id)


def _standing(words: Select[Any]) -> Select[Any]:
    """Those of `words` that count: the person has said nothing later about the purpose."""
    later = consent_events.alias("later")
    said = exists().where(
        later.c.person == consent_events.c.person,
        later.c.purpose == consent_events.c.purpose,
        or_(
            later.c.at > consent_events.c.at,
            and_(later.c.at == consent_events.c.at, later.c.id > consent_events.c.id),
        ),
    )
    return words.where(~said)


def _write(
    tx: Connection,
    office: Office,
    rows: Sequence[Row[Any]],
    texts: Mapping[str, Wording],
    *,
    event: Consent,
    method: str,
) -> None:
    """One word more for each of `rows`, about the words that the policy has now."""
    now = in_utc(office.clock.now())
    language = office.policy.controller.languages[0]
    made = [
        consent.row_of(
            office,
            row.person,
            texts.get(row.purpose, row.purpose),
            event,
            language=language,
            method=method,
            at=max(now, row.at),
        )
        for row in rows
    ]
    consent.keep_wordings(tx, {texts[row.purpose] for row in rows if row.purpose in texts})
    if made:
        consent.insert(tx, office, made)
