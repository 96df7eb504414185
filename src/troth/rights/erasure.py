"""Erase a person everywhere, safely, and prove it (GDPR Art. 17).

    pending  --every store's own transaction, asked again until nothing is theirs-->  erased
    erased   --no needle of theirs in any text of any store-->                         proven: only this is done

1. Before the first row goes: the map is approved, nothing is paused, the plan is within the limit. Then one
   transaction of troth's own writes the intent (hash of map and plan) into the ledger, seals who they are (`remains`),
   restricts the use of their data and ends their sessions.
2. Each store is changed in one transaction of its own, which also writes its counts there (`company_stores`). Whoever
   resumes reads them: nothing is done twice, and no count is remembered from elsewhere. What the map shreds stays
   there; the transaction that says *erased* destroys the key that opened it (`shredded`).
3. All mapped places are asked again. What was written meanwhile goes in another round, at most `ROUNDS` times. Rows
   that a hold keeps stay as they are (`held_back`): then it remains *pending*, with an entry of its own that says what
   is kept and by which hold; once that is lifted, the same call takes the rest.
4. The sweep looks for their needles, and no row may point at one of theirs that is gone. What is found is residue,
   listed by place, and the erasure is not done.
5. Proven: the tombstones are set, troth's own data about them goes (`farewell`), and what was sealed in 1 is wiped.

Every verb may be killed at any moment and called again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, select, update

from troth.errors import ErasureUnsettled, HeldBack, PlanChanged
from troth.foundation import sealed_values
from troth.foundation.ledger import leaves
from troth.foundation.records import erasing, sweep
from troth.foundation.records.erasureplan import ErasurePlan, StepCounts, total
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import Subject, find_subjects
from troth.foundation.store import hold
from troth.policy.datamap import Place
from troth.rights import farewell, held_back, kept_marks, remains, requests, shredded
from troth.rights.company_stores import CompanyStores, dangling, elsewhere, require_guards, somebody, within_limit
from troth.rights.mapped import reach_of
from troth.rights.tables import erasures
from troth.rights.words import ErasureState

if TYPE_CHECKING:
    from troth.foundation.people import Identifier
    from troth.rights.desk import Desk
    from troth.rights.remains import Remains
    from troth.rights.requests import Request

ROUNDS = 6
"""How often rows that somebody goes on writing are followed; after that the company must stop writing them."""

_SWEEP_S = 3_600.0
_FIRST = select(erasures).order_by(erasures.c.id).limit(1)
_BY_NAME, _BY_REQUEST = (_FIRST.where(key == bindparam("which")) for key in (erasures.c.name, erasures.c.request))


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure as it stands. `counts`, `residue`, `weak` and `held` have places and numbers only.

    `held`: what holds keep of it, by which hold; empty where nothing is kept so.
    """

    id: int
    name: str
    request: int | None
    person: int | None
    state: ErasureState
    map_sha256: str
    plan_sha256: str
    plan: Mapping[str, Any]
    rounds: int
    counts: Mapping[str, Any]
    residue: Sequence[Mapping[str, Any]]
    weak: Sequence[Mapping[str, Any]]
    held: Sequence[Mapping[str, Any]]
    held_at: datetime | None
    begun_at: datetime
    erased_at: datetime | None
    swept_at: datetime | None
    proven_at: datetime | None
    intent: int
    outcome: int | None
    proof: int | None


# --- looking ----------------------------------------------------------------------------------------------------------


def find(tx: Connection, which: int | str) -> Erasure | None:
    """The erasure of a request's id, or of that name; None where none was begun."""
    row = tx.execute(_BY_NAME if isinstance(which, str) else _BY_REQUEST, {"which": which}).one_or_none()
    return None if row is None else _erasure(row)


def waiting(tx: Connection, state: ErasureState) -> tuple[Erasure, ...]:
    """Every erasure in that state, the oldest first."""
    rows = tx.execute(select(erasures).where(erasures.c.state == state).order_by(erasures.c.id))
    return tuple(_erasure(row) for row in rows)


def subjects_of(desk: Desk, which: int) -> tuple[Subject, ...]:
    """The person of a request as each store knows them. Raises: PersonAmbiguous, RecordsError."""
    with desk.office.store.reading() as tx:
        known_by = requests.known_by_of(tx, desk.office, requests.load(tx, which))
    return find_subjects(desk.records, desk.datamap, known_by)


