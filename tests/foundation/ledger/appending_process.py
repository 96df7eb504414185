"""A process that writes leaves until it is killed, or has written as many as it was asked to.

    python appending_process.py URL KEY_FOLDER NAME COUNT

Prints the id of each leaf once it is durable: what was printed must never be lost. Some transactions write several
leaves, some are undone, some wait before they commit, so that on PostgreSQL smaller ids are committed after larger ones.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from troth.errors import StoreError
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.leaves import Entry
from troth.foundation.store import Store


class Undone(Exception):
    """The deed changed its mind."""


def main(url: str, folder: str, name: str, count: int) -> None:
    keyring = Keyring.load(Path(folder), {})
    chance = random.Random(name)
    written = 0
    with Store.open(url) as store:
        while written < count:
            many = chance.choice((1, 1, 1, 2, 5))
            fails = chance.random() < 0.15
            entries = [Entry("tea.poured", 1, {"by": name, "n": written + n}, datetime.now(UTC)) for n in range(many)]
            try:
                with store.writing() as tx:
                    ids = leaves.append_many(tx, keyring, entries)
                    if store.kind == "postgresql":
                        time.sleep(chance.choice((0, 0, 0.002, 0.02)))
                    if fails:
                        raise Undone  # noqa: TRY301 - this is how a deed is undone
            except Undone:
                continue
            except StoreError:
                continue  # another has been writing for too long; nothing was written
            written += many
            sys.stdout.write("".join(f"{one}\n" for one in ids))
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
