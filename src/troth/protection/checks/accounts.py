"""Accounts of staff: who could enter the console, by what, and whether they still work here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.operations import Operation
from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Measure

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

COMPARED_WITHIN = dt.timedelta(days=92)
"""Once a quarter, and some days."""


def _measure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.measure is Measure.ACCESS_CONTROL


@check(
    id="protection.password-alone",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b); ASVS 5.0 6.3.3",
    may_be_silent=True,
)
def password_alone(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A password alone opens nobody's data: who could read people's data has a second factor.

    What it proves: each open account of troth whose role meets people's data, and that has a password, has confirmed
    codes from a telephone, or has a passkey.

    What it does not prove: what the company's own provider asks for; accounts of other systems. An account without a
    password is entered by links that open once, or by the provider.

    Repair: the holder sets a factor up under *Your account*; `[staff] second_factor = "required"` lets nobody past it.
    Before: `dora  dpo  open  no second factor`. After: `dora  dpo  open  code`.
    """
    store = seen.need_store()
    from sqlalchemy import select

    from troth.foundation.tables import staff, staff_codes, staff_passkeys

    reading = {role for row in Operation if row.personal for role in row.roles}
    with store.reading() as tx:
        factors = {
            *tx.execute(select(staff_codes.c.staff).where(staff_codes.c.confirmed_at.is_not(None))).scalars(),
            *tx.execute(select(staff_passkeys.c.staff)).scalars(),
        }
        rows = tx.execute(select(staff.c.id, staff.c.role, staff.c.password).where(staff.c.disabled_at.is_(None))).all()
    facing = [row for row in rows if row.role in reading]
    bare = [row for row in facing if row.password is not None and row.id not in factors]
    for row in bare:
        yield broken(
            f"staff account {row.id}",
            f"a {row.role.label} comes in by a password alone",
            repair="let them set up a second factor under `Your account`, or close it: `troth staff disable NAME`",
        )
    if facing and not bare:
        with_factor = sum(row.id in factors for row in facing)
        yield kept(
            sentence.id,
            f"{counted(len(facing), 'account')} may read people's data: {with_factor} with a second factor, the others"
            " without a password",
        )


@check(
    id="protection.leaver-enters",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b), 32(4)",
    max_age=COMPARED_WITHIN,
    may_be_silent=True,
)
def leaver_enters(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Who has left the company has no open account.

    What it proves: within the last quarter the open accounts of troth were held against the list of those who work
    here, and each that was not on it is closed now; the ledger says the same of that comparison.

    What it does not prove: that the list was right; accounts of other systems; who left since.

    Repair: close the account. Before: `ann  agent  open`, and Ann is on no list. After: `troth staff disable ann`.
    """
    store = seen.need_store()
    from sqlalchemy import select

    from troth.foundation.ledger import entries
    from troth.foundation.tables import staff, staff_comparisons

    with store.reading() as tx:
        open_now = set(tx.execute(select(staff.c.id).where(staff.c.disabled_at.is_(None))).scalars())
        last = tx.execute(select(staff_comparisons).order_by(staff_comparisons.c.id.desc()).limit(1)).one_or_none()
        told = entries.of_leaves(tx, [last.leaf]).get(last.leaf) if last is not None else None
    if not open_now:
        return
    if last is None or last.at < seen.now - COMPARED_WITHIN:
        when = "were never compared" if last is None else f"were last compared on {last.at:%Y-%m-%d}"
        yield unproven(
            sentence.id,
            f"the accounts of staff {when} with the list of who works here",
            repair="export that list as CSV, then run `troth staff compare FILE`",
        )
        return
    on = last.at
    left = sorted(set(json.loads(last.gone)) & open_now)
    facts = {"listed": last.listed, "accounts": last.accounts, "sha256": last.sha256, "at": last.at}
    if told is None or not told.says("staff.compared", **facts) or set(told.body["gone"]) - set(json.loads(last.gone)):
        left = sorted({*left, *(() if told is None else open_now.intersection(told.body.get("gone", ())))})
        yield broken(
            sentence.id,
            f"the comparison of the accounts with who works here {entries.NOT_AS_TOLD}",
            repair="find out who changed the register, then run `troth staff compare FILE`",
        )
        last = None
    for number in left:
        yield broken(
            f"staff account {number}",
            f"is open, and was not on the list of who works here on {on:%Y-%m-%d}",
            repair="close it with `troth staff disable NAME`; `troth staff compare FILE` names it",
        )
    if not left and last is not None:
        yield kept(
            sentence.id,
            f"{counted(last.accounts, 'account')} held against {counted(last.listed, 'name')} on {last.at:%Y-%m-%d}",
        )


CHECKS: tuple[Check, ...] = (password_alone, leaver_enters)