def plan_for(desk: Desk, subjects: Sequence[Subject]) -> ErasurePlan:
    """What erasing these subjects would do in each store, with counts, exceptions and their legal ground. No effect.

    Rows that a hold keeps are told apart (`held`) and not counted.

    Raises: ErasureRefused, IndexMissing, DeclarationFaults: every reason of a store at once; RecordsError.
    """
    now = desk.office.clock.now()
    stores = [
        erasing.plan_for(desk.records, reach_of(desk, store), subjects, now, held_back.held_of(desk, store, subjects))
        for store in desk.records.stores
    ]
    return ErasurePlan(tuple(stores), held_back.told_of(desk, subjects))


# --- doing ------------------------------------------------------------------------------------------------------------


def execute(desk: Desk, which: int) -> Erasure:
    """Erase the person of a request in every store; it ends as *erased*, or further where it was. Cannot be undone.

    Raises: GuardClosed (an unapproved map, a pause, a plan other than the approved one), LimitPassed, ErasureRefused,
    IndexMissing: nothing was changed; RecordsError, StoreError: call again, and it goes on; ErasureUnsettled.
    """
    with desk.office.store.reading() as tx:
        request = requests.load(tx, which)
        begun = find(tx, which)
        known_by = requests.known_by_of(tx, desk.office, request)
    if begun is not None:
        return carry_on(desk, begun.name)
    subjects = find_subjects(desk.records, desk.datamap, known_by)
    begun, known = _begin(desk, request.number, subjects, request=request, person=request.person, known_by=known_by)
    return _carry_out(desk, begun, known) if known is not None else carry_on(desk, begun.name)


def begin(
    desk: Desk,
    name: str,
    subjects: Sequence[Subject],
    *,
    request: Request | None = None,
    person: int | None = None,
    known_by: Sequence[Identifier] = (),
) -> Erasure:
    """Write down what is about to happen; `known_by` is looked for by the sweep, too. Raises as `execute`."""
    return _begin(desk, name, subjects, request=request, person=person, known_by=known_by)[0]


def _begin(
    desk: Desk,
    name: str,
    subjects: Sequence[Subject],
    *,
    request: Request | None,
    person: int | None,
    known_by: Sequence[Identifier],
) -> tuple[Erasure, Remains | None]:
    """As `begin`, with what was sealed; None where somebody else had begun it."""
    office = desk.office
    require_guards(desk)
    plan = plan_for(desk, subjects)
    if plan.held and not plan.rows:
        raise HeldBack(where=f"erasure {name}", repair="See `troth hold list`; it goes on by itself when it is lifted.")
    within_limit(desk, plan)
    plan_sha256, rule = plan.hash, plan.rule
    if request is not None and request.plan_sha256 not in {None, plan_sha256, rule}:
        raise PlanChanged(where=f"request {name}", repair="Look at the plan as it is now, and approve that one.")
    known = remains.gather(desk.records, desk.datamap, subjects, known_by)
    with office.deed() as tx:
        hold(tx, f"erasure {name}")
        before = find(tx, name)
        if before is not None:
            return before, None
        now = office.clock.now()
        rows = {each.store: each.rows for each in plan.stores}
        body = {"erasure": name, "map": desk.datamap.sha256, "plan": plan_sha256, "rule": rule, "rows": rows}
        leaf = leaves.append(tx, office.keyring, "erasure.intent", person, body, now)
        values = {
            "name": name,
            "request": None if request is None else request.id,
            "person": person,
            "state": ErasureState.PENDING,
            "map_sha256": desk.datamap.sha256,
            "plan_sha256": plan_sha256,
            "plan": json.dumps({"steps": plan.as_json(), "kept": plan.kept(), "elsewhere": elsewhere(desk)}),
            "work": remains.seal(office.keyring, name, known),
            "rounds": 0,
            "begun_at": now,
            "intent": leaf,
        }
        row = tx.execute(erasures.insert().values(values).returning(*erasures.c)).one()
        kept_marks.remember(tx, office.keyring, row.id, known)
        if person is not None:
            farewell.stand_still(tx, office, person)
        return _erasure(row), known


def carry_on(desk: Desk, name: str) -> Erasure:
    """Take the erasure of that name from wherever it stands to *erased*. Raises as `execute`."""
    with desk.office.store.reading() as tx:
        erasure = _load(tx, name)
        known = _remains(tx, desk, name) if erasure.state is ErasureState.PENDING else None
    if known is None:
        return erasure
    require_guards(desk)
    return _carry_out(desk, erasure, known)


