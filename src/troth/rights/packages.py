"""Copies that people ask for: made once, kept sealed, fetched only by the person themselves, and gone when it is time.

1. A request has one copy. To make it again is to find it made; two workers at once make one.
2. At rest it is a file under a random name, sealed while it is written. Its key is random, and closed with the person's
   content key: when that is destroyed, the copy is unreadable, wherever the file has been copied to.
3. Only the person of the request gets it. For anybody else, and for a copy that is gone or never was, the answer is
   the same: nothing.
4. It ends after a declared time, and at once when the person is erased. Each download is an entry of the ledger,
   written before the first byte leaves.
5. What other people are in waits for staff first (`releases`); until then there is no file.

A crash between the file and its row leaves a file that nobody can open; `clear` removes it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select, update

from troth.errors import KeyUnavailable, RequestError, StoreError
from troth.foundation import ids
from troth.foundation.clock import SystemClock
from troth.foundation.ledger import leaves, personkeys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.people import PersonNumber
from troth.foundation.sealed_files import SealedSpool, SealedWriter, new_key, unsealed
from troth.foundation.store import hold
from troth.foundation.store.guard import refuse_inside_writing
from troth.policy.vocabulary import Right
from troth.rights import access, releases, requests
from troth.rights.packaging import writing
from troth.rights.packaging.writing import Written
from troth.rights.tables import packages
from troth.rights.words import Gone

if TYPE_CHECKING:
    from troth.rights.desk import Desk
    from troth.rights.requests import Request
    from troth.use.office import Office

_ABANDONED = timedelta(days=1)
"""A file without a row that is older belongs to no worker any more."""


@dataclass(frozen=True, slots=True)
class Package:
    """One copy as it stands. `rows` and `redactions` are counts, `size` is the zip's, in bytes."""

    id: int
    size: int
    rows: int
    redactions: int
    made_at: datetime
    ends_at: datetime
    gone: Gone | None
    gone_at: datetime | None
    downloads: int
    downloaded_at: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it can be fetched at `now`."""
        return self.gone is None and now < self.ends_at


@dataclass(frozen=True, slots=True)
class Provided:
    """What came of making a copy: the copy, or how many values wait for a decision of staff first."""

    package: Package | None
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class Download:
    """A copy on its way to its person. `chunks` are read once; if they raise, the answer must be broken off."""

    number: str
    size: int
    sha256: bytes = field(repr=False)
    chunks: Iterator[bytes] = field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer: a file to be saved, kept by no cache, with the digest of the whole (RFC 9530)."""
        return {
            "content-type": "application/zip",
            "content-length": str(self.size),
            "content-disposition": f'attachment; filename="privacy-copy-{self.number}.zip"',
            "repr-digest": f"sha-256=:{base64.b64encode(self.sha256).decode('ascii')}:",
            "cache-control": "no-store, private",
            "pragma": "no-cache",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }


# --- making -------------------------------------------------------------------------------------------------------


def provide(desk: Desk, which: int | str) -> Provided:
    """Make the copy for an access request and seal it, unless it is made already or staff have to decide first.

    Safe to repeat and to kill anywhere. Raises: RequestUnknown; RequestError for a request of another right, or whose
    person nobody has shown to be who they say; PersonAmbiguous; RecordsError when a store does not answer: try again;
    KeyUnavailable when the person has been erased.
    """
    refuse_inside_writing("a copy")
    with desk.office.store.reading() as tx:
        request = requests.load(tx, which)
        made = find(tx, request.id)
    if made is not None:
        return Provided(made)
    if request.right is not Right.ACCESS or request.person is None or request.confirmed_at is None:
        raise RequestError(
            "a copy is made only for a request for access whose person is confirmed", where=f"request {request.number}"
        )
    waiting = undecided(desk, request)
    if waiting:
        return Provided(None, waiting)
    folder = _folder(desk)
    with _new_file(folder) as (name, file):
        key = new_key()
        sealed = SealedWriter(file, key, context=name.encode())
        copy = access.collect(desk, request.id)
        written = writing.write(
            copy, sealed, keyring=desk.office.keyring, spool=lambda: SealedSpool.beside(str(folder))
        )
        sealed.finish()
        _settle(file, folder)
    # From here on the file stays whatever happens: a commit may have been made that we were not told of.
    with desk.office.store.writing() as tx:
        hold(tx, f"package {request.id}")
        if (made := find(tx, request.id)) is None:
            return Provided(_record(tx, desk, request, written, name=name, key=key))
    (folder / name).unlink(missing_ok=True)  # another worker was first
    return Provided(made)


