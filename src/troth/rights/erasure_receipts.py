"""What is said of an erasure, to the person and to machines: plan, counts, what is kept until when, residue, proof.

Every count comes from the `troth_step` of the store in which the rows were. No value of anybody stands in it, so that
it can be shown, printed and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from troth.foundation.ledger import receipts
from troth.foundation.ledger.checkpoints import parse
from troth.rights import held_back

if TYPE_CHECKING:
    from troth.foundation.records.erasureplan import ErasurePlan
    from troth.rights.erasure import Erasure

SCHEMA = 1


def as_json(tx: Connection, erasure: Erasure) -> dict[str, Any]:
    """The outcome of an erasure, in the shape that other programs rely on.

    `proof.entry` is the number of its entry in the ledger, `proof.root` the root of the newest signed head that holds
    it, in hex; None until the sequencer has placed it. `kept` has what laws keep and, while it is pending, what legal
    holds do, with who answers for them (`owner`) and the day when they are looked at again (`until`). `elsewhere`:
    stores that nobody searched, such as a processor's.
    """
    entry = erasure.proof or erasure.outcome or erasure.intent
    placed = receipts.find_receipt(tx, entry)
    return {
        "schema": SCHEMA,
        "request": erasure.name,
        "state": erasure.state.value,
        "plan": list(erasure.plan.get("steps", ())),
        "erased": _by_store(erasure.counts, "erased"),
        "changed": _by_store(erasure.counts, "changed"),
        "kept": [*erasure.plan.get("kept", ()), *held_back.told(tx, erasure.held)],
        "residue": list(erasure.residue),
        "elsewhere": list(erasure.plan.get("elsewhere", ())),
        "proof": {"entry": entry, "root": None if placed is None else parse(placed.checkpoint).root.hex()},
    }


def planned_as_json(plan: ErasurePlan) -> dict[str, Any]:
    """A plan in the same shape, before anything was done."""
    return {
        "schema": SCHEMA,
        "request": None,
        "state": "planned",
        "plan": plan.as_json(),
        "erased": {},
        "changed": {},
        "kept": plan.kept(),
        "residue": [],
        "elsewhere": [],
        "proof": {"entry": None, "root": None},
    }


def _by_store(counts: Mapping[str, Any], word: str) -> dict[str, dict[str, int]]:
    """Tables in which something happened, by store."""
    found = {store: {table: n for table, n in each.get(word, {}).items() if n} for store, each in counts.items()}
    return {store: tables for store, tables in found.items() if tables}
