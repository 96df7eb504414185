"""Write the register of breaches: facts, effects and what was done (GDPR Art. 33(5)); each act with its ledger entry.

What happened is told in words that may name people: they are sealed under the instance's key, and so is the list of
who is concerned. The ledger holds the number, the act, the law and counts. A breach is closed when every duty to tell
is done, or excused with a reason; never before.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, update

from troth.errors import MoveRefused, TrothError, UnknownName
from troth.foundation import ids
from troth.foundation.clock import in_utc
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.store import hold
from troth.policy.documents import nearest
from troth.policy.law.deadlines import WEEKENDS
from troth.policy.law.telling import Risk, Role, Told
from troth.policy.law.working_days import WorkingCalendar
from troth.protection.breaches import duties, reading
from troth.protection.breaches.reading import Breach
from troth.protection.breaches.tables import breach_acts, breaches
from troth.protection.breaches.words import Act, Kind

if TYPE_CHECKING:
    from troth.protection.breaches.affected import Concerned

LONGEST_WORDS = 8_000
WORDS = ("what", "consequences", "measures")
"""What is told in words: what happened; what may come of it; what was done and will be (Art. 33(3)(a), (c), (d))."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known at first. `places` are `store.table` or `store.table.column`."""

    noticed_at: dt.datetime
    what: str = field(repr=False)
    kinds: tuple[Kind, ...] = (Kind.CONFIDENTIALITY,)
    role: Role = Role.CONTROLLER
    places: tuple[str, ...] = ()
    began_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Weighing:
    """How the breach was weighed. `grave`: special data are in it, or somebody broke in."""

    risk: Risk
    consequences: str = field(repr=False)
    measures: str = field(repr=False)
    grave: bool = False


def open_(  # noqa: PLR0917 - what an entry needs at hand, then what happened
    tx: Connection,
    keyring: Keyring,
    laws: tuple[str, ...],
    opening: Opening,
    now: dt.datetime,
    staff: int | None = None,
) -> Breach:
    """Enter a breach; its clocks run from when it was noticed. Raises: TrothError for what cannot be."""
    noticed = in_utc(opening.noticed_at)
    if noticed > now:
        raise TrothError("a breach is not noticed in the future", where="--noticed", expected="a time up to now")
    began, ended = opening.began_at, opening.ended_at
    if began is not None and ended is not None and ended < began:
        raise TrothError("a breach does not end before it begins", where="--ended")
    if not opening.kinds:
        raise TrothError("it is not said what happened to the data", expected=f"one of: {', '.join(Kind)}")
    number = f"B{noticed.year:04d}-{ids.reserve(tx, f'breach {noticed.year:04d}'):04d}"
    words = {"what": _said(opening.what, "what happened")}
    made = tx.execute(
        breaches.insert().values(
            number=number,
            noticed_at=noticed,
            began_at=began,
            ended_at=ended,
            role=opening.role,
            kinds=" ".join(opening.kinds),
            laws=" ".join(laws),
            places=json.dumps(opening.places),
            risk=Risk.UNKNOWN,
            grave=False,
            words=_seal(keyring, number, words),
        )
    )
    key = made.inserted_primary_key
    assert key is not None  # INVARIANT: the table numbers its rows
    body = {"noticed_at": noticed, "role": opening.role, "kinds": list(opening.kinds), "laws": list(laws)}
    _act(tx, keyring, key[0], number, Act.OPENED, now, staff=staff, body=body)
    return load(tx, number)


def load(tx: Connection, number: str) -> Breach:
    """The breach of that number. Raises: UnknownName."""
    found = reading.find(tx, number)
    if found is None:
        known = [each.number for each in reading.all_(tx)]
        raise UnknownName("there is no breach of that number.", where="breaches", nearest=nearest(number, known))
    return found


def words_of(keyring: Keyring, breach: Breach) -> dict[str, str]:
    """What is told of the breach in words; those not told yet are empty. Raises: KeyUnavailable."""
    opened: Mapping[str, Any] = json.loads(keyring.unseal(breach.words, context=_context(breach.number)))
    return {name: str(opened.get(name, "")) for name in WORDS}


def persons_of(keyring: Keyring, breach: Breach) -> tuple[int, ...]:
    """The numbers of the people concerned, as far as troth knows them. Raises: KeyUnavailable."""
    from pyroaring import BitMap

    if breach.persons is None:
        return ()
    return tuple(BitMap.deserialize(keyring.unseal(breach.persons, context=_context(breach.number))))


def assess(  # noqa: PLR0917 - as `open_`
    tx: Connection, keyring: Keyring, number: str, weighing: Weighing, now: dt.datetime, staff: int | None = None
) -> Breach:
    """Weigh the breach for the people it concerns; may be done again when more is known.

    Raises: UnknownName, MoveRefused when it is closed; TrothError for a weighing without words.
    """
    breach = _open(tx, number)
    if weighing.risk is Risk.UNKNOWN:
        raise TrothError("a breach is weighed one way or another", expected="unlikely, risk or high")
    words = words_of(keyring, breach)
    words["consequences"] = _said(weighing.consequences, "what may come of it")
    words["measures"] = _said(weighing.measures, "what was done about it")
    values = {"risk": weighing.risk, "grave": weighing.grave, "words": _seal(keyring, number, words)}
    tx.execute(update(breaches).where(breaches.c.id == breach.id).values(**values))
    body = {"risk": weighing.risk, "grave": weighing.grave}
    _act(tx, keyring, breach.id, number, Act.ASSESSED, now, staff=staff, body=body)
    return load(tx, number)


