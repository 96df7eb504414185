"""Requests under a right: taken in with their legal day, moved from state to state, each move an entry of the ledger.

1. `file` writes the row, its day and its leaf in one transaction. What is to be done about it follows from the row, so
   that what was committed and not yet handed to a worker is found again (`waiting`).
2. A request moves only as `MOVES` allows. To move to where it stands already is to do nothing.
3. The same idempotency key gives the same request, however often; with another body it is refused.
4. A person may be unknown when they ask. How they named themselves is sealed, and goes when the request ends.

No company's store is read here: who asks is settled afterwards (`identity`), so that the answer to whoever asks takes
the same time for people we know and people we don't.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, select, update

from troth.errors import KeyReused, MoveRefused, RequestError, RequestUnknown
from troth.foundation import ids
from troth.foundation.ledger import leaves
from troth.foundation.people import Identifier, Kind, PersonNumber
from troth.foundation.store import hold
from troth.policy.vocabulary import Right
from troth.rights import deadlines, repeats
from troth.rights.states import BY_HAND, ENDS, ERASING, MOVES, allowed
from troth.rights.tables import request_moves, request_pauses, requests
from troth.rights.words import Actor, Channel, Proof, RefusalGround, State
from troth.use.office import unknown_purpose
from troth.use.tables import EVERY_PURPOSE

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.rights.desk import Desk
    from troth.use.office import Office

LONGEST_WISH = 4_000
"""Letters that a person may write with a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. What the person said of themselves is not in it: `known_by_of` and `wish_of` open that."""

    id: int
    number: str
    right: Right
    state: State
    person: PersonNumber | None
    channel: Channel
    received_at: datetime
    due: date
    due_at: datetime
    law: str
    article: str
    proof: Proof | None
    confirmed_at: datetime | None
    frozen_until: datetime | None
    lapses_at: datetime | None
    cooling_until: datetime | None
    extended_at: datetime | None
    purpose: str | None
    plan_sha256: str | None
    released_at: datetime | None
    ground: RefusalGround | None
    closed_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether an answer is still owed."""
        return self.state.open

    def is_late(self, now: datetime) -> bool:
        """Whether it was answered too late, or is open and too late already."""
        return (self.closed_at or now) >= self.due_at


@dataclass(frozen=True, slots=True)
class Intake:
    """What somebody asks for. `known_by` is how they named themselves; `person` where we know who it is already.

    `proof` is what has shown that it is they, where something has. `key` makes repeats one request; it counts within
    `channel` and `app`, the name of the program that sent it. `staff` is the account of who typed it in.
    """

    right: Right
    channel: Channel
    known_by: Sequence[Identifier] = field(default=(), repr=False)
    person: PersonNumber | None = None
    proof: Proof | None = None
    purpose: str | None = None
    wish: str = field(default="", repr=False)
    key: str | None = field(default=None, repr=False)
    app: str = ""
    staff: int | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """The request that was taken in; `new` is false where the same had come under the same key before."""

    request: Request
    new: bool


@dataclass(frozen=True, slots=True)
class By:
    """Who does something to a request: `staff` is the account where it is one of the company's people."""

    actor: Actor
    staff: int | None = None


HOUSE = By(Actor.HOUSE)
PERSON = By(Actor.PERSON)


# --- taking in ----------------------------------------------------------------------------------------------------


def file(desk: Desk, intake: Intake) -> Filed:
    """Take a request in; when this returns it is durable and has its number and its day.

    Raises: KeyReused for a key that came with another body; RequestError for a wish that is too long; UnknownName for
    an objection to what cannot be objected to; StoreError.
    """
    if intake.key is not None:  # a repeat is found without a turn to write
        with desk.office.store.reading() as tx:
            known = _known(tx, desk.office.keyring, intake)
        if known is not None:
            return known
    with desk.office.store.writing() as tx:
        return file_in(tx, desk, intake)


