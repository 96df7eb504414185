"""Checkpoints are C2SP signed notes: others' examples read, ours verify with the public key alone, altered ones do not."""

from __future__ import annotations

import pytest

from tests.foundation.ledger import independent
from troth.errors import ProofInvalid
from troth.foundation.keys import Keyring
from troth.foundation.ledger import checkpoints, notes
from troth.foundation.ledger.checkpoints import Checkpoint
from troth.foundation.ledger.notes import PublicKey

ROOT = bytes(range(32))
HEAD = Checkpoint("shop.example/ledger/0123abcd", 17, ROOT)

# From the documentation of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_the_reference_implementation_is_read() -> None:
    key = PublicKey.parse(GO_KEY)

    assert key.name == "PeterNeumann"
    assert key.text == GO_KEY
    assert notes.read(GO_NOTE, [key]).endswith("problem is.\n")


def test_a_checkpoint_is_three_lines_and_a_signature_that_a_stranger_can_verify(keyring: Keyring) -> None:
    note = checkpoints.sign(HEAD, keyring)
    key = PublicKey.of(keyring, HEAD.origin)

    text, signature = note.split("\n\n")
    assert text == "shop.example/ledger/0123abcd\n17\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert signature.startswith("\u2014 shop.example/ledger/0123abcd ")
    assert checkpoints.read(note, [key]) == HEAD
    assert independent.open_checkpoint(note, key.text) == (HEAD.origin, 17, ROOT)


def test_every_altered_letter_is_seen(keyring: Keyring) -> None:
    note, key = checkpoints.sign(HEAD, keyring), PublicKey.of(keyring, HEAD.origin)

    for at, letter in enumerate(note):
        for other in {chr(ord(letter) ^ 1), "", letter * 2} - {letter}:
            with pytest.raises(ProofInvalid):
                checkpoints.read(note[:at] + other + note[at + 1 :], [key])


def test_a_signature_of_somebody_else_counts_for_nothing(
    keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Keyring.create(tmp_path_factory.mktemp("other"))
    note = checkpoints.sign(HEAD, keyring)

    with pytest.raises(ProofInvalid, match="no key that is trusted"):
        checkpoints.read(note, [PublicKey.of(other, HEAD.origin)])
    with pytest.raises(ProofInvalid, match="no key that is trusted"):
        checkpoints.read(note, [])


def test_further_signatures_and_lines_are_let_be(keyring: Keyring) -> None:
    key = PublicKey.of(keyring, HEAD.origin)
    witnessed = checkpoints.sign(HEAD, keyring) + GO_NOTE.rpartition("\n\n")[2]
    extended = notes.sign(HEAD.text + "a further line\n", HEAD.origin, keyring)

    assert checkpoints.read(witnessed, [key]) == HEAD
    assert checkpoints.read(extended, [key]) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name+00000000+", GO_KEY[:-1], GO_KEY.replace("c74f", "c74e"), GO_KEY.replace("Peter", "Petra"),
        "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", GO_KEY.replace("+AR", "+Ah"),
    ],
)  # fmt: skip
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid, match="no public key"):
        PublicKey.parse(text)


@pytest.mark.parametrize("lines", ["a\n01\n", "a\n-1\n", "a\nx\n", "\n1\n", "a\n\u0661\n", "a\n1\n"])
def test_what_is_no_checkpoint_is_refused(lines: str, keyring: Keyring) -> None:
    with pytest.raises(ProofInvalid, match="no checkpoint"):
        checkpoints.parse(
            f"{lines}{'AAAA' if lines == 'a' + chr(10) + '1' + chr(10) else HEAD.text.split(chr(10))[2]}\n"
        )


def test_a_file_may_hold_checkpoints_one_after_the_other(keyring: Keyring) -> None:
    first = checkpoints.sign(HEAD, keyring)
    second = checkpoints.sign(Checkpoint(HEAD.origin, 18, ROOT), keyring)

    assert checkpoints.split_notes(first + second) == (first, second)
    assert checkpoints.split_notes(f"\n{first}\n\n{second}\n") == (first, second)
    assert checkpoints.split_notes(first.replace("\n", "\r\n")) == (first,)
    with pytest.raises(ProofInvalid, match="no checkpoint in it"):
        checkpoints.split_notes("\n\n")
