"""Turn the key: a new sealing key, under which every person's key is closed anew. A kill at any moment loses nothing.

1. The file gets a key that seals with a new root and still opens with the old one. It is replaced in one step.
2. People's keys are closed anew, a thousand to a transaction. Both keys are at hand, so each one opens all the time.
3. The store says that it is sealed with the new key, with an entry in the ledger.

Whoever was killed runs it again; it goes on where it was. Pseudonyms stay, since we have hashes of names and not the
names; the signing key stays, so that what was signed is verified as before. What else was sealed before (a letter that
waits, a link, a request under way) opens with the key before, which the new one carries, and goes by its own end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from troth.errors import KeyUnavailable
from troth.foundation import keys, keysource
from troth.foundation.clock import Clock
from troth.foundation.keycare.looking import Act, note
from troth.foundation.keys import Keyring
from troth.foundation.ledger import personkeys
from troth.foundation.store import Store

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Turned:
    """What a turn did. `people_keys` counts those of people that this run closed anew."""

    before: str
    id: str
    people_keys: int
    resumed: bool


def turn(store: Store, folder: Path, environ: Mapping[str, str], clock: Clock, *, batch: int = _BATCH) -> Turned:
    """Turn the key in `folder`, or end a turn that was interrupted. Stop what serves and works before, start it after.

    A process that goes on with the old key cannot open what was closed anew; what it seals meanwhile is not lost.
    Raises: KeyUnavailable when the key does not stand in a file, does not fit, or a person's key does not open;
    StoreError.
    """
    elsewhere = keysource.VARIABLE if environ.get(keysource.VARIABLE) else None
    if keysource.command_of(folder):
        elsewhere = keysource.SETTING
    if elsewhere is not None:
        raise KeyUnavailable(
            "a key that stands in no file of ours cannot be turned in its place",
            where=elsewhere,
            repair=f"Put it into {keysource.FILE}, unset {elsewhere}, turn it, and bring the new text to where it was.",
        )
    keyring = Keyring.load(folder, {})
    keys.confirm(store, keyring)
    with store.reading() as tx:
        before = keys.now_sealed_with(tx) or keyring.id
    resumed = before != keyring.id
    if not resumed:
        text = keyring.turned()
        keys.replace(folder, text)
        keyring = Keyring.from_text(text, where=str(folder / keysource.FILE))
    count, after = 0, (b"", "")
    while True:
        with store.writing() as tx:
            done, last = personkeys.rewrap(tx, keyring, after, batch)
        count += done
        if last is None:
            break
        after = last
    with store.writing() as tx:
        keys.adopt(tx, keyring)
        note(tx, Act.TURNED, keyring.id, clock.now(), before=before)
    store.settle()
    return Turned(before, keyring.id, count, resumed)