def file_in(tx: Connection, desk: Desk, intake: Intake) -> Filed:
    """As `file`, within a transaction of the caller's."""
    if len(intake.wish) > LONGEST_WISH:
        raise RequestError("what was written is too long", expected=f"at most {LONGEST_WISH} letters")
    office = desk.office
    _require_purpose(office, intake)
    once, body = repeats.once_of(office.keyring, intake), repeats.body_of(office.keyring, intake)
    if once is not None:
        hold(tx, f"request once {once.hex()}")
        known = _known(tx, office.keyring, intake)
        if known is not None:
            return known
    now = office.clock.now()
    due = deadlines.answer_due(office.policy.laws, intake.right, now, calendar=desk.calendar)
    number = ids.request_number(tx, now)
    row = {
        "number": number,
        "right": intake.right,
        "state": State.RECEIVED,
        "person": intake.person,
        "channel": intake.channel,
        "app": intake.app or None,
        "received_at": now,
        "due": due.day,
        "due_at": due.ends(),
        "law": due.law,
        "article": due.article,
        "proof": intake.proof,
        "purpose": intake.purpose,
        "known_by": _sealed(office.keyring, number, "known by", [_pair(one) for one in intake.known_by]),
        "wish": _sealed(office.keyring, number, "wish", intake.wish),
        "once": once,
        "body": body if once is not None else None,
    }
    made = tx.execute(requests.insert().values(row).returning(*requests.c)).one()
    request = request_of(made)
    said = {"due": due.day.isoformat(), "law": due.article, "channel": intake.channel, "purpose": intake.purpose}
    _note_move(tx, office, request, None, State.RECEIVED, said, by=_asker(intake), word="received")
    return Filed(request, new=True)


# --- finding ------------------------------------------------------------------------------------------------------


def find(tx: Connection, which: int | str) -> Request | None:
    """The request of that id, or of that number; None where there is none."""
    row = tx.execute(_BY_NUMBER if isinstance(which, str) else _BY_ID, {"which": which}).one_or_none()
    return None if row is None else request_of(row)


def load(tx: Connection, which: int | str) -> Request:
    """As `find`, for what must exist. Raises: RequestUnknown."""
    found = find(tx, which)
    if found is None:
        raise RequestUnknown(repair="See `troth request list`.")
    return found


def hold_and_load(tx: Connection, which: int | str) -> Request:
    """As `load`, for a deed that hangs on how it stands: nobody else moves it until the transaction ends."""
    hold(tx, f"request {load(tx, which).id}")
    return load(tx, which)


def known_by_of(tx: Connection, office: Office, request: Request) -> tuple[Identifier, ...]:
    """How the person named themselves, or how we know them; nothing once the request has ended."""
    pairs = _opened(tx, office.keyring, request, requests.c.known_by, "known by") or []
    return tuple(Identifier(Kind(kind), value, verified) for kind, value, verified in pairs)


def wish_of(tx: Connection, office: Office, request: Request) -> str:
    """What the person wrote with the request; empty once it has ended."""
    return str(_opened(tx, office.keyring, request, requests.c.wish, "wish") or "")


def addresses_of(tx: Connection, office: Office, request: Request) -> tuple[str, ...]:
    """The e-mail addresses that were on file when the person's identity was settled; nothing once it has ended."""
    return tuple(_opened(tx, office.keyring, request, requests.c.addresses, "addresses") or ())


# --- moving -------------------------------------------------------------------------------------------------------


def move(
    tx: Connection,
    office: Office,
    request: Request,
    to: State,
    body: Mapping[str, Any] | None = None,
    *,
    by: By = HOUSE,
    word: str = "",
    note: str = "",
    **facts: Any,
) -> Request:
    """Move a request to `to`, with its leaf of kind `request.<to>` in the caller's transaction; gives it as it is now.

    `body` holds ids, counts and words of ours for the leaf; `note` is sealed beside it. `facts` are further columns.
    At an end, what the person said of themselves is wiped. A request that stands at `to` already is left alone.
    Raises: MoveRefused where `MOVES` has no such move, also when somebody else moved it first.
    """
    current = hold_and_load(tx, request.id)
    if current.state is to:
        return current
    require_move(current, to)
    now = office.clock.now()
    values: dict[str, Any] = {"state": to, **facts}
    if to in ENDS:
        values |= {"closed_at": now, "known_by": None, "wish": None, "addresses": None}
    row = tx.execute(
        update(requests)
        .where(requests.c.id == current.id, requests.c.state == current.state)
        .values(values)
        .returning(*requests.c)
    ).one_or_none()
    if row is None:
        raise MoveRefused(where=f"request {current.number}")
    _note_move(tx, office, current, current.state, to, body or {}, by=by, word=word or to, note=note)
    return request_of(row)


def note(
    tx: Connection,
    office: Office,
    request: Request,
    word: str,
    body: Mapping[str, Any] | None = None,
    *,
    by: By = HOUSE,
    text: str = "",
    **facts: Any,
) -> Request:
    """Write down something that happened to a request and moved it nowhere, with its leaf `request.<word>`."""
    current = hold_and_load(tx, request.id)
    if facts:
        tx.execute(update(requests).where(requests.c.id == request.id).values(facts))
        current = load(tx, request.id)
    _note_move(tx, office, current, current.state, current.state, body or {}, by=by, word=word, note=text)
    return current