def undecided(desk: Desk, request: Request) -> int:
    """How many values of the copy wait for a decision of staff; reads no store where the map asks for none."""
    asking = any(column.others == "ask" for table in desk.datamap.tables() for column in table.columns.values())
    return releases.undecided(desk, request, access.held(desk, request)) if asking else 0


def questions(desk: Desk, which: int | str) -> tuple[releases.Question, ...]:
    """What staff decide about before the copy for a request is made; see `releases.decide`."""
    with desk.office.store.reading() as tx:
        request = requests.load(tx, which)
    return releases.questions(desk, request, access.held(desk, request))


# --- finding and fetching -----------------------------------------------------------------------------------------


def find(tx: Connection, request: int) -> Package | None:
    """The copy for a request, also one that is gone; None before it is made."""
    row = tx.execute(select(packages).where(packages.c.request == request)).one_or_none()
    return None if row is None else _package(row)


def open_stream(desk: Desk, which: int | str, person: PersonNumber) -> Download | None:
    """The copy for a request, for the verified `person` whose it is; records the download.

    None for anybody else, and for a copy that is gone, not made yet or was never asked for: they cannot be told apart.
    Raises: StoreError where the file is missing or damaged, before anything was given.
    """
    office, now = desk.office, desk.office.clock.now()
    live = (packages.c.person == person, packages.c.gone.is_(None), packages.c.ends_at > now)
    with office.store.reading() as tx:
        request = requests.find(tx, which)
        mine = packages.c.request == (request.id if request is not None else -1)
        row = tx.execute(select(packages).where(mine, *live)).one_or_none()
        key = None if row is None else _key_of(tx, office, row)
    if request is None or row is None or key is None:
        return None
    chunks = _unsealed(desk, row.file, key, request.number)
    first = next(chunks, b"")
    with office.deed() as tx:
        counted = {"downloads": packages.c.downloads + 1, "downloaded_at": now}
        if tx.execute(update(packages).where(mine, *live).values(counted)).rowcount != 1:
            return None  # it went in this moment
        body = {"request": request.number, "size": row.size}
        leaves.append(tx, office.keyring, "package.downloaded", person, body, now)
    return Download(request.number, row.size, row.sha256, _joined(first, chunks))


# --- going --------------------------------------------------------------------------------------------------------


def forget_in(tx: Connection, office: Office, person: PersonNumber, why: Gone = Gone.ERASED) -> int:
    """Destroy the keys of all copies of a person, in the transaction of what makes them go; gives how many went.

    From its commit on none can be opened. The files go with the next `clear`.
    """
    mine = select(packages).where(packages.c.person == person, packages.c.gone.is_(None))
    rows = tx.execute(mine.with_for_update()).all()
    for row in rows:
        _let_go(tx, office, row, why)
    return len(rows)


def withdraw_in(tx: Connection, office: Office, request: int) -> bool:
    """Destroy the key of the copy for one request, as when it turns out to have been somebody else who asked."""
    mine = select(packages).where(packages.c.request == request, packages.c.gone.is_(None))
    row = tx.execute(mine.with_for_update()).one_or_none()
    if row is not None:
        _let_go(tx, office, row, Gone.WITHDRAWN)
    return row is not None


def clear(desk: Desk) -> int:
    """End the copies whose time is up or whose person is gone, remove every file that no live copy has, and give how
    many copies ended.

    Safe to repeat; run it by schedule, and after an erasure. Raises: StoreError.
    """
    office, now = desk.office, desk.office.clock.now()
    ended = 0
    with office.store.writing() as tx:
        for row in tx.execute(select(packages).where(packages.c.gone.is_(None)).with_for_update()).all():
            if row.person is None or _key_of(tx, office, row) is None:
                _let_go(tx, office, row, Gone.ERASED)
                ended += 1
            elif row.ends_at <= now:
                _let_go(tx, office, row, Gone.EXPIRED)
                ended += 1
    folder = desk.instance.package_folder
    if folder.is_dir():
        with office.store.reading() as tx:
            live = set(tx.execute(select(packages.c.file).where(packages.c.gone.is_(None))).scalars())
            gone = set(tx.execute(select(packages.c.file).where(packages.c.gone.is_not(None))).scalars())
        for path in folder.iterdir():
            if path.name in gone or (path.name not in live and ids.is_token(path.name) and _abandoned(path)):
                path.unlink(missing_ok=True)
    with office.store.writing() as tx:
        tx.execute(update(packages).where(packages.c.gone.is_not(None)).values(file=None))
    return ended


