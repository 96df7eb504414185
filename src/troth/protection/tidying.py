"""End what is past its time in troth's own store: the deed behind the table of `own_periods`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troth.foundation.ledger import leaves
from troth.foundation.store.schema import metadata
from troth.protection.own_periods import OWN, past

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store


def tidy(store: Store, keyring: Keyring, now: dt.datetime) -> Mapping[str, int]:
    """Delete every row of troth's own that is past its time, with one ledger entry; gives how many, by table."""
    with store.writing() as tx:
        gone = {}
        for each in OWN:
            n = tx.execute(metadata.tables[each.table].delete().where(past(each, now))).rowcount
            if n > 0:
                gone[each.table] = n
        if gone:
            leaves.append(tx, keyring, "retention.own", None, {"rows": gone}, now)
    return gone
