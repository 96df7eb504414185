"""Global Privacy Control: a browser that says, with every request, not to sell or share (W3C; California § 7025).

`Sec-GPC: 1`, and nothing else, is the signal. For somebody who is signed in it is recorded, and stands as an objection
to each use of the families `advertising`, `sale` and `sharing` that the policy declares; for a stranger it holds for
the request alone, since to remember them would need the very thing that they refuse. It is raised once: who allows such
a use afterwards has said so later, and the later word counts.

`GlobalPrivacyControl` is the same for the company's own site: ASGI middleware that puts the signal into the scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from troth.errors import PersonError
from troth.foundation.ledger import leaves
from troth.foundation.people import PersonNumber
from troth.foundation.store import hold
from troth.use import objections, standing
from troth.use.office import Office
from troth.use.tables import privacy_signals

if TYPE_CHECKING:
    from troth.use.standing import Person

SCOPE = "troth.gpc"
"""Where the middleware says, in the ASGI scope, whether the browser has asked: True or False."""

HEADER = b"sec-gpc"
SALE_OR_SHARING = frozenset({"advertising", "sale", "sharing"})
"""Families of purposes that the signal is about. It is no objection to the company's own letters."""

_NOTED = timedelta(days=1)
_MOST_REMEMBERED = 100_000


def is_asked(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the headers of a request carry the signal: the exact value `1`, once or several times."""
    found = {value.strip() for name, value in headers if name.lower() == HEADER}
    return found == {b"1"}


def about(office: Office) -> tuple[str, ...]:
    """The purposes of the policy that the signal stops, and that one can object to."""
    return tuple(one for one in office.compiled.objection_bits if one.partition(".")[0] in SALE_OR_SHARING)


def honour(office: Office, person: Person) -> bool:
    """Record that the browser of `person`, who is signed in, has asked; gives whether anything was written.

    When this returns, the uses it is about are refused. Raises: PersonUnknown, PersonAmbiguous; StoreError.
    """
    with office.store.reading() as tx:
        number = standing.load_person(tx, office.keyring, person)
    return honour_number(office, number)


def honour_number(office: Office, person: PersonNumber) -> bool:
    """As `honour`, for a person by number. Reads once, and writes at most once a day."""
    now = office.clock.now()
    with office.store.reading() as tx:
        last = tx.execute(
            select(privacy_signals.c.last_at).where(privacy_signals.c.person == person)
        ).scalar_one_or_none()
    if last is not None and last > now - _NOTED:
        return False
    with office.deed() as tx:
        return _note(tx, office, person)


def _note(tx: Connection, office: Office, person: PersonNumber) -> bool:
    hold(tx, f"signal of {person}")
    now = office.clock.now()
    mine = privacy_signals.c.person == person
    if tx.execute(update(privacy_signals).where(mine).values(last_at=now)).rowcount:
        return True
    leaf = leaves.append(
        tx, office.keyring, "gpc.honoured", person, {"signal": "Sec-GPC: 1", "purposes": list(about(office))}, now
    )
    tx.execute(privacy_signals.insert().values(person=person, first_at=now, last_at=now, leaf=leaf))
    for purpose in about(office):
        objections.raise_in(tx, office, person, purpose, method="gpc")
    return True


class GlobalPrivacyControl:
    """ASGI middleware for the company's site: says in the scope whether the browser asked, and records it for who is
    signed in.

    `person` tells from a scope who is signed in (`"id=17"`), or None; without it nobody is. What cannot be recorded
    does not stop the page: the signal still holds for the request.
    """

    def __init__(
        self, app: Any, office: Callable[[], Office], person: Callable[[Any], Person | None] | None = None
    ) -> None:
        self._app, self._office, self._person = app, office, person
        self._told: set[Any] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked = is_asked(scope["headers"])
            scope = {**scope, SCOPE: asked}
            who = self._person(scope) if asked and self._person is not None else None
            if who is not None and who not in self._told:
                await asyncio.to_thread(self._record, who)
        await self._app(scope, receive, send)

    def _record(self, who: Person) -> None:
        from troth.errors import StoreError

        try:
            honour(self._office(), who)
        except (PersonError, StoreError):
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told.add(who)