# --- inside -------------------------------------------------------------------------------------------------------


def _record(tx: Connection, desk: Desk, request: Request, written: Written, *, name: str, key: bytes) -> Package:
    """Write down that the copy was made, with its key closed for its person."""
    office, now = desk.office, desk.office.clock.now()
    assert request.person is not None
    called = leaves.pseudonym(office.keyring, request.person)
    closing = personkeys.key_for(tx, office.keyring, called, KeyUse.CONTENT, now)
    body = {
        "request": request.number,
        "size": written.size,
        "rows": written.rows,
        "redactions": written.redactions,
        "policy": office.policy.sha256,
        "map": desk.datamap.sha256,
    }
    # the digest of what was handed over stays provable as long as the company answers for it, and no longer
    digest = {"sha256": written.sha256.hex()}
    leaf = leaves.append(
        tx, office.keyring, "package.made", request.person, body, now, sealed=digest, under=KeyUse.ACCOUNTABILITY
    )
    made = packages.insert().values(
        request=request.id,
        person=request.person,
        file=name,
        key=personkeys.seal(closing, key, _context(name)),
        size=written.size,
        sha256=written.sha256,
        rows=written.rows,
        redactions=written.redactions,
        made_at=now,
        ends_at=desk.instance.settings.packages.keep.after(now),
        downloads=0,
        leaf=leaf,
    )
    return _package(tx.execute(made.returning(*packages.c)).one())


def _let_go(tx: Connection, office: Office, row: Row[Any], why: Gone) -> None:
    now = office.clock.now()
    gone = {"key": None, "sha256": None, "gone": why, "gone_at": now}
    tx.execute(update(packages).where(packages.c.id == row.id).values(gone))
    number = requests.load(tx, row.request).number
    leaves.append(tx, office.keyring, f"package.{why}", row.person, {"request": number}, now)


def _key_of(tx: Connection, office: Office, row: Row[Any]) -> bytes | None:
    """The key of the file; None when the person's own key is gone."""
    closing = personkeys.find_key(tx, office.keyring, leaves.pseudonym(office.keyring, row.person), KeyUse.CONTENT)
    return None if closing is None else personkeys.unseal(closing, row.key, _context(row.file))


def _context(name: str) -> bytes:
    return b"package|" + name.encode()


def _unsealed(desk: Desk, name: str, key: bytes, number: str) -> Iterator[bytes]:
    try:
        with (desk.instance.package_folder / name).open("rb") as file:
            yield from unsealed(file, key, context=name.encode())
    except (OSError, KeyUnavailable):
        raise StoreError(
            "its copy is missing or damaged", where=f"request {number}", repair="Put the folder of packages back."
        ) from None


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _folder(desk: Desk) -> Path:
    folder = desk.instance.package_folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder of packages cannot be made: {error.strerror}", where=str(folder)) from None
    return folder


@contextmanager
def _new_file(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """A new file under a random name, for us alone; removed when the block raises."""
    name = ids.random_token()
    path = folder / name
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        raise StoreError(f"a copy cannot be written: {error.strerror}", where=str(folder)) from None
    try:
        with file:
            yield name, file
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreError(f"a copy cannot be written: {error.strerror}", where=str(folder)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _settle(file: IO[bytes], folder: Path) -> None:
    """Make sure that the file and its name are on the disk before a row names them."""
    file.flush()
    os.fsync(file.fileno())
    with suppress(OSError):  # not every file system can
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _abandoned(path: Path) -> bool:
    with suppress(OSError):
        return SystemClock().now().timestamp() - path.stat().st_mtime > _ABANDONED.total_seconds()
    return False


def _package(row: Row[Any]) -> Package:
    return Package(**{name: getattr(row, name) for name in Package.__dataclass_fields__})