def count(  # noqa: PLR0917 - as `open_`
    tx: Connection, keyring: Keyring, number: str, concerned: Concerned, now: dt.datetime, staff: int | None = None
) -> Breach:
    """Put on record whom the breach concerns: their numbers sealed, how many in clear. Raises as `assess`."""
    breach = _open(tx, number)
    values = {
        "people": concerned.people,
        "rows": concerned.rows,
        "persons": keyring.seal(concerned.persons.serialize(), context=_context(number)),
    }
    tx.execute(update(breaches).where(breaches.c.id == breach.id).values(**values))
    body = {"people": concerned.people, "rows": concerned.rows}
    _act(tx, keyring, breach.id, number, Act.COUNTED, now, staff=staff, body=body)
    return load(tx, number)


def notify(  # noqa: PLR0917 - whom, under which law, when
    tx: Connection,
    keyring: Keyring,
    number: str,
    law: str,
    told: Told,
    at: dt.datetime,
    now: dt.datetime,
    *,
    reference: str = "",
    staff: int | None = None,
) -> Breach:
    """Record that somebody was told at `at`; `reference` is their number or how it was sent.

    Raises as `assess`; TrothError for a time before it was noticed or in the future, or a law that does not bind it.
    """
    breach = _open(tx, number)
    moment = in_utc(at)
    if not breach.noticed_at <= moment <= now:
        raise TrothError("nobody was told then", where="--at", expected="a time from when it was noticed up to now")
    _require_duty(breach, law, told)
    body = {"law": law, "told": told, "at": moment}
    words = {"reference": reference.strip()[:LONGEST_WORDS]} if reference.strip() else None
    facts: dict[str, Any] = {"staff": staff, "body": body, "law": law, "told": told, "words": words}
    _act(tx, keyring, breach.id, number, Act.NOTIFIED, now, at=moment, **facts)
    return load(tx, number)


def excuse(  # noqa: PLR0917 - whom, under which law, why
    tx: Connection,
    keyring: Keyring,
    number: str,
    law: str,
    told: Told,
    why: str,
    now: dt.datetime,
    *,
    staff: int | None = None,
) -> Breach:
    """Record why somebody need not be told (Art. 34(3): encrypted, risk gone, public notice). Raises as `notify`."""
    breach = _open(tx, number)
    _require_duty(breach, law, told)
    words = {"why": _said(why, "why they need not be told")}
    body = {"law": law, "told": told}
    _act(tx, keyring, breach.id, number, Act.EXCUSED, now, staff=staff, body=body, law=law, told=told, words=words)
    return load(tx, number)


def close(
    tx: Connection,
    keyring: Keyring,
    number: str,
    now: dt.datetime,
    *,
    staff: int | None = None,
    calendar: WorkingCalendar = WEEKENDS,
) -> Breach:
    """Close the breach. Raises: UnknownName; MoveRefused while it was not weighed or somebody is still to be told."""
    breach = _open(tx, number)
    waiting = [each.duty for each in duties.standing(breach, calendar=calendar) if each.done_at is None]
    if breach.risk is Risk.UNKNOWN:
        raise MoveRefused("it was not weighed", where=f"breach {number}", repair="Run `troth breach assess` first.")
    if waiting:
        names = ", ".join(f"{each.to} ({each.article})" for each in waiting)
        raise MoveRefused(
            f"somebody is still to be told: {names}",
            where=f"breach {number}",
            repair="Run `troth breach notify` when they are, or with --not-needed and the reason.",
        )
    tx.execute(update(breaches).where(breaches.c.id == breach.id).values(closed_at=now))
    _act(tx, keyring, breach.id, number, Act.CLOSED, now, staff=staff, body={})
    return load(tx, number)


def _open(tx: Connection, number: str) -> Breach:
    """The breach, open, and nobody else's to change until the transaction ends."""
    hold(tx, f"breach {number}")
    breach = load(tx, number)
    if breach.closed_at is not None:
        raise MoveRefused("it is closed", where=f"breach {number}", repair="Enter what is new as another breach.")
    return breach


def _require_duty(breach: Breach, law: str, told: Told) -> None:
    if law not in breach.laws:
        raise UnknownName(
            f'"{law[:40]}" does not bind this breach.',
            where=f"breach {breach.number}",
            expected=f"one of: {', '.join(breach.laws)}",
            nearest=nearest(law, breach.laws),
        )
    if (told is Told.CONTROLLER) != (breach.role is Role.PROCESSOR):
        raise TrothError(
            "a processor tells the controller, and a controller tells authority and people",
            where=f"breach {breach.number}",
        )


def _said(text: str, what: str) -> str:
    kept = text.strip()
    if not 0 < len(kept) <= LONGEST_WORDS:
        raise TrothError(f"it is not said {what}", expected=f"1 to {LONGEST_WORDS:,} letters")
    return kept


def _act(  # noqa: PLR0917 - one entry
    tx: Connection,
    keyring: Keyring,
    breach: int,
    number: str,
    act: Act,
    now: dt.datetime,
    *,
    staff: int | None,
    body: Mapping[str, Any],
    at: dt.datetime | None = None,
    law: str | None = None,
    told: Told | None = None,
    words: Mapping[str, str] | None = None,
) -> None:
    leaf = leaves.append(tx, keyring, f"breach.{act}", None, {"breach": number, "staff": staff, **body}, now)
    sealed = None if words is None else _seal(keyring, number, words)
    facts = {"breach": breach, "act": act, "law": law, "told": told, "at": at or now, "staff": staff}
    tx.execute(breach_acts.insert().values(words=sealed, leaf=leaf, **facts))


def _seal(keyring: Keyring, number: str, words: Mapping[str, str]) -> bytes:
    return keyring.seal(json.dumps(words, ensure_ascii=False).encode(), context=_context(number))


def _context(number: str) -> bytes:
    return f"breach {number}".encode()
