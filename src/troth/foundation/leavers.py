"""Accounts of people who have left: the accounts held against the list of those who work here.

The list is a CSV file with a column `name`, as they sign in, and possibly a column `active`; it comes from where the
company keeps its people (a directory, the payroll). The file is not kept: its hash is, with how many it listed, and the
numbers of the open accounts that it does not list. A list without a single name is refused: it would say that
everybody has left.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select

from troth.errors import TrothError, UnreadableFile
from troth.foundation import staff
from troth.foundation.staff import Account
from troth.foundation.store import Store
from troth.foundation.tables import staff_comparisons

_NAMES = ("name", "login", "username")
_NOT_ACTIVE = frozenset({"0", "false", "inactive", "left", "no"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison found: how many the list names, how many accounts are open, and whose holders have left."""

    listed: int
    accounts: int
    gone: tuple[Account, ...]


def compare(store: Store, content: bytes, *, where: str, now: datetime, by: int | None = None) -> Comparison:
    """Hold the open accounts against the list in `content`, and record what came of it.

    `where` is what the file is called. Raises: UnreadableFile for what is no such list, with its line; TrothError for
    one that names nobody.
    """
    names = names_in(content, where=where)
    with store.writing() as tx:
        accounts = [each for each in staff.list_(tx) if each.disabled_at is None]
        gone = tuple(each for each in accounts if each.name not in names)
        numbers = [each.id for each in gone]
        sha256 = hashlib.sha256(content).hexdigest()
        body = {"sha256": sha256, "listed": len(names), "accounts": len(accounts), "gone": numbers, "by": by}
        leaf = staff.record(tx, "staff.compared", None, now, **body)
        facts = {"at": now, "sha256": sha256, "listed": len(names), "accounts": len(accounts)}
        tx.execute(staff_comparisons.insert().values(gone=json.dumps(numbers), leaf=leaf, **facts))
    return Comparison(len(names), len(accounts), gone)


def latest(tx: Connection) -> Row | None:  # type: ignore[type-arg]
    """The last comparison as it is kept; None before the first."""
    return tx.execute(select(staff_comparisons).order_by(staff_comparisons.c.id.desc()).limit(1)).one_or_none()


def names_in(content: bytes, *, where: str) -> frozenset[str]:
    """The names of those who work here, as accounts spell them. Raises: as `compare`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise UnreadableFile("not UTF-8", where=f"{where}:{line}", repair="Save it as UTF-8.") from None
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        heads = {head.strip().lower(): head for head in rows.fieldnames or () if head}
        column = next((heads[each] for each in _NAMES if each in heads), None)
        if column is None:
            raise UnreadableFile(
                "no column says how they sign in", where=f"{where}:1", expected=f"a column {' or '.join(_NAMES)}"
            )
        active = heads.get("active")
        names = {
            staff.spelled(row[column] or "")
            for row in rows
            if active is None or (row[active] or "").strip().lower() not in _NOT_ACTIVE
        }
    except csv.Error:
        raise UnreadableFile("not CSV", where=f"{where}:{rows.line_num}") from None
    names.discard("")
    if not names:
        raise TrothError(
            "the list names nobody; that would say that everybody has left", where=where, repair="Export it again."
        )
    return frozenset(names)