def keep_identity(
    tx: Connection,
    office: Office,
    request: Request,
    *,
    known_by: Sequence[Identifier] | None = None,
    addresses: Sequence[str] | None = None,
) -> None:
    """Seal how we know the person, and which addresses were on file, into the request."""
    values: dict[str, Any] = {}
    if known_by is not None:
        values["known_by"] = _sealed(office.keyring, request.number, "known by", [_pair(one) for one in known_by])
    if addresses is not None:
        values["addresses"] = _sealed(office.keyring, request.number, "addresses", list(addresses))
    if values:
        tx.execute(update(requests).where(requests.c.id == request.id).values(values))


def require_move(request: Request, to: State) -> None:
    """Make sure that the request may go to `to`. Raises: MoveRefused, which names both states."""
    may = allowed(request.right, request.state)
    if to not in may:
        expected = ", ".join(state for state in State if state in may) or "no further move"
        raise MoveRefused(
            f"a request that is {request.state} cannot become {to}",
            where=f"request {request.number}",
            expected=expected,
        )


def pauses_of(tx: Connection, request: Request, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The times in which an answer of the person was awaited; one that goes on counts until `now`."""
    rows = tx.execute(select(request_pauses).where(request_pauses.c.request == request.id))
    return tuple((row.begun_at, row.ended_at or now) for row in rows)


# --- inside -------------------------------------------------------------------------------------------------------


def _note_move(  # noqa: PLR0917 - a move, with where it came from and where it went
    tx: Connection,
    office: Office,
    request: Request,
    before: State | None,
    state: State,
    body: Mapping[str, Any],
    *,
    by: By,
    word: str,
    note: str = "",
) -> None:
    now = office.clock.now()
    said = {"request": request.number, "right": request.right, "state": state, "by": by.actor, "staff": by.staff}
    if note:
        said["note"] = office.keyring.pseudonym("request note", note.encode("utf-8")).hex()
    leaf = leaves.append(tx, office.keyring, f"request.{word}", request.person, {**body, **said}, now)
    facts = {"at": now, "actor": by.actor, "staff": by.staff, "word": word, "leaf": leaf}
    facts["note"] = _sealed(office.keyring, request.number, "note", note)
    tx.execute(request_moves.insert().values(request=request.id, before=before, state=state, **facts))


_COLUMNS = tuple(column.name for column in requests.c if column.name in Request.__dataclass_fields__)
_BY_ID, _BY_NUMBER = (select(requests).where(key == bindparam("which")) for key in (requests.c.id, requests.c.number))


def request_of(row: Row[Any]) -> Request:
    """The request in a row of its table."""
    return Request(**{name: getattr(row, name) for name in _COLUMNS})


def _require_purpose(office: Office, intake: Intake) -> None:
    open_to = tuple(office.compiled.objection_bits)
    if intake.purpose not in {None, EVERY_PURPOSE, *open_to}:
        raise unknown_purpose(office, str(intake.purpose), "cannot be objected to.", open_to)


def _asker(intake: Intake) -> By:
    actors = {Channel.CENTRE: Actor.PERSON, Channel.CONSOLE: Actor.STAFF, Channel.TERMINAL: Actor.OPERATOR}
    return By(actors.get(intake.channel, Actor.APP), intake.staff)


def _known(tx: Connection, keyring: Keyring, intake: Intake) -> Filed | None:
    """What was filed under the same key. Raises: KeyReused where that had another body."""
    row = tx.execute(select(requests).where(requests.c.once == repeats.once_of(keyring, intake))).one_or_none()
    if row is not None and row.body != repeats.body_of(keyring, intake):
        raise KeyReused(repair="Send another key with another request.")
    return None if row is None else Filed(request_of(row), new=False)


def _pair(one: Identifier) -> tuple[str, str, bool]:
    return one.kind.value, one.value, one.verified


def _sealed(keyring: Keyring, number: str, what: str, value: Any) -> bytes | None:
    if not value:
        return None
    return keyring.seal(json.dumps(value).encode("utf-8"), context=f"request {number} {what}".encode())


def opened(keyring: Keyring, number: str, what: str, sealed: bytes | None) -> Any:
    """What was sealed into a request under the name `what`; None where nothing was."""
    if sealed is None:
        return None
    return json.loads(keyring.unseal(sealed, context=f"request {number} {what}".encode()))


def _opened(tx: Connection, keyring: Keyring, request: Request, column: Any, what: str) -> Any:
    sealed = tx.execute(select(column).where(requests.c.id == request.id)).scalar_one_or_none()
    return opened(keyring, request.number, what, sealed)


__all__ = ["BY_HAND", "ERASING", "MOVES", "Filed", "Intake", "Request", "allowed"]
