"""Turn the key: new keys to seal and to sign with. A kill at any moment loses nothing.

1. The file gets a key that seals with a new root and still opens with the old one. It signs with a key of its own, and
   carries the signing key of before for one signature more. The file is replaced in one step.
2. People's keys are closed anew, a thousand to a transaction. Both keys are at hand, so each one opens all the time.
3. The ledger passes to the new signing key: one head that both sign, over an entry that says so (`ledger.lineage`).
4. The store says that it is sealed with the new key, with an entry in the ledger.
5. The signing key of before leaves the file: it signs nothing any more, and what it signed is verified with its public
   half, which stands in the ledger.

Whoever was killed runs it again; it goes on where it was. Pseudonyms stay, since we have hashes of names and not the
names. What else was sealed before (a letter that waits, a link, a request under way) opens with the key before, which
the new one carries, and goes by its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from troth.errors import KeyUnavailable
from troth.foundation import keys, keysource
from troth.foundation.clock import Clock
from troth.foundation.keycare.looking import Act, note
from troth.foundation.keys import Keyring
from troth.foundation.ledger import lineage, personkeys
from troth.foundation.ledger.sequencer import Sequencer
from troth.foundation.store import Store

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Turned:
    """What a turn did. `people_keys` counts those of people that this run closed anew; `before` is None where a run
    that was interrupted had recorded the turn already. `signs_from`: the size of the head with which the new key took
    over; None where nothing was signed yet.
    """

    before: str | None
    id: str
    people_keys: int
    resumed: bool
    signs_from: int | None


def turn(
    store: Store,
    folder: Path,
    environ: Mapping[str, str],
    clock: Clock,
    *,
    batch: int = _BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Turned:
    """Turn the key in `folder`, or end a turn that was interrupted. Stop what serves and works before, start it after.

    A process that goes on with the old key cannot open what was closed anew, and signs no head any more; what it seals
    meanwhile is not lost. `progress` gets how many keys of people are done, and how many there are.
    Raises: KeyUnavailable when the key does not stand in a file, does not fit, or a person's key does not open;
    StoreError.
    """
    require_own_file(folder, environ)
    keyring = Keyring.load(folder, {})
    keys.confirm(store, keyring)
    with store.reading() as tx:
        sealed_with = keys.now_sealed_with(tx) or keyring.id
    resumed = sealed_with != keyring.id or keyring.former_public_key is not None
    if not resumed:
        keys.replace(folder, keyring.turned())
        keyring = Keyring.load(folder, {})
    count = close_anew(store, keyring, batch=batch, progress=progress)
    Sequencer(store, keyring, clock).pass_on()
    with store.reading() as tx:
        signs_from = lineage.load(tx).in_force_from(keyring.public_key)
    if sealed_with != keyring.id:
        with store.writing() as tx:
            keys.adopt(tx, keyring)
            note(tx, Act.TURNED, keyring.id, clock.now(), before=sealed_with, signs=keyring.signing_id)
    keys.replace(folder, keys.handed_over((folder / keysource.FILE).read_text("ascii")))
    store.settle()
    return Turned(None if sealed_with == keyring.id else sealed_with, keyring.id, count, resumed, signs_from)


def require_own_file(folder: Path, environ: Mapping[str, str]) -> None:
    """Make sure that the key stands in a file of ours, where it can be replaced. Raises: KeyUnavailable."""
    elsewhere = keysource.VARIABLE if environ.get(keysource.VARIABLE) else None
    if keysource.command_of(folder):
        elsewhere = keysource.SETTING
    if elsewhere is not None:
        raise KeyUnavailable(
            "a key that stands in no file of ours cannot be turned in its place",
            where=elsewhere,
            repair=f"Put it into {keysource.FILE}, unset {elsewhere}, turn it, and bring the new text to where it was.",
        )


def close_anew(
    store: Store, keyring: Keyring, *, batch: int = _BATCH, progress: Callable[[int, int], None] | None = None
) -> int:
    """Close every person's key with the newest sealing key, `batch` to a transaction; gives how many were not yet.

    Raises: KeyUnavailable when one does not open; what was done stays done.
    """
    total = 0
    if progress is not None:
        with store.reading() as tx:
            total = personkeys.count(tx)
    count, gone_through, after = 0, 0, (b"", "")
    while True:
        with store.writing() as tx:
            done, last = personkeys.rewrap(tx, keyring, after, batch)
        count += done
        gone_through += batch
        if progress is not None:
            progress(min(gone_through, total), total)
        if last is None:
            return count
        after = last