def _carry_out(desk: Desk, erasure: Erasure, known: Remains) -> Erasure:
    """Every store, asked again until nothing is theirs. The guards were asked; each transaction asks for a pause."""
    name = erasure.name
    with CompanyStores(desk, known.subjects) as stores:
        counts = [stores.erase(name, number) for number in range(erasure.rounds + 1)]
        while stores.left():
            erasure = _next_round(desk, erasure)
            counts.append(stores.erase(name, erasure.rounds))
        stores.overwrite(erasure.plan)
        held = held_back.kept_of(desk, known.subjects) if stores.held else []
    done = {store: total([each[store] for each in counts]) for store in desk.records.stores}
    return _in_part(desk, erasure, done, held) if held else _erased(desk, erasure, done, known)


def prove(desk: Desk, which: int | str) -> Erasure:
    """Sweep for the person of an erasure, where the stores are small enough for a pass of their own.

    Gives the erasure as *proven*, or as *erased*: with its residue, or waiting for the pass for all (`prove_waiting`);
    as it is where it is not erased yet. Raises as `execute`.
    """
    with desk.office.store.reading() as tx:
        erasure = find(tx, which)
    if erasure is None:
        return execute(desk, int(which))
    if erasure.state is not ErasureState.ERASED:
        return erasure
    most = desk.instance.settings.erasure.sweep_inline
    if not most or sweep.rows_to_pass(desk.records) > most:
        return erasure
    return _sweep(desk, [erasure])[0]


def prove_waiting(desk: Desk, progress: Callable[[int, int], None] | None = None) -> tuple[Erasure, ...]:
    """One pass through all stores for everybody whose erasure waits to be proven, whatever its size. Raises as `prove`.

    Belongs into the daily schedule: between *erased* and *proven* lie at most 24 hours.
    """
    with desk.office.store.reading() as tx:
        erased = waiting(tx, ErasureState.ERASED)
    return tuple(_sweep(desk, erased, progress)) if erased else ()


# --- rounds ----------------------------------------------------------------------------------------------------------


def _next_round(desk: Desk, erasure: Erasure, **more: Any) -> Erasure:
    if erasure.rounds + 1 >= ROUNDS:
        raise ErasureUnsettled(where=f"erasure {erasure.name}", repair="Stop what writes them; then run it again.")
    with desk.office.store.writing() as tx:
        return _change(tx, erasure, {"rounds": erasure.rounds + 1, **more})


def _in_part(
    desk: Desk, erasure: Erasure, counts: Mapping[str, StepCounts], held: Sequence[Mapping[str, Any]]
) -> Erasure:
    """What no hold keeps is gone: told in an entry of its own, once for what is kept."""
    office = desk.office
    said = {store: each.as_json() for store, each in counts.items()}
    with office.store.writing() as tx:
        hold(tx, f"erasure {erasure.name}")
        current = _load(tx, erasure.name)
        if current.state is not ErasureState.PENDING or (current.held == held and current.counts == said):
            return current
        now = office.clock.now()
        body = {"erasure": erasure.name, "map": desk.datamap.sha256, "counts": said, "held": held}
        leaf = leaves.append(tx, office.keyring, "erasure.held", erasure.person, body, now)
        values = {"counts": json.dumps(said), "held": json.dumps(held), "held_at": now, "outcome": leaf}
        return _change(tx, erasure, values)


def _erased(desk: Desk, erasure: Erasure, counts: Mapping[str, StepCounts], known: Remains) -> Erasure:
    office = desk.office
    said = {store: each.as_json() for store, each in counts.items()}
    with office.deed() as tx:
        hold(tx, f"erasure {erasure.name}")
        current = _load(tx, erasure.name)
        if current.state is not ErasureState.PENDING:
            return current
        now = office.clock.now()
        body = {"erasure": erasure.name, "map": desk.datamap.sha256, "rounds": erasure.rounds + 1, "counts": said}
        body["keys"] = shredded.destroy(tx, desk, erasure.person, known)
        leaf = leaves.append(tx, office.keyring, "erasure.erased", erasure.person, body, now)
        values = {"state": ErasureState.ERASED, "counts": json.dumps(said), "erased_at": now, "outcome": leaf}
        values |= {"held": None}
        erased = _change(tx, erasure, values)
    sealed_values.forget()
    return erased


