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
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from troth.errors import ReleaseNeeded, RequestError
from troth.foundation.ledger import leaves
from troth.foundation.records.copying import REDACTED, Asked, Row
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

Decisions = Mapping[bytes, Release]
_KIND = "release question"
_LABELLED = re.compile(r"person [0-9]+")
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
    decided, found = decisions_of(desk, request), dict[str, Question]()
    for holding, row, at, name in _asked(desk.office.keyring, request, holdings):
        each = holding.fields[at]
        beside = tuple(
            (other.title, _text(value))
            for other, value in zip(holding.fields, row, strict=True)
            if other is not each and value is not None and not isinstance(value, Asked)
        )
        found.setdefault(
            name.hex(),
            Question(
                id=name.hex(),
                store=holding.store,
                table=holding.table,
                column=each.name,
                title=f"{holding.title}: {each.title}",
                value=_text(row[at].value),
                beside=beside,
                release=decided.get(name),
            ),
        )
    return tuple(sorted(found.values(), key=lambda one: one.release is not None)[:limit])


def undecided(desk: Desk, request: Request, holdings: Iterator[Holding]) -> int:
    """How many values of this copy still wait for a decision. Reads the stores."""
    decided = decisions_of(desk, request)
    asked = _asked(desk.office.keyring, request, holdings)
    return len({name for _, _, _, name in asked if name not in decided})


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
    """The holding with every decision carried out on its rows as they pass, and all that was replaced counted.

    Its rows raise ReleaseNeeded at the first value that nobody has decided about.
    """
    counted: Counter[str] = Counter()
    rows = _released(keyring, request, holding, decided, counted)
    return replace(holding, rows=rows, redacted=lambda: counted)


def _released(
    keyring: Keyring, request: Request, holding: Holding, decided: Decisions, counted: Counter[str]
) -> Iterator[Row]:
    leading = [at for at, each in enumerate(holding.fields) if each.leads]
    for row in holding.rows:
        shown = row
        for at, value in enumerate(row):
            if isinstance(value, Asked):
                release = decided.get(_question(keyring, request, holding, row, at))
                if release is None:
                    raise ReleaseNeeded(
                        where=f"request {request.number}: {holding.table} in {holding.store}",
                        repair="Decide about it in the console; the copy is made after that.",
                    )
                keep = release is Release.KEEP
                shown = (*shown[:at], value.value if keep else REDACTED, *shown[at + 1 :])
                if not keep:
                    counted[_rule(holding, at, "replaced after one of our people had read it")] += 1
            elif isinstance(value, str) and REDACTED in value:
                counted[_rule(holding, at, "what is another person's was taken out")] += 1
        for at in leading:
            value = row[at]
            if isinstance(value, str) and _LABELLED.fullmatch(value):
                counted[_rule(holding, at, "another person is named by a label")] += 1
        yield shown


def _rule(holding: Holding, at: int, what: str) -> str:
    return f"{holding.title}, {holding.fields[at].title}: {what}"


def _asked(
    keyring: Keyring, request: Request, holdings: Iterator[Holding]
) -> Iterator[tuple[Holding, Row, int, bytes]]:
    """Every value that is asked about, with its row, its place and its name. All rows are read."""
    for holding in holdings:
        for row in holding.rows:
            for at, value in enumerate(row):
                if isinstance(value, Asked):
                    yield holding, row, at, _question(keyring, request, holding, row, at)


def _question(keyring: Keyring, request: Request, holding: Holding, row: Row, at: int) -> bytes:
    """The name of one value: the same while its row is, of another request another, and without the key nothing."""
    said = [request.number, holding.store, holding.table, holding.role, holding.fields[at].name]
    # labels are numbered as they come, so they are left out: the same value must stay the same question
    plain = tuple(
        None if each.leads else value.value if isinstance(value, Asked) else value
        for each, value in zip(holding.fields, row, strict=True)
    )
    text = values.row_json(holding.names, plain)
    return keyring.pseudonym(_KIND, values.utf8(json.dumps([said, text], ensure_ascii=False)))


def _text(value: Any) -> str:
    said = values.exact(value)
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return text[:_LONGEST]


def _decisions(tx: Connection, request: int) -> Decisions:
    statement = select(release_decisions.c.question, release_decisions.c.release)
    return {row.question: row.release for row in tx.execute(statement.where(release_decisions.c.request == request))}
