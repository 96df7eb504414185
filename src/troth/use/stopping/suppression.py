"""Addresses that get no mail for a purpose, whoever they belong to: kept by keyed hash, found by the address alone.

An address stays on the list also after its person was erased: the wish is theirs, and without it the next list that
somebody buys would undo it (GDPR Art. 17(3)(b), 21(3)). It leaves the list only when its holder says so, or when an
entry has an end of its own. `*` stands for all marketing. What is written twice is written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from re import compile as pattern
from typing import Any

from sqlalchemy import Connection, Select, or_, select, update

from troth.errors import TrothError
from troth.foundation import people
from troth.foundation.ledger import leaves
from troth.foundation.ledger.leaves import Entry
from troth.foundation.store import hold
from troth.use import choices, standing
from troth.use.decision import is_marketing
from troth.use.office import Office
from troth.use.stopping import tokens
from troth.use.tables import suppressions
from troth.use.words import Suppression

ALL_MARKETING = "*"
PROBED_FOR = timedelta(minutes=1)
"""How long what a probe has stopped stays stopped."""

_CHUNK = 400
_BATCH = 2_000
_SOURCE = pattern(r"[a-z0-9][a-z0-9._-]{0,79}")


def known_source(source: str) -> str:
    """`source` as the register takes it: one word such as `old-crm-2024`. Raises: TrothError."""
    if not _SOURCE.fullmatch(source):
        raise TrothError("a source is named by one lower-case word", expected='such as "old-crm" or "fair-2024"')
    return source


def covers(listed: str, purpose: str) -> bool:
    """Whether an entry for `listed` stops mail for `purpose`."""
    return listed == purpose or (listed == ALL_MARKETING and is_marketing(purpose))


def suppress_in(
    tx: Connection,
    office: Office,
    hashed: bytes,
    purpose: str,
    *,
    reason: Suppression = Suppression.OPT_OUT,
    source: str | None = None,
) -> bool:
    """Put an address, by its hash, on the list, within a deed of the caller's; False when it stands there already."""
    hold(tx, f"no mail {hashed.hex()}")
    now = office.clock.now()
    rows = tx.execute(_standing([hashed], now)).all()
    if any(row.purpose == purpose for row in rows):
        return False
    _write(tx, office, [hashed], purpose, reason=reason, source=source, now=now)
    return True


def suppress_many(office: Office, addresses: Iterable[str], purpose: str, *, source: str) -> tuple[int, int]:
    """Bring a list of addresses that get no mail; gives (new, known already). All or nothing; safe to repeat.

    Who of them is known, and would get such mail by what they said, is taken to have said no now.
    Raises: PersonError for a line that is no address, before anything is written; TrothError for a source that is none.
    """
    known_source(source)
    listed_now = [people.identifier(people.Kind.EMAIL, one) for one in addresses]
    hashes = list(dict.fromkeys(tokens.hash_of(office.keyring, one) for one in listed_now))
    new = 0
    with office.deed() as tx:
        hold(tx, "no mail, import")
        now = office.clock.now()
        for start in range(0, len(hashes), _BATCH):
            batch = hashes[start : start + _BATCH]
            listed = {bytes(row.address_hash) for row in _rows(tx, batch, now) if row.purpose == purpose}
            fresh = [one for one in batch if one not in listed]
            _write(tx, office, fresh, purpose, reason=Suppression.IMPORTED, source=source, now=now)
            new += len(fresh)
        for number in {one for one in standing.find_many(tx, office.keyring, listed_now) if one is not None}:
            _refuse(tx, office, number, purpose)
    return new, len(hashes) - new


def lift_in(tx: Connection, office: Office, hashed: bytes, purpose: str) -> bool:
    """Take an address off the list, as its holder wishes, within a deed of the caller's; False if it was not on it."""
    now = office.clock.now()
    ended = [row.id for row in tx.execute(_standing([hashed], now)) if covers(row.purpose, purpose)]
    if not ended:
        return False
    tx.execute(update(suppressions).where(suppressions.c.id.in_(ended)).values(ended_at=now))
    leaves.append(tx, office.keyring, "no-mail.lifted", None, {"address": hashed.hex(), "purpose": purpose}, now)
    return True


def is_suppressed(tx: Connection, office: Office, hashed: bytes, purpose: str) -> bool:
    """Whether an address, by its hash, gets no mail for `purpose` now."""
    rows = tx.execute(_standing([hashed], office.clock.now()))
    return any(covers(row.purpose, purpose) for row in rows)


def listed_since(tx: Connection, office: Office, hashed: bytes, purpose: str) -> datetime | None:
    """Since when an address, by its hash, gets no mail for `purpose`: the latest entry counts. None when it may."""
    rows = tx.execute(_standing([hashed], office.clock.now()))
    return max((row.at for row in rows if covers(row.purpose, purpose)), default=None)


def suppressed(tx: Connection, office: Office, hashes: Sequence[bytes], purpose: str) -> frozenset[bytes]:
    """Those of many addresses, by their hashes, that get no mail for `purpose` now."""
    rows = _rows(tx, hashes, office.clock.now())
    return frozenset(bytes(row.address_hash) for row in rows if covers(row.purpose, purpose))


def _refuse(tx: Connection, office: Office, person: people.PersonNumber, purpose: str) -> None:
    said = standing.load(tx, person)
    among = (*office.compiled.consent_bits, *office.compiled.objection_bits)
    for one in dict.fromkeys(each for each in among if covers(purpose, each)):
        if wanted(office, standing.word_of(office.compiled, said, office.clock.now()), one):
            choices.refuse(tx, office, person, one, method="import")


def wanted(office: Office, word: int, purpose: str) -> bool:
    """Whether, by what the person said, mail for `purpose` goes to them: consent where needed, and no objection."""
    given, _ = office.compiled.consent_bits.get(purpose, (0, 0))
    objected = office.compiled.objection_bits.get(purpose, 0)
    return word & (given | objected) == given and bool(given or objected)


def _rows(tx: Connection, hashes: Sequence[bytes], now: datetime) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(hashes), _CHUNK):
        found += tx.execute(_standing(hashes[start : start + _CHUNK], now))
    return found


def _standing(hashes: Sequence[bytes], now: datetime) -> Select[Any]:
    return select(suppressions).where(
        suppressions.c.address_hash.in_(hashes),
        suppressions.c.ended_at.is_(None),
        or_(suppressions.c.until.is_(None), suppressions.c.until > now),
    )


def _write(
    tx: Connection,
    office: Office,
    hashes: Sequence[bytes],
    purpose: str,
    *,
    reason: Suppression,
    source: str | None,
    now: datetime,
) -> None:
    entries = [
        Entry(
            "no-mail.listed",
            None,
            {"address": one.hex(), "purpose": purpose, "reason": reason, "source": source},
            now,
        )
        for one in hashes
    ]
    until = now + PROBED_FOR if reason is Suppression.PROBE else None
    rows = [
        {
            "address_hash": one,
            "purpose": purpose,
            "reason": reason,
            "source": source,
            "at": now,
            "until": until,
            "ended_at": None,
            "leaf": leaf,
        }
        for one, leaf in zip(hashes, leaves.append_many(tx, office.keyring, entries), strict=True)
    ]
    if rows:
        tx.execute(suppressions.insert(), rows)
