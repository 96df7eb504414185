"""Recipients who got data because people agreed are told when somebody no longer does (GDPR Art. 7(3), 19).

The notice is queued in the transaction of the withdrawal itself: no withdrawal stands without it. Whether the recipient
ever had anything of theirs, and the telling, is for `sharing.consented`. Without such recipients it costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from troth.foundation.ledger import leaves
from troth.policy.vocabulary import Circumstance
from troth.use.tables import withdrawal_notices
from troth.use.words import Consent, Notice

if TYPE_CHECKING:
    from troth.policy.model import Policy
    from troth.use.office import Office


def recipients_on_consent(policy: Policy, purpose: str) -> tuple[str, ...]:
    """Who gets data for `purpose` because people agreed to it."""
    return tuple(
        dict.fromkeys(
            each.name
            for sentence, each in policy.recipients
            if sentence.meaning.circumstance is Circumstance.CONSENT and each.purpose == purpose
        )
    )


def queue_in(tx: Connection, office: Office, rows: Sequence[dict[str, Any]]) -> int:
    """Queue a notice for each recipient of each word that ends a consent, in the caller's deed; gives how many."""
    ended = [row for row in rows if row["event"] is not Consent.GIVEN]
    named = {purpose: recipients_on_consent(office.policy, purpose) for purpose in {row["purpose"] for row in ended}}
    waiting = [(row, name) for row in ended for name in named[row["purpose"]]]
    if not waiting:
        return 0
    entries = [
        leaves.Entry(
            "recipient.to-be-told",
            row["person"],
            {"recipient": name, "purpose": row["purpose"], "word": row["leaf"]},
            row["recorded_at"],
        )
        for row, name in waiting
    ]
    made = [
        {
            "recipient": name,
            "purpose": row["purpose"],
            "person": row["person"],
            "word": row["leaf"],
            "state": Notice.WAITING,
            "queued_at": row["recorded_at"],
            "leaf": leaf,
        }
        for (row, name), leaf in zip(waiting, leaves.append_many(tx, office.keyring, entries), strict=True)
    ]
    tx.execute(withdrawal_notices.insert(), made)
    return len(made)
