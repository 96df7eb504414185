"""Values of a copy that also speak of somebody else, where the data map says `others: ask`: staff decide about each.

1. A copy is not made while one of them is undecided (`ReleaseNeeded`): nothing goes out that nobody has looked at.
2. A decision is about one value as it stands. When the row changes, it is asked about anew.
3. To keep shows the value; to redact puts a label in its place. Each decision is an entry of the ledger, under the
   name of who made it, and the copy tells how many values were replaced by it.

A machine never decides here: the right of the person to their copy and the right of the other to theirs are weighed by
people (GDPR Art. 15(4)).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from troth.errors import ReleaseNeeded, RequestError
from troth.foundation.ledger import leaves
from troth.foundation.store import hold
from troth.rights import requests
from troth.rights.packaging import values
from troth.rights.tables import packages, release_decisions
from troth.rights.words import Release

if TYPE_CHECKING:
    from troth.foundation.keys import Keyring
    from troth.rights.desk import Desk
    from troth.rights.packaging.contents import Holding
    from troth.rights.requests import By, Request

LABEL = "[about another person]"
"""What stands in the place of a value that was redacted."""

Decisions = Mapping[bytes, Release]
_KIND = "release question"
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Question:
    """One value that staff decide about: where it stands, what it says, and what stands beside it in the row.

    `id` names it in forms and in the ledger, and says nothing. `release` is what was decided, None while it is open.
    """

    id: str
    store: str
    table: str
    column: str
    title: str
    value: str = field(repr=False)
    beside: tuple[tuple[str, str], ...] = field(repr=False)
    release: Release | None


def questions(desk: Desk, request: Request, holdings: Iterator[Holding], limit: int = 1000) -> tuple[Question, ...]:
    """The values of this copy that are decided one by one, at most `limit`, open ones first. Reads the stores."""
    decided = decisions_of(desk, request)
    keyring = desk.office.keyring
    found: dict[str, Question] = {}
    for holding in holdings:
        for row in _asking(holding):
            for at, each in enumerate(holding.fields):
                if not each.ask or _empty(row[at]):
                    continue
                name = _question(keyring, request, holding, row, at)
                found.setdefault(
                    name.hex(),
                    Question(
                        id=name.hex(),
                        store=holding.store,
                        table=holding.table,
                        column=each.name,
                        title=f"{holding.title}: {each.title}",
                        value=_text(row[at]),
                        beside=tuple(
                            (other.title, _text(value))
                            for other, value in zip(holding.fields, row, strict=True)
                            if other is not each and value is not None
                        ),
                        release=decided.get(name),
                    ),
                )
    return tuple(sorted(found.values(), key=lambda one: one.release is not None)[:limit])


def undecided(desk: Desk, request: Request, holdings: Iterator[Holding]) -> int:
    """How many values of this copy still wait for a decision. Reads only tables that have such values."""
    decided, keyring = decisions_of(desk, request), desk.office.keyring
    open_ = {
        name
        for holding in holdings
        for row in _asking(holding)
        for at, each in enumerate(holding.fields)
        if each.ask and not _empty(row[at])
        if (name := _question(keyring, request, holding, row, at)) not in decided
    }
    return len(open_)


def decide(desk: Desk, which: int | str, question: str, release: Release, *, by: By) -> None:
    """Decide about one value; a later decision replaces an earlier one until the copy is made.

    The caller has made sure that `by` may. Raises: RequestUnknown; RequestError for a question that could be none, or
    once the copy has been made; StoreError.
    """
    office = desk.office
    try:
        name = bytes.fromhex(question)
    except ValueError:
        name = b""
    if len(name) != 16:
        raise RequestError("there is no such question", expected="the id that the list of questions gives")
    with office.store.writing() as tx:
        request = requests.load(tx, which)
        hold(tx, f"package {request.id}")
        made = tx.execute(select(packages.c.id).where(packages.c.request == request.id)).first()
        if made is not None:
            raise RequestError("its copy has been made already", where=f"request {request.number}")
        now = office.clock.now()
        body = {"request": request.number, "question": question, "release": release, "staff": by.staff}
        leaf = leaves.append(tx, office.keyring, "package.decided", request.person, body, now)
        mine = (release_decisions.c.request == request.id, release_decisions.c.question == name)
        facts = {"release": release, "staff": by.staff, "at": now, "leaf": leaf}
        if tx.execute(release_decisions.update().where(*mine).values(facts)).rowcount == 0:
            tx.execute(release_decisions.insert().values(request=request.id, question=name, **facts))


def decisions_of(desk: Desk, request: Request) -> Decisions:
    """What was decided for this request, by question."""
    with desk.office.store.reading() as tx:
        return _decisions(tx, request.id)


def applied(keyring: Keyring, request: Request, holding: Holding, decided: Decisions) -> Holding:
    """The holding with every decision carried out on its rows as they pass.

    Its rows raise ReleaseNeeded at the first value that nobody has decided about.
    """
    if not any(each.ask for each in holding.fields):
        return holding
    counted: Counter[str] = Counter()
    return replace(
        holding,
        rows=_released(keyring, request, holding, decided, counted),
        redacted=_both(holding.redacted, counted),
    )


def _released(
    keyring: Keyring, request: Request, holding: Holding, decided: Decisions, counted: Counter[str]
) -> Iterator[tuple[Any, ...]]:
    asks = [at for at, each in enumerate(holding.fields) if each.ask]
    for row in holding.rows:
        shown = list(row)
        for at in asks:
            if _empty(row[at]):
                continue
            release = decided.get(_question(keyring, request, holding, row, at))
            if release is None:
                raise ReleaseNeeded(
                    where=f"request {request.number}: {holding.table} in {holding.store}",
                    repair="Decide about it in the console; the copy is made after that.",
                )
            if release is Release.REDACT:
                shown[at] = LABEL
                counted[f"{holding.table}.{holding.fields[at].name}: replaced after somebody of us had read it"] += 1
        yield tuple(shown)


def _both(before: Callable[[], Mapping[str, int]], counted: Counter[str]) -> Callable[[], Mapping[str, int]]:
    return lambda: Counter(before()) + counted


def _asking(holding: Holding) -> Iterator[tuple[Any, ...]]:
    """The rows of a holding, if a column of it asks; else none, and none are read."""
    return holding.rows if any(each.ask for each in holding.fields) else iter(())


def _question(keyring: Keyring, request: Request, holding: Holding, row: tuple[Any, ...], at: int) -> bytes:
    """The name of one value: the same while its row is, of another request another, and without the key nothing."""
    said = [request.number, holding.store, holding.table, holding.role, holding.fields[at].name]
    text = values.row_json(holding.names, row)
    return keyring.pseudonym(_KIND, values.utf8(json.dumps([said, text], ensure_ascii=False)))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, bytes)) and not value)


def _text(value: Any) -> str:
    said = values.exact(value)
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return text[:_LONGEST]


def _decisions(tx: Connection, request: int) -> Decisions:
    statement = select(release_decisions.c.question, release_decisions.c.release)
    return {row.question: row.release for row in tx.execute(statement.where(release_decisions.c.request == request))}