# --- the sweep --------------------------------------------------------------------------------------------------------


def _sweep(desk: Desk, waits: Sequence[Erasure], progress: Callable[[int, int], None] | None = None) -> list[Erasure]:
    """One pass for all of `waits`; each is proven, or has its residue written down."""
    keyring = desk.office.keyring
    settled = [_asked_again(desk, each) for each in waits]
    with desk.office.store.reading() as tx:
        known = {each.id: _remains(tx, desk, each.name).numbered(each.id) for each in settled}
        kept: dict[tuple[int, str, Place], int] = {}
        for each in settled:
            kept |= kept_marks.allowed(tx, keyring, each.id, each.name, known[each.id])
    needles = [needle for remain in known.values() for needle in remain.needles]
    environ, base = desk.instance.environ, desk.instance.folder
    with Records.open(desk.datamap, environ, timeout_s=_SWEEP_S, base=base) as records:
        swept = sweep.sweep(
            records, desk.datamap, needles, somebody=somebody(desk, records), kept=kept, progress=progress
        )
    return [_judged(desk, each, known[each.id], swept) for each in settled]


def _asked_again(desk: Desk, erasure: Erasure) -> Erasure:
    """The erasure, its mapped places asked once more: what came since then goes first."""
    with desk.office.store.reading() as tx:
        known = _remains(tx, desk, erasure.name)
    with CompanyStores(desk, known.subjects) as stores:
        if not stores.left():
            return erasure
    _next_round(desk, erasure, state=ErasureState.PENDING)
    return carry_on(desk, erasure.name)


def _judged(desk: Desk, erasure: Erasure, known: Remains, swept: sweep.Swept) -> Erasure:
    office = desk.office
    residue, weak = _said(swept.residue.get(erasure.id, ())), _said(swept.weak.get(erasure.id, ()))
    residue += [*dangling(desk, known.pointed), *shredded.still_open(desk, known)]
    weak += [{**each, "why": "not searchable"} for each in _said(swept.closed)]
    with office.deed() as tx:
        hold(tx, f"erasure {erasure.name}")
        current = _load(tx, erasure.name)
        if current.state is not ErasureState.ERASED:
            return current
        now = office.clock.now()
        body: dict[str, Any] = {"erasure": erasure.name, "tables": swept.tables, "needles": len(known.needles)}
        body |= {"pointed": known.keys, "residue": residue, "weak": weak}
        values = {"swept_at": now, "residue": json.dumps(residue), "weak": json.dumps(weak)}
        if residue:
            leaves.append(tx, office.keyring, "erasure.residue", erasure.person, body, now)
            return _change(tx, erasure, values)
        body["tombstones"] = farewell.set_tombstones(tx, desk, erasure, known)
        leaf = leaves.append(tx, office.keyring, "erasure.proven", erasure.person, body, now)
        values |= {"state": ErasureState.PROVEN, "proven_at": now, "proof": leaf, "work": None}
        proven = _change(tx, erasure, values)
        if erasure.person is not None:
            farewell.part(tx, office, erasure.person, keep_letters_of=erasure.name)
    farewell.wipe(office.store)
    return proven


# --- rows -------------------------------------------------------------------------------------------------------------


def _load(tx: Connection, name: str) -> Erasure:
    found = find(tx, name)
    assert found is not None, "an erasure is begun before it is carried on"
    return found


def _remains(tx: Connection, desk: Desk, name: str) -> Remains:
    sealed = tx.execute(select(erasures.c.work).where(erasures.c.name == name)).scalar_one()
    return remains.unseal(desk.office.keyring, desk.datamap, name, sealed)


def _change(tx: Connection, erasure: Erasure, values: Mapping[str, Any]) -> Erasure:
    changed = update(erasures).where(erasures.c.id == erasure.id).values(**values).returning(*erasures.c)
    return _erasure(tx.execute(changed).one())


def _said(left: Iterable[sweep.Left]) -> list[dict[str, Any]]:
    return [{"where": str(each.place), "n": each.rows} for each in left]


def _erasure(row: Row[Any]) -> Erasure:
    parts = {name: getattr(row, name) for name in Erasure.__dataclass_fields__}
    for name, none in (("plan", "{}"), ("counts", "{}"), ("residue", "[]"), ("weak", "[]"), ("held", "[]")):
        parts[name] = json.loads(parts[name] or none)
    return Erasure(**parts)
