"""Fields sealed for their person, against AES-256-GCM alone.

The floor has the person's own key object at hand, takes a fresh nonce, and gives bytes. Ours finds the key among
thousands, says which it was, binds the value to its place and person, and gives the text that is stored; opening has
that text. The keys are in memory, under a lease that each
use looks at; the store is asked once a second.

Beside it stands what one key and one nonce, used again and again, would take: faster, and no encryption at all, since
whoever has two values under one nonce has both without the key. Against that nobody who encrypts comes to twice: the
nonce alone, asked of the system, brings the cipher near to it, and the text that a column takes brings it above. Both
are measured in the same run, by hand and without any of ours. So the budget is judged against a fresh nonce.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.ratio import Figure, at_most, compare

PEOPLE = 2_000
ROUNDS = 10
FIELDS = 12
POLICY = """troth: 1
title: Privacy Policy
controller: {name: Example Company, country: IE}
laws: [gdpr]
use:
  number: "1"
  title: Use
  fraud: {text: Find fraud, purpose: fraud, basis: legitimate-interests, data: [device.os]}
"""


@contextmanager
def serving() -> Iterator[None]:
    """An instance that serves `FIELD_KEYS`, with the keys of all people made."""
    from troth import application
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store, migrations
    from troth.protection.sealed_fields import FIELD_KEYS

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        Keyring.create(folder)
        with Store.open(f"sqlite:///{folder}/troth.sqlite3") as store:
            migrations.upgrade(store)
        with application.open(folder, {}) as troth:
            troth.seal_fields()
            FIELD_KEYS.make([str(n) for n in range(PEOPLE)])
            yield


def figures() -> Iterator[Figure]:
    """One field in, one field out, and a record of twelve as one message."""
    from troth.foundation.sealed_values import place_of
    from troth.protection.sealed_fields import FIELD_KEYS

    place, content = place_of("shop.messages.body"), b"thirty-two bytes of what is said"
    cipher, nonce, bound = AESGCM(secrets.token_bytes(32)), secrets.token_bytes(12), place + b"1234"
    people = [str(n) for n in range(PEOPLE)] * ROUNDS
    sealed_of, opened_of = FIELD_KEYS.sealer("id", place), FIELD_KEYS.opener(place)
    encrypt = cipher.encrypt
    ciphers = [AESGCM(secrets.token_bytes(32)) for _ in range(PEOPLE)] * ROUNDS
    opening = [(each, nonce, each.encrypt(nonce, content, bound)) for each in ciphers[:PEOPLE]] * ROUNDS
    texts = [(each, b2a_base64(taken + closed).decode()) for each, taken, closed in opening]
    record = {f"field{n}": "thirty-two bytes of what is said"[n:] for n in range(FIELDS)}
    parts = [value.encode() for value in record.values()]

    with serving():
        stored = [(person, sealed_of(person, content)) for person in people[:PEOPLE]] * ROUNDS

        def seal() -> None:
            for person in people:
                sealed_of(person, content)

        def seal_plainly() -> None:
            for each in ciphers:
                each.encrypt(os.urandom(12), content, bound)

        def seal_with_one_nonce() -> None:
            for _ in people:
                encrypt(nonce, content, bound)

        def open_() -> None:
            for person, value in stored:
                opened_of(person, value)

        def seal_by_hand() -> None:
            for each in ciphers:
                taken = os.urandom(12)
                b2a_base64(taken + each.encrypt(taken, content, bound), newline=False).decode()

        def open_plainly() -> None:
            for each, taken, closed in opening:
                each.decrypt(taken, closed, bound)

        def open_by_hand() -> None:
            for each, text in texts:
                raw = a2b_base64(text)
                each.decrypt(raw[:12], raw[12:], bound)

        def seal_record() -> None:
            for person in people[:PEOPLE]:
                sealed_of(person, json.dumps(record, separators=(",", ":")).encode())

        def seal_singly() -> None:
            for _ in people[:PEOPLE]:
                for part in parts:
                    encrypt(os.urandom(12), part, bound)

        yield at_most(
            "sealing a field of 32 bytes, against AESGCM.encrypt with a fresh nonce", compare(seal, seal_plainly), 2.0
        )
        yield at_most(
            "the same, against what writes by hand with a fresh nonce the text that a column takes",
            compare(seal, seal_by_hand),
            2.0,
        )
        for what, work in (
            ("the same, against one key and one nonce for all, which must never be", seal),
            ("a fresh nonce alone, against that", seal_plainly),
            ("a fresh nonce, and the text of it, by hand, against that", seal_by_hand),
        ):
            yield Figure(what, f"{compare(work, seal_with_one_nonce).ratio:.2f} x")
        yield at_most(
            "opening it, against AESGCM.decrypt of the text that a column has", compare(open_, open_by_hand), 2.0
        )
        opened = compare(open_, open_plainly)
        yield Figure("the same, against AESGCM.decrypt with key and nonce and content at hand", f"{opened.ratio:.2f} x")
        yield at_most(
            f"a record of {FIELDS} fields sealed as one, against AESGCM.encrypt for each field",
            compare(seal_record, seal_singly),
            1.0,
        )
